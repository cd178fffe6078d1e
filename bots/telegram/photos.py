"""Which results Telegram takes as photos or videos, and how a picture that is too large becomes a photo."""

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
MEGABYTE = 1_000_000
#: core.telegram.org/bots/api#senddocument and #sendvideo: 50 MB a file. The upload of a whole album is kept below it
#: too, for the documents do not tell whether the servers count that.
FILE_BYTES = 50 * MEGABYTE


@dataclass(frozen=True)
class Shown:
    """A result as it goes into the chat."""

    picture: Picture
    photo: bytes | None  #: what is shown; None: only a file can carry it, or it is a video
    is_less: bool = False  #: the photo is not all of the original, which follows as a file

    @property
    def is_video(self) -> bool:
        return self.picture.ref.mime == "video/mp4"

    @property
    def has_preview(self) -> bool:
        """Whether it may be more than a file."""
        return self.is_video or self.photo is not None

    @property
    def fits(self) -> bool:
        """Whether it can be sent at all."""
        return not self.is_video or self.picture.ref.size <= FILE_BYTES


async def shown(picture: Picture, *, has_holes: bool = False) -> Shown:
    """As it is if Telegram takes it, else scaled down; a strip too narrow for a photo stays a file. Photos are JPEGs in
    the end: what ``has_holes``, which is transparent in places, shows without them."""
    ref = picture.ref
    if not ref.is_picture:
        return Shown(picture, None)
    if max(ref.width, ref.height) > PHOTO_RATIO * min(ref.width, ref.height):
        return Shown(picture, None)
    if ref.size <= PHOTO_BYTES and ref.width + ref.height <= PHOTO_SIDES:
        return Shown(picture, picture.data, is_less=has_holes)
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
    return Shown(picture, fitted.data, is_less=True)
