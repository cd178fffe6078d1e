"""What a person marks on a picture is found, however the messenger has treated it, and nothing is made up."""

import io
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from core.errors import ImageTooLarge, ImageUnreadable, MaskUnclear
from core.masks import LEAST, MOST, Mask, mask_of, read_mask
from sandbox.gateways.spoiled import bomb
from sandbox.pictures import draw

SIZE = (640, 480)
PROMPTS = ["a red fox in the snow", "a city at night"]
#: What a messenger does to a picture: scaled by, and the quality of the JPEG (None: a PNG).
TREATMENTS = [(1.0, None), (0.5, None), (0.6, 40), (1.7, 80), (0.31, 60)]
Points = list[tuple[int, int]]
STROKE: Points = [(120, 150), (200, 220), (300, 140), (420, 260)]


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@cache
def scene(prompt: str = PROMPTS[0], width: int = SIZE[0], height: int = SIZE[1]) -> bytes:
    return draw(prompt, seed=3, width=width, height=height)


def treated(image: Image.Image, scale: float, quality: int | None) -> bytes:
    if scale != 1:
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    return encoded(image) if quality is None else encoded(image.convert("RGB"), "JPEG", quality=quality)


def strokes(image: Image.Image, fill: Any, points: Points = STROKE, width: int = 40) -> Image.Image:
    """The image with a line through ``points`` on it."""
    brush = ImageDraw.Draw(image)
    brush.line(points, fill=fill, width=width, joint="curve")
    for x, y in points:
        brush.ellipse((x - width // 2, y - width // 2, x + width // 2, y + width // 2), fill=fill)
    return image


def painted(picture: bytes, fill: Any = "red", points: Points = STROKE, width: int = 40) -> Image.Image:
    return strokes(opened(picture).convert("RGB"), fill, points, width)


def drawn(size: tuple[int, int] = SIZE, points: Points = STROKE, width: int = 40) -> Image.Image:
    """The stroke alone, white on black."""
    return strokes(Image.new("L", size), 255, points, width)


def erased(picture: bytes, points: Points = STROKE) -> Image.Image:
    image = opened(picture).convert("RGBA")
    image.putalpha(ImageOps.invert(drawn(image.size, points)))
    return image


def assert_covers(mask: Mask, area: Image.Image, *, grown: int = 16, missed: float = 0.0) -> None:
    """``mask`` is ``area`` and up to about ``grown`` pixels around it; ``missed``: the share of it that may lack."""
    assert mask.area.size == area.size
    total = area.histogram()[255]
    lacking = ImageChops.subtract(area, mask.area).histogram()[255]
    assert lacking <= missed * total, f"{lacking} of {total} pixels lack"
    blocks = area.reduce(4).point([0, *[255] * 255]).filter(ImageFilter.MaxFilter(2 * (grown // 4) + 1))
    around = blocks.resize((4 * blocks.width, 4 * blocks.height), Image.Resampling.NEAREST).crop((0, 0, *area.size))
    beyond = ImageChops.subtract(mask.area, around).histogram()[255]
    assert beyond == 0, f"{beyond} pixels beyond {total}"


@pytest.mark.parametrize(("scale", "quality"), TREATMENTS)
@pytest.mark.parametrize(("prompt", "fill"), [(PROMPTS[0], "red"), (PROMPTS[1], "white")])
def test_a_painted_stroke_is_found_and_grows_a_little(
    prompt: str, fill: str, scale: float, quality: int | None
) -> None:
    mask = mask_of(scene(prompt), treated(painted(scene(prompt), fill), scale, quality))
    assert_covers(mask, drawn(), missed=0.002)
    assert mask.share > drawn().histogram()[255] / (SIZE[0] * SIZE[1])


@pytest.mark.parametrize("quality", [50, 85])
def test_a_highlighter_that_lets_the_picture_through_marks_as_well_as_paint(quality: int) -> None:
    picture = opened(scene())
    paint = Image.new("RGB", SIZE, "magenta")
    marked = Image.composite(Image.blend(picture.convert("RGB"), paint, 0.6), picture.convert("RGB"), drawn())
    assert_covers(mask_of(scene(), treated(marked, 1.0, quality)), drawn(), missed=0.01)


def test_a_thin_pens_line_is_found() -> None:
    mask = mask_of(scene(), treated(painted(scene(), "lime", width=8), 1.0, 80))
    assert_covers(mask, drawn(width=8), missed=0.01)


def test_paint_in_two_colours_is_found_on_a_picture_that_is_recognised_around_it() -> None:
    marked = strokes(painted(scene(), "red"), "lime", [(400, 400), (500, 400)])
    assert_covers(mask_of(scene(), encoded(marked)), strokes(drawn(), 255, [(400, 400), (500, 400)]))


def test_a_picture_in_black_and_white_is_marked_with_paint_not_taken_for_a_mask() -> None:
    sketch = Image.new("L", SIZE, "white")
    for x in range(0, SIZE[0], 40):
        ImageDraw.Draw(sketch).line((x, 0, x + 60, SIZE[1]), fill=0, width=3)
    picture = encoded(sketch)
    for fill in ("red", "black"):
        assert_covers(mask_of(picture, treated(painted(picture, fill), 1.0, 85)), drawn())


def test_paint_on_a_plain_ground_is_found_though_there_is_nothing_around_it_to_recognise() -> None:
    picture = encoded(Image.new("RGB", SIZE, (240, 236, 228)))
    assert_covers(mask_of(picture, treated(painted(picture, "blue"), 0.8, 60)), drawn())


def test_small_holes_in_the_paint_are_filled_and_large_ones_kept() -> None:
    area = drawn(points=[(100, 240), (540, 240)], width=300)
    brush = ImageDraw.Draw(area)
    brush.ellipse((200, 200, 216, 216), fill=0)
    brush.rectangle((300, 180, 420, 300), fill=0)
    marked = Image.composite(Image.new("RGB", SIZE, "red"), opened(scene()).convert("RGB"), area)
    mask = mask_of(scene(), encoded(marked))
    assert mask.area.getpixel((208, 208)) == 255
    assert mask.area.getpixel((360, 240)) == 0


@pytest.mark.parametrize("scale", [1.0, 0.5, 2.0])
def test_what_is_erased_to_transparency_is_the_area_as_it_is(scale: float) -> None:
    mask = mask_of(scene(), treated(erased(scene()), scale, None))
    assert_covers(mask, drawn(), grown=2, missed=0.02)


def test_one_picture_with_a_hole_is_picture_and_mask() -> None:
    picture = encoded(erased(scene()))
    assert mask_of(picture, picture).area == drawn()


def test_soft_edges_of_an_eraser_count_from_the_half() -> None:
    image = opened(scene()).convert("RGBA")
    image.putalpha(ImageOps.invert(drawn()).filter(ImageFilter.GaussianBlur(4)))
    assert_covers(mask_of(scene(), encoded(image)), drawn(), grown=3, missed=0.05)


def test_what_was_transparent_from_the_start_is_not_marked() -> None:
    cutout = opened(scene()).convert("RGBA")
    cutout.putalpha(drawn(points=[(100, 240), (540, 240)], width=400))
    picture = encoded(cutout)
    assert_covers(mask_of(picture, encoded(strokes(cutout.copy(), (255, 0, 0, 255)))), drawn())
    cutout.paste((0, 0, 0, 0), (300, 200, 380, 260))
    assert mask_of(picture, encoded(cutout)).area.getbbox() == (300, 200, 380, 260)


@pytest.mark.parametrize(("scale", "quality"), TREATMENTS)
def test_a_drawn_mask_is_white_where_to_repaint(scale: float, quality: int | None) -> None:
    mask = mask_of(scene(), treated(drawn(), scale, quality))
    assert_covers(mask, drawn(), grown=6, missed=0.03)


def test_a_drawn_mask_for_a_picture_in_black_and_white_is_told_from_a_copy_of_it() -> None:
    picture = encoded(drawn(points=[(100, 400), (500, 400)], width=60).point([255, *[0] * 255]))
    assert_covers(mask_of(picture, encoded(drawn())), drawn(), grown=3)


def test_a_photo_taken_upright_is_compared_as_it_is_looked_at() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = encoded(opened(scene()).convert("RGB").transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)
    mask = mask_of(picture, encoded(painted(scene())))
    assert_covers(mask, drawn())


@pytest.mark.parametrize(
    "marked",
    [
        scene(),
        treated(opened(scene()), 0.5, 40),
        treated(opened(scene()), 1.5, 70),
        scene(PROMPTS[1]),
        encoded(Image.new("RGB", SIZE, "red")),
        encoded(Image.new("L", SIZE, 0)),
        encoded(Image.new("L", SIZE, 255)),
        encoded(Image.new("RGBA", SIZE)),
        encoded(ImageOps.mirror(opened(scene()))),
        encoded(ImageOps.invert(opened(scene()).convert("RGB"))),
        encoded(Image.effect_noise(SIZE, 80)),
        encoded(painted(scene()).resize((480, 480))),
        encoded(painted(scene()).rotate(90, expand=True)),
        encoded(painted(scene(), points=[(320, 240), (330, 250)], width=780)),
        encoded(painted(scene(), points=[(320, 240), (320, 240)], width=2)),
    ],
    ids=[
        "the same",
        "the same, small",
        "the same, large",
        "another picture",
        "one colour",
        "all black",
        "all white",
        "all clear",
        "mirrored",
        "inverted",
        "noise",
        "another shape",
        "turned",
        "nearly all",
        "a dot",
    ],
)
def test_what_shows_no_area_is_unclear(marked: bytes) -> None:
    with pytest.raises(MaskUnclear):
        mask_of(scene(), marked)


def test_two_things_on_the_same_plain_ground_are_not_paint() -> None:
    """What lies outside of both is the same, and says nothing."""
    thing, other = (opened(scene(prompt)).convert("RGB").crop((160, 80, 480, 400)) for prompt in PROMPTS)
    before, after = Image.new("RGB", SIZE, "white"), Image.new("RGB", SIZE, "white")
    before.paste(thing, (160, 80))
    after.paste(other, (160, 80))
    with pytest.raises(MaskUnclear):
        mask_of(encoded(before), encoded(after))


@pytest.mark.parametrize(("data", "kind"), [(b"<html>", ImageUnreadable), (bomb(), ImageTooLarge)])
def test_what_is_no_picture_or_too_large_a_one_is_refused_on_either_side(data: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        mask_of(scene(), data)
    with pytest.raises(kind):
        mask_of(data, scene())


@settings(max_examples=10, deadline=None)
@given(
    points=st.lists(st.tuples(st.integers(30, 290), st.integers(30, 210)), min_size=1, max_size=5),
    width=st.integers(10, 70),
    fill=st.sampled_from(["red", "lime", "magenta", "#0040ff"]),
    scale=st.sampled_from([0.7, 1.0, 1.6]),
    quality=st.sampled_from([None, 50, 90]),
)
@example(points=[(30, 30)], width=10, fill="red", scale=0.7, quality=50)
def test_any_blob_is_covered_and_little_else(
    points: Points, width: int, fill: str, scale: float, quality: int | None
) -> None:
    picture = scene(width=320, height=240)
    points = [*points, points[0]]
    mask = mask_of(picture, treated(painted(picture, fill, points, width), scale, quality))
    assert_covers(mask, drawn((320, 240), points, width), missed=0.02)


@settings(max_examples=30, deadline=None)
@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    marked_size=st.tuples(st.integers(1, 90), st.integers(1, 90)) | st.none(),
    modes=st.tuples(*[st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA"])] * 2),
    noise=st.binary(min_size=12, max_size=12),
)
def test_any_two_pictures_give_a_mask_or_say_that_it_is_unclear(
    size: tuple[int, int], marked_size: tuple[int, int] | None, modes: tuple[str, str], noise: bytes
) -> None:
    def any_picture(size: tuple[int, int], mode: str, seed: bytes) -> bytes:
        small = Image.frombytes("RGB", (2, 1), seed)
        return encoded(small.resize(size, Image.Resampling.NEAREST).convert(mode))

    try:
        mask = mask_of(any_picture(size, modes[0], noise[:6]), any_picture(marked_size or size, modes[1], noise[6:]))
    except MaskUnclear:
        return
    assert (mask.width, mask.height) == size
    assert LEAST <= mask.share <= MOST
    assert set(mask.area.tobytes()) <= {0, 255}


def test_the_two_kinds_of_file_say_the_same_in_their_own_way() -> None:
    mask = Mask(drawn())
    clear, white = opened(mask.transparent_png()), opened(mask.white_png())
    assert (clear.format, clear.mode, clear.size) == ("PNG", "RGBA", SIZE)
    assert clear.getchannel("A") == ImageOps.invert(drawn())
    assert (white.format, white.mode, white.size) == ("PNG", "L", SIZE)
    assert white.tobytes() == drawn().tobytes()
    assert read_mask(mask.transparent_png()) == mask
    assert mask.share == pytest.approx(drawn().histogram()[255] / (SIZE[0] * SIZE[1]))


def test_a_file_without_transparency_is_not_read_as_a_mask() -> None:
    with pytest.raises(MaskUnclear):
        read_mask(Mask(drawn()).white_png())


def test_a_mask_follows_its_picture_to_another_size() -> None:
    area = Image.new("L", (1600, 48))
    area.paste(255, (400, 0, 800, 48))
    assert Mask(area).fitted(800, 24).area.getbbox() == (200, 0, 400, 24)
    assert Mask(area).fitted(800, 50, max_ratio=16.0).area.getbbox() == (200, 13, 400, 37)
