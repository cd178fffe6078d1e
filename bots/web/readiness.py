"""Can this process do its work? Checks that may be asked by anybody, as often as they like, and never hang."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog

from core.errors import StoreDown
from core.loops import Beat
from core.ports import MediaStore

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Empty text means fine, else what is wrong.
Check = Callable[[], Awaitable[str]]
#: By what is checked.
Checks = Mapping[str, Check]
#: Seconds an answer about the database and the media store (which is written to) counts.
DATABASE_EVERY, MEDIA_EVERY = 1.0, 10.0
#: Seconds after which something that was not fine is looked at again.
SOON = 1.0
#: Seconds a check may take; what takes longer goes on in the background.
WITHIN = 3.0
#: Seconds a loop may go without a round that went well: three of its sweeps at least (8 s on PostgreSQL).
SILENCE = 30.0


class Listens(Protocol):
    """A chat program that knows whether it hears anything."""

    @property
    def is_listening(self) -> bool: ...


class Looked:
    """A check that is made one at a time, however many want to know. Good news count for ``every`` seconds, bad ones
    for :data:`SOON` at most."""

    def __init__(self, check: Check, *, every: float, within: float = WITHIN) -> None:
        self._check, self._every, self._within = check, every, within
        self._looking: asyncio.Task[str] | None = None
        self._at = 0.0

    async def __call__(self) -> str:
        if self._looking is None or self._is_old(self._looking):
            self._looking = asyncio.create_task(self._look())
        looking = self._looking
        done, _ = await asyncio.wait({looking}, timeout=self._within)
        return looking.result() if done else f"no answer within {self._within:g} s"

    def _is_old(self, looked: "asyncio.Task[str]") -> bool:
        if not looked.done():
            return False
        counts_for = min(self._every, SOON) if looked.result() else self._every
        return time.monotonic() - self._at >= counts_for

    async def _look(self) -> str:
        try:
            return await self._check()
        except StoreDown as error:
            return str(error)
        except Exception as error:
            log.exception("a check failed")
            return type(error).__name__
        finally:
            self._at = time.monotonic()


def checks_of(
    *, database: Check, media: MediaStore, fronts: Mapping[str, Listens], beats: Mapping[str, Beat]
) -> Checks:
    """``fronts``: the chat programs of this process by name; ``beats``: its loops."""

    async def stores() -> str:
        await media.check()
        return ""

    return {
        "database": Looked(database, every=DATABASE_EVERY),
        "media": Looked(stores, every=MEDIA_EVERY),
        **{name: _hearing(front) for name, front in fronts.items()},
        **{name: _beating(beat) for name, beat in beats.items()},
    }


def _hearing(front: Listens) -> Check:
    async def check() -> str:
        return "" if front.is_listening else "not connected"

    return check


def _beating(beat: Beat) -> Check:
    async def check() -> str:
        silence = beat.silence()
        return "" if silence < SILENCE else f"no round went well for {silence:.0f} s"

    return check
