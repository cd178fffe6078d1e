"""Pictures that are none: cut in half, replaced by a page, or a small file that decodes to 900 megapixels."""

import struct
import zlib
from functools import cache

from sandbox.gateways.faults import Fault

#: Pixels along each side of the bomb.
BOMB_SIDE = 30_000
_PAGE = b"<!DOCTYPE html><html><head><title>Access denied</title></head><body><h1>Access denied</h1></body></html>"


def spoil(data: bytes, mime: str, fault: Fault | None) -> tuple[bytes, str]:
    """``data`` as the fault leaves it, and the content type it is served with."""
    match fault:
        case Fault.TRUNCATED_PICTURE:
            return data[: len(data) // 2], mime
        case Fault.HTML_PICTURE:
            return _PAGE, "text/html; charset=utf-8"
        case Fault.BOMB_PICTURE:
            return bomb(), "image/png"
        case _:
            return data, mime


@cache
def bomb() -> bytes:
    """A valid one-bit PNG of 30000 x 30000 black pixels in about 110 KB."""
    rows = b"\0" * ((BOMB_SIDE // 8 + 1) * BOMB_SIDE)  # a filter byte before each row
    header = struct.pack(">IIBBBBB", BOMB_SIDE, BOMB_SIDE, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    file = [b"\x89PNG\r\n\x1a\n"]
    for name, body in chunks:
        file.append(struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)))
    return b"".join(file)
