"""The last steps of every picture: the words at the bottom, and the file."""

import io
import unicodedata
from functools import cache, lru_cache
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

Format = Literal["png", "jpeg", "webp"]
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

#: Fonts with Chinese characters by file name, as Linux, macOS and Windows ship them; Pillow knows where to look.
_CJK_FONTS = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Regular.otf",
    "wqy-zenhei.ttc",
    "wqy-microhei.ttc",
    "DroidSansFallbackFull.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "msyh.ttc",
    "simsun.ttc",
)


def caption(canvas: Image.Image, words: str, *, strong: bool = False) -> None:
    """Write ``words`` on a dark band at the bottom: at most three lines (two on small pictures), then an ellipsis.

    ``strong`` makes the band opaque, which marks an edit. Characters that no font at hand can draw are left out.
    """
    width, height = canvas.size
    points = max(9, min(40, round(min(width, height) / 34)))
    font, text = _fitting_font(words, points)
    lines = _wrapped(text, font, width - 2 * points, 3 if height >= 256 else 2)
    if not lines:
        return
    band = round((len(lines) * 1.3 + 0.7) * points)
    box = (0, max(0, height - band), width, height)
    shade = Image.new(canvas.mode, (width, box[3] - box[1]), (12, 14, 22))
    below = canvas.crop(box)
    canvas.paste(Image.blend(below, shade, 0.92 if strong else 0.55), box[:2])
    brush = ImageDraw.Draw(canvas)
    for row, line in enumerate(lines):
        brush.text((points, box[1] + (0.3 + row * 1.3) * points), line, fill=(250, 250, 246), font=font)


def encode(picture: Image.Image, format: Format) -> bytes:  # noqa: A002  # Pillow's own word for it
    """The picture as a file; settings favour speed over size."""
    buffer = io.BytesIO()
    if format == "png":
        picture.save(buffer, "PNG", compress_level=1)
    elif format == "jpeg":
        picture.convert("RGB").save(buffer, "JPEG", quality=88)
    else:
        picture.save(buffer, "WEBP", quality=80, method=0)
    return buffer.getvalue()


@cache
def _fonts(points: int) -> tuple[_Font, ...]:
    """Pillow's own font, then the first system font with Chinese characters, if there is one."""
    for name in _CJK_FONTS:
        try:
            return ImageFont.load_default(points), ImageFont.truetype(name, points)
        except OSError:
            continue
    return (ImageFont.load_default(points),)


@lru_cache(maxsize=4096)
def _draws(font: _Font, character: str) -> bool:
    """Whether the font has a glyph of its own for the character: the stand-in box is the same for all it lacks."""
    return character == " " or bytes(font.getmask(character)) != bytes(font.getmask("\U0010ffff"))


def _fitting_font(words: str, points: int) -> tuple[_Font, str]:
    """The font that draws most of ``words``, and the words without what it cannot draw."""
    plain = "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in words[:400])
    texts = [(font, "".join(c for c in plain if _draws(font, c))) for font in _fonts(points)]
    font, text = max(texts, key=lambda pair: len(pair[1]))  # the first wins a tie: Pillow's own
    return font, " ".join(text.split())


def _wrapped(text: str, font: _Font, room: float, most: int) -> list[str]:
    """``text`` in lines no wider than ``room`` pixels, broken at spaces where there are any."""
    lines: list[str] = []
    while text and len(lines) < most:
        end = len(text)
        while end > 1 and font.getlength(text[:end]) > room:
            end = min(end - 1, int(end * room / font.getlength(text[:end])) + 1)
        if end < len(text):
            space = text.rfind(" ", 1, end + 1)
            end = space if space > end // 2 else end
        lines.append(text[:end].strip())
        text = text[end:].strip()
    if text and lines:
        lines[-1] = lines[-1][:-2] + "…"
    return lines
