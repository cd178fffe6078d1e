"""Who wakes the loops up. The schedule itself is a column (``due``); a wake-up is only a hint."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import datetime

#: The sweep: how long a loop sleeps at most, in seconds. Finds what another process has stored.
SWEEP = 1.0
#: Seconds for which the loops stand back while requests are being answered.
COURTESY = 0.3


class Embedded:
    """One process: an event per waiting loop. Nothing is lost by a missed wake-up, it is only found later."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()
        self._generation = 0
        self._accepting = 0
        self._calm = asyncio.Event()
        self._calm.set()

    def wake(self) -> None:
        self._generation += 1
        for event in self._waiting:
            event.set()

    @contextlib.contextmanager
    def accepting(self) -> Iterator[None]:
        """Somebody waits for the answer to a request: the loops leave it the processor, see :meth:`calm`."""
        self._accepting += 1
        self._calm.clear()
        try:
            yield
        finally:
            self._accepting -= 1
            if not self._accepting:
                self._calm.set()

    async def calm(self) -> None:
        """Return when nobody waits for an answer any more, after :data:`COURTESY` seconds at the latest: Discord gives
        an answer three, and what the loops do takes many."""
        if not self._calm.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(COURTESY):
                    await self._calm.wait()

    def listener(self, *, works: bool = False) -> "Listener":
        """A view of its own for each loop, so that no loop eats another's wake-up. ``works``: it moves orders along,
        as any worker might; else only this process can do what it does."""
        return Listener(self, works=works)

    @property
    def sweep(self) -> float:
        """How long a loop that ``works`` may sleep, in seconds."""
        return SWEEP

    @contextlib.asynccontextmanager
    async def running(self, stopping: asyncio.Event, *, works: bool, shows: bool) -> AsyncIterator[None]:
        """What reaches over to other processes, while the loops run: nothing. ``works``: this process moves orders
        along (until ``stopping``); ``shows``: it has a chat program."""
        yield


class Listener:
    """Remembers what it has seen: a wake-up between two waits is not missed."""

    def __init__(self, engine: Embedded, *, works: bool = False) -> None:
        self._engine, self._works = engine, works
        self._seen = engine._generation
        self._nudged = asyncio.Event()

    @property
    def sweep(self) -> float:
        """How long to sleep at most, in seconds."""
        return self._engine.sweep if self._works else SWEEP

    async def calm(self) -> None:
        """See :meth:`Embedded.calm`."""
        await self._engine.calm()

    def nudge(self) -> None:
        """Wake this loop alone."""
        self._nudged.set()

    async def changed(self, *, timeout: float) -> bool:
        """Return at the next wake-up, at once if there was one since the last call, or after ``timeout`` seconds.
        Whether there was one; a nudge is none."""
        engine = self._engine
        if engine._generation == self._seen and timeout > 0:
            engine._waiting.add(self._nudged)
            try:
                async with asyncio.timeout(timeout):
                    await self._nudged.wait()
            except TimeoutError:
                pass
            finally:
                engine._waiting.discard(self._nudged)
        self._nudged.clear()
        woken, self._seen = engine._generation != self._seen, engine._generation
        return woken


def seconds_until(due: datetime | None, now: datetime, *, at_most: float) -> float:
    """How long to sleep until ``due``: never negative, never longer than ``at_most`` (the sweep's own beat)."""
    return at_most if due is None else min(max((due - now).total_seconds(), 0.0), at_most)
