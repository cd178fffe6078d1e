"""Finds commands, mentions, links and tags in plain text, as Telegram's servers do, with UTF-16 offsets."""

import re
from typing import Any

Entity = dict[str, Any]  # A MessageEntity object.

#: https://core.telegram.org/bots/features#commands: Latin letters, digits and underscores; up to 64 with old clients.
_COMMAND = re.compile(r"(?<![\w/])/([A-Za-z0-9_]{1,64})(?:@([A-Za-z0-9_]{3,32}))?(?![\w@/])")
_MENTION = re.compile(r"(?<![\w@./])@([A-Za-z0-9_]{3,32})(?!\w)")
#: Of bare domains only a few top-level ones: Telegram's list of all of them is not worth its length here.
_URL = re.compile(
    r"(?<![\w@])(?:https?://[^\s<>\"']+|(?:[\w-]+\.)+(?:com|org|net|io|me|dev|cn)(?:/[^\s<>\"']*)?)(?!\w)"
)
_HASHTAG = re.compile(r"(?<!\w)#(?!\d+\b)\w{1,256}")
_EMAIL = re.compile(r"(?<![\w.])[\w.+-]+@[\w-]+(?:\.[\w-]+)+(?!\w)")
#: Tried in this order; what an earlier one took, a later one leaves alone.
_PATTERNS = (("email", _EMAIL), ("url", _URL), ("bot_command", _COMMAND), ("mention", _MENTION), ("hashtag", _HASHTAG))
#: Nothing is looked for inside these.
_OPAQUE = frozenset({"code", "pre", "text_link", "text_mention"})


def utf16_length(text: str) -> int:
    """The length in UTF-16 code units, the unit of every offset and limit in the Bot API."""
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)


def utf16_slice(text: str, offset: int, length: int) -> str:
    """The part of a text an entity covers."""
    raw = text.encode("utf-16-le")
    return raw[offset * 2 : (offset + length) * 2].decode("utf-16-le", "replace")


def detect(text: str, known: list[Entity] | None = None) -> list[Entity]:
    """``known`` (from markup) and what is found beside it, sorted as Telegram sorts: by offset, longer first."""
    found = list(known or [])
    taken = [(item["offset"], item["offset"] + item["length"]) for item in found if item["type"] in _OPAQUE]
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            start = utf16_length(text[: match.start()])
            end = start + utf16_length(match.group().rstrip(".,;:!?)") if kind == "url" else match.group())
            if all(end <= left or start >= right for left, right in taken):
                found.append({"type": kind, "offset": start, "length": end - start})
                taken.append((start, end))
    return sorted(found, key=lambda item: (item["offset"], -item["length"]))


def trim(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Without the white space around it, as Telegram stores a text; the entities move along."""
    kept = text.strip()
    lead = utf16_length(text[: len(text) - len(text.lstrip())])
    end = utf16_length(kept)
    moved = []
    for item in entities:
        start = max(0, item["offset"] - lead)
        stop = min(end, item["offset"] + item["length"] - lead)
        if stop > start:
            moved.append({**item, "offset": start, "length": stop - start})
    return kept, moved


def leading_command(text: str) -> tuple[str, str | None] | None:
    """The command a text begins with and the bot's name after its ``@``, both in lower case; ``None`` without one."""
    match = _COMMAND.match(text)
    if match is None:
        return None
    return match.group(1).lower(), match.group(2).lower() if match.group(2) else None
