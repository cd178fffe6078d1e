import io
import itertools

import pytest
from PIL import Image, ImageChops, ImageStat

from sandbox.pictures import Format, draw, transform


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def difference(one: bytes, other: bytes) -> float:
    """Mean difference of the upper three quarters, where no words are written; 0 same, 255 opposite."""
    pictures = [opened(data).convert("RGB") for data in (one, other)]
    upper = [picture.crop((0, 0, picture.width, picture.height * 3 // 4)) for picture in pictures]
    return sum(ImageStat.Stat(ImageChops.difference(*upper)).mean) / 3


def small(prompt: str, seed: int = 1, format: Format = "png") -> bytes:  # as in draw
    return draw(prompt, seed=seed, width=256, height=192, format=format)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_drawing_has_the_size_and_format_that_were_asked_for(kind: Format) -> None:
    picture = opened(draw("a lighthouse", seed=7, width=320, height=208, format=kind))
    assert (picture.size, picture.format) == ((320, 208), kind.upper())


def test_the_same_prompt_and_seed_give_the_same_bytes() -> None:
    assert small("a cat in the garden", 5) == small("a cat in the garden", 5)


def test_another_seed_gives_a_visibly_different_picture() -> None:
    assert all(difference(small("a cat", one), small("a cat", two)) > 4 for one, two in itertools.pairwise(range(6)))


def test_another_prompt_gives_a_visibly_different_picture() -> None:
    prompts = ["a cat", "a dog", "red balloons", "blue sea", "夜 城市", "森林"]
    assert all(difference(small(one), small(two)) > 4 for one, two in itertools.combinations(prompts, 2))


@pytest.mark.parametrize(
    ("prompt", "band"), [("a red planet", 0), ("红色的星球", 0), ("a blue planet", 2), ("蓝色的星球", 2)]
)
def test_a_colour_word_colours_the_sky_in_english_and_in_chinese(prompt: str, band: int) -> None:
    means = ImageStat.Stat(opened(small(prompt)).convert("RGB").crop((0, 0, 256, 64))).mean
    assert max(range(3), key=lambda index: means[index]) == band


def test_a_night_is_darker_than_snow() -> None:
    night, snow = (ImageStat.Stat(opened(small(words)).convert("L")).mean[0] for words in ("night", "snow"))
    assert night < snow - 60


@pytest.mark.parametrize("words", ["hello", "你好"])
def test_the_prompt_is_written_at_the_bottom(words: str) -> None:
    lowest = opened(draw(words, seed=1, width=512, height=512)).convert("L").crop((0, 490, 200, 512))
    assert lowest.getextrema()[1] > 230  # type: ignore[operator]  # one band, so two numbers


def test_words_that_no_font_can_draw_are_left_out_without_an_error() -> None:
    assert opened(draw("\U0001f3a8\U0001f3a8 \ue000", seed=1, width=128, height=128)).size == (128, 128)


def test_a_very_long_prompt_still_leaves_the_picture_visible() -> None:
    long = draw("word " * 2000, seed=1, width=512, height=512)
    assert difference(long, draw("else " * 2000, seed=2, width=512, height=512)) > 4


def test_a_transparent_drawing_lets_the_sky_through_and_keeps_the_ground() -> None:
    alpha = opened(draw("a cat", seed=3, width=256, height=256, transparent=True)).getchannel("A")
    assert alpha.getpixel((2, 2)) == 0
    assert alpha.getpixel((128, 250)) == 255


def test_a_transparent_jpeg_is_refused() -> None:
    with pytest.raises(ValueError, match="transparency"):
        draw("a cat", seed=3, width=64, height=64, format="jpeg", transparent=True)


@pytest.mark.parametrize(
    "prompt",
    [
        "make it night",
        "换成夜景",
        "black and white greyscale",
        "黑白",
        "sketch",
        "warm sunset",
        "blur",
        "mirror",
        "红色",
    ],
)
def test_an_edit_visibly_changes_the_picture(prompt: str) -> None:
    before = draw("a house in the green forest", seed=1, width=256, height=192)
    assert difference(before, transform([before], prompt, seed=1)) > 4


def test_an_edit_without_a_known_word_changes_even_a_grey_picture() -> None:
    buffer = io.BytesIO()
    Image.linear_gradient("L").save(buffer, "PNG")
    assert difference(buffer.getvalue(), transform([buffer.getvalue()], "zyx", seed=1)) > 8


def test_two_edits_of_one_picture_differ_from_one_another() -> None:
    before = small("blue sea")
    assert difference(transform([before], "zyx", seed=1), transform([before], "wvu", seed=1)) > 4


def test_black_and_white_takes_the_colours_away() -> None:
    edited = opened(transform([small("red balloons")], "黑白", seed=1)).convert("RGB").crop((20, 20, 200, 100))
    assert ImageStat.Stat(edited.convert("HSV")).mean[1] < 4


def test_night_makes_the_picture_darker() -> None:
    before = small("snow")
    after = transform([before], "at night", seed=1)
    assert ImageStat.Stat(opened(after).convert("L")).mean[0] < ImageStat.Stat(opened(before).convert("L")).mean[0] / 2


def test_an_edit_keeps_the_size_of_the_first_picture_unless_told() -> None:
    first, second = draw("a", seed=1, width=200, height=120), draw("b", seed=1, width=64, height=64)
    assert opened(transform([first, second], "merge", seed=1)).size == (200, 120)
    resized = opened(transform([first], "x", seed=1, width=320, height=240, format="webp"))
    assert (resized.size, resized.format) == ((320, 240), "WEBP")


def test_several_inputs_stand_side_by_side() -> None:
    red, blue = (Image.new("RGB", (64, 64), colour) for colour in ("red", "blue"))
    files = []
    for picture in (red, blue):
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        files.append(buffer.getvalue())
    merged = opened(transform(files, "mirror", seed=1, width=256, height=256)).convert("RGB")
    assert (merged.getpixel((64, 60)), merged.getpixel((192, 60))) == ((0, 0, 255), (255, 0, 0))


def test_a_picture_taken_sideways_is_turned_upright_first() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.new("RGB", (120, 60), "green").save(buffer, "JPEG", exif=exif)
    assert opened(transform([buffer.getvalue()], "x", seed=1)).size == (60, 120)


def test_no_picture_and_no_picture_file_are_errors() -> None:
    with pytest.raises(ValueError, match="nothing"):
        transform([], "x", seed=1)
    with pytest.raises(OSError, match="cannot identify"):
        transform([b"<html>"], "x", seed=1)
