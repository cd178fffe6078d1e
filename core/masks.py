"""Masks: which area of a picture is to be made anew, found in what a person has sent to show it.

Everything here blocks for tens of milliseconds up to seconds: call it through ``asyncio.to_thread``.
"""

import io
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageFilter, ImageOps, ImageStat

from core.errors import MaskUnclear
from core.pictures import padded, upright

#: Shares of the picture: less is a slip (the clear corners of a screenshot), more leaves nothing to keep.
LEAST, MOST = 0.0002, 0.95
#: By how much two shapes may differ and count as one: messengers round the sides of what they scale.
_RATIO_SLACK = 0.02
#: Pixels of the longer side at which two pictures are compared. Scaling down evens out what JPEG left behind.
_SIDE = 512
#: How much the painted area grows, and half the width of the gaps in it that close, as shares of the longer side.
_GROWN, _CLOSED = 0.01, 0.02
#: Levels (of 255, in the channel that changed most) from which on a pixel is painted over. JPEG at quality 40 after
#: two rescalings stays below it but for single pixels.
_PAINTED = 48
#: Of a pixel's surroundings, the share that must be painted too: a pen's line has a quarter, a stray speck less.
_COMPANY = 0.12
#: What lies outside the painted area must be the same: levels it differs by on average, and the share of strays.
_SAME_MEAN, _STRAYS = 10.0, 0.02
#: Levels by which the unpainted rest varies in itself if it has enough in it to be recognised.
_TELLING = 12.0
#: Levels that may be left unexplained (JPEG leaves up to 8) if one paint, opaque or not, lies over the picture there.
_ONE_PAINT = 14.0
#: Pixels of the longer side when it is asked whether there is one paint.
_SAMPLE_SIDE = 96
#: A mask in black and white: the levels that are neither, the colour it may have, and how many pixels may have either.
_DARK, _BRIGHT, _COLOURLESS, _NEITHER = 56, 199, 40, 0.04


@dataclass(frozen=True)
class Mask:
    """The area of a picture that is to be made anew: ``area`` is as large as the picture, mode L, 255 there, else 0."""

    area: Image.Image

    @property
    def width(self) -> int:
        return self.area.width

    @property
    def height(self) -> int:
        return self.area.height

    @property
    def share(self) -> float:
        """Of the picture, 0.0-1.0."""
        return self.area.histogram()[255] / (self.width * self.height)

    def fitted(self, width: int, height: int, *, max_ratio: float | None = None) -> "Mask":
        """The mask of the same picture after ``fit_picture`` has made it ``width`` x ``height`` pixels.

        Margins are kept as they are; pictures that had to be cut to multiples several times are met within one of them.
        """
        kept = padded(ImageOps.invert(self.area).convert("RGB"), max_ratio).getchannel(0)
        if kept.size != (width, height):
            kept = ImageOps.fit(kept, (width, height), Image.Resampling.BILINEAR)
        return Mask(kept.point(_below(128)))

    def transparent_png(self) -> bytes:
        """As OpenAI takes it: RGBA, alpha 0 where it is to be made anew and 255 elsewhere (gateways §5.5)."""
        image = Image.new("RGBA", self.area.size)
        image.putalpha(ImageOps.invert(self.area))
        return _png(image)

    def white_png(self) -> bytes:
        """As the Midjourney family takes it: white where it is to be made anew, black elsewhere.

        None of their documents says which colour is which (gateways §1, §5.2): this is the commoner custom.
        """
        return _png(self.area)


def mask_of(picture: bytes, marked: bytes) -> Mask:
    """The area of ``picture`` that ``marked`` shows.

    ``marked`` is the picture again, in any size and kind, with the area erased to transparency (it may then be the
    picture itself) or painted over; or a drawing of the area alone, white on black. What is painted is taken a little
    larger than it is, so that nothing of the paint's edge stays. Raises MaskUnclear when nothing or nearly everything
    is marked or it cannot be told what; ImageUnreadable and ImageTooLarge for either.
    """
    original = upright(picture)
    size = original.size
    shown = original if marked == picture else upright(marked)
    if not _same_shape(size, shown.size):
        raise MaskUnclear
    hole = _hole(shown, None if shown is original else original)
    if hole is not None:
        return _checked(hole, size)
    side = min(_SIDE, max(size), max(shown.size))
    scale = side / max(size)
    small = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    before, after = (_flat(image, small) for image in (original, shown))
    return _checked(shown.convert("L") if _drawn(before, after) else _painted(before, after), size)


def read_mask(data: bytes) -> Mask:
    """The mask that ``Mask.transparent_png`` has written. Raises ImageUnreadable, ImageTooLarge, MaskUnclear."""
    image = upright(data)
    if image.mode != "RGBA":
        raise MaskUnclear
    return Mask(image.getchannel("A").point(_below(128)))


def _checked(area: Image.Image, size: tuple[int, int]) -> Mask:
    """Where ``area`` is brighter than half, in the picture's size. Raises MaskUnclear for next to nothing and nearly
    everything."""
    if area.size != size:
        area = area.resize(size, Image.Resampling.BILINEAR)
    mask = Mask(area.point(_from(128)))
    if not LEAST <= mask.share <= MOST:
        raise MaskUnclear
    return mask


