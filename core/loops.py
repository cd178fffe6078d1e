"""The beat all loops share: do a round, sleep until something is due or a wake-up comes, survive the database."""

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any

import structlog

from core.engine import Listener, seconds_until
from core.errors import StoreDown
from core.ports import Clock

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Seconds from the end of a round to the next at least: where many things happen at once, one look sees them all.
BREATH = 0.04
#: Wait after a failed round, in seconds, doubled up to the second number.
AFTER_FAILURE = (0.5, 15.0)


class Beat:
    """Drives ``round`` until told to stop; remembers the times at which something falls due."""

    def __init__(self, name: str, listener: Listener, clock: Clock) -> None:
        self._name, self._listener, self._clock = name, listener, clock
        self._alarms: list[datetime] = []
        self._last = time.monotonic()
        #: Whether something has woken the loop since the last round; else the round comes by itself.
        self.woken = True
        #: Whether the database was away at the last round.
        self.failed = False

    def soon(self) -> None:
        """Do the next round as soon as may be."""
        self._listener.nudge()

    def silence(self) -> float:
        """Seconds since the last round that went well, or since the beginning."""
        return time.monotonic() - self._last

    def at(self, due: datetime) -> None:
        """Do a round then, too."""
        heapq.heappush(self._alarms, due)

    async def run(self, round_: Callable[[], Awaitable[None]], stopping: asyncio.Event) -> None:
        """Rounds until ``stopping`` is set. A round that fails is logged and tried again; nothing ends the loop."""
        pause = AFTER_FAILURE[0]
        stop = asyncio.create_task(stopping.wait())
        try:
            while not stopping.is_set():
                try:
                    await self._listener.calm()
                    await round_()
                    self._last = time.monotonic()
                    pause, self.failed = AFTER_FAILURE[0], False
                    timeout = self._until_next()
                except StoreDown as error:
                    self.failed = True
                    log.warning("database does not answer", loop=self._name, reason=str(error), again_in=pause)
                    timeout, pause = pause, min(pause * 2, AFTER_FAILURE[1])
                except Exception:
                    log.exception("a round failed", loop=self._name)
                    timeout, pause = pause, min(pause * 2, AFTER_FAILURE[1])
                ended = asyncio.get_running_loop().time()
                nap = asyncio.create_task(self._listener.changed(timeout=timeout))
                await asyncio.wait({nap, stop}, return_when=asyncio.FIRST_COMPLETED)
                self.woken = nap.done() and nap.result()
                if not nap.done():
                    nap.cancel()
                breath = ended + BREATH - asyncio.get_running_loop().time()
                if breath > 0:
                    await asyncio.wait({stop}, timeout=breath)
        finally:
            stop.cancel()

    def _until_next(self) -> float:
        now = self._clock()
        while self._alarms and self._alarms[0] <= now:
            heapq.heappop(self._alarms)
        return seconds_until(self._alarms[0] if self._alarms else None, now, at_most=self._listener.sweep)


class Silence:
    """Who has given no sign for a while, by this process's own steady clock: other machines' clocks may be wrong, and
    ours may be set. Silence means something only to who could have heard: a break begins it anew for everybody."""

    def __init__(self, patience: float, gap: float) -> None:
        """``patience``: seconds that one sign is good for. ``gap``: a longer time between two looks is a break."""
        self._patience, self._gap = patience, gap
        self._heard: dict[str, tuple[object, float]] = {}  # the last sign of each, and when it was new
        self._last = 0.0

    def of(self, signs: Mapping[str, object], at: float) -> set[str]:
        """Whose sign has been the same for longer than is good, ``at`` (monotonic seconds)."""
        known = self._heard if at - self._last <= self._gap else {}
        self._last = at
        fresh = {name: (sign, at) for name, sign in signs.items()}
        self._heard = {
            name: known[name] if name in known and known[name][0] == sign else fresh[name]
            for name, sign in signs.items()
        }
        return {name for name, (_, since) in self._heard.items() if at - since >= self._patience}


class Steps:
    """Notices that the wall clock was set: what is due, and what is overdue, is a time of day."""

    #: Seconds; the slow corrections of a clock that is kept right are far smaller.
    LEAST = 30.0

    def __init__(self) -> None:
        self._ahead: float | None = None  # of the wall clock before the steady one

    def by(self, now: datetime, at: float) -> float | None:
        """How far it was set, ``at`` (monotonic seconds), in seconds: negative is back, 0 not at all. The same until
        :meth:`noted`. None at a start: nobody knows what the clock was before."""
        if self._ahead is None:
            return None
        step = now.timestamp() - at - self._ahead
        if abs(step) >= self.LEAST:
            return step
        self.noted(now, at)
        return 0.0

    def noted(self, now: datetime, at: float) -> None:
        """It was dealt with."""
        self._ahead = now.timestamp() - at


class Crew:
    """Running jobs by key: one job a key, waited for or cancelled together."""

    def __init__(self, ended: Callable[[], None] = lambda: None) -> None:
        """``ended`` is called after each job, when its key is free again."""
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._ended = ended

    def __contains__(self, key: str) -> bool:
        return key in self._jobs

    def __len__(self) -> int:
        return len(self._jobs)

    def keys(self) -> list[str]:
        return list(self._jobs)

    def start(self, key: str, job: Coroutine[Any, Any, None]) -> None:
        """Run ``job`` in the background; its failure is logged, never lost."""
        task = asyncio.create_task(job, name=key)
        self._jobs[key] = task
        task.add_done_callback(lambda done: self._over(key, done))

    def _over(self, key: str, done: asyncio.Task[None]) -> None:
        if self._jobs.get(key) is done:  # else a later job has the key
            del self._jobs[key]
        self._ended()
        if not done.cancelled() and (error := done.exception()) is not None:
            if isinstance(error, StoreDown):
                log.warning("a job was given up: the database does not answer", job=key, reason=str(error))
            else:
                log.error("a job failed", job=key, exc_info=error)

    async def finish(self, within: float) -> int:
        """Wait for all jobs up to ``within`` seconds, then cancel the rest. Returns how many were cancelled."""
        if self._jobs and within > 0:
            await asyncio.wait(list(self._jobs.values()), timeout=within)
        left = list(self._jobs.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return len(left)
