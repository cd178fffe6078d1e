"""Snowflakes, and a token shaped like a real one."""

import base64
from collections.abc import Callable

#: Milliseconds of 2015-01-01, where Discord's snowflakes begin (Discord reference, "Snowflakes").
EPOCH_MS = 1_420_070_400_000


class Snowflakes:
    """Growing ids whose upper 42 bits are the milliseconds since 2015, as text."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = 0

    def __call__(self) -> str:
        now = (int(self._clock() * 1000) - EPOCH_MS) << 22
        self._last = max(now, self._last + 1)
        return str(self._last)


def fake_token(application_id: str) -> str:
    """A bot token of the real shape: the application id in base64, a time part and a signature, all made up."""
    first = base64.b64encode(application_id.encode()).decode().rstrip("=")
    return ".".join((first, "Gsandb", "only-good-for-the-sandbox-on-loopback"))