def _same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether one is the other, scaled: within the slack, or within the pixel by which small sides are rounded."""
    width, height = one[0] * other[1], other[0] * one[1]
    return abs(width - height) <= max(_RATIO_SLACK * max(width, height), *one, *other)


def _hole(shown: Image.Image, original: Image.Image | None) -> Image.Image | None:
    """How far ``shown`` is transparent where ``original`` was not; None when there is (next to) nothing."""
    if shown.mode != "RGBA":
        return None
    hole = ImageOps.invert(shown.getchannel("A"))
    if original is not None and original.mode == "RGBA":
        # A picture may be cut out itself: what was clear from the start has not been marked.
        clear = original.getchannel("A").point(_below(128)).resize(hole.size, Image.Resampling.BILINEAR)
        if _share(clear.point(_from(128))) >= LEAST:
            hole = ImageChops.subtract(hole, clear.point(_from(1))).filter(ImageFilter.MedianFilter(3))
    return hole if _share(hole.point(_from(128))) >= LEAST else None


def _drawn(before: Image.Image, after: Image.Image) -> bool:
    """Whether ``after`` is a mask in black and white, and not a picture in black and white that was painted on."""
    if not _two_tone(after):
        return False
    return not _two_tone(before) or _share(_changed(before, after).point(_from(_PAINTED))) > 0.5


def _two_tone(image: Image.Image) -> bool:
    red, green, blue = image.split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    least = ImageChops.darker(ImageChops.darker(red, green), blue)
    pixels = image.width * image.height
    coloured = sum(ImageChops.subtract(most, least).histogram()[_COLOURLESS:])
    levels = image.convert("L").histogram()
    return coloured <= _NEITHER * pixels and sum(levels[_DARK:_BRIGHT]) <= _NEITHER * pixels


def _painted(before: Image.Image, after: Image.Image) -> Image.Image:
    """The area in which paint lies over ``before``. Raises MaskUnclear when the two are not the same scene."""
    side = max(before.size)
    grown, closed = max(1, round(_GROWN * side)), max(1, round(_CLOSED * side))
    changed = _changed(before, after)
    core = changed.point(_from(_PAINTED)).filter(ImageFilter.MedianFilter(3))
    company = core.filter(ImageFilter.BoxBlur(max(2, grown))).point(_from(round(255 * _COMPANY)))
    core = ImageChops.darker(core, company)
    if core.getbbox() is None:
        raise MaskUnclear
    area = _larger(core, grown + closed)
    area = ImageOps.invert(_larger(ImageOps.invert(area), closed))
    rest = ImageOps.invert(area)
    if _share(rest) > 0:
        outside = changed.histogram(rest)
        strays = sum(outside[_PAINTED:]) / sum(outside)
        if ImageStat.Stat(outside).mean[0] > _SAME_MEAN or strays > _STRAYS:
            raise MaskUnclear
    recognised = _share(rest) > 0 and max(ImageStat.Stat(before, rest).stddev) >= _TELLING
    if not recognised and not _one_paint(before, after, core):
        raise MaskUnclear
    return area


def _one_paint(before: Image.Image, after: Image.Image, core: Image.Image) -> bool:
    """Whether ``after`` is one colour over ``before`` in ``core`` (but for its edges), opaque or evenly see-through.

    Least squares of ``after = through * before + paint``, with one ``through`` and a ``paint`` for each channel.
    """
    inner = core.filter(ImageFilter.MinFilter(5))
    core = core if inner.getbbox() is None else inner
    sample = (max(1, _SAMPLE_SIDE * core.width // max(core.size)), max(1, _SAMPLE_SIDE * core.height // max(core.size)))
    under, over, inside = (image.resize(sample, Image.Resampling.NEAREST) for image in (before, after, core))
    stat_under, stat_over = ImageStat.Stat(under, inside), ImageStat.Stat(over, inside)
    if not stat_under.count[0]:
        return True  # a single dot: too small to be many colours
    # (over - under + 255) / 2 has the variance that, with the other two, gives the covariance.
    stat_both = ImageStat.Stat(ImageChops.subtract(over, under, scale=2, offset=128), inside)
    pairs = list(zip(stat_under.var, stat_over.var, stat_both.var, strict=True))
    spread = sum(below for below, _, _ in pairs)
    shared = sum((below + above - 4 * both) / 2 for below, above, both in pairs)
    through = min(1.0, max(0.0, shared / spread)) if spread else 0.0
    left = sum(above for _, above, _ in pairs) - 2 * through * shared + through * through * spread
    return left / len(pairs) <= _ONE_PAINT**2


def _changed(before: Image.Image, after: Image.Image) -> Image.Image:
    """By how many levels each pixel differs, in the channel that differs most."""
    red, green, blue = ImageChops.difference(before, after).split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)


def _flat(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """RGB on white in that size, softened a little: the edges of two rescalings never meet exactly."""
    small = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    flat = Image.new("RGB", size, "white")
    flat.paste(small, mask=small.getchannel("A") if small.mode == "RGBA" else None)
    return flat.filter(ImageFilter.GaussianBlur(1))


def _larger(area: Image.Image, by: int) -> Image.Image:
    """Grown by that many pixels to every side, in few passes: the reach doubles with each."""
    width, height = area.size
    grown = ImageOps.expand(area, (0, 0, 2 * by, 2 * by))
    reach = 1
    while reach < 2 * by + 1:
        step = min(reach, 2 * by + 1 - reach)
        grown = ImageChops.lighter(grown, ImageChops.offset(grown, step, 0))
        grown = ImageChops.lighter(grown, ImageChops.offset(grown, 0, step))
        reach += step
    return grown.crop((by, by, by + width, by + height))


def _share(area: Image.Image) -> float:
    return area.histogram()[255] / (area.width * area.height)


def _from(level: int) -> list[int]:
    """For ``Image.point``: 255 from that level on, else 0."""
    return [255 if value >= level else 0 for value in range(256)]


def _below(level: int) -> list[int]:
    return [0 if value >= level else 255 for value in range(256)]


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
