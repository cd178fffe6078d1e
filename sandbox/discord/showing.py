"""How a message looks to people: a :class:`~sandbox.chat.Post` from the world's message."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sandbox.chat import Attachment, Button, Feed, Modal, ModalField, Notice, Person, Post
from sandbox.discord.cdn import Cdn
from sandbox.discord.message_rules import BUTTON, FILE_UPLOAD, LINK, ROW, TEXT, TEXT_INPUT, walk
from sandbox.discord.world import PUBLIC_THREAD, SUPPRESS_EMBEDS, Channel, File, Interaction, Message, World

Json = dict[str, Any]

STYLES = {1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "premium"}
_MENTION = re.compile(r"<@!?(\d+)>")


class Showing:
    """Writes the feed."""

    def __init__(self, world: World, cdn: Cdn, feed: Feed) -> None:
        self._world = world
        self._cdn = cdn
        self._feed = feed

    def notice(self, channel: Channel, person: Person, text: str) -> None:
        self._feed.publish(Notice("discord", channel.key, person.key, text))

    def modal(self, interaction: Interaction, data: Json) -> None:
        fields = tuple(_fields(data["components"]))
        person = interaction.person.key
        self._feed.publish(Modal("discord", interaction.channel.key, person, interaction.id, data["title"], fields))

    def message(self, message: Message) -> Post:
        """Publish the message as it stands now."""
        post = self.post(message)
        self._feed.publish(post)
        return self._feed.post(post.chat, post.id)

    def post(self, message: Message) -> Post:
        channel = message.channel
        return Post(
            platform="discord",
            chat=channel.key,
            id=message.id,
            author=message.author.key,
            author_name=message.author.name,
            text=self._text(message),
            attachments=(*map(self._attachment, message.files), *_linked(message)),
            buttons=_buttons(message.components),
            reply_to=message.reply_to,
            thread=channel.key if channel.kind == PUBLIC_THREAD else None,
            at=message.created,
            deleted=message.deleted,
            only_for=message.only_for.key if message.only_for else None,
            thinking=message.loading,
            via=_via(message.interaction) if message.kind in (20, 23) else None,
        )

    def _text(self, message: Message) -> str:
        parts: list[str | None] = [message.content]
        for embed in [] if message.flags & SUPPRESS_EMBEDS else message.embeds:
            parts += [embed.get("title"), embed.get("description")]
            for field in embed.get("fields") or []:
                parts.append(f"{field['name']}: {field['value']}")
            parts.append((embed.get("footer") or {}).get("text"))
        parts += [each["content"] for _, each in walk(message.components) if each.get("type") == TEXT]
        return _MENTION.sub(self._name, "\n".join(part for part in parts if part))

    def _name(self, mention: re.Match[str]) -> str:
        for person in (self._world.bot, *self._world.people.values()):
            if person.id == mention[1]:
                return f"@{person.key}"
        return mention[0]

    def _attachment(self, file: File) -> Attachment:
        major = file.mime.partition("/")[0]
        kind = {"image": "photo", "video": "video"}.get(major, "document")
        address = self._cdn.picture_url(file)
        return Attachment(file.id, file.filename, file.mime, kind, address, len(file.data), file.width, file.height)


def _linked(message: Message) -> Iterator[Attachment]:
    """Embed pictures that live elsewhere."""
    for i, embed in enumerate(message.embeds):
        url = (embed.get("image") or {}).get("url") or ""
        if url.startswith("http"):
            yield Attachment(f"{message.id}-{i}", url.rsplit("/", 1)[-1], "image/*", "photo", url, 0)


def _via(interaction: Interaction | None) -> str | None:
    if interaction is None or not interaction.name:
        return None
    slash = "/" if interaction.command_kind == 1 else ""
    return f"{interaction.person.key} used {slash}{interaction.name}"


def _buttons(components: list[Json]) -> tuple[tuple[Button, ...], ...]:
    rows = []
    for _, each in walk(components):
        if each.get("type") == ROW:
            rows.append(tuple(_button(one) for one in each["components"] if one.get("type") == BUTTON))
        elif (each.get("accessory") or {}).get("type") == BUTTON:
            rows.append((_button(each["accessory"]),))
    return tuple(row for row in rows if row)


def _button(button: Json) -> Button:
    emoji = (button.get("emoji") or {}).get("name") or ""
    label = " ".join(part for part in (emoji, button.get("label")) if part)
    url = button.get("url") if button["style"] == LINK else None
    return Button(button.get("custom_id") or "", label, STYLES[button["style"]], bool(button.get("disabled")), url)


def _fields(components: list[Json]) -> Iterator[ModalField]:
    for top in components:
        for each in [top["component"]] if "component" in top else top.get("components") or []:
            if each.get("custom_id"):
                field = _field(top.get("label") or each.get("label") or "", each)
                yield replace(field, description=top.get("description") or "")


def _style(field: Json) -> str:
    if field["type"] == TEXT_INPUT:
        return "paragraph" if field.get("style") == 2 else "short"
    return "file" if field["type"] == FILE_UPLOAD else "select"


def _field(label: str, each: Json) -> ModalField:
    options = each.get("options") or []
    chosen = next((one["value"] for one in options if one.get("default")), "")
    return ModalField(
        id=each["custom_id"],
        label=label,
        style=_style(each),
        value=each.get("value") or chosen,
        placeholder=each.get("placeholder") or "",
        required=each.get("required") is not False,
        max_length=each.get("max_length") or 4000,
        choices=tuple((one["label"], one["value"]) for one in options),
    )
