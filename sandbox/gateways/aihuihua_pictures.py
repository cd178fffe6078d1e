"""What aihuihua's tasks make: grids of four, one of the four enlarged, cut-outs, line art."""

import io
import math
from collections.abc import Sequence
from functools import partial

from PIL import Image, ImageChops, ImageFilter, ImageOps

from sandbox.gateways import references
from sandbox.gateways.aihuihua_forms import without_addresses
from sandbox.gateways.aihuihua_tasks import HuihuaTask
from sandbox.gateways.midjourney_pictures import four_in_one
from sandbox.gateways.midjourney_tasks import words_of
from sandbox.pictures import clip, draw, encode, transform
from sandbox.pictures.clip import RATIOS
from sandbox.pictures.edits import oval

#: Pixels of the long side that an enlargement never exceeds (page of upScale).
LONG_SIDE = 4096


def painted(task: HuihuaTask) -> bytes:
    """The task's result, a PNG, from the pictures it was given. Takes a few hundred milliseconds."""
    given = task.order.pictures
    match task.action:
        case "UPSCALE":
            return enlarged(given[0], 2)
        case "UP_SCALE":
            return enlarged(given[0], task.index)
        case "REMOVE_BG":
            return cut_out(given[0])
        case "IMAGE2LINE":
            return lines_of(given[0])
        case "SWAP_FACE":
            return face_swapped(given[0], given[1])
        case _:
            width, height = task.size
            if task.is_grid:
                return four_in_one(partial(_part, task, width // 2, height // 2), width, height)
            return _part(task, width, height, 1)


def filmed(task: HuihuaTask) -> bytes:
    """The task's video, an MP4, in the shape asked for or in the picture's, as near as there is a film of it."""
    fields = task.order.fields
    width, height = references.size(task.order.pictures[0]) if task.order.pictures else _sides(str(fields["ratio"]))
    ratio = min(RATIOS, key=lambda one: abs(math.log(_sides(one)[0] / _sides(one)[1] / (width / height))))
    return clip(seconds=int(str(fields["duration"])), ratio=ratio, note=f"{task.prompt} {task.order.seed}")


def quarter(grid: bytes, number: int) -> bytes:
    """Picture ``number`` of a grid: 1 and 2 above, 3 and 4 below."""
    picture = _opened(grid)
    width, height = picture.width // 2, picture.height // 2
    left, top = width * ((number - 1) % 2), height * ((number - 1) // 2)
    return encode(picture.crop((left, top, left + width, top + height)), "png")


def enlarged(data: bytes, times: int) -> bytes:
    """``times`` as wide and high, as far as the long side allows."""
    picture = _opened(data)
    by = min(float(times), LONG_SIDE / max(picture.size))
    size = (max(1, round(picture.width * by)), max(1, round(picture.height * by)))
    return encode(picture.resize(size, Image.Resampling.BICUBIC), "png")


def cut_out(data: bytes) -> bytes:
    """The middle of the picture, which is taken for the main subject, on nothing."""
    picture = _opened(data)
    picture.putalpha(oval(picture.size))
    return encode(picture, "png")


def lines_of(data: bytes) -> bytes:
    """Black lines on white paper, and nothing between the two."""
    edges = _opened(data).convert("L").filter(ImageFilter.FIND_EDGES)
    return encode(ImageOps.invert(edges).point(lambda value: 255 if value > 225 else 0), "png")


def face_swapped(body: bytes, head: bytes) -> bytes:
    """``body`` with ``head`` in the middle."""
    picture = _opened(body)
    face = ImageOps.fit(_opened(head), (max(1, picture.width // 2), max(1, picture.height // 2)))
    picture.paste(face, (picture.width // 4, picture.height // 4), oval(face.size))
    return encode(picture, "png")


def _part(task: HuihuaTask, width: int, height: int, number: int) -> bytes:
    """One picture of a grid, or the only one."""
    seed = task.order.seed + number - 1
    words = words_of(without_addresses(task.prompt)) or task.prompt
    given = task.order.pictures
    if not given:
        return draw(words, seed=seed, width=width, height=height)
    changed = transform(given, words, seed=seed, width=width, height=height)
    if task.mask is not None:
        return _repainted(given, changed, task.mask, (width, height))
    if task.action == "FLUX_IMAGE2IMAGE":
        near = float(str(task.order.fields.get("range", 0.7)))
        source = ImageOps.fit(_opened(given[0]), (width, height))
        return encode(Image.blend(_opened(changed), source, near), "png")
    return changed


def _repainted(given: Sequence[bytes], changed: bytes, mask: bytes, size: tuple[int, int]) -> bytes:
    # Which colour marks the area is not documented; here it is white.
    area = Image.open(io.BytesIO(mask)).convert("RGBA")
    white = ImageChops.multiply(area.convert("L"), area.getchannel("A")).resize(size)
    old = ImageOps.fit(_opened(given[0]), size)
    return encode(Image.composite(_opened(changed), old, white.point(lambda value: 255 if value > 127 else 0)), "png")


def _sides(ratio: str) -> tuple[int, int]:
    across, down = ratio.split(":")
    return int(across), int(down)


def _opened(data: bytes) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
