"""Every sentence the bots say, in every language they speak.

One folder a language under ``locales``, holding a gettext catalogue ``messages.po``; its message ids are dotted keys
such as ``status.queued``, its parameters are named in braces. A new language is a new folder.
"""

import functools
import math
import time
from collections.abc import Callable, Sequence
from gettext import GNUTranslations
from pathlib import Path

from babel import Locale
from babel.lists import format_list
from babel.numbers import format_decimal

from bots.words.catalogues import LOCALES, load
from bots.words.failures import variants
from core.errors import ImagineError, Params, SettingsError
from core.types import Failure

#: Parameters of errors that count credits: they come with their unit, in the right plural.
_CREDITS = frozenset({"cost", "left"})
#: Characters of a parameter, which may be a person's own words: an error stays one message on every platform.
_LONGEST = 300
_UNITS = (("unit.days", 86_400), ("unit.hours", 3_600), ("unit.minutes", 60), ("unit.seconds", 1))


class Words:
    """The catalogues, read once. ``languages`` are BCP 47 tags, such as ``("en", "zh-CN")``."""

    languages: tuple[str, ...]

    def __init__(self, default: str = "en", *, folder: Path = LOCALES) -> None:
        """Raises SettingsError for a default that is no language of ours."""
        self._catalogues = load(folder)
        self.languages = tuple(self._catalogues)
        if default not in self._catalogues:
            raise SettingsError("DEFAULT_LANGUAGE", f"{default!r} is not one of {', '.join(self.languages)}")
        self.default = default
        self._locales = {language: Locale.parse(language, sep="-") for language in self.languages}

    def pick(self, code: str | None) -> str:
        """Our language for the one a person's app is set to: ``"zh-hans"`` → ``"zh-CN"``, ``"en-US"`` → ``"en"``.

        Somebody else's dialect is better than a foreign language: ``"zh-TW"`` → ``"zh-CN"``.
        """
        wanted = (code or "").strip().replace("_", "-").casefold()
        for language in self.languages:
            if language.casefold() == wanted:
                return language
        primary = wanted.partition("-")[0]
        return next((language for language in self.languages if language.partition("-")[0] == primary), self.default)

    def say(self, locale: str, key: str, **params: object) -> str:
        """The sentence of ``key``. Raises KeyError for a key without a sentence, or a parameter left out."""
        return self._text(locale, key).format(**params)

    def count(self, locale: str, key: str, n: int, **params: object) -> str:
        """The sentence of ``key`` in the form that ``n`` takes; ``{n}`` is written as the language writes numbers."""
        return self._text(locale, key, n).format(n=self.number(locale, n), **params)

    def number(self, locale: str, number: int) -> str:
        """``12345`` → ``"12,345"``."""
        return _number(number, self.babel(locale))

    def both(self, locale: str, parts: Sequence[str]) -> str:
        """``["seed", "ratio"]`` → ``"seed and ratio"``."""
        return format_list(parts, locale=self.babel(locale))

    def span(self, locale: str, seconds: float) -> str:
        """A duration in its two largest units: ``"12 s"``, ``"3 h 20 min"``, ``"1 day 6 h"``."""
        rest = max(0, round(seconds))
        units = [(key, size) for key, size in _UNITS if size <= max(rest, 1)]
        parts: list[str] = []
        for key, size in units[:2]:
            n, rest = divmod(rest, size)
            if n or not parts:
                parts.append(self.count(locale, key, n))
        return " ".join(parts)

    def when(self, locale: str, unix_time: float) -> str:
        """A moment as seen from now, to the minute: ``"in 3 h 20 min"``; ``"in a moment"`` when near or over."""
        minutes = math.ceil((unix_time - time.time()) / 60)
        if minutes < 1:
            return self.say(locale, "time.soon")
        return self.say(locale, "time.in", span=self.span(locale, minutes * 60))

    def error(
        self,
        locale: str,
        error: ImagineError | Failure,
        *,
        when: Callable[[float], str] | None = None,
        quote: Callable[[str], str] | None = None,
    ) -> str:
        """What went wrong and what to do now, in one or two sentences; never the detail meant for operators.

        ``when`` renders a Unix time (default: :meth:`when`), ``quote`` escapes a person's words for the platform.
        """
        filled = self._readable(locale, error.params, when, quote)
        limit = error.params.get("limit")
        n = limit if isinstance(limit, int) else None
        for key in variants(error.key, error.params):
            try:
                return self._text(locale, key, n).format(**filled)
            except KeyError:  # no such variant, or a failure that another version stored with other parameters
                continue
        return self.say(locale, "error.unknown")

    def babel(self, locale: str) -> Locale:
        """Babel's rules for one of our languages."""
        return self._locales[locale if locale in self._locales else self.default]

    def _text(self, locale: str, key: str, n: int | None = None) -> str:
        catalogue: GNUTranslations = self._catalogues[locale if locale in self._catalogues else self.default]
        text: str = key if n is None else catalogue.ngettext(key, key, n)
        if text == key:
            text = catalogue.gettext(key)
        if text == key:
            raise KeyError(key)
        return text

    def _readable(
        self,
        locale: str,
        params: Params,
        when: Callable[[float], str] | None,
        quote: Callable[[str], str] | None,
    ) -> dict[str, str]:
        readable: dict[str, str] = {}
        for name, value in params.items():
            if isinstance(value, str):
                readable[name] = quote(value[:_LONGEST]) if quote else value[:_LONGEST]
            elif name.endswith("_at"):
                readable[name] = when(value) if when else self.when(locale, value)
            elif name in _CREDITS:
                readable[name] = self.count(locale, "unit.credits", int(value))
            elif name == "value":
                readable[name] = str(value)  # as it was typed: a seed is no quantity
            else:
                readable[name] = self.number(locale, int(value))
        return readable


@functools.lru_cache(1024)
def _number(number: int, locale: Locale) -> str:
    written: str = format_decimal(number, locale=locale)
    return written
