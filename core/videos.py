"""Videos as bytes: what they are, and whether they are whole. Nothing is decoded: the boxes of the file say it.

The boxes are those of the ISO base media file format (ISO/IEC 14496-12), of which MP4 is one (14496-14).
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from core.errors import ImageUnreadable

MP4 = "video/mp4"
#: Major brands of MP4 videos (mp4ra.org/registered-types/brands): photos (HEIC, AVIF) and sound (M4A) begin with the
#: same box and have brands of their own.
_BRANDS = frozenset({b"isom", b"avc1", b"mp41", b"mp42", b"mp71", b"M4V ", b"MSNV", b"dash", b"cmfc", b"cmf2"}
    | {b"iso%x" % number for number in range(2, 13)})  # fmt: skip
#: Boxes looked at in one file: a fragmented video of an hour has two for each second of it.
_MAX_BOXES = 10_000
#: Full boxes (14496-12, 4.2.2) begin with one byte of version and three of flags.
_FULL = 4
#: 16.16 fixed point.
_FIXED = 1 << 16


class Seen(NamedTuple):
    """What a video is. Width and height in pixels as it is looked at, turned as its track says.

    ``seconds`` is 0 where the file does not tell (a stream in fragments).
    """

    mime: str
    width: int
    height: int
    seconds: float


class _Box(NamedTuple):
    """Where a box's content begins and ends."""

    kind: bytes
    start: int
    end: int


def sniff_video(data: bytes | bytearray) -> str | None:
    """The MIME type by the first bytes: "video/mp4", None for anything else."""
    return MP4 if data[4:8] == b"ftyp" and bytes(data[8:12]) in _BRANDS else None


def inspect_video(data: bytes) -> Seen:
    """Walk the boxes of a video and say what it is: quick, whatever its length.

    Raises ImageUnreadable for what is no video or not a whole one: its boxes fill it exactly, and it has a video track
    and what the track plays.
    """
    if sniff_video(data) is None:
        raise ImageUnreadable
    walk = _Walk(data)
    boxes = list(walk.boxes(0, len(data)))
    kinds = {box.kind for box in boxes}
    moov = next((box for box in boxes if box.kind == b"moov"), None)
    if moov is None or not kinds & {b"mdat", b"moof"}:
        raise ImageUnreadable
    parts = list(walk.boxes(moov.start, moov.end))
    width, height = next((size for size in map(walk.shown, parts) if size is not None), (0, 0))
    if not width or not height:
        raise ImageUnreadable
    return Seen(MP4, width, height, walk.seconds(_only(parts, b"mvhd")))


class _Walk:
    """One reading of a file. Each of its methods raises ImageUnreadable for damaged boxes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = _MAX_BOXES

    def boxes(self, start: int, end: int) -> Iterator[_Box]:
        """The boxes that fill the bytes from ``start`` to ``end`` exactly."""
        while start < end:
            self._left -= 1
            if self._left < 0:
                raise ImageUnreadable
            size, kind = struct.unpack(">I4s", self._take(start, 8, end))
            header = 8
            if size == 1:  # too long for 32 bits
                size, header = self._number(start + 8, 8, end), 16
            elif size == 0 and end == len(self._data):  # up to the end of the file
                size = end - start
            if not header <= size <= end - start:
                raise ImageUnreadable
            yield _Box(kind, start + header, start + size)
            start += size

    def shown(self, track: _Box) -> tuple[int, int] | None:
        """Width and height of a video track; None for another kind of track, or no track."""
        if track.kind != b"trak":
            return None
        parts = list(self.boxes(track.start, track.end))
        media = _only(parts, b"mdia")
        handler = _only(self.boxes(media.start, media.end), b"hdlr")
        if self._take(handler.start + _FULL + 4, 4, handler.end) != b"vide":
            return None
        header = _only(parts, b"tkhd")
        # 14496-12, 8.3.2: three times are longer in version 1; then layer, group, volume, the matrix and the size.
        matrix = header.start + (52 if self._version(header) == 1 else 40)
        a, b, _, c, d = struct.unpack(">5i", self._take(matrix, 20, header.end))
        width = round(self._number(matrix + 36, 4, header.end) / _FIXED)
        height = round(self._number(matrix + 40, 4, header.end) / _FIXED)
        on_its_side = not a and not d and b and c
        return (height, width) if on_its_side else (width, height)

    def seconds(self, header: _Box) -> float:
        """The length of the film (14496-12, 8.2.2)."""
        long = self._version(header) == 1
        scale = self._number(header.start + (20 if long else 12), 4, header.end)
        length = self._number(header.start + (24 if long else 16), 8 if long else 4, header.end)
        if not scale:
            raise ImageUnreadable
        unknown = (1 << (64 if long else 32)) - 1
        return 0.0 if length == unknown else length / scale

    def _version(self, box: _Box) -> int:
        return self._number(box.start, 1, box.end)

    def _number(self, start: int, count: int, end: int) -> int:
        return int.from_bytes(self._take(start, count, end), "big")

    def _take(self, start: int, count: int, end: int) -> bytes:
        """``count`` bytes that lie before ``end``."""
        if start + count > end:
            raise ImageUnreadable
        return self._data[start : start + count]


def _only(boxes: Iterator[_Box] | list[_Box], kind: bytes) -> _Box:
    """The first box of a kind."""
    found = next((box for box in boxes if box.kind == kind), None)
    if found is None:
        raise ImageUnreadable
    return found
