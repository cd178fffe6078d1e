"""Albums arrive as one message a picture, without a count and without an end, the words on any one of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bots.telegram.meaning import Ask
from core.types import Address, FrontFile, Who

#: Seconds a task waits for the other pictures of its album. In use elsewhere: 0.5 (loses pictures) to 2.5.
SETTLE_FOR = 1.5
#: The same by webhook, where each of up to ten pictures is posted only after the one before it has been answered.
SETTLE_FOR_POSTED = 3.0
#: Seconds a picture is remembered for the caption that may follow.
REMEMBER_FOR = 10.0
#: Seconds pictures are kept that could not be stored, until their words come again: many of the longest pause between
#: two tries (``polling.BACKOFF``), each of which starts them anew.
KEEP_UNSTORED_FOR = 600.0


@dataclass(frozen=True)
class Short:
    """Words whose album has not shown enough pictures yet for what they ask for."""

    ask: Ask
    own: tuple[FrontFile, ...]  #: its pictures so far
    who: Who
    address: Address
    event: str


class Albums:
    """Pictures whose album has had no words yet, and words whose album has had too few pictures. Times are seconds of
    ``clock``."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._parts: dict[str, list[tuple[float, FrontFile]]] = {}
        self._worded: dict[str, float] = {}
        self._unstored: dict[str, tuple[float, tuple[FrontFile, ...]]] = {}
        self._short: dict[str, Short] = {}

    def remember(self, album: str, picture: FrontFile) -> bool:
        """Whether this is the first of an album that waits for words; a picture too late for its task is not."""
        self._forget_old()
        if album in self._worded:
            return False
        parts = self._parts.setdefault(album, [])
        parts.append((self._clock(), picture))
        return len(parts) == 1

    def waiting(self, album: str) -> tuple[FrontFile, ...]:
        """The pictures that have had no words yet, oldest first; they stay remembered."""
        self._forget_old()
        return tuple(picture for _, picture in self._parts.get(album, ()))

    def take(self, album: str) -> tuple[FrontFile, ...]:
        """The words are there: the pictures seen so far, oldest first, which are forgotten."""
        self._forget_old()
        self._worded[album] = self._clock()
        _, unstored = self._unstored.pop(album, (0.0, ()))
        return (*unstored, *(picture for _, picture in self._parts.pop(album, [])))

    def give_back(self, album: str, pictures: tuple[FrontFile, ...]) -> None:
        """What was taken could not be stored; its words will come again, and take it again."""
        if pictures:
            self._unstored[album] = (self._clock(), pictures)

    def hold(self, album: str, short: Short) -> None:
        """Keep what was asked for until more of the album is there. Like the pictures before their words it is only in
        memory, for the second or so that an album takes to come: a process that is killed then loses it."""
        self._short[album] = short

    def held(self, album: str) -> Short | None:
        """What was kept, once: it has what it waits for, or will never have it."""
        return self._short.pop(album, None)

    def give_up(self, album: str) -> bool:
        """No words have come: forget what waits for them. False when they came, stored yet or not."""
        self._forget_old()
        if album in self._worded or album not in self._parts:
            return False
        self._worded[album] = self._clock()
        del self._parts[album]
        return True

    def _forget_old(self) -> None:
        limit = self._clock() - REMEMBER_FOR
        for album in [album for album, parts in self._parts.items() if parts[-1][0] < limit]:
            del self._parts[album]
        for album in [album for album, at in self._worded.items() if at < limit]:
            del self._worded[album]
        limit = self._clock() - KEEP_UNSTORED_FOR
        for album in [album for album, (at, _) in self._unstored.items() if at < limit]:
            del self._unstored[album]
