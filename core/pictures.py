"""Pictures as bytes: what they are, whether they are whole, and making them fit somebody's limits.

Everything here blocks for tens of milliseconds up to seconds: call it through ``asyncio.to_thread``.
"""

import io
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from PIL import Image, ImageOps

from core.errors import ImageTooLarge, ImageUnreadable

#: Pixels that are ever decoded: above the 50 MP of a large phone camera and the 16.8 MP of a 4096x4096 result; at
#: four bytes a pixel that is 256 MB of memory.
MAX_PIXELS = 64_000_000
PNG, JPEG, WEBP, GIF = "image/png", "image/jpeg", "image/webp", "image/gif"
_FORMATS = {PNG: "PNG", JPEG: "JPEG", WEBP: "WEBP", GIF: "GIF"}
_ORIENTATION = 0x0112  # EXIF tag
#: Where a PNG keeps EXIF data: a chunk of its own, or a text as ImageMagick writes it.
_EXIF_IN_PNG = (b"eXIf", b"Raw profile type")
#: What turns a picture upright, by its EXIF orientation (1 is upright; from 5 on, width and height change places).
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: Modes whose colour profile still means something after a conversion to RGB.
_RGB_MODES = ("RGB", "RGBA", "P", "PA")
#: JPEG and WebP qualities that are tried before a picture is made smaller.
_QUALITIES = (92, 85, 75)
#: A picture that is still too large at this side is not worth sending.
_SMALLEST = 16
_WHITE = (255, 255, 255)
#: The four pictures of a 2x2 grid, left to right and top to bottom, as what follows the ``#`` of the grid's link
#: (W3C, "Media Fragments URI 1.0", 4.2.2).
QUARTERS = ("xywh=percent:0,0,50,50", "xywh=percent:50,0,50,50", "xywh=percent:0,50,50,50", "xywh=percent:50,50,50,50")


class Seen(NamedTuple):
    """What a picture is. Width and height in pixels as it is looked at, its EXIF orientation applied."""

    mime: str
    width: int
    height: int


class FitPicture(NamedTuple):
    """A picture within limits."""

    data: bytes
    mime: str
    width: int
    height: int


