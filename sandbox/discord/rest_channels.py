"""The routes for channels, threads, messages and direct messages."""

import asyncio
import re
from typing import Any

from sandbox.discord import errors
from sandbox.discord.door import Answer, Ask, Door
from sandbox.discord.gateway import Gateway
from sandbox.discord.intents import content_for_everyone
from sandbox.discord.message_rules import FLAGS_CREATE, FLAGS_EDIT
from sandbox.discord.messenger import Messenger
from sandbox.discord.payloads import Payloads
from sandbox.discord.permissions import bot_may, require, require_access
from sandbox.discord.world import DM, PUBLIC_THREAD, TEXT, Channel, Message, World

Json = dict[str, Any]

#: Seconds in which a nonce is remembered ("the past few minutes", Discord "Create Message").
NONCE_SECONDS = 300.0
_REPLY = 19  # message type


class ChannelRoutes:
    def __init__(self, world: World, payloads: Payloads, messenger: Messenger, gateway: Gateway, door: Door) -> None:
        self._world = world
        self._payloads = payloads
        self._messenger = messenger
        self._gateway = gateway
        self._nonces: dict[tuple[str, str], Message] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        door.add("GET", "/channels/{channel_id}", self._get_channel)
        door.add("PATCH", "/channels/{channel_id}", self._change_channel)
        door.add("POST", "/channels/{channel_id}/typing", self._typing)
        door.add("GET", "/channels/{channel_id}/messages", self._history)
        door.add("POST", "/channels/{channel_id}/messages", self._create)
        door.add("GET", "/channels/{channel_id}/messages/{message_id}", self._get)
        door.add("PATCH", "/channels/{channel_id}/messages/{message_id}", self._edit)
        door.add("DELETE", "/channels/{channel_id}/messages/{message_id}", self._delete)
        door.add("POST", "/channels/{channel_id}/messages/{message_id}/threads", self._thread)
        door.add("POST", "/channels/{channel_id}/threads", self._thread)
        door.add("PUT", "/channels/{channel_id}/thread-members/@me", self._thread_member)
        door.add("DELETE", "/channels/{channel_id}/thread-members/@me", self._thread_member)
        door.add("POST", "/users/@me/channels", self._open_dm)

    def _channel(self, ask: Ask) -> Channel:
        channel = self._world.channel(ask.path["channel_id"])
        require_access(self._world, channel)
        return channel

    # Messages ----------------------------------------------------------------------------------------------

    def _shown(self, message: Message) -> Json:
        """A message as a fetch gives it: emptied where the portal has not allowed message content."""
        allowed = self._gateway.settings.message_content_allowed
        quoted = self._world.referenced(message)
        return self._payloads.message(
            message,
            content=allowed or content_for_everyone(self._world, message),
            quoted_content=allowed or (quoted is not None and content_for_everyone(self._world, quoted)),
        )

    async def _get(self, ask: Ask) -> Answer:
        channel = self._channel(ask)
        require(self._world, channel, "read_message_history")
        return Answer(200, self._shown(self._world.message(channel, ask.path["message_id"])))

    async def _history(self, ask: Ask) -> Answer:
        channel = self._channel(ask)
        if not bot_may(self._world, channel, "read_message_history"):
            return Answer(200, [])
        limit = ask.query.get("limit", 50)
        found = self._world.history(channel)
        if "before" in ask.query:
            found = [m for m in found if int(m.id) < int(ask.query["before"])]
        elif "after" in ask.query:
            found = [m for m in found if int(m.id) > int(ask.query["after"])][:limit]
        elif "around" in ask.query:
            middle = sum(int(message.id) < int(ask.query["around"]) for message in found)
            first = max(0, middle - limit // 2)
            found = found[first : first + limit]
        return Answer(200, [self._shown(message) for message in reversed(found[-limit:])])

    async def _create(self, ask: Ask) -> Answer:
        channel, body = self._channel(ask), ask.body or {}
        self._require_sending(channel, body, files=bool(ask.files))
        nonce = body.get("nonce")
        if nonce is None:
            made = await self._compose(channel, body, ask)
            return Answer(200, self._payloads.message(made))
        key = (channel.id, str(nonce))
        async with self._locks.setdefault(key, asyncio.Lock()):  # two at once must not both create
            first = self._nonces.get(key) if body.get("enforce_nonce") else None
            if first is None or first.deleted or self._world.clock() - first.created >= NONCE_SECONDS:
                first = self._nonces[key] = await self._compose(channel, body, ask)
        return Answer(200, self._payloads.message(first))

    async def _compose(self, channel: Channel, body: Json, ask: Ask) -> Message:
        made = Message(self._world.new_id(), channel, self._world.bot, self._world.clock(), nonce=body.get("nonce"))
        self._refer(made, body.get("message_reference"))
        await self._messenger.apply(made, body, ask.files, allowed_flags=FLAGS_CREATE, interaction=False)
        self._unarchive(channel)
        self._messenger.post(made)
        return made

    def _require_sending(self, channel: Channel, body: Json, *, files: bool) -> None:
        if channel.kind == DM:
            if channel.recipient and channel.recipient.key in self._world.closed_dms:
                raise errors.CANNOT_DM()
            return
        threaded = channel.kind == PUBLIC_THREAD
        require(self._world, channel, "send_messages_in_threads" if threaded else "send_messages")
        if channel.archived and channel.locked and not bot_may(self._world, channel, "manage_threads"):
            raise errors.THREAD_ARCHIVED()
        if files:
            require(self._world, channel, "attach_files")
        if body.get("embeds"):
            require(self._world, channel, "embed_links")
        if body.get("message_reference") and not bot_may(self._world, channel, "read_message_history"):
            raise errors.REPLY_NEEDS_HISTORY()

    def _refer(self, message: Message, reference: Json | None) -> None:
        if not reference:
            return
        if reference.get("type"):
            text = "This stand-in has no forwarded messages."
            raise errors.invalid(("message_reference", "type"), "BASE_TYPE_CHOICES", text)
        if reference.get("channel_id") not in (None, message.channel.id):
            text = "Cannot reply to a message in a different channel"
            raise errors.invalid(("message_reference",), "REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL", text)
        try:
            found = self._world.message(message.channel, reference["message_id"])
        except errors.ApiError:
            if reference.get("fail_if_not_exists") is False:
                return
            raise errors.invalid(("message_reference",), "REPLIES_UNKNOWN_MESSAGE", "Unknown message") from None
        message.reply_to, message.kind = found.id, _REPLY

    async def _edit(self, ask: Ask) -> Answer:
        channel, body = self._channel(ask), ask.body or {}
        message = self._world.message(channel, ask.path["message_id"])
        if channel.archived:
            raise errors.THREAD_ARCHIVED()
        if message.author is not self._world.bot:
            raise errors.NOT_THE_AUTHOR()
        if ask.files:
            require(self._world, channel, "attach_files")
        await self._messenger.apply(message, body, ask.files, allowed_flags=FLAGS_EDIT, interaction=False)
        self._messenger.edited(message)
        return Answer(200, self._payloads.message(message))

    async def _delete(self, ask: Ask) -> Answer:
        channel = self._channel(ask)
        message = self._world.message(channel, ask.path["message_id"])
        if channel.archived:
            raise errors.THREAD_ARCHIVED()
        if message.author is not self._world.bot:
            require(self._world, channel, "manage_messages")
        self._messenger.remove(message)
        return Answer(204)

    # Channels and threads ----------------------------------------------------------------------------------

    async def _get_channel(self, ask: Ask) -> Answer:
        return Answer(200, self._payloads.channel(self._channel(ask)))

    async def _change_channel(self, ask: Ask) -> Answer:
        channel = self._channel(ask)
        body = ask.body or {}
        require(self._world, channel, "manage_threads" if channel.kind == PUBLIC_THREAD else "manage_channels")
        channel.name = body.get("name") or channel.name
        if channel.kind == PUBLIC_THREAD:
            channel.archived = channel.archived if body.get("archived") is None else body["archived"]
            channel.locked = channel.locked if body.get("locked") is None else body["locked"]
        assert channel.guild is not None
        event = "THREAD_UPDATE" if channel.kind == PUBLIC_THREAD else "CHANNEL_UPDATE"
        self._gateway.guild_event(event, channel.guild, self._payloads.channel(channel))
        return Answer(200, self._payloads.channel(channel))

    def _unarchive(self, channel: Channel) -> None:
        """A new message brings an archived thread back (a locked one refuses it before)."""
        if channel.archived and channel.guild is not None:
            channel.archived = False
            self._gateway.guild_event("THREAD_UPDATE", channel.guild, self._payloads.channel(channel))

    async def _typing(self, ask: Ask) -> Answer:
        channel = self._channel(ask)
        if channel.kind != DM:
            require(self._world, channel, "send_messages" if channel.kind == TEXT else "send_messages_in_threads")
        return Answer(204)

    async def _thread(self, ask: Ask) -> Answer:
        parent = self._channel(ask)
        if parent.kind != TEXT or parent.guild is None:
            raise errors.WRONG_CHANNEL_TYPE()
        require(self._world, parent, "create_public_threads")
        start = ask.path.get("message_id")
        if start is not None:
            self._world.message(parent, start)
            if any(channel.id == start for channel in self._world.channels.values()):
                raise errors.THREAD_EXISTS()
        elif ask.body.get("type") != PUBLIC_THREAD:
            raise errors.invalid(("type",), "BASE_TYPE_CHOICES", f"This stand-in has threads of type {PUBLIC_THREAD}.")
        key = re.sub(r"\W+", "-", ask.body["name"].lower()).strip("-") or "thread"
        while key in self._world.channels:
            key += "-"
        # A thread on a message has the message's id.
        thread = Channel(key, start or self._world.new_id(), PUBLIC_THREAD, ask.body["name"], parent.guild, parent)
        self._world.channels[key] = thread
        shape = self._payloads.channel(thread)
        self._gateway.guild_event("THREAD_CREATE", parent.guild, shape | {"newly_created": True})
        return Answer(201, shape)

    async def _thread_member(self, ask: Ask) -> Answer:
        if self._channel(ask).kind != PUBLIC_THREAD:
            raise errors.WRONG_CHANNEL_TYPE()
        return Answer(204)

    async def _open_dm(self, ask: Ask) -> Answer:
        person = self._world.user((ask.body or {}).get("recipient_id") or "")
        if person is self._world.bot:
            raise errors.CANNOT_DM()
        return Answer(200, self._payloads.channel(self._world.dm(person)))
