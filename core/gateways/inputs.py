"""A call's pictures, made to fit its model and written the way wires take them."""

import asyncio
import base64
from collections.abc import Sequence

from core.errors import Charged, ImageTooLarge, ImageUnreadable, PictureBroken
from core.gateway import Call, InputImage
from core.pictures import FitPicture, fit_picture

#: Bytes of all pictures of one call. As base64 they are 64 MB, below the 100 MB that Cloudflare, which stands before
#: these gateways, takes in one request.
CALL_BYTES = 48_000_000
#: The shortest side FLUX reads (gateways: BFL and apiyi, 64x64).
SHORTEST = 64
#: The longer side over the shorter, above which a picture gets margins: Volcano Ark refuses more than 16.
LONGEST_RATIO = 16.0


async def fitted(call: Call, *, shortest: int = SHORTEST, longest_ratio: float = LONGEST_RATIO) -> list[FitPicture]:
    """The pictures of ``call`` within the limits of its model's row. Raises PictureBroken (nothing was charged).

    ``shortest`` is the least a side may have, in pixels; ``longest_ratio`` the longer side over the shorter.
    """
    return await asyncio.to_thread(_fitted, call, shortest, longest_ratio)


async def data_urls(call: Call, *, shortest: int = SHORTEST, longest_ratio: float = LONGEST_RATIO) -> list[str]:
    """The same as ``data:image/…;base64,…``."""
    return await asyncio.to_thread(
        lambda: [_data_url(picture) for picture in _fitted(call, shortest, longest_ratio)],
    )


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


def _data_url(picture: FitPicture) -> str:
    return f"data:{picture.mime};base64,{base64.b64encode(picture.data).decode('ascii')}"


def numbered(urls: Sequence[str]) -> dict[str, str]:
    """BFL's names: ``input_image``, ``input_image_2``…; there is no ``input_image_1``."""
    return {f"input_image_{place}" if place > 1 else "input_image": url for place, url in enumerate(urls, start=1)}
