"""Retention: what is old, or too much, leaves the media store, unless somebody still needs it."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

import structlog

from core.errors import StoreDown
from core.media import FRESH, ObjectMedia, Stored
from core.ports import Clock, Store

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Seconds from the start to the first sweep, and from one to the next.
FIRST, EVERY = 60.0, 3600.0
#: What was written more recently is never removed: what has just been made may not be in the database yet, which may
#: have been away for an hour.
GRACE = 3 * FRESH
#: The age of what may go is told to the minute: all that a sweep remembers is how much there is of each.
_MINUTE = 60
GIGABYTE = 1_000_000_000
#: Removals under way at once: S3 takes its time for each.
AT_ONCE = 8


@dataclass(frozen=True)
class Swept:
    """What one sweep did."""

    removed: int = 0  #: pictures and videos
    bytes: int = 0  #: theirs
    above: int = 0  #: bytes above the bound that had to stay: too young, or still needed


@dataclass
class _Plan:
    """Which ages go: all minutes before ``until``, and of that minute itself no more than ``rest`` bytes."""

    until: int
    rest: float = 0

    def takes(self, found: Stored) -> bool:
        minute = _minute(found.changed)
        if minute != self.until:
            return minute < self.until
        if self.rest <= 0:
            return False
        self.rest -= found.size
        return True


class Sweeper:
    """One per worker; several at once do one another's work, and no harm."""

    def __init__(self, *, store: Store, media: ObjectMedia, keep_days: float, max_gb: float, clock: Clock) -> None:
        """0 days: whatever its age, it stays. 0 GB: however much there is."""
        self._store, self._media, self._clock = store, media, clock
        self._keep_days, self._max_bytes = keep_days, max_gb * GIGABYTE
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until ``stopping``. A sweep that fails is logged; the next one begins anew."""
        pause = FIRST
        while not await _within(stopping, pause):
            pause = EVERY
            sweep = asyncio.create_task(self.sweep())
            stop = asyncio.create_task(stopping.wait())
            await asyncio.wait({sweep, stop}, return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
            sweep.cancel()  # nothing is half removed
            try:
                await sweep
            except asyncio.CancelledError:
                return
            except StoreDown as error:
                log.warning("the media store could not be swept", reason=str(error))
            except Exception:
                log.exception("a sweep failed")

    async def sweep(self) -> Swept:
        """Look through everything twice: how much there is of which age, then remove what that tells to.
        Raises StoreDown."""
        until = self._clock() - GRACE
        leavings = await self._media.remove_leavings(until=until)
        if leavings:
            log.info("leavings of killed processes removed", files=leavings)
        if not self._keep_days and not self._max_bytes:
            return Swept()
        plan, above = await self._planned(until)
        removed = size = 0
        async for page in self._media.pages():
            old = [found for found in page if _minute(found.changed) <= plan.until]
            # Asked anew for every page: what has come in since may need an old picture.
            in_use = await self._store.media_in_use() if old else frozenset[str]()
            takes = [found for found in old if found.key not in in_use and plan.takes(found)]
            gone = await asyncio.gather(*(self._remove(found, until) for found in takes))
            removed, size = removed + sum(map(bool, gone)), size + sum(gone)
        if removed or above:
            log.info("media store swept", removed=removed, bytes=size, above_the_bound=above)
        return Swept(removed, size, above)

    async def _remove(self, found: Stored, until: datetime) -> int:
        """The bytes that are gone with it."""
        async with self._at_once:
            return found.size if await self._media.remove(found.key, unless_since=until) else 0

    async def _planned(self, until: datetime) -> tuple[_Plan, int]:
        """What is to go, and how many bytes above the bound have to stay."""
        in_use = await self._store.media_in_use()
        ages: Counter[int] = Counter()  # bytes that may go, by the minute they were written in
        total = 0
        async for page in self._media.pages():
            for found in page:
                total += found.size
                if found.changed <= until and found.key not in in_use:
                    ages[_minute(found.changed)] += found.size
        plan = _Plan(_minute(self._clock() - timedelta(days=self._keep_days)) if self._keep_days else -1)
        excess = total - self._max_bytes if self._max_bytes else -inf
        for minute, size in sorted(ages.items()):
            if minute >= plan.until:
                if excess <= 0:
                    break
                plan = _Plan(minute, excess)
            excess -= size
        return plan, max(0, int(max(excess, 0)))


def _minute(moment: datetime) -> int:
    return int(moment.timestamp()) // _MINUTE


async def _within(stopping: asyncio.Event, seconds: float) -> bool:
    """Whether it was set within this time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
    return stopping.is_set()
