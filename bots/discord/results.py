"""The last word on a task: its pictures, once, where they were asked for, or as near to it as we may post.

An ordinary message of the bot's wherever it may write: it outlives the interaction's token, replies to it reach us
without the message-content intent, and its nonce keeps a repeated call from posting twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import discord
import structlog
from discord import ui

from bots.discord.address import TOKEN_LIFE, Place, key
from bots.discord.buttons import row
from bots.discord.calls import ORIGINAL, edit_status, files, hook, reference, remove_status, send
from bots.discord.desk import Desk
from bots.discord.errors import (
    FAILURES,
    THREAD_ARCHIVED,
    UNKNOWN_MESSAGE,
    code_of,
    doorway,
    is_too_large,
    translated,
)
from bots.discord.packing import FILE_LIMIT, Upload, fitted, packed, stem
from bots.texts import caption, status, utf16_length
from core.errors import ChatBusy, ChatGone
from core.types import Picture, PostedMessage, Receipt, View

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: UTF-16 units of the text under a result: half of what Discord takes, for the pictures are what matters.
CAPTION_LIMIT = 1000
#: Messages looked through for what an earlier attempt has posted: three calls.
HISTORY = 300
#: Seconds the status message may take to be tidied away before it is left to itself.
TIDY_PATIENCE = 5.0

Way = Callable[[], Awaitable[None]]


class Result:
    """One hand-over: tries its ways in turn and remembers what is posted already."""

    def __init__(
        self, desk: Desk, bot: discord.Client, place: Place, view: View, *, pictures: Sequence[Picture], attempt: int
    ) -> None:
        self._desk, self._bot, self._place, self._view = desk, bot, place, view
        self._pictures, self._attempt = pictures, attempt
        self._reply = place.live(desk.client.now())
        self._posted: dict[int, PostedMessage] = {}  #: by the picture's index

    async def post(self) -> Receipt:
        """Raises ChatGone, ChatBusy."""
        ways = self._ways_for_pictures() if self._pictures else self._ways_for_words()
        gone = ChatGone("there is no way to post")
        with doorway():
            for name, way in ways:
                try:
                    await way()
                except (discord.HTTPException, ChatGone) as error:
                    verdict = error if isinstance(error, ChatGone) else translated(error)
                    if isinstance(verdict, ChatBusy):
                        raise verdict from error
                    log.info("cannot be posted this way", task=self._view.task_id, way=name, why=verdict.reason)
                    gone = verdict
                else:
                    if self._pictures and name != "token":
                        await self._tidy()
                    return Receipt(tuple(dict.fromkeys(self._posted.values())))
        raise gone

    # -- the ways ---------------------------------------------------------------------------------------------------

    def _ways_for_pictures(self) -> list[tuple[str, Way]]:
        by_token: list[tuple[str, Way]] = [("token", self._by_token)] if self._reply is not None else []
        in_dm: list[tuple[str, Way]] = [("direct message", self._in_dm)]
        if self._place.ephemeral or not self._place.reachable:
            return [*by_token, *in_dm]
        return [("channel", self._in_channel), *by_token, ("parent", self._in_parent), *in_dm]

    def _ways_for_words(self) -> list[tuple[str, Way]]:
        ways: list[tuple[str, Way]] = [("status", self._failure_on_status)]
        if self._place.reachable and not self._place.ephemeral:
            ways.append(("channel", self._failure_in_channel))
        return [*ways, ("direct message", self._failure_in_dm)]

    async def _in_channel(self) -> None:
        place = self._place
        channel = self._bot.get_partial_messageable(place.channel, guild_id=place.guild)
        guild = self._bot.get_guild(place.guild) if place.guild else None
        limit = guild.filesize_limit if guild is not None else FILE_LIMIT
        if self._attempt > 1:
            await self._find_posted(channel)
        try:
            await self._send_all(channel, limit, reference(place))
        except discord.HTTPException as error:
            if code_of(error) != THREAD_ARCHIVED or not await self._unarchived():
                raise
            await self._send_all(channel, limit, reference(place))

    async def _in_parent(self) -> None:
        """A thread that is closed for good: the channel it belongs to."""
        thread = await self._bot.fetch_channel(self._place.channel)
        if not isinstance(thread, discord.Thread):
            raise ChatGone("no thread")
        await self._send_all(self._bot.get_partial_messageable(thread.parent_id), FILE_LIMIT, None)

    async def _in_dm(self) -> None:
        channel = await self._bot.create_dm(discord.Object(self._place.user))
        if self._attempt > 1:
            await self._find_posted(channel)
        await self._send_all(channel, FILE_LIMIT, None)

    async def _send_all(
        self, channel: discord.abc.Messageable, limit: int, answered: discord.MessageReference | None
    ) -> None:
        try:
            await self._send(channel, limit, answered)
        except discord.HTTPException as error:
            if not is_too_large(error):
                raise
            await self._send(channel, _smaller(limit), answered)

    async def _send(
        self, channel: discord.abc.Messageable, limit: int, answered: discord.MessageReference | None
    ) -> None:
        parts = packed(await fitted(self._pictures, limit))
        for number, part in enumerate(parts):
            todo = [upload for upload in part if upload.index not in self._posted]
            if not todo:
                continue
            buttons = self._buttons() if number == len(parts) - 1 else None
            message = await send(
                channel,
                self._text() if number == 0 else None,
                nonce=f"{self._view.task_id}-{number}",
                mentions=self._mentions(),
                uploads=todo,
                answered=answered,
                buttons=buttons,
            )
            self._note(message, todo)

    async def _by_token(self) -> None:
        limit = self._place.limit or FILE_LIMIT
        try:
            await self._send_by_token(limit)
        except discord.HTTPException as error:
            if not is_too_large(error):
                raise
            await self._send_by_token(_smaller(limit))

    async def _send_by_token(self, limit: int) -> None:
        """The pictures become the interaction's own message: to say so twice changes nothing. The rest follows it."""
        assert self._reply is not None  # else this is none of the ways
        door = hook(self._bot, self._reply)
        first, *more = packed(await fitted(self._pictures, limit))
        buttons = self._buttons()
        text, mentions = self._text(), self._mentions()
        shown = None if more else buttons
        message: discord.WebhookMessage
        try:
            message = await door.edit_message(
                ORIGINAL,
                content=text,
                attachments=files(first),
                view=shown,
                allowed_mentions=mentions,
            )
        except discord.HTTPException as error:
            if code_of(error) != UNKNOWN_MESSAGE:
                raise
            message = await self._follow_up(door, first, text, shown)
        self._note(message, first)
        for number, part in enumerate(more, start=1):
            message = await self._follow_up(door, part, None, buttons if number == len(more) else None)
            self._note(message, part)

    async def _follow_up(
        self, door: discord.Webhook, part: Sequence[Upload], text: str | None, buttons: ui.View | None
    ) -> discord.WebhookMessage:
        optional: dict[str, Any] = {"content": text, "view": buttons}
        message: discord.WebhookMessage = await door.send(
            files=files(part),
            ephemeral=self._place.ephemeral,
            allowed_mentions=self._mentions(),
            suppress_embeds=True,
            wait=True,
            **{name: value for name, value in optional.items() if value},
        )
        return message

    # -- words instead of pictures ----------------------------------------------------------------------------------

    async def _failure_on_status(self) -> None:
        edited = await edit_status(
            self._bot, self._place, self._desk.client.now(), text=self._ending(), buttons=self._buttons()
        )
        if edited is None:
            raise ChatGone("no status message")

    async def _failure_in_channel(self) -> None:
        channel = self._bot.get_partial_messageable(self._place.channel, guild_id=self._place.guild)
        await self._say(channel, reference(self._place))

    async def _failure_in_dm(self) -> None:
        await self._say(await self._bot.create_dm(discord.Object(self._place.user)), None)

    async def _say(self, channel: discord.abc.Messageable, answered: discord.MessageReference | None) -> None:
        await send(
            channel,
            self._head() + self._ending(),
            nonce=f"{self._view.task_id}-f",
            mentions=self._mentions(),
            answered=answered,
            buttons=self._buttons(),
        )

    def _ending(self) -> str:
        return status(self._desk.words, self._view, self._desk.style, self._desk.client.now())

    # -- what is said -----------------------------------------------------------------------------------------------

    def _head(self) -> str:
        """A reply tells the author of the request; where the request is no message, a mention does."""
        return "" if self._place.asked_by_message or self._place.ephemeral else f"<@{self._place.user}> "

    def _text(self) -> str:
        head = self._head()
        limit = CAPTION_LIMIT - len(head)
        return head + caption(self._desk.words, self._view, self._desk.style, limit=limit, length=utf16_length)

    def _mentions(self) -> discord.AllowedMentions:
        """The requester alone, whatever the text says."""
        return discord.AllowedMentions(
            everyone=False,
            roles=False,
            users=[discord.Object(self._place.user)],
            replied_user=self._place.asked_by_message,
        )

    def _buttons(self) -> ui.View | None:
        return row(self._desk, self._view.locale, self._view.task_id, self._view.actions)

    # -- what is posted ---------------------------------------------------------------------------------------------

    def _note(self, message: discord.Message, uploads: Sequence[Upload]) -> None:
        index = uploads[0].index if len(uploads) < len(self._pictures) or len(uploads) == 1 else None
        posted = PostedMessage(key(message.channel.id, message.id), self._view.task_id, index)
        self._posted.update({upload.index: posted for upload in uploads})

    async def _find_posted(self, channel: discord.abc.Messageable) -> None:
        """What an earlier attempt got through: a file's name holds the task's id and the picture's number."""
        indexes = {stem(picture.filename): picture.index for picture in self._pictures}
        me = self._bot.user.id if self._bot.user else 0
        try:
            async for message in channel.history(limit=HISTORY, after=discord.Object(self._asked_at())):
                names = [stem(attachment.filename) for attachment in message.attachments]
                found = [Upload(name, b"", indexes[name]) for name in names if name in indexes]
                if found and message.author.id == me:
                    self._note(message, found)
        except discord.Forbidden:
            log.info("what was posted before cannot be read; the nonce has to do", task=self._view.task_id)

    def _asked_at(self) -> int:
        """A snowflake no result can be older than."""
        known = [message for message in (self._place.request, self._place.status) if message is not None]
        if self._place.reply is not None:
            asked = datetime.fromtimestamp(self._place.reply.expires - TOKEN_LIFE, UTC)
            known.append(discord.utils.time_snowflake(asked))
        return max(known, default=0)

    async def _unarchived(self) -> bool:
        try:
            thread = await self._bot.fetch_channel(self._place.channel)
            if not isinstance(thread, discord.Thread):
                return False
            await thread.edit(archived=False)
        except discord.HTTPException:
            return False
        return True

    async def _tidy(self) -> None:
        """The status message has served: it goes, or becomes one short line where the result answers it."""
        tidying = asyncio.create_task(self._tidied())
        await asyncio.wait({tidying}, timeout=TIDY_PATIENCE)
        tidying.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _tidied(self) -> None:
        now = self._desk.client.now()
        try:
            if self._place.reply is not None and self._place.request is None:
                await edit_status(self._bot, self._place, now, text=self._ending(), buttons=None)
            else:
                await remove_status(self._bot, self._place, now)
        except FAILURES as error:
            log.info("a status message stays as it is", task=self._view.task_id, why=type(error).__name__)


def _smaller(limit: int) -> int:
    """A second try after "too large": Discord's own figures are not always what it lets through."""
    return min(limit, FILE_LIMIT) * 4 // 5
