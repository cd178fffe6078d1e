"""Pictures people can attach without having any: drawn on the spot, and what shows a part of them."""

import asyncio
import functools
import io
from collections.abc import Awaitable, Callable, Mapping

from PIL import Image, ImageDraw

from sandbox.chat import Upload
from sandbox.pictures import draw

#: What the page offers.
SAMPLES = ("a lake at sunset", "a city at night", "a cat in the garden")
WIDTH, HEIGHT = 1024, 768
#: The part of a sample that is painted over, and that its mask marks: left, top, right and bottom in pixels.
PART = (620, 120, 900, 400)
#: A felt pen that no sample has a colour like.
PEN = (255, 0, 170)


def is_picture(told: str) -> bool:
    """Whether :func:`picture` knows this."""
    return told.partition(":")[0] in _KINDS and ":" in told


async def picture(told: str, *, as_file: bool = False) -> Upload:
    """What a script calls a picture: ``sample:``, ``painted:`` or ``mask:`` and what it shows."""
    kind, _, subject = told.partition(":")
    return await _KINDS[kind](subject, as_file=as_file)


async def sample(subject: str, *, as_file: bool = False) -> Upload:
    """A JPEG of ``subject``, the same for the same words; with ``as_file`` to be sent uncompressed on Telegram."""
    data = await asyncio.to_thread(_drawn, subject)
    return Upload(f"{_name(subject)}.jpg", "image/jpeg", data, as_file)


async def painted(subject: str, *, as_file: bool = False) -> Upload:
    """The sample as somebody sends it who has painted a part of it over on a phone."""
    return await painted_over((await sample(subject)).data, as_file=as_file)


async def painted_over(shown: bytes, *, as_file: bool = False) -> Upload:
    """The same of any picture."""
    return Upload("painted.jpg", "image/jpeg", await asyncio.to_thread(_painted, shown), as_file)


async def mask(subject: str, *, as_file: bool = False) -> Upload:
    """A mask for the sample, in black and white: white is to be made anew."""
    data = await asyncio.to_thread(_mask)
    return Upload(f"{_name(subject)}-mask.png", "image/png", data, as_file)


_KINDS: Mapping[str, Callable[..., Awaitable[Upload]]] = {"sample": sample, "painted": painted, "mask": mask}


def _name(subject: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in subject)


@functools.lru_cache(maxsize=32)
def _drawn(subject: str) -> bytes:
    return draw(subject, seed=1, width=WIDTH, height=HEIGHT, format="jpeg")


def _painted(shown: bytes) -> bytes:
    with Image.open(io.BytesIO(shown)) as opened:
        image = opened.convert("RGB")
    left, top, right, bottom = PART
    across, down = image.width / WIDTH, image.height / HEIGHT
    ImageDraw.Draw(image).ellipse((left * across, top * down, right * across, bottom * down), fill=PEN)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def _mask() -> bytes:
    image = Image.new("L", (WIDTH, HEIGHT))
    ImageDraw.Draw(image).ellipse(PART, fill=255)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
