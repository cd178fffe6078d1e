"""The texts that describe and shorten find: numbered, in one piece (gateways §5.2)."""

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from core.gateways.answers import text_of

#: Texts of one task: describe finds four, shorten five.
MOST = 8
#: "1️⃣ ", "2. ", "3) ", "④ " at the start of a line.
_NUMBER = re.compile(r"^[ \t]*(?:\d\ufe0f?\u20e3|\d{1,2}[.)、:：](?=\s)|[①-⑧])[ \t]*", re.MULTILINE)
#: Discord's links, ``[words](https://…)`` and ``[words](<https://…>)``: Midjourney marks the names of styles so.
_LINK = re.compile(r"\[([^\[\]]*)\]\(<?https?://[^\s()<>]*>?\)")


def texts_of(task: Mapping[str, Any], *, described: bool) -> tuple[str, ...]:
    """The texts of a finished task, without their numbers; () when there are none.

    They are in ``properties.finalPrompt``; a description's are its prompt as well, which nobody has given it.
    """
    properties = task.get("properties")
    fields = [properties.get("finalPrompt")] if isinstance(properties, dict) else []
    fields += [task.get("promptEn"), task.get("prompt")] if described else []
    return next((split(text) for text in map(text_of, fields) if text is not None), ())


def split(text: str) -> tuple[str, ...]:
    """At the numbers, where there are any (what comes before the first is a heading); else at the line breaks."""
    parts = _NUMBER.split(text)
    parts = parts[1:] if len(parts) > 1 else text.splitlines()
    # A part reaches to the next number or to an empty line: what follows that is no prompt.
    firsts = (re.split(r"\n\s*\n", part.strip(), maxsplit=1)[0] for part in parts)
    texts = (" ".join(_LINK.sub(r"\1", first).split()) for first in firsts if first)
    return tuple(islice((text for text in texts if text), MOST))
