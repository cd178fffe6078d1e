"""What must be stored is stored, however long the store is away: results and answers that may have been paid."""

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import stamina
import structlog

from core.errors import GatewayError, ImageTooLarge, ImageUnreadable, PictureBroken, PictureTooLarge, StoreDown
from core.ports import MediaStore
from core.types import MediaRef

T = TypeVar("T")

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def insist(store: Callable[[], Awaitable[T]]) -> T:
    """What ``store`` returns, tried again until it is no StoreDown: what is in hand may be paid, and may exist nowhere
    else."""
    try:
        return await store()
    except StoreDown as error:
        if not _passes(error):
            raise
    async for attempt in stamina.retry_context(on=_passes, attempts=None, timeout=None, wait_max=5.0):
        with attempt:
            return await store()
    raise AssertionError("tried for ever")


def _passes(error: Exception) -> bool:
    if isinstance(error, StoreDown):
        log.warning("what is in hand cannot be stored: it stays in memory and is tried again", reason=str(error))
        return True
    return False


async def keep_all(media: MediaStore, pictures: Sequence[bytes]) -> tuple[tuple[MediaRef, ...], GatewayError | None]:
    """Keep what is whole; the last reason why something was not."""
    kept: list[MediaRef] = []
    broken: GatewayError | None = None
    for data in pictures:
        try:
            kept.append(await insist(functools.partial(media.keep, data)))  # a full disk is waited out
        except ImageTooLarge as error:
            broken = PictureTooLarge(detail=str(error))
        except ImageUnreadable as error:
            broken = PictureBroken(detail=str(error))
    return tuple(kept), broken
