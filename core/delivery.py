"""The outbox: shows progress, hands results over, and only then settles.

Never makes or charges anything again because posting failed: the pictures are kept, so posting is repeated.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from core.catalogue import Catalogue
from core.engine import Listener
from core.errors import ChatBusy, ChatGone, ImagineError, PictureGone, StoreDown
from core.keeping import insist
from core.loops import Beat, Crew
from core.metrics import UNWATCHED, Meter
from core.orders import FIRST_LOOK, backoff, failure_of
from core.ports import Clock, Front, MediaStore, Store
from core.types import Action, DeliveryState, MediaRef, Order, OrderState, Picture, Stage, Task, View
from core.views import next_step, view_of

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Tasks looked at in one round.
BATCH = 100
#: Seconds of a turn of the event loop up to which it is calm; else it is one screen a round.
CALM_TURN = 0.01
#: Results being posted at once: each holds its pictures in memory.
LAST_WORDS = 32
#: Seconds between two renewals of their leases, of a minute; and for the last of them when the process is to stop.
KEEP_LEASES, UPLOAD = 15.0, 30.0
#: Seconds after an outage of the database for others to write down what they have posted.
AFTER_OUTAGE = 6.0
#: Seconds between two tries of progress that a busy chat does not take, at most.
PROGRESS_AT_MOST = 120.0
#: Screens whose content is remembered.
SCREENS = 20_000
#: Seconds between two looks at a queued task's place in the queue.
POSITION_EVERY = 10.0
#: The same by the place, in seconds for each one before it, and at most: far from the front, minutes do.
POSITION_EVERY_PLACE, POSITION_AT_MOST = 0.5, 600.0
#: Places in the queue are asked for all tasks of a gateway at once, no more often than every so many seconds, nor so
#: often that it takes more than this part of the time.
PLACES_EVERY, PLACES_SHARE = 0.5, 0.02
#: A chat that has not taken a result for this long is given up: Telegram and Discord are never down for days.
GIVE_UP_AFTER = timedelta(days=3)
EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "video/mp4": "mp4"}


@dataclass
class _Seen:
    """What this process last put on the screen for a task."""

    content: tuple[object, ...]
    at: float  #: monotonic seconds


class _Places:
    """Who stands where in the queue of one gateway."""

    def __init__(self, store: Store, gateway: str) -> None:
        self._store, self._gateway = store, gateway
        self._found: dict[str, int] = {}
        self._stale_at = 0.0  # monotonic seconds
        self._asking = asyncio.Lock()

    async def of(self, task_id: str) -> int | None:
        """1 is the next; None where it is not (or not yet) in the line."""
        async with self._asking:
            began = time.monotonic()
            if began >= self._stale_at or task_id not in self._found:
                self._found = await self._store.positions(self._gateway)
                ended = time.monotonic()
                self._stale_at = ended + max(PLACES_EVERY, (ended - began) / PLACES_SHARE)
        return self._found.get(task_id)


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
        meter: Meter = UNWATCHED,
    ) -> None:
        self._store, self._media, self._catalogue = store, media, catalogue
        self._fronts, self._clock, self._wake, self._meter = fronts, clock, wake, meter
        self.beat = Beat("delivery", listener, clock)
        # What became due while it was in hand is found at once when it is not any more.
        self._showing, self._handing = Crew(self.beat.soon), Crew(self.beat.soon)
        self._attempts: dict[str, int] = {}  # of the tasks that are being handed over
        self._places: dict[str, _Places] = {}  # by gateway
        self._seen: dict[str, _Seen] = {}
        self._put_off: dict[str, int] = {}  # tries in a row at which a chat took no progress, by task
        self._failures: dict[str, int] = {}
        self._refused_since: dict[str, float] = {}  # monotonic: the first posting of this life that failed, by task

    async def run(self, stopping: asyncio.Event, *, last_words: float = 4.0) -> None:
        """Until ``stopping``; then one more round, with ``last_words`` seconds to get it out. What is being posted by
        then gets :data:`UPLOAD` seconds: cut off, it might be in the chat and be posted once more."""
        alive = asyncio.create_task(self._keep_leases())
        try:
            await self.beat.run(self._round, stopping)
            try:
                async with asyncio.timeout(last_words):
                    await self._round()
            except (TimeoutError, StoreDown):
                log.info("stopped with results still to be posted; they follow at the next start")
            await self._showing.finish(last_words)
            await self._handing.finish(UPLOAD)
        finally:
            alive.cancel()

    async def _keep_leases(self) -> None:
        """An upload may take longer than a lease: until it is over, no other process takes the task."""
        while True:
            await asyncio.sleep(KEEP_LEASES)
            if not self._attempts:
                continue
            try:
                await self._store.still_handing(dict(self._attempts), self._clock())
            except StoreDown as error:
                log.warning("leases could not be kept", reason=str(error))
            except Exception:
                log.exception("leases could not be kept")

    async def _round(self) -> None:
        if self.beat.failed:
            # Who has posted while the database was away writes it down first, whoever's lease is over.
            await asyncio.sleep(AFTER_OUTAGE)
        now = self._clock()
        if self.beat.woken:
            self.beat.at(now + FIRST_LOOK)  # perhaps by a new request
        screens = BATCH if await _is_calm() else 1
        busy = [*self._showing.keys(), *self._handing.keys()]
        last_words = max(0, LAST_WORDS - len(self._handing))
        due = await self._store.outbox_due(tuple(self._fronts), now, screens, busy, last_words=last_words)
        if not due:
            return
        orders = await self._store.orders_of([task.id for task in due])
        for task in due:
            if task.delivery is DeliveryState.OPEN:
                self._showing.start(task.id, self._show(task, orders[task.id]))
            else:
                self._handing.start(task.id, self._last_word(task, orders[task.id]))
            # Writing a screen takes a millisecond or two: everybody else has a turn in between.
            await asyncio.sleep(0)

    async def _last_word(self, task: Task, orders: tuple[Order, ...]) -> None:
        self._attempts[task.id] = task.attempt
        try:
            await self._hand_over(task, orders)
        finally:
            del self._attempts[task.id]

    async def _view(self, task: Task, orders: tuple[Order, ...]) -> View:
        model = self._catalogue.get(task.request.model or "")
        queued = next((order.gateway for order in orders if order.state is OrderState.QUEUED), None)
        position = None
        if queued is not None and task.delivery is DeliveryState.OPEN:
            position = await self._places.setdefault(queued, _Places(self._store, queued)).of(task.id)
        able = self._catalogue.operations()
        return view_of(task, orders, model, position=position, now=self._clock(), able=able)

    # -- progress ---------------------------------------------------------------------------------------------------

    async def _show(self, task: Task, orders: tuple[Order, ...]) -> None:
        """Progress is droppable: a chat that is busy or gone never holds up the work."""
        front = self._fronts[task.address.front]
        view = await self._view(task, orders)
        seen, content = self._seen.get(task.id), _content(view)
        address = task.address
        pause = self._pause(task, front)
        if seen is not None and seen.content != content and pause > 0:
            await self._progress_later(task, pause)
            return
        if seen is None or seen.content != content:
            try:
                address = await front.show(address, view)
            except ChatBusy as busy:
                await self._progress_later(task, max(busy.retry_after, self._patience(task, front.pace)))
                return
            except ChatGone as gone:
                log.info("progress cannot be shown", task=task.id, reason=gone.reason)
            except Exception:
                log.exception("showing progress failed", task=task.id, front=front.name)
            self._put_off.pop(task.id, None)
            self._seen[task.id] = _Seen(content, time.monotonic())
            while len(self._seen) > SCREENS:  # another process may have said the last word: nobody forgets these
                del self._seen[next(iter(self._seen))]
        # Until then no change needs to be looked at: the screen could not follow.
        pause = self._pause(task, front)
        due = self._next_look(view, orders, max(front.pace, pause))
        held = self._clock() + timedelta(seconds=pause) if pause > 0 else None
        # A status whose place is forgotten would be posted a second time.
        await insist(lambda: self._store.shown(task.id, address, task.revision, due, held))
        if held is not None:
            self.beat.at(held)
        if due is not None:
            self.beat.at(due)

    def _pause(self, task: Task, front: Front) -> float:
        """Seconds until another screen may follow the last one; none where there is no last one."""
        seen = self._seen.get(task.id)
        if seen is None:
            return 0.0
        # At most all of it: the clock may have been set back since.
        quiet = min(front.quiet, front.quiet - (self._clock() - task.created_at).total_seconds())
        return max(front.pace - (time.monotonic() - seen.at), quiet, 0.0)

    def _patience(self, task: Task, pace: float) -> float:
        """Seconds to the next try, longer each time: thousands may wait for a place on the same chat's screen."""
        tries = self._put_off.pop(task.id, 0)
        self._put_off[task.id] = tries + 1
        while len(self._put_off) > SCREENS:
            del self._put_off[next(iter(self._put_off))]
        return min(pace * 2.0 ** min(tries, 10), PROGRESS_AT_MOST)

    async def _progress_later(self, task: Task, seconds: float) -> None:
        due = self._clock() + timedelta(seconds=seconds)
        await insist(lambda: self._store.progress_postponed(task.id, due))
        self.beat.at(due)

    def _next_look(self, view: View, orders: tuple[Order, ...], least: float) -> datetime | None:
        """When the screen is old even if nothing is stored until then, in ``least`` seconds or more; None: never."""
        now = self._clock()
        wait: float | None = None
        if view.stage is Stage.QUEUED:
            wait = min(max(POSITION_EVERY, (view.position or 0) * POSITION_EVERY_PLACE), POSITION_AT_MOST)
        elif view.stage is Stage.WORKING:
            wait = next_step(orders, self._catalogue.get(view.request.model or ""), now)
        return None if wait is None else now + timedelta(seconds=max(wait, least))

    # -- the last word ----------------------------------------------------------------------------------------------

    async def _hand_over(self, task: Task, orders: tuple[Order, ...]) -> None:
        front = self._fronts[task.address.front]
        view = await self._view(task, orders)
        lost = False
        try:
            try:
                pictures = await self._pictures(task, orders)
            except KeyError as error:
                log.error("a picture is no longer in the media store", task=task.id, picture=str(error))
                lost, pictures = True, []
                view = replace(view, stage=Stage.FAILED, failure=failure_of(PictureGone()), actions=(Action.AGAIN,))
            receipt = await front.hand_over(task.address, view, pictures, attempt=max(task.attempt, 1))
        except ChatGone as gone:
            log.warning("the chat is gone", task=task.id, front=front.name, reason=gone.reason)
            self._meter.delivery(front.name, "given_up")
            await self._store.undeliverable(task.id, gone.reason, self._clock())
            self._forget(task.id)
            return
        except ChatBusy as busy:
            await self._later(task, busy.retry_after, busy)
            return
        except StoreDown as error:
            await self._later(task, None, error)
            return
        except Exception as error:
            log.exception("handing over failed", task=task.id, front=front.name)
            await self._later(task, None, error)
            return
        self._meter.delivery(front.name, "posted" if receipt.messages else "told")
        if lost:
            await insist(lambda: self._store.undeliverable(task.id, "the pictures are gone", self._clock()))
        else:
            await insist(lambda: self._store.delivered(task.id, task.address, receipt, self._clock()))
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
        waited = time.monotonic() - self._refused_since.setdefault(task.id, time.monotonic())
        if waited > GIVE_UP_AFTER.total_seconds():
            self._meter.delivery(task.address.front, "given_up")
            log.error("given up: the chat has taken nothing for days", task=task.id, reason=str(error))
            await self._store.undeliverable(task.id, str(error)[:200], now)
            self._forget(task.id)
            return
        due = now + timedelta(seconds=backoff(tries) if retry_after is None else retry_after)
        self._meter.delivery(task.address.front, "put_off")
        log.info("posting is put off", task=task.id, until=due.isoformat(), reason=_reason(error))
        await insist(lambda: self._store.delivery_postponed(task.id, due))
        self.beat.at(due)

    def _forget(self, task_id: str) -> None:
        self._put_off.pop(task_id, None)
        self._seen.pop(task_id, None)
        self._failures.pop(task_id, None)
        self._refused_since.pop(task_id, None)


async def _is_calm() -> bool:
    """Whether the event loop has time for screens: requests, paid calls and results go first."""
    began = time.monotonic()
    await asyncio.sleep(0)
    return time.monotonic() - began < CALM_TURN


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, ImagineError) else repr(error)


def _content(view: View) -> tuple[object, ...]:
    """What a change of which is worth an edit: progress in steps of five per cent, never the revision."""
    steps = None if view.progress is None else int(view.progress * 20)
    return (view.stage, view.position, steps, view.actions)


def _filename(task: Task, ref: MediaRef, index: int, count: int) -> str:
    number = f"-{index + 1}" if count > 1 else ""
    return f"imagine-{task.id}{number}.{EXTENSIONS.get(ref.mime, 'img')}"
