"""Progress on the screen: the latest wins, and none of it holds anything up."""

import asyncio
from dataclasses import replace

import discord
import structlog

from bots.discord.address import Place
from bots.discord.buttons import keyboard
from bots.discord.calls import edit_status, reference, send
from bots.discord.desk import Desk
from bots.discord.errors import FAILURES, STOP_SHOWING, code_of, translated
from bots.discord.recent import Recent
from bots.texts import status
from core.errors import ChatGone
from core.types import View

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Seconds an edit may take before it is left to itself; a rate limit of discord.py may hold it back that long.
PATIENCE = 5.0


class Progress:
    """The status message of each task."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        # A call in flight is never cancelled: discord.py would leave its global rate limit locked for ever.
        self._writing: dict[str, asyncio.Task[int | None]] = {}
        self._silent: Recent[str, None] = Recent(5_000)

    async def show(self, bot: discord.Client, place: Place, view: View) -> Place:
        """Edit or send the status message; the place with its id. Raises ChatBusy."""
        if view.task_id in self._silent or view.task_id in self._writing:
            return place
        place = await self.answered(place)
        writing = asyncio.create_task(self._write(bot, place, view))
        self._writing[view.task_id] = writing
        writing.add_done_callback(lambda done: self._written(view.task_id, done))
        await asyncio.wait({writing}, timeout=PATIENCE)
        if not writing.done():
            return place
        error = writing.exception()
        if error is None:
            return replace(place, status=writing.result() or place.status)
        if not isinstance(error, FAILURES):
            raise error
        self._failed(view.task_id, error)
        return place

    def _failed(self, task_id: str, error: Exception) -> None:
        """Stop for good where nothing can be shown, drop this edit where we are too fast. Raises ChatBusy."""
        is_too_fast = isinstance(error, discord.RateLimited) or getattr(error, "status", 0) == 429
        if is_too_fast:
            return
        verdict = translated(error)
        if code_of(error) in STOP_SHOWING or isinstance(verdict, ChatGone):
            self._silent.put(task_id, None)
            log.info("progress is no longer shown", task=task_id, why=str(verdict))
            return
        raise verdict from error

    def _written(self, task_id: str, done: "asyncio.Task[int | None]") -> None:
        self._writing.pop(task_id, None)
        if not done.cancelled():
            done.exception()  # seen: whoever still waits for it gets it too

    async def answered(self, place: Place) -> Place:
        """The place once the first answer to its interaction is out, with the message that this answer made."""
        if place.reply is None:
            return place
        message = await self._desk.acks.message_of(place.reply.token)
        return place if message is None else replace(place, status=message)

    async def settled(self, task_id: str) -> None:
        """Wait until no earlier word on the task is on its way any more: it must not overtake the last one."""
        writing = self._writing.get(task_id)
        if writing is not None:
            await asyncio.wait({writing}, timeout=2 * PATIENCE)

    async def _write(self, bot: discord.Client, place: Place, view: View) -> int | None:
        desk, now = self._desk, self._desk.client.now()
        text = status(desk.words, view, desk.style, now)
        buttons = keyboard(desk, view)
        written = await edit_status(bot, place, now, text=text, buttons=buttons)
        if written is not None or place.status is not None or place.ephemeral or not place.reachable:
            return written
        sent = await send(
            bot.get_partial_messageable(place.channel, guild_id=place.guild),
            text,
            nonce=f"{view.task_id}-s",
            mentions=discord.AllowedMentions.none(),
            answered=reference(place),
            buttons=buttons,
        )
        return sent.id
