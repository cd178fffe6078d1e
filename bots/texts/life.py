"""The life of one picture as sentences: waiting, being made, there, failed."""

from collections.abc import Callable
from datetime import datetime

from babel.numbers import format_percent

from bots.texts.cutting import cut, longest
from bots.texts.labels import offer_label
from bots.texts.style import Style
from bots.words import Words
from core.types import Offer, Operation, Stage, View

_BAR = 10  #: segments: fits one line on the narrowest phone beside the percentage
_EXCERPT = 100  #: UTF-16 units of the prompt in a status message: two lines on a phone
_NEGATIVE = 80  #: … and of the negative prompt in a caption, where the prompt itself comes first


def status(words: Words, view: View, style: Style, now: datetime) -> str:
    """Where a task stands: its place in the queue, its progress, or how it ended."""
    locale = view.locale
    match view.stage:
        case Stage.DONE:
            return words.say(locale, "status.done", span=words.span(locale, view.seconds or 0))
        case Stage.FAILED:
            return failure(words, view, style)
        case Stage.CANCELLED:
            return words.say(locale, "status.cancelled")
        case Stage.QUEUED | Stage.RETRYING | Stage.WORKING:
            line = _line(words, view, now)
            return f"{line}\n{style.quote(cut(view.request.prompt, _EXCERPT))}" if view.request.prompt else line


def _line(words: Words, view: View, now: datetime) -> str:
    if view.stage is Stage.RETRYING:
        return words.say(view.locale, "status.retrying")
    return _queued(words, view) if view.stage is Stage.QUEUED else _working(words, view, now)


def _queued(words: Words, view: View) -> str:
    if view.position is None:
        return words.say(view.locale, "status.received")
    if view.position <= 1:
        return words.say(view.locale, "status.next")
    return words.say(view.locale, "status.queued", position=words.number(view.locale, view.position))


def _working(words: Words, view: View, now: datetime) -> str:
    locale = view.locale
    if view.started_at is None:
        return words.say(locale, "status.starting")
    doing = words.say(locale, f"status.doing.{view.request.operation}")
    elapsed = max(0.0, (now - view.started_at).total_seconds())
    left = None if view.expected_seconds is None else view.expected_seconds - elapsed
    if left is None:
        timing = words.say(locale, "status.elapsed", span=words.span(locale, elapsed))
    elif left >= 1:
        timing = words.say(locale, "status.left", span=words.span(locale, left))
    else:
        timing = words.say(locale, "status.longer", span=words.span(locale, elapsed))
    if view.progress is None:
        return f"{doing} {timing}"
    percent = format_percent(int(view.progress * 100) / 100, locale=words.babel(locale))
    return f"{doing}\n{_bar(view.progress)} {percent} · {timing}"


def _bar(progress: float) -> str:
    full = min(_BAR, max(0, int(progress * _BAR)))
    return "▰" * full + "▱" * (_BAR - full)


def caption(words: Words, view: View, style: Style, *, limit: int, length: Callable[[str], int]) -> str:
    """What stands under a result: the prompt, how it was made, what it cost, what was left out and why.

    At most ``limit`` as ``length`` measures it: the prompt gives way first.
    """
    below = "\n".join(
        line
        for line in (
            _facts(words, view, style),
            _dropped(words, view),
            _missing(words, view, style),
        )
        if line
    )
    if not view.request.prompt:
        return cut(below[:1].upper() + below[1:], limit, length)
    text = longest(view.request.prompt, lambda prompt: f"{style.quote(prompt)}\n\n{below}", limit, length)
    return text if length(text) <= limit else cut(below, limit, length)


def _facts(words: Words, view: View, style: Style) -> str:
    locale, request = view.locale, view.request
    facts: list[str] = []
    if request.follow is not None:
        step = Offer(request.operation, request.follow.token, request.follow.label)
        facts.append(style.quote(offer_label(words, locale, step)))
    elif request.operation not in (Operation.IMAGINE, Operation.EDIT):
        facts.append(words.say(locale, f"operation.{request.operation}"))
    if request.model is not None:
        facts.append(style.quote(request.model))
    if request.ratio is not None:
        facts.append(request.ratio)
    if view.seeds:
        seeds = ", ".join(str(seed) for seed in view.seeds)
        facts.append(words.count(locale, "caption.seeds", len(view.seeds), seeds=seeds))
    if request.negative is not None:
        facts.append(words.say(locale, "caption.without", negative=style.quote(cut(request.negative, _NEGATIVE))))
    if view.seconds is not None:
        facts.append(words.span(locale, view.seconds))
    price = words.count(locale, "unit.credits", view.credits) if view.credits else words.say(locale, "unit.free")
    facts.append(price)
    return " · ".join(facts)


def _dropped(words: Words, view: View) -> str:
    if not view.dropped:
        return ""
    names = [words.say(view.locale, f"option_name.{option}") for option in view.dropped]
    return words.say(view.locale, "caption.dropped", options=words.both(view.locale, names))


def _missing(words: Words, view: View, style: Style) -> str:
    if not view.missing:
        return ""
    missing = words.count(view.locale, "caption.missing", view.missing)
    return f"{missing}\n{_why(words, view, style)}"


def failure(words: Words, view: View, style: Style) -> str:
    """Why no picture came and what to do now, and that it cost nothing."""
    return f"{_why(words, view, style)}\n{words.say(view.locale, 'failure.not_charged')}"


def _why(words: Words, view: View, style: Style) -> str:
    if view.failure is None:
        return words.say(view.locale, "error.unknown")
    return words.error(view.locale, view.failure, when=style.when, quote=style.quote)
