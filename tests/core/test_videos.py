"""Videos are known by their boxes, and damaged ones are refused and do no harm."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import ImageUnreadable
from core.videos import Seen, inspect_video, sniff_video
from sandbox.pictures import clip

FILM = clip()
UPRIGHT = (1, 0, 0, 1)
ON_ITS_SIDE = (0, 1, -1, 0)


def box(kind: str, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind.encode()) + body


def head(brand: str = "isom") -> bytes:
    return box("ftyp", brand.encode(), bytes(4), b"isommp41")


def mvhd(length: int = 3000, scale: int = 1000, version: int = 0) -> bytes:
    times = struct.pack(">IIII" if version == 0 else ">QQIQ", 0, 0, scale, length)
    return box("mvhd", bytes([version, 0, 0, 0]), times, bytes(80))


def tkhd(width: float, height: float, turned: tuple[int, int, int, int] = UPRIGHT, version: int = 0) -> bytes:
    a, b, c, d = (part << 16 for part in turned)
    matrix = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    size = struct.pack(">II", round(width * 65536), round(height * 65536))
    return box("tkhd", bytes([version, 0, 0, 0]), bytes(20 if version == 0 else 32), bytes(16), matrix, size)


def trak(header: bytes, handler: bytes = b"vide") -> bytes:
    return box("trak", header, box("mdia", box("hdlr", bytes(8), handler, bytes(13))))


def film(*parts: bytes) -> bytes:
    return head() + box("moov", *parts) + box("mdat", b"frames")


WHOLE = film(mvhd(), trak(tkhd(640, 360)))


@pytest.mark.parametrize("brand", ["isom", "iso2", "iso6", "mp41", "mp42", "avc1", "M4V "])
def test_an_mp4_is_known_by_its_first_box(brand: str) -> None:
    assert sniff_video(head(brand)) == "video/mp4"
    assert sniff_video(bytearray(head(brand))) == "video/mp4"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0\x18ftyp",
        head("heic"),
        head("mif1"),
        head("avif"),
        head("M4A "),
        head("qt  "),
        b"\x89PNG\r\n\x1a\n",
    ],
    ids=["empty", "cut", "HEIC", "HEIF", "AVIF", "sound", "QuickTime", "PNG"],
)
def test_photos_and_sounds_in_the_same_boxes_are_no_videos(data: bytes) -> None:
    assert sniff_video(data) is None
    with pytest.raises(ImageUnreadable):
        inspect_video(data)


def test_a_real_film_tells_its_size_and_length() -> None:
    assert inspect_video(FILM) == Seen("video/mp4", 640, 360, 5.0)


@pytest.mark.parametrize("version", [0, 1])
def test_headers_with_short_and_with_long_times_are_read(version: int) -> None:
    data = film(mvhd(4500, 1000, version), trak(tkhd(1280, 720, version=version)))
    assert inspect_video(data) == Seen("video/mp4", 1280, 720, 4.5)


def test_a_film_taken_with_the_telephone_upright_is_higher_than_wide() -> None:
    seen = inspect_video(film(mvhd(), trak(tkhd(1920, 1080, ON_ITS_SIDE))))
    assert (seen.width, seen.height) == (1080, 1920)


def test_the_sound_may_come_before_the_picture() -> None:
    seen = inspect_video(film(mvhd(), trak(tkhd(0, 0), b"soun"), trak(tkhd(320, 200.4))))
    assert (seen.width, seen.height) == (320, 200)


@pytest.mark.parametrize("version", [0, 1])
def test_a_stream_in_fragments_is_whole_and_does_not_tell_its_length(version: int) -> None:
    unknown = (1 << (32 if version == 0 else 64)) - 1
    moov = box("moov", mvhd(unknown, version=version), trak(tkhd(640, 360)))
    assert inspect_video(head() + moov + box("moof", b"")) == Seen("video/mp4", 640, 360, 0.0)


def test_a_box_may_have_a_long_size_and_the_last_may_go_on_to_the_end() -> None:
    start = WHOLE.index(b"mdat") - 4
    long = struct.pack(">I4sQ", 1, b"mdat", 16 + 6) + b"frames"
    assert inspect_video(WHOLE[:start] + long) == inspect_video(WHOLE)
    assert inspect_video(WHOLE[:start] + struct.pack(">I4s", 0, b"mdat") + b"frames") == inspect_video(WHOLE)


@pytest.mark.parametrize(
    "data",
    [
        head() + box("mdat", b"frames"),
        WHOLE[: WHOLE.index(b"mdat") - 4],
        film(mvhd()),
        film(trak(tkhd(640, 360))),
        film(mvhd(), trak(tkhd(640, 360), b"soun")),
        film(mvhd(), trak(tkhd(640, 0))),
        film(mvhd(scale=0), trak(tkhd(640, 360))),
        film(mvhd(), trak(tkhd(640, 360)[:-1])),
        film(mvhd(), box("trak", tkhd(640, 360))),
        film(mvhd(), trak(tkhd(640, 360)), struct.pack(">I4s", 0, b"free")),
        WHOLE + b"\0\0\0",
        WHOLE + b"\0\0\0\x07fre" + box("free"),
        WHOLE + struct.pack(">I4sQ", 1, b"free", 8),
        WHOLE + struct.pack(">I4sQ", 1, b"free", 1 << 63),
        WHOLE + box("free") * 10_000,
    ],
    ids=["no header", "no frames", "no track", "no length", "sound only", "no height", "no scale", "short track header",
         "track of nothing", "endless box within", "rest", "box below its head", "long box below its head",
         "box beyond the end", "boxes without end"],
)  # fmt: skip
def test_what_is_not_a_whole_film_is_refused(data: bytes) -> None:
    with pytest.raises(ImageUnreadable):
        inspect_video(data)


@given(st.integers(0, len(FILM) - 1))
@example(len(FILM) - 1)
def test_a_film_that_was_cut_off_anywhere_is_refused(end: int) -> None:
    # A cut between boxes leaves the frames out, which come last.
    with pytest.raises(ImageUnreadable):
        inspect_video(FILM[:end])


HEADERS = FILM.index(b"mdat") + 4


@given(st.lists(st.tuples(st.integers(0, HEADERS - 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6))
@example([(FILM.index(b"moov") - 4, bytes(4))])
def test_damaged_bytes_are_refused_or_seen_and_nothing_else(damages: list[tuple[int, bytes]]) -> None:
    data = bytearray(FILM)
    for place, damage in damages:
        data[place : place + len(damage)] = damage
    try:
        seen = inspect_video(bytes(data))
    except ImageUnreadable:
        return
    assert seen.width > 0
    assert seen.height > 0
    assert seen.seconds >= 0


@given(st.binary(max_size=200))
def test_random_bytes_behind_a_first_box_are_refused(rest: bytes) -> None:
    with pytest.raises(ImageUnreadable):
        inspect_video(head() + rest)
