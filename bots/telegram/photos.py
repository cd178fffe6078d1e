"""Which pictures Telegram takes as photos, and how one that is too large becomes one."""

import asyncio
from dataclasses import dataclass

from core.errors import ImageTooLarge, ImageUnreadable
from core.pictures import fit_picture
from core.types import Picture

#: core.telegram.org/bots/api#sendphoto: at most 10 MB, width and height together 10000, one 20 times the other.
PHOTO_BYTES = 10_000_000
PHOTO_SIDES = 10_000
PHOTO_RATIO = 20
#: The most that two sides of that sum can hold.
PHOTO_PIXELS = (PHOTO_SIDES // 2) ** 2


@dataclass(frozen=True)
class Shown:
    """A picture as it goes into the chat."""

    picture: Picture
    photo: bytes | None  #: what is shown; None: only a file can carry it
    is_smaller: bool = False  #: the photo is not the original, which follows as a file


async def shown(picture: Picture) -> Shown:
    """As it is if Telegram takes it, else scaled down; a strip too narrow for a photo stays a file."""
    ref = picture.ref
    if max(ref.width, ref.height) > PHOTO_RATIO * min(ref.width, ref.height):
        return Shown(picture, None)
    if ref.size <= PHOTO_BYTES and ref.width + ref.height <= PHOTO_SIDES:
        return Shown(picture, picture.data)
    try:
        fitted = await asyncio.to_thread(
            fit_picture,
            picture.data,
            max_bytes=PHOTO_BYTES,
            max_pixels=PHOTO_PIXELS,
            max_side_sum=PHOTO_SIDES,
            mimes=("image/jpeg",),
        )
    except (ImageTooLarge, ImageUnreadable):
        return Shown(picture, None)
    return Shown(picture, fitted.data, is_smaller=True)
