"""Pictures are known by their bytes, decoded whole or not at all, and made to fit without losing what they show."""

import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.errors import ImageTooLarge, ImageUnreadable
from core.pictures import GIF, JPEG, MAX_PIXELS, PNG, WEBP, fit_picture, inspect, sniff
from sandbox.gateways.spoiled import bomb

MIMES = {"PNG": PNG, "JPEG": JPEG, "WEBP": WEBP, "GIF": GIF}
ANY: dict[str, Any] = {"max_bytes": 20_000_000, "max_pixels": 4_000_000}


def picture(kind: str = "PNG", size: tuple[int, int] = (120, 80), mode: str = "RGB", **options: Any) -> bytes:
    """Left half red, right half blue; the top row white."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    image.paste("white", (0, 0, size[0], max(1, size[1] // 8)))
    out = io.BytesIO()
    image.convert(mode).save(out, kind, **options)
    return out.getvalue()


def noise(size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 120).convert("RGB").save(out, "PNG")
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def is_near(pixel: Any, colour: tuple[int, int, int]) -> bool:
    return all(abs(have - want) < 30 for have, want in zip(pixel, colour, strict=False))


@pytest.mark.parametrize("kind", MIMES)
def test_a_picture_is_known_by_its_bytes_and_measured(kind: str) -> None:
    data = picture(kind)
    assert sniff(data) == MIMES[kind]
    assert inspect(data) == (MIMES[kind], 120, 80)


@pytest.mark.parametrize("data", [b"", b"<html>", b"%PDF-1.7", b"BM" + bytes(60), b"RIFF\0\0\0\0WAVE", b"\x89PNG"])
def test_what_is_no_picture_is_unreadable(data: bytes) -> None:
    assert sniff(data) is None
    with pytest.raises(ImageUnreadable):
        inspect(data)


@pytest.mark.parametrize("kind", MIMES)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_half_a_picture_is_unreadable(kind: str, share: float) -> None:
    out = io.BytesIO()
    opened(noise((200, 150))).save(out, kind)
    data = out.getvalue()
    inspect(data)
    with pytest.raises(ImageUnreadable):
        inspect(data[: int(len(data) * share)])


def test_a_bomb_is_refused_from_its_header() -> None:
    assert len(bomb()) < 200_000
    with pytest.raises(ImageTooLarge):
        inspect(bomb())
    with pytest.raises(ImageTooLarge):
        fit_picture(bomb(), **ANY)


def test_the_pixel_bound_is_exact() -> None:
    """The header alone decides: these have no pixels at all."""

    def header(width: int, height: int) -> bytes:
        body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
        idat = b"IDAT" + zlib.compress(b"\0")
        chunks = (
            struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (body, idat)
        )
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)

    with pytest.raises(ImageTooLarge):
        inspect(header(8001, 8000))
    assert MAX_PIXELS == 8000 * 8000
    with pytest.raises(ImageUnreadable):
        inspect(header(8000, 8000))


def test_of_an_animation_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue", "green")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    assert inspect(out.getvalue()) == (GIF, 40, 30)
    fit = fit_picture(out.getvalue(), **ANY)
    assert fit.mime == PNG
    assert is_near(opened(fit.data).convert("RGB").getpixel((5, 5)), (255, 0, 0))


def test_a_picture_on_its_side_is_measured_and_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: what is left in the file is the bottom
    data = picture("JPEG", exif=exif, quality=95)
    assert inspect(data) == (JPEG, 80, 120)
    fit = fit_picture(data, **ANY)
    assert (fit.width, fit.height) == (80, 120)
    upright = opened(fit.data)
    assert is_near(upright.getpixel((30, 20)), (255, 0, 0))
    assert is_near(upright.getpixel((30, 100)), (0, 0, 255))
    assert upright.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_every_kind_of_picture_is_measured_as_it_is_looked_at(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert inspect(picture(kind, exif=exif)) == (MIMES[kind], 80, 120)


@given(st.data())
def test_a_png_with_a_wrong_byte_anywhere_is_unreadable(data: st.DataObject) -> None:
    damaged = bytearray(picture())
    place = data.draw(st.integers(0, len(damaged) - 13))  # after that there is only the empty end mark
    damaged[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ImageUnreadable):
        inspect(bytes(damaged))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_fits_comes_back_byte_for_byte(kind: str) -> None:
    data = picture(kind)
    assert fit_picture(data, **ANY) == (data, MIMES[kind], 120, 80)


@pytest.mark.parametrize(
    ("limits", "size"),
    [
        ({"max_pixels": 2400}, (60, 40)),
        ({"max_side_sum": 100}, (60, 40)),
        ({"multiple": 16}, (112, 80)),
        ({"multiple": 64}, (64, 64)),
        ({"min_side": 160}, (240, 160)),
        ({"min_side": 90, "multiple": 16}, (128, 96)),
        ({"max_pixels": 2400, "multiple": 16}, (48, 32)),
        ({"max_ratio": 1.25}, (120, 96)),
    ],
)
def test_sizes_are_brought_within_limits(limits: dict[str, Any], size: tuple[int, int]) -> None:
    fit = fit_picture(picture(), **{**ANY, **limits})
    assert (fit.width, fit.height) == size
    assert opened(fit.data).size == size
    assert inspect(fit.data) == (fit.mime, *size)


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 700),
    height=st.integers(1, 700),
    max_pixels=st.integers(64 * 64 * 20, 400_000),
    max_ratio=st.floats(1, 20),
    multiple=st.sampled_from([1, 2, 16, 32]),
    side_sum=st.none() | st.integers(2000, 3000),
)
def test_whatever_the_size_the_result_keeps_every_limit(
    width: int, height: int, max_pixels: int, max_ratio: float, multiple: int, side_sum: int | None
) -> None:
    out = io.BytesIO()
    Image.new("L", (width, height)).save(out, "PNG")
    fit = fit_picture(
        out.getvalue(),
        max_bytes=1_000_000,
        max_pixels=max_pixels,
        max_side_sum=side_sum,
        max_ratio=max_ratio,
        min_side=64,
        multiple=multiple,
    )
    assert (fit.width % multiple, fit.height % multiple) == (0, 0)
    assert fit.width * fit.height <= max_pixels
    assert min(fit.width, fit.height) >= 64
    assert max(fit.width, fit.height) <= max_ratio * min(fit.width, fit.height)
    assert side_sum is None or fit.width + fit.height <= side_sum


def test_scaling_down_does_not_lead_beyond_the_ratio() -> None:
    fit = fit_picture(picture(size=(1000, 50)), **ANY, max_ratio=20, max_side_sum=1000)
    assert (fit.width, fit.height) == (940, 47)


def test_proportions_are_kept_when_sides_become_multiples() -> None:
    """The edges are cut a little; nothing is squeezed: the seam between red and blue stays in the middle."""
    fit = fit_picture(picture(size=(330, 90)), **{**ANY, "multiple": 64})
    image = opened(fit.data)
    middle = image.width // 2
    assert is_near(image.getpixel((middle - 4, 50)), (255, 0, 0))
    assert is_near(image.getpixel((middle + 4, 50)), (0, 0, 255))


def test_a_long_strip_gets_margins_and_keeps_all_it_shows() -> None:
    fit = fit_picture(picture(size=(640, 10)), **{**ANY, "max_ratio": 16})
    image = opened(fit.data)
    assert image.size == (640, 40)
    assert is_near(image.getpixel((2, 20)), (255, 0, 0))
    assert is_near(image.getpixel((637, 20)), (0, 0, 255))
    assert is_near(image.getpixel((2, 2)), (255, 255, 255))


def test_bytes_are_brought_within_limits_without_giving_up_pixels_first() -> None:
    data = noise((600, 400))
    fit = fit_picture(data, max_bytes=len(data) // 2, max_pixels=4_000_000)
    assert fit.mime == JPEG
    assert len(fit.data) <= len(data) // 2
    assert (fit.width, fit.height) == (600, 400)


def test_a_picture_becomes_smaller_when_no_quality_helps() -> None:
    fit = fit_picture(noise((600, 400)), max_bytes=20_000, max_pixels=4_000_000)
    assert len(fit.data) <= 20_000
    assert 16 < fit.width < 600
    assert fit.width / fit.height == pytest.approx(1.5, rel=0.03)


def test_bytes_that_cannot_be_reached_are_said_to_be_out_of_reach() -> None:
    with pytest.raises(ImageTooLarge):
        fit_picture(noise((600, 400)), max_bytes=100, max_pixels=4_000_000)


@pytest.mark.parametrize(("mimes", "alpha"), [([PNG], True), ([WEBP], True), ([JPEG], False), ([JPEG, PNG], True)])
def test_transparency_is_kept_where_it_can_be_and_else_becomes_white(mimes: list[str], alpha: bool) -> None:
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    out = io.BytesIO()
    image.save(out, "GIF")
    fit = fit_picture(out.getvalue(), **ANY, mimes=mimes)
    result = opened(fit.data)
    assert result.has_transparency_data is alpha
    assert alpha or is_near(result.getpixel((9, 9)), (255, 255, 255))


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "I;16", "LA", "YCbCr"])
def test_every_kind_of_pixel_can_be_fitted(mode: str) -> None:
    kind = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    base = Image.new("L", (90, 60), 128)
    out = io.BytesIO()
    (base.convert("RGB").convert(mode) if mode in ("CMYK", "YCbCr", "P") else base.convert(mode)).save(out, kind)
    fit = fit_picture(out.getvalue(), **{**ANY, "multiple": 16})
    assert inspect(fit.data) == (fit.mime, 80, 48)


def test_a_colour_profile_goes_with_the_picture() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    fit = fit_picture(picture("PNG", icc_profile=profile), **{**ANY, "multiple": 16})
    assert opened(fit.data).info["icc_profile"] == profile


SEEDS = [picture(kind, (40, 30)) for kind in MIMES]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_bytes_are_a_picture_or_unreadable_and_nothing_else(data: st.DataObject) -> None:
    damaged = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    for candidate in (bytes(damaged), cut):
        try:
            seen = inspect(candidate)
            fit = fit_picture(candidate, max_bytes=50_000, max_pixels=10_000, multiple=16)
        except (ImageUnreadable, ImageTooLarge):
            continue
        assert seen.width * seen.height <= MAX_PIXELS
        assert len(fit.data) <= 50_000
