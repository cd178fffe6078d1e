"""A landscape for a prompt: sky, sun or moon, hills, and the things the prompt names."""

import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageOps

from sandbox.pictures.finish import Format, caption, encode
from sandbox.pictures.lexicon import COLOURS, MOTIFS, Colour, dice, mentions, mix
from sandbox.pictures.motifs import PAINTERS


def draw(
    prompt: str,
    *,
    seed: int,
    width: int,
    height: int,
    format: Format = "png",  # noqa: A002  # Pillow's own word for it
    transparent: bool = False,
) -> bytes:
    """Paint a picture for ``prompt``: ``width`` x ``height`` pixels, encoded as ``format``.

    The same arguments give the same bytes; another prompt or seed gives a visibly different picture. ``transparent``
    leaves the sky out. Raises ``ValueError`` when ``transparent`` meets ``jpeg``, which has no transparency.
    """
    if transparent and format == "jpeg":
        raise ValueError("jpeg has no transparency")
    throw = dice(prompt, seed)
    scale = min(1.0, 1024 / max(width, height))
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    top, bottom, ground = _palette(prompt, throw)
    canvas = _sky(size, top, bottom, throw)
    night = sum(top) < 180
    brush = ImageDraw.Draw(canvas)
    _lights(canvas, brush, throw, night=night)
    sky = canvas.copy() if transparent else None
    far = mix(bottom, ground, 0.35)
    horizon = throw.uniform(0.45, 0.65)
    layers = throw.randint(3, 5)
    for layer in range(layers):
        nearness = layer / (layers - 1)
        _hill(brush, size, horizon + 0.32 * nearness, mix(far, ground, nearness), throw)
        if layer == layers // 2:
            for name in _motifs(prompt, throw):
                PAINTERS[name](brush, size, horizon, throw)
    if sky is not None:
        alpha = ImageChops.difference(canvas, sky).convert("L").point(lambda value: 255 if value else 0)
        canvas.putalpha(alpha)
    canvas = canvas.resize((width, height), Image.Resampling.BICUBIC)
    caption(canvas, prompt)
    return encode(canvas, format)


def _palette(prompt: str, throw: random.Random) -> tuple[Colour, Colour, Colour]:
    found = [colours for words, colours in COLOURS if mentions(prompt, words)]
    first = found[0] if found else throw.choice(COLOURS)[1]
    second = found[1] if len(found) > 1 else first
    wobble = throw.uniform(0.0, 0.25)
    return mix(first[0], first[1], wobble), mix(first[1], second[0], 0.4 * (second is not first)), second[2]


def _motifs(prompt: str, throw: random.Random) -> list[str]:
    found = [name for words, name in MOTIFS if mentions(prompt, words)]
    return found or [throw.choice(sorted(PAINTERS))]


def _sky(size: tuple[int, int], top: Colour, bottom: Colour, throw: random.Random) -> Image.Image:
    fade = Image.linear_gradient("L").rotate(throw.uniform(-35, 35), Image.Resampling.BILINEAR).crop((48, 48, 208, 208))
    return ImageOps.colorize(fade.resize(size, Image.Resampling.BICUBIC), top, bottom)


def _lights(canvas: Image.Image, brush: ImageDraw.ImageDraw, throw: random.Random, *, night: bool) -> None:
    width, height = canvas.size
    if night:
        for _ in range(90):
            x, y, r = throw.uniform(0, width), throw.uniform(0, height * 0.6), throw.uniform(0.5, 2.2)
            brush.ellipse((x - r, y - r, x + r, y + r), fill=(240, 240, 220))
    radius = round(min(width, height) * throw.uniform(0.05, 0.13))
    x, y = round(width * throw.uniform(0.12, 0.88)), round(height * throw.uniform(0.14, 0.4))
    colour = (238, 240, 228) if night else throw.choice([(255, 244, 200), (255, 226, 140), (255, 250, 240)])
    glow = ImageOps.invert(Image.radial_gradient("L")).point(lambda value: max(0, value - 75))
    canvas.paste(colour, (x - 4 * radius, y - 4 * radius), glow.resize((8 * radius, 8 * radius)))
    brush.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _hill(
    brush: ImageDraw.ImageDraw, size: tuple[int, int], level: float, colour: Colour, throw: random.Random
) -> None:
    width, height = size
    waves = [(throw.uniform(0.4, 3.4), throw.uniform(0, 7), throw.uniform(0.01, 0.06)) for _ in range(3)]
    points = [(0.0, float(height))]
    for step in range(65):
        across = step / 64
        rise = sum(depth * math.sin(2 * math.pi * pace * across + phase) for pace, phase, depth in waves)
        points.append((across * width, (level - rise) * height))
    brush.polygon([*points, (float(width), float(height))], fill=colour)
