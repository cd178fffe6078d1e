"""What must be stored is stored, however long the store is away: results and answers that may have been paid."""

from collections.abc import AsyncIterator, Sequence

import stamina
import structlog

from core.errors import GatewayError, ImageTooLarge, ImageUnreadable, PictureBroken, PictureTooLarge, StoreDown
from core.ports import MediaStore
from core.types import MediaRef

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def insisting() -> AsyncIterator[stamina.Attempt]:
    """Attempts at something that must be stored, until one is no StoreDown: what is in hand may be paid, and may exist
    nowhere else."""
    return aiter(stamina.retry_context(on=_passes, attempts=None, timeout=None, wait_max=5.0))


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
            async for attempt in insisting():  # a full disk is waited out
                with attempt:
                    kept.append(await media.keep(data))
        except ImageTooLarge as error:
            broken = PictureTooLarge(detail=str(error))
        except ImageUnreadable as error:
            broken = PictureBroken(detail=str(error))
    return tuple(kept), broken
