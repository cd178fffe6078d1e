"""Keeps secrets out of everything that is written down: logs, stored failures, error texts."""

import re
from collections.abc import Iterable
from urllib.parse import quote

#: What stands in a secret's place.
MASK = "***"
#: Shorter values are no secrets worth hiding, and masking them would eat ordinary words.
SHORTEST = 6

#: Shapes of secrets that nobody told us about, such as a key that a gateway's answer repeats.
_SHAPES = re.compile(
    r"""
      (?<=[Bb]earer\ )[\w.~+/=:-]{8,}           # Authorization's value
    | (?<=Basic\ )[\w+/=]{16,}                 # a proxy's user name and password
    | \bsk-[\w-]{6,}                           # gateway keys (OpenAI, new-api)
    | (?<!\d)\d{6,}:[\w-]{30,}                 # Telegram: <bot id>:<35 characters>, also inside a file link
    | \b[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,} # Discord: base64 id, time, signature
    """,
    re.VERBOSE,
)


class Masker:
    """Replaces ``secrets``, wherever and however often they stand in a text, and anything shaped like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {form for secret in secrets if len(secret) >= SHORTEST for form in (secret, quote(secret, safe=""))}
        # The longest first: a secret that begins like another must go whole.
        ordered = sorted(known, key=lambda secret: (-len(secret), secret))
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def mask(self, text: str) -> str:
        """``text`` without a secret in it."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        return _SHAPES.sub(MASK, text)
