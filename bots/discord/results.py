"""The last word on a task: its results, once, where they were asked for, or as near to it as we may post.

An ordinary message of the bot's wherever it may write: it outlives the interaction's token, replies to it reach us
without the message-content intent, and its nonce keeps a repeated call from posting twice.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Container, Sequence
from datetime import UTC, datetime
from typing import Any

import discord
import structlog
from discord import ui

from bots.discord.acks import ANSWER_WITHIN
from bots.discord.address import NAME, Place, key, read_key
from bots.discord.answering import CONTENT_LIMIT
from bots.discord.buttons import keyboard
from bots.discord.calls import ORIGINAL, edit_status, files, hook, reference, remove_status, send
from bots.discord.desk import Desk
from bots.discord.errors import (
    FAILURES,
    THREAD_ARCHIVED,
    TOKEN_DEAD,
    UNKNOWN_MESSAGE,
    code_of,
    doorway,
    is_too_large,
    translated,
)
from bots.discord.packing import FILE_LIMIT, MIB, Part, fitted, mark, packed, stem, too_large
from bots.texts import caption, pages, status, told, utf16_length
from core.errors import ChatBusy, ChatGone
from core.keeping import insist
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
        self._has_results = bool(pictures or view.texts)
        self._indexes = {stem(picture.filename): picture.index for picture in pictures}
        self._posted: dict[str, PostedMessage] = {}  #: by the marks of its parts
        self._is_answered = False  #: the interaction's own message carries a part, or is gone

    async def post(self) -> Receipt:
        """Raises ChatGone, ChatBusy."""
        ways = self._ways_for_results() if self._has_results else self._ways_for_failures()
        gone = ChatGone("there is no way to post")
        with doorway():
            for name, way in ways:
                try:
                    await way()
                except (discord.HTTPException, ChatGone) as error:
                    verdict = error if isinstance(error, ChatGone) else self._verdict(error)
                    if isinstance(verdict, ChatBusy):
                        raise verdict from error
                    log.info("cannot be posted this way", task=self._view.task_id, way=name, why=verdict.reason)
                    gone = verdict
                else:
                    if self._has_results and name != "token":
                        await self._tidy()
                    return Receipt(tuple(dict.fromkeys(self._posted.values())))
        raise gone

    def _verdict(self, error: discord.HTTPException) -> ChatGone | ChatBusy:
        reply, now = self._place.reply, self._desk.client.now().timestamp()
        if (
            reply is not None
            and code_of(error) in TOKEN_DEAD
            and self._desk.acks.may_come(reply.token, now - self._place.asked_at)
        ):
            return ChatBusy(ANSWER_WITHIN, "not acknowledged yet")
        return translated(error)

    # -- the ways ---------------------------------------------------------------------------------------------------

    def _ways_for_results(self) -> list[tuple[str, Way]]:
        by_token: list[tuple[str, Way]] = [("token", self._by_token)] if self._reply is not None else []
        in_dm: list[tuple[str, Way]] = [("direct message", self._in_dm)]
        if self._place.ephemeral or not self._place.reachable:
            return [*by_token, *in_dm]
        return [("channel", self._in_channel), *by_token, ("parent", self._in_parent), *in_dm]

    def _ways_for_failures(self) -> list[tuple[str, Way]]:
        ways: list[tuple[str, Way]] = [("status", self._failure_on_status)]
        if self._place.reachable and not self._place.ephemeral:
            ways.append(("channel", self._failure_in_channel))
        return [*ways, ("direct message", self._failure_in_dm)]

    async def _in_channel(self) -> None:
        place = self._place
        channel = self._bot.get_partial_messageable(place.channel, guild_id=place.guild)
        guild = self._bot.get_guild(place.guild) if place.guild else None
        # A server on another process's shards is known by what it was when it was asked in.
        limit = guild.filesize_limit if guild is not None else place.room or FILE_LIMIT
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
        await self._send_all(await self._bot.create_dm(discord.Object(self._place.user)), FILE_LIMIT, None)

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
        parts = await self._parts(limit)
        if self._attempt > 1:
            await self._find_posted(channel, parts)
        for number, part in enumerate(parts):
            todo = part.without(self._posted)
            if todo is None:
                continue
            buttons = self._buttons() if number == len(parts) - 1 else None
            message = await send(
                channel,
                todo.text,
                nonce=f"{self._view.task_id}-{number}",
                mentions=self._mentions(),
                uploads=todo.uploads,
                answered=answered,
                buttons=buttons,
            )
            self._note(message, todo.marks())

    async def _by_token(self) -> None:
        limit = self._place.limit or FILE_LIMIT
        try:
            await self._send_by_token(limit)
        except discord.HTTPException as error:
            if not is_too_large(error):
                raise
            await self._send_by_token(_smaller(limit))

    async def _send_by_token(self, limit: int) -> None:
        """The first part becomes the interaction's own message: to do so twice changes nothing. The rest follow; these
        have no nonce and may be for one person's eyes, so each is stored before the next one is sent."""
        assert self._reply is not None  # else this is none of the ways
        door = hook(self._bot, self._reply)
        parts = await self._parts(limit)
        if self._attempt > 1:
            await self._find_by_token(door, parts)
        for number, part in enumerate(parts):
            todo = part.without(self._posted)
            if todo is None:
                continue
            is_last = number == len(parts) - 1
            buttons = self._buttons() if is_last else None
            message = None if self._is_answered else await self._answer(door, todo, buttons)
            self._is_answered, follows = True, message is None
            if message is None:
                message = await self._follow_up(door, todo, buttons)
            self._note(message, todo.marks())
            if follows and not is_last:
                await self._remember(self._posted[todo.marks()[0]])

    async def _answer(
        self, door: discord.Webhook, part: Part, buttons: ui.View | None
    ) -> discord.WebhookMessage | None:
        """The interaction's own message with this part on it; None where it is gone."""
        try:
            return await door.edit_message(
                ORIGINAL,
                content=part.text,
                attachments=files(part.uploads),
                view=buttons,
                allowed_mentions=self._mentions(),
            )
        except discord.HTTPException as error:
            if code_of(error) != UNKNOWN_MESSAGE:
                raise
            return None

    async def _follow_up(self, door: discord.Webhook, part: Part, buttons: ui.View | None) -> discord.WebhookMessage:
        optional: dict[str, Any] = {"content": part.text, "files": files(part.uploads), "view": buttons}
        message: discord.WebhookMessage = await door.send(
            ephemeral=self._place.ephemeral,
            allowed_mentions=self._mentions(),
            suppress_embeds=True,
            wait=True,
            **{name: value for name, value in optional.items() if value},
        )
        return message

    # -- why there are none -----------------------------------------------------------------------------------------

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

    async def _parts(self, limit: int) -> list[Part]:
        """The messages in a place that takes files of ``limit`` bytes."""
        if not self._pictures:
            text = self._head() + told(self._desk.words, self._view, self._desk.style)
            return [Part(page) for page in pages(text, CONTENT_LIMIT)]
        heavy = too_large(self._pictures, limit)
        uploads = await fitted([picture for picture in self._pictures if picture not in heavy], limit)
        text = "\n".join((self._text(), *(self._too_large(picture, limit) for picture in heavy)))
        return [Part(None if number else text, tuple(part)) for number, part in enumerate(packed(uploads) or [[]])]

    def _text(self) -> str:
        head = self._head()
        limit = CAPTION_LIMIT - len(head)
        return head + caption(self._desk.words, self._view, self._desk.style, limit=limit, length=utf16_length)

    def _too_large(self, video: Picture, limit: int) -> str:
        locale, words = self._view.locale, self._desk.words
        size, most = math.ceil(len(video.data) / MIB), limit // MIB
        return words.say(
            locale, "delivery.video_too_large", size=words.number(locale, size), limit=words.number(locale, most)
        )

    def _mentions(self) -> discord.AllowedMentions:
        """The requester alone, whatever the text says."""
        return discord.AllowedMentions(
            everyone=False,
            roles=False,
            users=[discord.Object(self._place.user)],
            replied_user=self._place.asked_by_message,
        )

    def _buttons(self) -> ui.View | None:
        pictures = [picture.index for picture in self._pictures if picture.ref.is_picture]
        return keyboard(self._desk, self._view, pictures)

    # -- what is posted ---------------------------------------------------------------------------------------------

    def _note(self, message: discord.Message, marks: Sequence[str]) -> None:
        is_one_of_several = len(marks) == 1 or len(marks) < len(self._pictures)
        index = self._indexes.get(marks[0]) if is_one_of_several else None
        posted = PostedMessage(key(message.channel.id, message.id), self._view.task_id, index)
        self._posted.update(dict.fromkeys(marks, posted))

    async def _find_posted(self, channel: discord.abc.Messageable, parts: Sequence[Part]) -> None:
        """What an earlier attempt got through: a file's name holds the task's id and the picture's number."""
        wanted = _marks(parts)
        me = self._bot.user.id if self._bot.user else 0
        asked = discord.Object(self._asked_at())
        try:
            # The newest first: an attempt that was cut off is the latest that happened, however long the task took.
            async for message in channel.history(limit=HISTORY, after=asked, oldest_first=False):
                found = _found(message, wanted)
                if found and message.author.id == me:
                    self._note(message, found)
        except discord.Forbidden:
            log.info("what was posted before cannot be read; the nonce has to do", task=self._view.task_id)

    async def _find_by_token(self, door: discord.Webhook, parts: Sequence[Part]) -> None:
        """The same for what the interaction's token has posted: its own message, and those that are stored."""
        wanted = _marks(parts)
        stored = await self._desk.client.messages_of(NAME, self._view.task_id)
        for number in (ORIGINAL, *(read_key(each.key)[1] for each in stored)):
            try:
                message = await door.fetch_message(number)
            except discord.HTTPException as error:
                if code_of(error) != UNKNOWN_MESSAGE:
                    raise
                continue
            found = _found(message, wanted)
            if found:
                self._note(message, found)
                self._is_answered = self._is_answered or number == ORIGINAL

    async def _remember(self, message: PostedMessage) -> None:
        # What is forgotten would be posted a second time.
        await insist(lambda: self._desk.client.remember(NAME, message))

    def _asked_at(self) -> int:
        """A snowflake no result can be older than."""
        known = [message for message in (self._place.request, self._place.status) if message is not None]
        if self._place.reply is not None:
            asked = datetime.fromtimestamp(self._place.asked_at, UTC)
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


def _marks(parts: Sequence[Part]) -> set[str]:
    return {each for part in parts for each in part.marks()}


def _found(message: discord.Message, wanted: Container[str]) -> list[str]:
    """The marks of the parts that a message shows."""
    names = [stem(attachment.filename) for attachment in message.attachments] or [mark(message.content)]
    return [name for name in names if name in wanted]
