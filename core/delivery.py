"""The outbox: shows progress, hands results over, and only then settles.

Never makes or charges anything again because posting failed: the pictures are kept, so posting is repeated.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import stamina
import structlog

from core.catalogue import Catalogue
from core.engine import Listener
from core.errors import ChatBusy, ChatGone, ImagineError, PictureGone, StoreDown
from core.loops import Beat, Crew
from core.orders import backoff, failure_of
from core.ports import Clock, Front, MediaStore, Store
from core.types import Action, DeliveryState, MediaRef, Order, Picture, Stage, Task, View
from core.views import view_of

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Tasks looked at in one round.
BATCH = 100
#: Seconds between two looks at a queued task's place in the queue.
POSITION_EVERY = 10.0
#: Seconds after a request before its first status: taken up by then, it is shown as being made, and one message does
#: instead of a message and an edit; a picture that is there by then needs none.
FIRST_LOOK = 0.4
#: A chat that has not taken a result for this long is given up: Telegram and Discord are never down for days.
GIVE_UP_AFTER = timedelta(days=3)
EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "video/mp4": "mp4"}


@dataclass
class _Seen:
    """What this process last put on the screen for a task."""

    content: tuple[object, ...]
    at: float  #: monotonic seconds


class Delivery:
    """One per process that has fronts; each task is in one hand at a time."""

    def __init__(
        self,
        *,
        store: Store,
        media: MediaStore,
        catalogue: Catalogue,
        fronts: Mapping[str, Front],
        clock: Clock,
        listener: Listener,
        wake: Callable[[], None],
    ) -> None:
        self._store, self._media, self._catalogue = store, media, catalogue
        self._fronts, self._clock, self._wake = fronts, clock, wake
        self._beat = Beat("delivery", listener, clock)
        self._jobs = Crew()
        self._come_back: set[str] = set()  # became due again while in hand
        self._seen: dict[str, _Seen] = {}
        self._failures: dict[str, int] = {}
        self._refused_since: dict[str, datetime] = {}  # the first posting of this life that failed, by task

    async def run(self, stopping: asyncio.Event, *, last_words: float = 4.0) -> None:
        """Until ``stopping``; then one more round, with ``last_words`` seconds to get it out."""
        await self._beat.run(self._round, stopping)
        try:
            async with asyncio.timeout(last_words):
                await self._round()
        except (TimeoutError, StoreDown):
            log.info("stopped with results still to be posted; they follow at the next start")
        await self._jobs.finish(last_words)

    async def _round(self) -> None:
        now = self._clock()
        for task in await self._store.outbox_due(tuple(self._fronts), now, BATCH):
            if task.id in self._jobs:
                self._come_back.add(task.id)
            else:
                self._jobs.start(task.id, self._turn(task))

    async def _turn(self, task: Task) -> None:
        """Everything that is to be done for one task now; looks again if it changed meanwhile."""
        while True:
            await self._one(task)
            if task.id not in self._come_back:
                return
            self._come_back.discard(task.id)
            task = await self._store.task(task.id)

    async def _one(self, task: Task) -> None:
        orders = await self._store.orders(task.id)
        match task.delivery:
            case DeliveryState.OPEN:
                await self._show(task, orders)
            case DeliveryState.READY | DeliveryState.HANDING:
                await self._hand_over(task, orders)
            case DeliveryState.DELIVERED | DeliveryState.UNDELIVERABLE:
                return

    async def _view(self, task: Task, orders: tuple[Order, ...]) -> View:
        model = self._catalogue.get(task.request.model or "")
        position = await self._store.position(task.id) if task.delivery is DeliveryState.OPEN else None
        able = self._catalogue.operations()
        return view_of(task, orders, model, position=position, now=self._clock(), able=able)

    # -- progress ---------------------------------------------------------------------------------------------------

    async def _show(self, task: Task, orders: tuple[Order, ...]) -> None:
        """Progress is droppable: a chat that is busy or gone never holds up the work."""
        front = self._fronts[task.address.front]
        early = FIRST_LOOK - (self._clock() - task.created_at).total_seconds()
        if task.id not in self._seen and 0 < early <= FIRST_LOOK:
            await asyncio.sleep(early)
            self._come_back.add(task.id)
            return
        view = await self._view(task, orders)
        seen, content = self._seen.get(task.id), _content(view)
        pace = POSITION_EVERY if view.stage is Stage.QUEUED else front.pace
        address = task.address
        if seen is not None and seen.content != content and time.monotonic() - seen.at < front.pace:
            due = self._clock() + timedelta(seconds=front.pace - (time.monotonic() - seen.at))
            await self._store.progress_postponed(task.id, due)
            self._beat.at(due)
            return
        if seen is None or seen.content != content:
            try:
                address = await front.show(address, view)
            except ChatBusy as busy:
                due = self._clock() + timedelta(seconds=max(busy.retry_after, front.pace))
                await self._store.progress_postponed(task.id, due)
                self._beat.at(due)
                return
            except ChatGone as gone:
                log.info("progress cannot be shown", task=task.id, reason=gone.reason)
            except Exception:
                log.exception("showing progress failed", task=task.id, front=front.name)
            self._seen[task.id] = _Seen(content, time.monotonic())
        due = self._clock() + timedelta(seconds=pace)
        await self._store.shown(task.id, address, task.revision, due)
        self._beat.at(due)

    # -- the last word ----------------------------------------------------------------------------------------------

    async def _hand_over(self, task: Task, orders: tuple[Order, ...]) -> None:
        front = self._fronts[task.address.front]
        attempt = 2 if task.delivery is DeliveryState.HANDING else 1
        if not await self._store.handing(task.id):
            return
        view = await self._view(task, orders)
        lost = False
        try:
            try:
                pictures = await self._pictures(task, orders)
            except KeyError as error:
                log.error("a picture is no longer in the media store", task=task.id, picture=str(error))
                lost, pictures = True, []
                view = replace(view, stage=Stage.FAILED, failure=failure_of(PictureGone()), actions=(Action.AGAIN,))
            receipt = await front.hand_over(task.address, view, pictures, attempt=attempt)
        except ChatGone as gone:
            log.warning("the chat is gone", task=task.id, front=front.name, reason=gone.reason)
            await self._store.undeliverable(task.id, gone.reason, self._clock())
            self._forget(task.id)
            return
        except ChatBusy as busy:
            await self._later(task, busy.retry_after, busy)
            return
        except Exception as error:
            log.exception("handing over failed", task=task.id, front=front.name)
            await self._later(task, None, error)
            return
        async for again in stamina.retry_context(on=StoreDown, attempts=None, timeout=None, wait_max=5.0):
            with again:
                if lost:
                    await self._store.undeliverable(task.id, "the pictures are gone", self._clock())
                else:
                    await self._store.delivered(task.id, task.address, receipt, self._clock())
        self._forget(task.id)
        log.info("delivered", task=task.id, front=front.name, pictures=len(pictures), stage=view.stage.value)

    async def _pictures(self, task: Task, orders: tuple[Order, ...]) -> list[Picture]:
        refs: list[MediaRef] = [ref for order in orders for ref in order.results]
        loaded = await asyncio.gather(*(self._media.read(ref) for ref in refs))
        return [
            Picture(ref=ref, data=data, filename=_filename(task, ref, index, len(refs)), index=index)
            for index, (ref, data) in enumerate(zip(refs, loaded, strict=True))
        ]

    async def _later(self, task: Task, retry_after: float | None, error: Exception) -> None:
        tries = self._failures[task.id] = self._failures.get(task.id, 0) + 1
        now = self._clock()
        if now - self._refused_since.setdefault(task.id, now) > GIVE_UP_AFTER:
            log.error("given up: the chat has taken nothing for days", task=task.id, reason=str(error))
            await self._store.undeliverable(task.id, str(error)[:200], now)
            self._forget(task.id)
            return
        due = now + timedelta(seconds=backoff(tries) if retry_after is None else retry_after)
        log.info("posting is put off", task=task.id, until=due.isoformat(), reason=_reason(error))
        await self._store.delivery_postponed(task.id, due)
        self._beat.at(due)

    def _forget(self, task_id: str) -> None:
        self._seen.pop(task_id, None)
        self._failures.pop(task_id, None)
        self._refused_since.pop(task_id, None)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, ImagineError) else repr(error)


def _content(view: View) -> tuple[object, ...]:
    """What a change of which is worth an edit: progress in steps of five per cent, never the revision."""
    steps = None if view.progress is None else int(view.progress * 20)
    return (view.stage, view.position, steps, view.actions)


def _filename(task: Task, ref: MediaRef, index: int, count: int) -> str:
    number = f"-{index + 1}" if count > 1 else ""
    return f"imagine-{task.id}{number}.{EXTENSIONS.get(ref.mime, 'img')}"
