"""How a platform writes: the fronts give one of these to every text."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """Four ways of writing."""

    quote: Callable[[str], str]  #: escapes a person's words: nothing in them formats or mentions
    when: Callable[[float], str]  #: a Unix time as a person reads it: "in 3 h 20 min", ``<t:…:R>``
    bold: Callable[[str], str]  #: of text that is already safe
    command: Callable[[str], str]  #: ``"imagine"`` → ``"/imagine"``, or a link to the command
