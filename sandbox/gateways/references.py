"""Reference pictures as a request carries them, decoded for real."""

import asyncio
import base64
import binascii
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from PIL import Image, UnidentifiedImageError

from sandbox.gateways.refusals import Refusal

_DATA_URL = re.compile(r"data:image/(?:png|jpe?g|webp);base64,")


@dataclass(frozen=True)
class Limits:
    """How large a reference may be. The defaults are FLUX's: 20 MB, 20 MP, no side under 64."""

    bytes: int = 20 * 1024 * 1024
    pixels: int = 20_000_000
    side: int = 64
    ratio: float = 1000.0  #: the longer side over the shorter
    bare: bool = False  #: base64 without ``data:`` in front is taken too


FLUX = Limits()
#: aihubmix documents "URL or base64" for its FLUX.
FLUX_BARE = Limits(bare=True)
#: Baidu Qianfan: 10 MB, ratio up to 4, sides from 128.
QIANFAN = Limits(bytes=10 * 1024 * 1024, side=128, ratio=4.0)
#: OpenAI: 50 MB.
OPENAI = Limits(bytes=50 * 1024 * 1024, pixels=100_000_000, side=1)
#: OpenAI: less than 4 MB.
OPENAI_MASK = Limits(bytes=4_000_000, pixels=100_000_000, side=1)


async def picture(value: str, limits: Limits, complain: Callable[[str], Refusal]) -> bytes:
    """The bytes of a picture given as data URL (or, from loopback only, as address). Raises the refusal otherwise."""
    if value.startswith(("http://", "https://")):
        data = await _fetch(value, limits, complain)
    else:
        data = await asyncio.to_thread(_decode, value, limits, complain)
    await asyncio.to_thread(look, data, limits, complain)
    return data


def look(data: bytes, limits: Limits, complain: Callable[[str], Refusal]) -> None:
    """Decode ``data`` whole and hold it against ``limits``; raises the refusal when it is no such picture."""
    if len(data) > limits.bytes:
        raise complain(f"Image is larger than {round(limits.bytes / 1024 / 1024)} MB")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as opened:
            width, height = opened.size
            if width * height > limits.pixels:
                raise complain(f"Image has more than {limits.pixels // 1_000_000} megapixels")
            if min(width, height) < limits.side or max(width, height) / min(width, height) > limits.ratio:
                raise complain(f"Image dimensions {width}x{height} are not supported")
            opened.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise complain("Image could not be read: png, jpg or webp is wanted") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise complain(f"Image has more than {limits.pixels // 1_000_000} megapixels") from None


def _decode(value: str, limits: Limits, complain: Callable[[str], Refusal]) -> bytes:
    head = _DATA_URL.match(value)
    if head is None and not limits.bare:
        raise complain("Image must be an http(s) address or a data:image/...;base64 URL")
    try:
        return base64.b64decode(value[head.end() if head else 0 :], validate=True)
    except (binascii.Error, ValueError):
        raise complain("Image is not valid base64") from None


async def _fetch(address: str, limits: Limits, complain: Callable[[str], Refusal]) -> bytes:
    if urlsplit(address).hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise complain("Image address could not be fetched: the sandbox never leaves this machine")
    parts, size = [], 0
    try:
        async with (
            httpx.AsyncClient(trust_env=False, timeout=10) as client,
            client.stream("GET", address) as response,
        ):
            response.raise_for_status()
            async for part in response.aiter_bytes():
                parts.append(part)
                size += len(part)
                if size > limits.bytes:
                    break
    except httpx.HTTPError:
        raise complain("Image address could not be fetched") from None
    return b"".join(parts)


def size(data: bytes) -> tuple[int, int]:
    """(width, height) in pixels, as a person sees it, of a picture that ``look`` has passed."""
    with Image.open(io.BytesIO(data)) as opened:
        width, height = opened.size
        turned = opened.getexif().get(0x0112, 1) >= 5  # EXIF orientations 5 to 8 lie on their side
    return (height, width) if turned else (width, height)
