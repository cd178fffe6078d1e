"""Albums arrive as one message a picture, without a count and without an end, the words on any one of them."""

import time
from collections.abc import Callable

from core.types import FrontFile

#: Seconds a task waits for the other pictures of its album. In use elsewhere: 0.5 (loses pictures) to 2.5.
SETTLE_FOR = 1.5
#: Seconds a picture is remembered for the caption that may follow.
REMEMBER_FOR = 10.0


class Albums:
    """Pictures whose album has had no words yet. Times are seconds of ``clock``."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._parts: dict[str, list[tuple[float, FrontFile]]] = {}

    def remember(self, album: str, picture: FrontFile) -> bool:
        """Whether this is the first of its album."""
        self._forget_old()
        parts = self._parts.setdefault(album, [])
        parts.append((self._clock(), picture))
        return len(parts) == 1

    def take(self, album: str) -> tuple[FrontFile, ...]:
        """The pictures seen so far, oldest first; they are forgotten."""
        self._forget_old()
        return tuple(picture for _, picture in self._parts.pop(album, []))

    def _forget_old(self) -> None:
        limit = self._clock() - REMEMBER_FOR
        for album in [album for album, parts in self._parts.items() if parts[-1][0] < limit]:
            del self._parts[album]
