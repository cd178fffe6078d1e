"""From what a person typed to a request: Midjourney-style flags, taken out of the prompt.

``a red fox --ar 16:9 --n 2`` → prompt ``a red fox``, ratio ``16:9``, count 2. Flags may stand anywhere after a space,
with ``=`` or a space before the value, which may be quoted. Phones turn ``--`` into a dash (``—ar 16:9``): such a
dash starts a flag only when a known name follows, for prose uses dashes too.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from core.types import Input, Operation, Request

#: flag → the field of Parsed it fills
_FIELDS = {
    "ar": "ratio",
    "ratio": "ratio",
    "model": "model",
    "m": "model",
    "n": "count",
    "count": "count",
    "seed": "seed",
    "no": "negative",
    "negative": "negative",
}
#: A value each field takes, the same in every language, for the person whose value could not be read.
_EXAMPLES = {"ratio": "16:9", "model": "flux-2-pro", "count": "4", "seed": "42", "negative": "text, watermark"}
#: What FlagUnknown names: one spelling each.
KNOWN_FLAGS = "--ar --model --n --seed --no"

# Two hyphens, or what keyboards make of them: en dash, em dash, horizontal bar, minus sign, once or twice.
_FLAG = re.compile(
    r"(?<!\S)(?P<dashes>--|[\u2012-\u2015\u2212]{1,2})(?P<name>[A-Za-z][A-Za-z0-9_-]*)(?P<equals>=)?(?(equals)|(?!\S))"
)
_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u201e": "\u201d", "\u2018": "\u2019", "\u300c": "\u300d"}
_RATIO = re.compile(r"([0-9]{1,4}) ?[:\uff1a xX\u00d7*/] ?([0-9]{1,4})")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True)
class Parsed:
    """A prompt without its flags; None is "not said"."""

    prompt: str
    model: str | None = None
    ratio: str | None = None
    count: int | None = None
    seed: int | None = None
    negative: str | None = None


def parse(text: str) -> Parsed:
    """Take the flags out of ``text``. The prompt's white space becomes single spaces; it may end up empty.

    The last of several equal flags wins, several ``--no`` add up. Raises FlagUnknown, FlagInvalid.
    """
    reading = _Reading(_plain(text))
    return reading.whole()


def request(parsed: Parsed, operation: Operation, images: Sequence[Input] = ()) -> Request:
    """The request for what was typed; whether a model can do it is :func:`core.capabilities.fit`'s to judge."""
    return Request(
        operation=operation,
        prompt=parsed.prompt,
        model=parsed.model,
        ratio=parsed.ratio,
        count=1 if parsed.count is None else parsed.count,
        seed=parsed.seed,
        negative=parsed.negative,
        images=tuple(images),
    )


def _plain(text: str) -> str:
    """Single spaces; without control characters (PostgreSQL refuses NUL) and halves of surrogate pairs (no UTF-8)."""
    kept = (" " if unicodedata.category(letter) in {"Cc", "Cs"} else letter for letter in text)
    return " ".join("".join(kept).split())
