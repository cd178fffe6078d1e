"""What is to be seen in a picture, in the words of describe: its shape and its colours are looked at, no more."""

import io
from collections.abc import Mapping
from fractions import Fraction

from PIL import Image, ImageOps

_STYLES = ("in flat colours", "as an oil painting", "on a quiet morning", "in the style of an old poster")
_COLOURS: Mapping[str, tuple[int, int, int]] = {
    "red": (180, 40, 40),
    "orange": (235, 140, 60),
    "golden": (235, 200, 90),
    "green": (60, 130, 70),
    "turquoise": (70, 160, 170),
    "blue": (50, 100, 180),
    "violet": (110, 70, 140),
    "pink": (235, 140, 180),
    "brown": (120, 80, 50),
    "white": (240, 242, 246),
    "grey": (128, 128, 132),
    "black": (20, 20, 28),
}


def seen(picture: bytes) -> tuple[str, str, str, str]:
    """Four prompts for the picture. Raises ``OSError`` for bytes that are none."""
    with Image.open(io.BytesIO(picture)) as opened:
        upright = ImageOps.exif_transpose(opened)
        shape = Fraction(*upright.size).limit_denominator(9)
        small = upright.convert("RGB").resize((1, 2), Image.Resampling.BOX)
    words = f"a picture of {_colour(small, 1)} hills under a {_colour(small, 0)} sky"
    first, second, third, fourth = (f"{words}, {style} --ar {shape.numerator}:{shape.denominator}" for style in _STYLES)
    return first, second, third, fourth


def _colour(image: Image.Image, row: int) -> str:
    pixel = image.getpixel((0, row))
    assert isinstance(pixel, tuple)
    return min(_COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(_COLOURS[name], pixel, strict=True)))
