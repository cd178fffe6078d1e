"""From what a person typed to a request: Midjourney-style flags, taken out of the prompt.

``a red fox --ar 16:9 --n 2`` → prompt ``a red fox``, ratio ``16:9``, count 2. Flags may stand anywhere after a space,
with ``=``, ``:`` or a space before the value, which may be quoted. Phones turn ``--`` into a dash (``—ar 16:9``):
such a dash starts a flag only when a known name follows, for prose uses dashes too.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from core.capabilities import reduced
from core.errors import FlagInvalid, FlagUnknown
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

# Two hyphens, or what keyboards make of them: figure, en and em dash, bar, minus sign, once or twice.
_FLAG = re.compile(
    r"(?<!\S)(?:(?P<hyphens>--)|[\u2012-\u2015\u2212]{1,2})(?P<name>[A-Za-z][A-Za-z0-9_-]*)(?:[=:\uff1a\uff1d]|(?!\S))"
)
_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019", "\u300c": "\u300d"}
_RATIO = re.compile(r"([0-9]{1,4})[:\uff1axX\u00d7*/]([0-9]{1,4})")
#: No wire takes more than 64 bits, of which this is the part every database column holds.
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True)
class Parsed:
    """A prompt without its flags; None is "not said"."""

    prompt: str
    model: str | None = None
    ratio: str | None = None  #: "16:9", whole numbers from 1 to 9999
    count: int | None = None
    seed: int | None = None
    negative: str | None = None


def parse(text: str) -> Parsed:
    """Take the flags out of ``text``. The prompt's white space becomes single spaces; it may end up empty.

    The last of several equal flags wins; several ``--no`` add up. Raises FlagUnknown, FlagInvalid.
    """
    text = _plain(text)
    prose: list[str] = []
    values: dict[str, str] = {}
    place = 0
    flag = _next_flag(text, 0)
    while flag is not None:
        prose.append(text[place : flag.start()])
        field = _FIELDS.get(flag["name"].lower())
        if field is None:
            raise FlagUnknown(flag=f"--{flag['name'][:40]}", known=KNOWN_FLAGS)
        value, place = _value(text, flag.end(), to_next_flag=field == "negative")
        if not value:
            raise _invalid(flag, field, value)
        values[field] = f"{values[field]}, {value}" if field == "negative" and field in values else value
        if field in _READERS and _READERS[field](value) is None:
            raise _invalid(flag, field, value)
        flag = _next_flag(text, place)
    prose.append(text[place:])
    return Parsed(
        prompt=" ".join(" ".join(prose).split()),
        model=values.get("model"),
        ratio=_ratio(values.get("ratio", "")),
        count=_whole(values.get("count", "")),
        seed=_whole(values.get("seed", "")),
        negative=values.get("negative"),
    )


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


def _next_flag(text: str, place: int) -> re.Match[str] | None:
    """The next flag from ``place`` on; a lone typographic dash counts only before a known name."""
    for found in _FLAG.finditer(text, place):
        if found["hyphens"] or found["name"].lower() in _FIELDS:
            return found
    return None


def _value(text: str, place: int, *, to_next_flag: bool) -> tuple[str, int]:
    """The value that begins at ``place``, and where it ends: quoted, one word, or all words up to the next flag."""
    while text[place : place + 1] == " ":
        place += 1
    following = _next_flag(text, place)
    end = len(text) if following is None else following.start()
    closing = _QUOTES.get(text[place : place + 1])
    if closing is not None:
        close = text.find(closing, place + 1)
        # A quotation mark closes at the end of a word: the one in "don't" does not.
        while close != -1 and text[close + 1 : close + 2] not in {"", " "}:
            close = text.find(closing, close + 1)
        if close != -1:
            return text[place + 1 : close].strip(), close + 1
    if not to_next_flag:
        space = text.find(" ", place, end)
        end = end if space == -1 else space
    return text[place:end].strip(), end


def _invalid(flag: re.Match[str], field: str, value: str) -> FlagInvalid:
    return FlagInvalid(flag=f"--{flag['name']}", value=value[:60], expected=_EXAMPLES[field])


def _ratio(value: str) -> str | None:
    found = _RATIO.fullmatch(value)
    if found is None:
        return None
    ratio = f"{int(found[1])}:{int(found[2])}"
    return ratio if reduced(ratio) else None


def _whole(value: str) -> int | None:
    return int(value) if _WHOLE.fullmatch(value) else None


_READERS = {"ratio": _ratio, "count": _whole, "seed": _whole}


def _plain(text: str) -> str:
    """Single spaces; without control characters (PostgreSQL refuses NUL) and halves of surrogate pairs (no UTF-8)."""
    kept = (" " if unicodedata.category(letter) in {"Cc", "Cs"} else letter for letter in text)
    return " ".join("".join(kept).split())
