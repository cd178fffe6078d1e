"""Makes, changes and removes messages: the part that channels, interactions and people share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sandbox.chat import Upload
from sandbox.discord import errors
from sandbox.discord.cdn import keep
from sandbox.discord.errors import Problems
from sandbox.discord.gateway import Gateway
from sandbox.discord.mentions import Pinged, pinged
from sandbox.discord.message_rules import check_message, number_components, walk
from sandbox.discord.showing import Showing
from sandbox.discord.world import COMPONENTS_V2, LOADING, Channel, File, Message, World

Json = dict[str, Any]

#: Files of one message.
MOST_FILES = 10


@dataclass(frozen=True)
class Incoming:
    """A ``files[n]`` part of a request."""

    index: int
    filename: str
    data: bytes


class Messenger:
    """Applies checked bodies to messages, then tells the gateway and the feed."""

    def __init__(self, world: World, gateway: Gateway, showing: Showing) -> None:
        self._world = world
        self._gateway = gateway
        self._showing = showing
        self.pings: list[tuple[str, set[str]]] = []
        #: None: by the guild's tier. A number of bytes overrides it.
        self.file_limit: int | None = None

    def limit_in(self, channel: Channel) -> int:
        """Bytes a file may have in a channel."""
        return self.file_limit if self.file_limit is not None else channel.file_limit

    async def apply(
        self,
        message: Message,
        body: Mapping[str, Any],
        files: Sequence[Incoming],
        *,
        allowed_flags: int,
        interaction: bool,
        at: tuple[str, ...] = (),
    ) -> None:
        """Write a create or edit body onto a message; fields that are absent stay as they are.

        ``at`` is where the body lies inside the request, for the tree of problems. Raises
        :class:`~sandbox.discord.errors.ApiError` and then has changed nothing.
        """
        flags = body.get("flags") or 0
        v2 = message.v2 or bool(flags & COMPONENTS_V2)
        problems = Problems()
        check_message(body, allowed_flags=allowed_flags, v2=v2, problems=problems)
        after = replace(message, flags=message.flags | (flags & ~LOADING))
        if "content" in body:
            after.content = body["content"] or ""
        if "embeds" in body:
            after.embeds = list(body["embeds"] or [])
        if "components" in body:
            after.components = list(body["components"] or [])
        if body.get("tts"):
            after.tts = True
        if v2 and not message.v2 and (after.content or after.embeds):
            text = "Set content and embeds to null when turning a message into components v2"
            problems.add(("flags",), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", text)
        kept = self._kept(message, body, files, problems)
        _reraise(problems, at)
        if len(kept) + len(files) > MOST_FILES:
            raise errors.TOO_MANY_FILES()
        if any(len(file.data) > self.limit_in(message.channel) for file in files):
            raise errors.TOO_LARGE()
        if body.get("sticker_ids"):
            raise errors.UNKNOWN_STICKER()
        names = {file.filename for file in kept} | {_safe(file.filename) for file in files}
        _check_references(after, names, problems)
        _reraise(problems, at)
        if not (after.content or after.embeds or after.components or kept or files):
            raise errors.EMPTY_MESSAGE()
        after.files = [*kept, *[await self._keep(message, body, file) for file in files]]
        number_components(after.components)
        allowed = body.get("allowed_mentions")
        hit = pinged(self._world, after, allowed, interaction=interaction)
        self._write(message, after, hit)

    def _kept(
        self, message: Message, body: Mapping[str, Any], files: Sequence[Incoming], problems: Problems
    ) -> list[File]:
        listed = body.get("attachments")
        if listed is None:
            return [] if "attachments" in body else list(message.files)
        new = {str(file.index) for file in files}
        kept = []
        for i, each in enumerate(listed):
            if each["id"] in new:
                continue
            found = next((file for file in message.files if file.id == each["id"]), None)
            if found is None:
                text = "No file of this request and no attachment of this message has this id"
                problems.add(("attachments", i, "id"), "ATTACHMENT_NOT_FOUND", text)
            else:
                kept.append(found)
        return kept

    async def _keep(self, message: Message, body: Mapping[str, Any], file: Incoming) -> File:
        described: Json = next(
            (each for each in body.get("attachments") or [] if each["id"] == str(file.index)),
            {},
        )
        name = _safe(described.get("filename") or file.filename)
        upload = Upload(name, "application/octet-stream", file.data)
        kept = await keep(self._world, upload, message.channel, ephemeral=message.only_for is not None)
        kept.description = described.get("description")
        kept.spoiler = kept.spoiler or bool(described.get("is_spoiler"))
        return kept

    def _write(self, message: Message, after: Message, hit: Pinged) -> None:
        fresh = message.id not in self._world.messages or message.loading
        message.content, message.embeds, message.components = after.content, after.embeds, after.components
        message.files, message.tts = after.files, after.tts
        message.flags = after.flags & ~LOADING
        message.mentions, message.mention_roles = hit.users, hit.roles
        message.mention_everyone, message.replied_user = hit.everyone, hit.replied
        others = hit.names() - {message.author.key}
        if fresh and not message.only_for and others:
            self.pings.append((message.id, others))

    def post(self, message: Message) -> None:
        """A new message stands in its channel."""
        self._world.messages[message.id] = message
        self.announce("MESSAGE_CREATE", message)

    def edited(self, message: Message) -> None:
        message.edited = self._world.clock()
        self.announce("MESSAGE_UPDATE", message)

    def announce(self, event: str, message: Message) -> None:
        """Tell the gateway (ephemeral messages are never told) and the feed."""
        if message.only_for is None:
            self._gateway.message(event, message)
        self._showing.message(message)

    def remove(self, message: Message) -> None:
        message.deleted = True
        if message.only_for is None:
            self._gateway.message_gone(message)
        self._showing.message(message)


def _safe(filename: str) -> str:
    return filename.replace(" ", "_")


def _check_references(message: Message, names: set[str], problems: Problems) -> None:
    """Every ``attachment://name`` in a component must name a file of the message."""
    for path, each in walk(message.components):
        media = [("media", each.get("media")), ("file", each.get("file"))]
        media += [(f"items.{i}.media", item.get("media")) for i, item in enumerate(each.get("items") or [])]
        for key, one in media:
            url = (one or {}).get("url", "")
            if url.startswith("attachment://") and url.removeprefix("attachment://") not in names:
                text = f"The referenced attachment {url.removeprefix('attachment://')} was not found"
                code = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"
                problems.add((*path, *key.split("."), "url"), code, text)


def _reraise(problems: Problems, at: tuple[str, ...]) -> None:
    problems.under(at).raise_if_any()
