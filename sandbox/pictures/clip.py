"""A real film to show, of any length: the sun over waves."""

from functools import cache
from importlib.resources import files

#: The shapes there are.
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4")
#: The longest film in seconds: beyond it the waves would stand still.
LONGEST = 60
# The films in data/ are work of this project, in the public domain (CC0 1.0). Each is 120 frames of five seconds, drawn
# by a formula with NumPy (a gradient for the sky, a disc with a glow, five sine waves that come round in five seconds)
# and encoded by FFmpeg and x264: -profile:v main -preset veryslow -crf 27 -pix_fmt yuv420p -movflags +faststart
# -movie_timescale 60000 -video_track_timescale 60000. The sides: 640x360, 480x480, 560x420.
_UNITS, _SECONDS = 60_000, 5
#: The headers that say how many units of time a second has (ISO/IEC 14496-12, 8.2.2 and 8.4.2), and how many bytes
#: after their names, in version 0.
_HEADERS, _PLACE = (b"mvhd", b"mdhd"), 16


def clip(*, seconds: float = 5, ratio: str = "16:9", note: str = "") -> bytes:
    """An MP4 (H.264, no sound, about 40 KB) that lasts ``seconds``: the longer, the slower the waves.

    ``note`` is kept in the file, unseen: films with different notes differ in their bytes. Raises ``ValueError`` for a
    ratio that is not in :data:`RATIOS`, and for seconds below 1 or above :data:`LONGEST`.
    """
    if ratio not in RATIOS:
        raise ValueError(f"there are films of {', '.join(RATIOS)}")
    if not 1 <= seconds <= LONGEST:
        raise ValueError(f"a film lasts 1-{LONGEST} seconds")
    film = bytearray(_film(ratio))
    units = round(_UNITS * _SECONDS / seconds).to_bytes(4, "big")
    for header in _HEADERS:
        place = film.index(header) + _PLACE
        film[place : place + 4] = units
    text = note.encode()
    free = (8 + len(text)).to_bytes(4, "big") + b"free" + text
    return bytes(film + free) if text else bytes(film)


@cache
def _film(ratio: str) -> bytes:
    return files("sandbox.pictures").joinpath(f"data/waves-{ratio.replace(':', 'x')}.mp4").read_bytes()