def sniff(data: bytes | bytearray) -> str | None:
    """The MIME type by the first bytes: PNG, JPEG, WebP or GIF; None for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    return None


def inspect(data: bytes) -> Seen:
    """Read a picture whole (of an animation, the first frame) and say what it is.

    Raises ImageUnreadable for what is no picture or not a whole one, ImageTooLarge above ``MAX_PIXELS``: that is known
    from the header, so a decompression bomb is never decoded.
    """
    # Most results are PNGs. Their checksums, to the last part, say as much as their pixels do, a hundred times faster.
    read = _verified if sniff(data) == PNG and not any(mark in data for mark in _EXIF_IN_PNG) else _decoded_small
    mime, size, orientation = read(data)
    return Seen(mime, *reversed(size)) if orientation >= 5 else Seen(mime, *size)


def upright(data: bytes) -> Image.Image:
    """The picture as it is looked at, its EXIF orientation applied, as RGB or RGBA (of an animation, the first frame).

    Raises ImageUnreadable, and ImageTooLarge above ``MAX_PIXELS``.
    """
    _, image = _decoded(data)
    with image:
        turn = _TURNS.get(_orientation(image))
        plain = _plain(image, keep_alpha=True)
    return plain if turn is None else plain.transpose(turn)


def quarters(grid: bytes) -> dict[str, bytes]:
    """The four pictures of a 2x2 grid as PNG, by their ``QUARTERS``.

    Raises ImageUnreadable, and ImageTooLarge above ``MAX_PIXELS``.
    """
    _, image = _decoded(grid)
    with image:
        profile = image.info.get("icc_profile") if image.mode in _RGB_MODES else None
        plain = _plain(image, keep_alpha=True)
    width, height = plain.width // 2, plain.height // 2
    if not width or not height:
        raise ImageUnreadable
    corners = ((x, y) for y in (0, plain.height - height) for x in (0, plain.width - width))
    parts = (plain.crop((x, y, x + width, y + height)) for x, y in corners)
    return {name: _encoded(part, PNG, None, profile) for name, part in zip(QUARTERS, parts, strict=True)}


def fit_picture(
    data: bytes,
    *,
    max_bytes: int,
    max_pixels: int,
    max_side_sum: int | None = None,
    max_ratio: float | None = None,
    min_side: int = 1,
    multiple: int = 1,
    mimes: Collection[str] = (PNG, JPEG, WEBP),
) -> FitPicture:
    """The same picture within limits; unchanged, byte for byte, when it is within them already.

    ``max_pixels`` is width x height, ``max_side_sum`` width + height, ``max_ratio`` the longer side over the shorter
    (a longer picture gets margins), ``multiple`` what both sides must be divisible by, ``mimes`` what may come out
    (PNG, JPEG or WebP). Upright; transparency is kept where PNG or WebP may come out, else it becomes white.
    Raises ImageUnreadable, and ImageTooLarge also when no quality and size helps.
    """
    limits = _Limits(max_pixels, max_side_sum, max_ratio, min_side, multiple)
    mime, image = _decoded(data)
    with image:
        turn = _TURNS.get(_orientation(image))
        if mime in mimes and len(data) <= max_bytes and turn is None and limits.takes(*image.size):
            return FitPicture(data, mime, *image.size)
        profile = image.info.get("icc_profile") if image.mode in _RGB_MODES else None
        plain = _plain(image, keep_alpha=PNG in mimes or WEBP in mimes)
    if turn is not None:
        plain = plain.transpose(turn)
    plain = limits.sized(padded(plain, max_ratio))
    while True:
        for name, encoded in _encodings(plain, mime, mimes, profile):
            if len(encoded) <= max_bytes:
                return FitPicture(encoded, name, *plain.size)
        smaller = (max(1, plain.width * 4 // 5), max(1, plain.height * 4 // 5))
        smaller_plain = limits.sized(plain.resize(smaller, Image.Resampling.LANCZOS))
        if smaller_plain.width >= plain.width or min(smaller) < _SMALLEST:
            raise ImageTooLarge(limit_mb=max(1, max_bytes // 1_000_000))
        plain = smaller_plain


class _Limits(NamedTuple):
    max_pixels: int
    max_side_sum: int | None
    max_ratio: float | None
    min_side: int
    multiple: int

    def takes(self, width: int, height: int) -> bool:
        return (
            width * height <= self.max_pixels
            and (self.max_side_sum is None or width + height <= self.max_side_sum)
            and (self.max_ratio is None or max(width, height) <= self.max_ratio * min(width, height))
            and min(width, height) >= self.min_side
            and width % self.multiple == 0
            and height % self.multiple == 0
        )

    def sized(self, image: Image.Image) -> Image.Image:
        """Scaled and cut at the edges (by less than ``multiple``) to what is allowed."""
        width, height = image.size
        scale = max(1.0, self.min_side / min(width, height))
        scale = min(scale, (self.max_pixels / (width * height)) ** 0.5)
        if self.max_side_sum is not None:
            scale = min(scale, self.max_side_sum / (width + height))
        least = max(self.multiple, self.min_side + -self.min_side % self.multiple)
        width, height = (max(least, int(side * scale) // self.multiple * self.multiple) for side in (width, height))
        if self.max_ratio is not None:  # rounding down the shorter side may have gone beyond it
            longest = max(least, int(min(width, height) * self.max_ratio) // self.multiple * self.multiple)
            width, height = min(width, longest), min(height, longest)
        if (width, height) == image.size:
            return image
        return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def _verified(data: bytes) -> tuple[str, tuple[int, int], int]:
    """MIME type, size and orientation of a PNG without EXIF data, its checksums checked."""
    mime, image = _opened(data, lambda image: image.verify())
    return mime, image.size, 1


def _decoded_small(data: bytes) -> tuple[str, tuple[int, int], int]:
    """MIME type, size and orientation of a picture, after all of it was read. A JPEG is decoded at an eighth of its
    size: every byte is looked at, but the costly part is left out."""
    size = (0, 0)

    def load(image: Image.Image) -> None:
        nonlocal size
        size = image.size
        image.draft(None, (1, 1))
        image.load()

    mime, image = _opened(data, load)
    with image:
        return mime, size, _orientation(image)


def _decoded(data: bytes) -> tuple[str, Image.Image]:
    """MIME type and the picture, decoded."""
    return _opened(data, lambda image: image.load())


def _opened(data: bytes, read: Callable[[Image.Image], object]) -> tuple[str, Image.Image]:
    """MIME type and the picture, after ``read`` has read all of it."""
    mime = sniff(data)
    if mime is None:
        raise ImageUnreadable
    try:
        image = Image.open(io.BytesIO(data), formats=(_FORMATS[mime],))
        if image.width * image.height > MAX_PIXELS:
            image.close()
            raise ImageTooLarge(limit_mb=MAX_PIXELS // 1_000_000)
        read(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageTooLarge(limit_mb=MAX_PIXELS // 1_000_000) from None
    except ImageTooLarge:
        raise
    except Exception as error:
        # Pillow's decoders raise whatever damaged bytes lead them into: OSError, SyntaxError, struct.error, KeyError…
        raise ImageUnreadable from error
    return mime, image


def _orientation(image: Image.Image) -> int:
    """1-8; 1 also where the EXIF data cannot be read."""
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - damaged EXIF raises anything, and is no reason to refuse the picture
        return 1
    return found if found in _TURNS else 1


def _plain(image: Image.Image, *, keep_alpha: bool) -> Image.Image:
    """As RGB or RGBA."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    if keep_alpha:
        return clear
    flat = Image.new("RGB", clear.size, _WHITE)
    flat.paste(clear, mask=clear.getchannel("A"))
    return flat


def padded(image: Image.Image, max_ratio: float | None) -> Image.Image:
    """RGB with white margins, RGBA with clear ones, where it is longer than allowed: nothing of it is lost."""
    width, height = image.size
    if max_ratio is None or max(width, height) <= max_ratio * min(width, height):
        return image
    shortest = -int(-max(width, height) // max_ratio)
    size = (max(width, shortest), max(height, shortest))
    return ImageOps.pad(image, size, color=(*_WHITE, 0) if image.mode == "RGBA" else _WHITE)


def _encodings(
    image: Image.Image, source: str, mimes: Collection[str], profile: bytes | None
) -> Iterator[tuple[str, bytes]]:
    """(MIME type, bytes), the most faithful first: lossless where the source was, then ever smaller."""
    if PNG in mimes and (image.mode == "RGBA" or source in (PNG, GIF)):
        yield PNG, _encoded(image, PNG, None, profile)
    lossy = [mime for mime in (JPEG, WEBP) if mime in mimes and not (mime == JPEG and image.mode == "RGBA")]
    if source == WEBP:
        lossy.reverse()
    if lossy:
        for quality in _QUALITIES:
            yield lossy[0], _encoded(image, lossy[0], quality, profile)
    elif PNG in mimes and source not in (PNG, GIF):
        yield PNG, _encoded(image, PNG, None, profile)


def _encoded(image: Image.Image, mime: str, quality: int | None, profile: bytes | None) -> bytes:
    out = io.BytesIO()
    options: dict[str, object] = {} if quality is None else {"quality": quality}
    image.save(out, _FORMATS[mime], icc_profile=profile, **options)
    return out.getvalue()
