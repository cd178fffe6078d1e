"""A call's pictures, made to fit its model and written the way wires take them."""

import asyncio
import base64
from collections.abc import Sequence

from core.errors import Charged, ImageTooLarge, ImageUnreadable, MaskUnclear, OrderInvalid, PictureBroken
from core.gateway import Call, InputImage
from core.masks import read_mask
from core.pictures import FitPicture, fit_picture

#: Bytes of all pictures of one call. As base64 they are 64 MB, below the 100 MB that Cloudflare, which stands before
#: these gateways, takes in one request.
CALL_BYTES = 48_000_000
#: The shortest side FLUX reads (gateways: BFL and apiyi, 64x64).
SHORTEST = 64
#: The longer side over the shorter, above which a picture gets margins: Volcano Ark refuses more than 16.
LONGEST_RATIO = 16.0
#: Bytes of a mask (OAI-spec: a PNG below 4 MB).
MASK_BYTES = 4_000_000


async def fitted(call: Call, *, shortest: int = SHORTEST, longest_ratio: float = LONGEST_RATIO) -> list[FitPicture]:
    """The pictures of ``call`` within the limits of its model's row. Raises PictureBroken (nothing was charged).

    ``shortest`` is the least a side may have, in pixels; ``longest_ratio`` the longer side over the shorter.
    """
    return await asyncio.to_thread(_fitted, call, shortest, longest_ratio)


async def fitted_mask(call: Call, picture: FitPicture, *, longest_ratio: float = LONGEST_RATIO) -> bytes | None:
    """The mask of ``call`` as a transparent PNG of the size of ``picture``, its first one as ``fitted`` gave it; None
    without a mask.

    Raises OrderInvalid for a mask of another size than its picture had, PictureBroken; in both cases nothing was
    charged.
    """
    return None if call.mask is None else await asyncio.to_thread(_mask, call, call.mask, picture, longest_ratio)


async def data_urls(call: Call, *, shortest: int = SHORTEST, longest_ratio: float = LONGEST_RATIO) -> list[str]:
    """The pictures like ``fitted``, as ``data:image/…;base64,…``. Raises PictureBroken, and OrderInvalid for a call
    with a mask: no wire that takes its pictures like this has a place for one."""
    refuse_mask(call)
    return await asyncio.to_thread(
        lambda: [_data_url(picture) for picture in _fitted(call, shortest, longest_ratio)],
    )


def refuse_mask(call: Call) -> None:
    """For a wire without a place for a mask: the whole picture made anew is not what was ordered. Raises OrderInvalid;
    nothing was charged."""
    if call.mask is not None:
        raise OrderInvalid(detail=f"{call.model.name}: {call.model.route or call.model.gateway} takes no mask")


def _fitted(call: Call, shortest: int, longest_ratio: float) -> list[FitPicture]:
    can = call.model.can
    share = CALL_BYTES // max(1, len(call.images))
    try:
        return [_fit(image, min(can.image_bytes, share), call, shortest, longest_ratio) for image in call.images]
    except (ImageUnreadable, ImageTooLarge) as error:
        raise PictureBroken(detail=f"input: {error}", charged=Charged.NO) from error


def _fit(image: InputImage, max_bytes: int, call: Call, shortest: int, longest_ratio: float) -> FitPicture:
    can = call.model.can
    return fit_picture(
        image.data,
        max_bytes=max_bytes,
        max_pixels=can.image_pixels,
        max_ratio=longest_ratio,
        min_side=shortest,
        multiple=can.image_multiple,
        mimes=can.image_mimes,
    )


def _mask(call: Call, mask: InputImage, picture: FitPicture, longest_ratio: float) -> bytes:
    try:
        whole = read_mask(mask.data)
    except (ImageUnreadable, ImageTooLarge, MaskUnclear) as error:
        raise PictureBroken(detail=f"mask: {error}", charged=Charged.NO) from error
    first = call.images[0]
    if (whole.width, whole.height) != (first.width, first.height):
        detail = f"{whole.width}x{whole.height} for a picture of {first.width}x{first.height}"
        raise OrderInvalid(detail=f"{call.model.name}: a mask of {detail}")
    encoded = whole.fitted(picture.width, picture.height, max_ratio=longest_ratio).transparent_png()
    if len(encoded) > MASK_BYTES:
        raise PictureBroken(detail=f"mask: {len(encoded)} bytes", charged=Charged.NO)
    return encoded


def _data_url(picture: FitPicture) -> str:
    return f"data:{picture.mime};base64,{base64.b64encode(picture.data).decode('ascii')}"


def numbered(urls: Sequence[str]) -> dict[str, str]:
    """BFL's names: ``input_image``, ``input_image_2``…; there is no ``input_image_1``."""
    return {f"input_image_{place}" if place > 1 else "input_image": url for place, url in enumerate(urls, start=1)}
