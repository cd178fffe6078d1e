"""Progress on the screen: the latest wins, and none of it holds anything up.

An edit that would have to wait is given up: the outbox comes back with what is true by then.
"""

import asyncio
from dataclasses import dataclass, replace

import discord
import structlog

from bots.discord.acks import ANSWER_WITHIN
from bots.discord.address import Place
from bots.discord.buttons import keyboard
from bots.discord.calls import edit_status, reference, send
from bots.discord.desk import Desk
from bots.discord.errors import FAILURES, STOP_SHOWING, code_of, translated
from bots.discord.recent import Recent
from bots.discord.traffic import Droppable, dropping
from bots.texts import status
from core.errors import ChatBusy, ChatGone
from core.types import View

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Seconds an edit may stand in discord.py's line before it is given up.
IN_LINE = 1.0
#: Seconds Discord may take to answer before the edit is left to itself.
PATIENCE = 5.0
#: Seconds until the next try where discord.py's line was too long; it names none.
_NEXT = 3.0


@dataclass(frozen=True)
class _Writing:
    task: "asyncio.Task[int | None]"
    call: Droppable
    edits: bool  #: a message that is there


class Progress:
    """The status message of each task."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._writing: dict[str, _Writing] = {}
        self._silent: Recent[str, None] = Recent(5_000)

    async def show(self, bot: discord.Client, place: Place, view: View) -> Place:
        """Edit or send the status message; the place with its id. Raises ChatBusy."""
        if view.task_id in self._silent or view.task_id in self._writing:
            return place
        place = await self.answered(place)
        call = Droppable()
        writing = asyncio.create_task(self._write(bot, place, view, call))
        edits = place.status is not None
        self._writing[view.task_id] = _Writing(writing, call, edits)
        writing.add_done_callback(lambda done: self._written(view.task_id, done))
        # Once taken, an edit may still stand in line for the sake of the next one.
        ends: set[asyncio.Future[int | None] | asyncio.Future[None]] = {writing, call.taken} if edits else {writing}
        done, _ = await asyncio.wait(ends, timeout=IN_LINE, return_when=asyncio.FIRST_COMPLETED)
        if not done and call.is_held_back:
            # Safe only so: cut off while it sleeps for a 429 it would leave discord.py's global limit locked for ever.
            writing.cancel()
            raise ChatBusy(_NEXT, "too much to say at once")
        if not done:
            await asyncio.wait(ends, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
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
        """Stop for good where nothing can be shown, drop this edit otherwise. Raises ChatBusy."""
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
        if writing is None:
            return
        if writing.call.is_held_back:
            writing.task.cancel()
        if not (writing.edits and writing.call.taken.done()):
            await asyncio.wait({writing.task}, timeout=2 * PATIENCE)

    async def _write(self, bot: discord.Client, place: Place, view: View, call: Droppable) -> int | None:
        """Raises discord.py's errors, and ChatBusy."""
        desk, now = self._desk, self._desk.client.now()
        text = status(desk.words, view, desk.style, now)
        buttons = keyboard(desk, view)
        with dropping(call):
            written = await edit_status(bot, place, now, text=text, buttons=buttons)
            if written is not None or place.status is not None or place.ephemeral or not place.reachable:
                return written
            if place.reply is not None and desk.acks.may_come(place.reply.token, now.timestamp() - place.asked_at):
                raise ChatBusy(ANSWER_WITHIN, "not acknowledged yet")
            sent = await send(
                bot.get_partial_messageable(place.channel, guild_id=place.guild),
                text,
                nonce=f"{view.task_id}-s",
                mentions=discord.AllowedMentions.none(),
                answered=reference(place),
                buttons=buttons,
            )
        return sent.id
