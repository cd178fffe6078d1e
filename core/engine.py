"""Who wakes the loops up. The schedule itself is a column (``due``); a wake-up is only a hint."""

import asyncio
from datetime import datetime


class Embedded:
    """One process: an event per waiting loop. Nothing is lost by a missed wake-up, it is only found later."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()
        self._generation = 0

    def wake(self) -> None:
        self._generation += 1
        for event in self._waiting:
            event.set()

    def listener(self) -> "Listener":
        """A view of its own for each loop, so that no loop eats another's wake-up."""
        return Listener(self)


class Listener:
    """Remembers what it has seen: a wake-up between two waits is not missed."""

    def __init__(self, engine: Embedded) -> None:
        self._engine = engine
        self._seen = engine._generation

    async def changed(self, *, timeout: float) -> None:
        """Return at the next wake-up, at once if there was one since the last call, or after ``timeout`` seconds."""
        engine = self._engine
        if engine._generation == self._seen and timeout > 0:
            event = asyncio.Event()
            engine._waiting.add(event)
            try:
                async with asyncio.timeout(timeout):
                    await event.wait()
            except TimeoutError:
                pass
            finally:
                engine._waiting.discard(event)
        self._seen = engine._generation


def seconds_until(due: datetime | None, now: datetime, *, at_most: float) -> float:
    """How long to sleep until ``due``: never negative, never longer than ``at_most`` (the sweep's own beat)."""
    return at_most if due is None else min(max((due - now).total_seconds(), 0.0), at_most)
