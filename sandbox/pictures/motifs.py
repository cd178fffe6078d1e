"""Things that stand, float or fly in a drawn landscape. ``horizon`` is a share of the height from the top."""

import math
import random
from collections.abc import Callable

from PIL import ImageDraw

from sandbox.pictures.lexicon import mix


def _places(size: tuple[int, int], horizon: float, count: int, dice: random.Random) -> list[tuple[float, float, float]]:
    """(x, y, unit) of ``count`` things standing on the ground, the far ones first."""
    unit = min(size) / 10
    depths = sorted(dice.uniform(0.06, 0.3) for _ in range(count))
    return [(dice.uniform(0.05, 0.95) * size[0], (horizon + d) * size[1], unit * (0.5 + 3 * d)) for d in depths]


def _trees(brush: ImageDraw.ImageDraw, size: tuple[int, int], horizon: float, dice: random.Random) -> None:
    for x, y, unit in _places(size, horizon, dice.randint(14, 26), dice):
        green = (dice.randint(8, 50), dice.randint(70, 130), dice.randint(40, 80))
        brush.rectangle((x - unit * 0.08, y - unit * 0.3, x + unit * 0.08, y), fill=(84, 56, 36))
        for tier in range(3):
            half, base = unit * (0.5 - 0.12 * tier), y - unit * (0.25 + 0.42 * tier)
            brush.polygon([(x - half, base), (x, base - unit * 0.8), (x + half, base)], fill=green)


def _city(brush: ImageDraw.ImageDraw, size: tuple[int, int], horizon: float, dice: random.Random) -> None:
    for x, y, unit in _places(size, horizon, dice.randint(9, 15), dice):
        tall, half, shade = unit * dice.uniform(1.2, 3.6), unit * 0.42, dice.randint(40, 110)
        brush.rectangle((x - half, y - tall, x + half, y + unit), fill=(shade, shade + 8, shade + 22))
        for row in range(1, int(tall / unit * 4)):
            for column in (-0.55, 0.0, 0.55):
                if dice.random() < 0.6:
                    left, upper = x + column * half - unit * 0.06, y - tall + row * unit * 0.26
                    brush.rectangle((left, upper, left + unit * 0.12, upper + unit * 0.12), fill=(255, 228, 140))


def _house(brush: ImageDraw.ImageDraw, size: tuple[int, int], horizon: float, dice: random.Random) -> None:
    for x, y, unit in _places(size, horizon, dice.randint(1, 3), dice):
        wall = dice.choice([(236, 220, 196), (214, 178, 150), (190, 206, 216)])
        roof = dice.choice([(150, 52, 44), (70, 74, 96), (108, 78, 50)])
        brush.rectangle((x - unit, y - unit * 1.2, x + unit, y), fill=wall)
        brush.polygon([(x - unit * 1.3, y - unit * 1.1), (x, y - unit * 2.2), (x + unit * 1.3, y - unit * 1.1)], roof)
        brush.rectangle((x - unit * 0.2, y - unit * 0.7, x + unit * 0.2, y), fill=roof)
        brush.rectangle((x + unit * 0.4, y - unit * 0.9, x + unit * 0.75, y - unit * 0.5), fill=(255, 236, 160))


def _cat(brush: ImageDraw.ImageDraw, size: tuple[int, int], horizon: float, dice: random.Random) -> None:
    r = min(size) * dice.uniform(0.13, 0.2)
    x, y = size[0] * dice.uniform(0.3, 0.7), (horizon + 0.06) * size[1]
    fur = dice.choice([(232, 140, 62), (96, 96, 104), (40, 38, 42), (240, 226, 204)])
    dark, light = mix(fur, (0, 0, 0), 0.45), mix(fur, (255, 255, 255), 0.45)
    for side in (-1, 1):
        ear = [
            (x + side * r * 0.95, y - r * 1.35),
            (x + side * r * 0.25, y - r * 0.85),
            (x + side * r * 0.95, y - r * 0.2),
        ]
        brush.polygon(ear, fill=dark)
    brush.ellipse((x - r * 0.9, y + r * 0.5, x + r * 0.9, y + r * 2.6), fill=dark)
    brush.ellipse((x - r, y - r, x + r, y + r), fill=fur)
    for side in (-1, 1):
        eye = x + side * r * 0.4
        brush.ellipse((eye - r * 0.2, y - r * 0.32, eye + r * 0.2, y + r * 0.12), fill=(214, 236, 120))
        brush.ellipse((eye - r * 0.07, y - r * 0.3, eye + r * 0.07, y + r * 0.1), fill=(12, 12, 12))
        for tilt in (-0.08, 0.12):
            brush.line((x + side * r * 0.3, y + r * 0.42, x + side * r * 1.3, y + r * (0.42 + tilt)), light, 2)
    brush.polygon([(x - r * 0.1, y + r * 0.25), (x + r * 0.1, y + r * 0.25), (x, y + r * 0.4)], fill=(236, 130, 140))


