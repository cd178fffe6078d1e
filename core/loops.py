"""The beat all loops share: do a round, sleep until something is due or a wake-up comes, survive the database."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

import structlog

from core.engine import Listener, seconds_until
from core.errors import StoreDown
from core.ports import Clock

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Seconds from the end of a round to the next at least: where many things happen at once, one look sees them all.
BREATH = 0.02
#: Wait after a failed round, in seconds, doubled up to the second number.
AFTER_FAILURE = (0.5, 15.0)


class Beat:
    """Drives ``round`` until told to stop; remembers the times at which something falls due."""

    def __init__(self, name: str, listener: Listener, clock: Clock) -> None:
        self._name, self._listener, self._clock = name, listener, clock
        self._alarms: list[datetime] = []

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
                    await round_()
                    pause = AFTER_FAILURE[0]
                    timeout = self._until_next()
                except StoreDown as error:
                    log.warning("database does not answer", loop=self._name, reason=str(error), again_in=pause)
                    timeout, pause = pause, min(pause * 2, AFTER_FAILURE[1])
                except Exception:
                    log.exception("a round failed", loop=self._name)
                    timeout, pause = pause, min(pause * 2, AFTER_FAILURE[1])
                ended = asyncio.get_running_loop().time()
                nap = asyncio.create_task(self._listener.changed(timeout=timeout))
                await asyncio.wait({nap, stop}, return_when=asyncio.FIRST_COMPLETED)
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


class Attention:
    """Since when a loop has looked without a break: silence means something only to who could have heard."""

    def __init__(self, gap: timedelta) -> None:
        """``gap``: a longer time between two looks is a break."""
        self._gap = gap
        self._since: datetime | None = None
        self._last: datetime | None = None

    def paid(self, now: datetime) -> timedelta:
        """It looks now, and has done so for this long."""
        if self._since is None or self._last is None or now - self._last > self._gap:
            self._since = now
        self._last = now
        return now - self._since


class Crew:
    """Running jobs by key: one job a key, waited for or cancelled together."""

    def __init__(self) -> None:
        self._jobs: dict[str, asyncio.Task[None]] = {}

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
        if not done.cancelled() and (error := done.exception()) is not None:
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
