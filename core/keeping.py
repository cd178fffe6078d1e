"""Results into the media store: what is whole is kept, however long the store is away."""

from collections.abc import Sequence

import stamina

from core.errors import GatewayError, ImageTooLarge, ImageUnreadable, PictureBroken, PictureTooLarge, StoreDown
from core.ports import MediaStore
from core.types import MediaRef


async def keep_all(media: MediaStore, pictures: Sequence[bytes]) -> tuple[tuple[MediaRef, ...], GatewayError | None]:
    """Keep what is whole; the last reason why something was not."""
    kept: list[MediaRef] = []
    broken: GatewayError | None = None
    for data in pictures:
        try:
            # A full disk is waited out: the bytes in hand may exist nowhere else, and are paid.
            async for attempt in stamina.retry_context(on=StoreDown, attempts=None, timeout=None, wait_max=5.0):
                with attempt:
                    kept.append(await media.keep(data))
        except ImageTooLarge as error:
            broken = PictureTooLarge(detail=str(error))
        except ImageUnreadable as error:
            broken = PictureBroken(detail=str(error))
    return tuple(kept), broken