def _fox(brush: ImageDraw.ImageDraw, size: tuple[int, int], horizon: float, dice: random.Random) -> None:
    r = min(size) * dice.uniform(0.14, 0.2)
    x, y = size[0] * dice.uniform(0.3, 0.7), (horizon + 0.06) * size[1]
    fur, dark, cream = (226, 104, 38), (112, 46, 20), (252, 238, 220)
    tail = (x + r * 0.5, y + r * 0.4, x + r * 2.3, y + r * 2.2)
    brush.ellipse(tail, fill=fur)
    brush.ellipse((x + r * 1.55, y + r * 0.45, x + r * 2.25, y + r * 1.25), fill=cream)
    brush.ellipse((x - r * 0.8, y + r * 0.5, x + r * 0.8, y + r * 2.7), fill=mix(fur, dark, 0.35))
    for side in (-1, 1):
        brush.polygon([(x + side * r, y - r * 1.5), (x + side * r * 0.2, y - r * 0.7), (x + side * r, y)], fill=dark)
    brush.polygon([(x - r * 1.15, y - r * 0.55), (x + r * 1.15, y - r * 0.55), (x, y + r * 1.15)], fill=fur)
    brush.ellipse((x - r * 0.9, y - r, x + r * 0.9, y + r * 0.2), fill=fur)
    for side in (-1, 1):
        brush.polygon([(x + side * r * 1.12, y - r * 0.4), (x + side * r * 0.2, y + r * 0.1), (x, y + r)], fill=cream)
        eye = x + side * r * 0.42
        brush.ellipse((eye - r * 0.11, y - r * 0.32, eye + r * 0.11, y - r * 0.06), fill=(24, 16, 14))
    brush.ellipse((x - r * 0.15, y + r * 0.82, x + r * 0.15, y + r * 1.1), fill=(24, 16, 14))


def _balloons(brush: ImageDraw.ImageDraw, size: tuple[int, int], horizon: float, dice: random.Random) -> None:
    for _ in range(dice.randint(3, 6)):
        r = min(size) * dice.uniform(0.035, 0.085)
        x, y = size[0] * dice.uniform(0.08, 0.92), size[1] * dice.uniform(0.12, horizon)
        colour = dice.choice([(226, 62, 66), (246, 190, 52), (52, 138, 206), (130, 80, 180), (64, 168, 110)])
        brush.line((x - r * 0.5, y + r * 0.8, x - r * 0.2, y + r * 1.7), (70, 60, 50), 1)
        brush.line((x + r * 0.5, y + r * 0.8, x + r * 0.2, y + r * 1.7), (70, 60, 50), 1)
        brush.ellipse((x - r, y - r, x + r, y + r * 1.1), fill=colour)
        brush.ellipse((x - r * 0.4, y - r, x + r * 0.4, y + r * 1.1), fill=mix(colour, (255, 255, 255), 0.4))
        brush.rectangle((x - r * 0.25, y + r * 1.6, x + r * 0.25, y + r * 2), fill=(120, 82, 50))


def _boat(brush: ImageDraw.ImageDraw, size: tuple[int, int], horizon: float, dice: random.Random) -> None:
    for x, y, unit in _places(size, horizon, dice.randint(1, 3), dice):
        sail = dice.choice([(250, 246, 236), (236, 92, 74), (250, 206, 96)])
        brush.polygon([(x, y - unit * 2.2), (x, y - unit * 0.4), (x + unit * 1.2, y - unit * 0.4)], fill=sail)
        brush.polygon(
            [(x - unit * 0.1, y - unit * 1.8), (x - unit * 0.1, y - unit * 0.4), (x - unit, y - unit * 0.4)], sail
        )
        brush.polygon(
            [(x - unit * 1.3, y - unit * 0.3), (x + unit * 1.3, y - unit * 0.3), (x + unit, y), (x - unit, y)],
            (96, 60, 40),
        )


def _flowers(brush: ImageDraw.ImageDraw, size: tuple[int, int], horizon: float, dice: random.Random) -> None:
    petals = dice.choice([(250, 120, 160), (250, 230, 240), (250, 196, 60), (170, 120, 230)])
    for x, y, unit in _places(size, horizon + 0.04, dice.randint(18, 34), dice):
        r = unit * 0.3
        brush.line((x, y, x, y + unit), (40, 110, 60), 2)
        for petal in range(6):
            px, py = x + r * math.cos(petal * math.pi / 3), y + r * math.sin(petal * math.pi / 3)
            brush.ellipse((px - r * 0.6, py - r * 0.6, px + r * 0.6, py + r * 0.6), fill=petals)
        brush.ellipse((x - r * 0.5, y - r * 0.5, x + r * 0.5, y + r * 0.5), fill=(250, 210, 80))


PAINTERS: dict[str, Callable[[ImageDraw.ImageDraw, tuple[int, int], float, random.Random], None]] = {
    "trees": _trees,
    "city": _city,
    "house": _house,
    "cat": _cat,
    "fox": _fox,
    "balloons": _balloons,
    "boat": _boat,
    "flowers": _flowers,
}
