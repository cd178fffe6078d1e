"""What midjourney-proxy's tasks show: grids of four, one of the four enlarged, previews."""

import base64
import io
from collections.abc import Callable, Sequence

from PIL import Image, ImageFilter

from sandbox.gateways.midjourney_tasks import Task, words_of
from sandbox.pictures import draw, encode, transform


def decoded(data_url: str) -> bytes:
    """The bytes of a data URL that a form has passed."""
    return base64.b64decode(data_url.partition("base64,")[2])


def painted(task: Task) -> bytes:
    """The task's result, a PNG. Takes a few hundred milliseconds."""
    width, height = task.size
    if not task.is_grid:
        return _one(task, task.index or 1, width, height)
    return four_in_one(lambda number: _one(task, number, width // 2, height // 2), width, height)


def four_in_one(part: Callable[[int], bytes], width: int, height: int) -> bytes:
    """A grid of the pictures 1-4 that ``part`` makes, each half as wide and half as high."""
    grid = Image.new("RGB", (width, height))
    for place in range(4):
        picture = Image.open(io.BytesIO(part(place + 1)))
        grid.paste(picture, (width // 2 * (place % 2), height // 2 * (place // 2)))
    return encode(grid, "png")


def preview(data: bytes) -> bytes:
    """The same, unfinished: half as wide, blurred, as WebP."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    picture.thumbnail((picture.width // 2, picture.height // 2))
    return encode(picture.filter(ImageFilter.GaussianBlur(6)), "webp")


def _one(task: Task, number: int, width: int, height: int) -> bytes:
    """Picture ``number`` (1-4) of a task; an enlargement is its parent's."""
    if task.action in ("UPSCALE", "ENLARGE") and task.parent is not None:
        return _one(task.parent, number if task.parent.is_grid else task.parent.index or 1, width, height)
    seed = task.order.seed + number - 1
    given = _given(task)
    if given:
        mask = _transparent(task.mask) if task.mask is not None else None
        return transform(given, words_of(task.prompt), seed=seed, width=width, height=height, mask=mask)
    return draw(words_of(task.prompt) or task.prompt, seed=seed, width=width, height=height)


def _transparent(mask: bytes) -> bytes:
    """A mask that is white where something is to change, as one that is transparent there."""
    white = Image.open(io.BytesIO(mask)).convert("L")
    made = Image.new("RGBA", white.size)
    made.putalpha(white.point(lambda level: 0 if level >= 128 else 255))
    return encode(made, "png")


def _given(task: Task) -> Sequence[bytes]:
    if task.pictures or task.parent is None or task.action == "REROLL":
        return task.pictures
    width, height = task.size
    return (_one(task.parent, task.index or 1, width // 2, height // 2),)
