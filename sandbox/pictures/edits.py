"""Visible changes to given pictures, chosen by the words of the prompt."""

import io
from collections.abc import Callable, Sequence

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from sandbox.pictures.finish import Format, caption, encode
from sandbox.pictures.lexicon import COLOURS, MOTIFS, Colour, dice, mentions
from sandbox.pictures.motifs import PAINTERS


def transform(
    pictures: Sequence[bytes],
    prompt: str,
    *,
    seed: int,
    width: int | None = None,
    height: int | None = None,
    format: Format = "png",  # noqa: A002  # Pillow's own word for it
    mask: bytes | None = None,
    transparent: bool = False,
) -> bytes:
    """Change ``pictures`` as ``prompt`` asks (several are put side by side) and name the edit on a band below.

    Without ``width`` and ``height`` (pixels, both or neither) the size is that of the first picture. With ``mask``, a
    picture with an alpha channel, only what is transparent in it is changed, and the rest is the first picture as it
    was; with ``transparent`` only the middle is left, on nothing. Raises ``ValueError`` for no pictures and
    ``OSError`` for bytes that are none.
    """
    if not pictures:
        raise ValueError("nothing to transform")
    opened = [ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB") for data in pictures]
    size = (width, height) if width and height else opened[0].size
    if len(opened) == 1:
        canvas = ImageOps.fit(opened[0], size, Image.Resampling.BILINEAR)
    else:
        canvas = Image.new("RGB", size)
        edges = [round(size[0] * index / len(opened)) for index in range(len(opened) + 1)]
        for picture, left, right in zip(opened, edges, edges[1:], strict=False):
            canvas.paste(ImageOps.fit(picture, (max(1, right - left), size[1])), (left, 0))
    names = []
    for words, name, change in _EDITS:
        if mentions(prompt, words):
            canvas = change(canvas)
            names.append(name)
    for words, (top, bottom, ground) in COLOURS:
        if not names and mentions(prompt, words):
            canvas = Image.blend(canvas, ImageOps.colorize(canvas.convert("L"), ground, bottom, mid=top), 0.6)
            names.append(words.split()[0])
    if not names:
        canvas = _turn_hues(canvas, prompt, seed)
        names.append("recoloured")
    canvas = _stamp(canvas, prompt, seed)
    caption(canvas, f"{' + '.join(names[:3])}: {prompt}", strong=True)
    if mask is not None:
        canvas.paste(ImageOps.fit(opened[0], size, Image.Resampling.BILINEAR), mask=_kept(mask, size))
    if transparent:
        canvas.putalpha(oval(canvas.size))
    return encode(canvas, format)


def _kept(mask: bytes, size: tuple[int, int]) -> Image.Image:
    """255 where nothing is to change: where the mask is the least bit opaque (OpenAI: "fully transparent areas")."""
    alpha = Image.open(io.BytesIO(mask)).convert("RGBA").getchannel("A").point(lambda level: 255 if level else 0)
    return ImageOps.fit(alpha, size, Image.Resampling.NEAREST)


def oval(size: tuple[int, int]) -> Image.Image:
    """255 inside the largest oval that leaves a margin."""
    mask, edge = Image.new("L", size), (size[0] // 8, size[1] // 8)
    ImageDraw.Draw(mask).ellipse((*edge, size[0] - edge[0], size[1] - edge[1]), fill=255)
    return mask


def _tint(canvas: Image.Image, colour: Colour, share: float) -> Image.Image:
    return Image.blend(canvas, Image.new("RGB", canvas.size, colour), share)


def _night(canvas: Image.Image) -> Image.Image:
    dark = _tint(ImageEnhance.Brightness(canvas).enhance(0.42), (16, 26, 96), 0.42)
    brush = ImageDraw.Draw(dark)
    width, height = canvas.size
    r = min(width, height) * 0.08
    x, y = width * 0.8, height * 0.17
    brush.ellipse((x - r, y - r, x + r, y + r), fill=(244, 244, 224))
    for index in range(40):
        sx, sy, size = (index * 197 % 1000) * width / 1000, (index * index * 89 % 500) * height / 1000, 1 + index % 2
        brush.ellipse((sx - size, sy - size, sx + size, sy + size), fill=(232, 234, 246))
    return dark


def _grey(canvas: Image.Image) -> Image.Image:
    return ImageOps.autocontrast(canvas.convert("L")).convert("RGB")


def _sketch(canvas: Image.Image) -> Image.Image:
    grey = canvas.convert("L")
    soft = ImageOps.invert(grey).filter(ImageFilter.BoxBlur(4))
    # "Colour dodge": bright paper, dark lines where the light changes.
    return ImageChops.add(grey, soft, scale=1, offset=0).point(lambda v: max(0, 255 - (255 - v) * 4)).convert("RGB")


def _sunset(canvas: Image.Image) -> Image.Image:
    glow = ImageOps.colorize(Image.linear_gradient("L"), (255, 96, 40), (120, 40, 90)).resize(canvas.size)
    return ImageChops.multiply(Image.blend(canvas, glow, 0.4), Image.new("RGB", canvas.size, (255, 214, 168)))


def _snow(canvas: Image.Image) -> Image.Image:
    pale = _tint(ImageEnhance.Color(canvas).enhance(0.45), (226, 238, 252), 0.4)
    brush = ImageDraw.Draw(pale)
    width, height = canvas.size
    for index in range(220):
        x, y = (index * 383 % 1009) * width / 1009, (index * index * 211 % 997) * height / 997
        r = min(width, height) / 400 * (1 + index % 4)
        brush.ellipse((x - r, y - r, x + r, y + r), fill=(255, 255, 255))
    return pale


def _pixels(canvas: Image.Image) -> Image.Image:
    small = canvas.resize((max(1, canvas.width // 24), max(1, canvas.height // 24)), Image.Resampling.BOX)
    return small.resize(canvas.size, Image.Resampling.NEAREST)


def _oil(canvas: Image.Image) -> Image.Image:
    small = canvas.resize((max(1, canvas.width // 6), max(1, canvas.height // 6)), Image.Resampling.BOX)
    strokes = ImageOps.posterize(small.filter(ImageFilter.ModeFilter(5)), 4)
    return ImageEnhance.Color(strokes.resize(canvas.size, Image.Resampling.BICUBIC)).enhance(1.6)


def _blur(canvas: Image.Image) -> Image.Image:
    return canvas.filter(ImageFilter.BoxBlur(max(4, min(canvas.size) // 40)))


#: Words, the name the band gives the edit, and the edit. All that match are applied, in this order.
_EDITS: tuple[tuple[str, str, Callable[[Image.Image], Image.Image]], ...] = (
    ("mirror flip mirrored 镜像 翻转", "mirrored", ImageOps.mirror),
    ("pixel pixels pixelated 像素", "pixels", _pixels),
    ("oil painting 油画", "oil", _oil),
    ("blur blurry blurred soft 模糊", "blurred", _blur),
    ("sunset warm warmer dusk 日落 黄昏 夕阳 暖", "sunset", _sunset),
    ("snow winter snowy 雪 冬", "snow", _snow),
    ("night dark midnight 夜 晚上", "night", _night),
    ("sketch line lineart pencil drawing 素描 线稿 铅笔", "sketch", _sketch),
    ("grey gray greyscale grayscale monochrome bw 黑白 灰度", "black and white", _grey),
    ("invert inverted negative 反色 负片", "inverted", ImageOps.invert),
)


def _turn_hues(canvas: Image.Image, prompt: str, seed: int) -> Image.Image:
    throw = dice(prompt, seed)
    turn = throw.randint(50, 205)
    hue, saturation, value = canvas.convert("HSV").split()
    turned = Image.merge("HSV", (hue.point(lambda h: (h + turn) % 256), saturation, value)).convert("RGB")
    # A grey picture has no hue to turn, so a little of a colour goes over it as well.
    return _tint(turned, (throw.randrange(256), throw.randrange(256), throw.randrange(256)), 0.22)


def _stamp(canvas: Image.Image, prompt: str, seed: int) -> Image.Image:
    """Things the prompt names are painted into the picture, and a frame tells two seeds of one edit apart."""
    throw = dice(prompt, seed)
    brush = ImageDraw.Draw(canvas)
    for words, name in MOTIFS:
        if mentions(prompt, words):
            PAINTERS[name](brush, canvas.size, 0.55, throw)
    frame = max(3, min(canvas.size) // 64)
    colour = (throw.randint(40, 255), throw.randint(40, 255), throw.randint(40, 255))
    brush.rectangle((0, 0, canvas.width - 1, canvas.height - 1), outline=colour, width=frame)
    return canvas
