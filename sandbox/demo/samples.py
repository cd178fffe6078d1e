"""Pictures people can attach without having any: drawn on the spot."""

import asyncio
import functools

from sandbox.chat import Upload
from sandbox.pictures import draw

#: What the page offers.
SAMPLES = ("a lake at sunset", "a city at night", "a cat in the garden")
WIDTH, HEIGHT = 1024, 768


async def sample(subject: str, *, as_file: bool = False) -> Upload:
    """A JPEG of ``subject``, the same for the same words; with ``as_file`` to be sent uncompressed on Telegram."""
    data = await asyncio.to_thread(_drawn, subject)
    name = "".join(letter if letter.isalnum() else "-" for letter in subject)
    return Upload(f"{name}.jpg", "image/jpeg", data, as_file)


@functools.lru_cache(maxsize=32)
def _drawn(subject: str) -> bytes:
    return draw(subject, seed=1, width=WIDTH, height=HEIGHT, format="jpeg")
