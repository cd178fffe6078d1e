"""How everything stands, for operators."""

import re
from datetime import datetime

from bots.texts.style import Style
from bots.words import Words
from core.admin import Report, Standing
from core.ports import Credits, GatewayFigures, Rest, Stats
from core.types import OrderState

#: Seconds after which something is overdue: the loops look around every second, and gateways are busy at times.
OVERDUE = 5
_OPEN = (OrderState.QUEUED, OrderState.STARTING, OrderState.WAITING)


def stats(words: Words, locale: str, report: Report, style: Style) -> str:
    """What is open, what today and this month have cost, and how each gateway does."""
    found = report.stats
    lines = [style.bold(words.say(locale, "stats.title")), *_open(words, locale, found, report.at)]
    lines += ["", style.bold(words.say(locale, "stats.today"))]
    asked = {"tasks": words.number(locale, found.tasks), "people": words.number(locale, found.people)}
    lines += [words.say(locale, "stats.asked", **asked), _credits(words, locale, found.day)]
    lines += ["", style.bold(words.say(locale, "stats.month")), _credits(words, locale, found.month)]
    names = sorted(report.standings.keys() | found.gateways.keys() | found.rests.keys())
    if names:
        lines += ["", style.bold(words.say(locale, "stats.gateways"))]
    for name in names:
        lines.append(f"• {style.bold(style.quote(name))}")
        lines.append(f"   {_figures(words, locale, found.gateways.get(name, GatewayFigures()))}")
        if name in found.rests:
            lines.append(f"   {_rest(words, locale, found.rests[name], style)}")
        lines += [f"   {line}" for line in _standing(words, locale, report.standings.get(name), style)]
    return "\n".join(lines)


def trouble(words: Words, locale: str, kind: str) -> str:
    """Why a gateway does not work, in a few words, by the kind of its failure ("KeyRejected")."""
    try:
        return words.say(locale, f"trouble.{re.sub('(?<!^)(?=[A-Z])', '_', kind).lower()}")
    except KeyError:  # a kind that needs no words of its own, or another version's
        return kind


def _open(words: Words, locale: str, found: Stats, at: datetime) -> list[str]:
    orders = {state.value: words.number(locale, found.orders.get(state, 0)) for state in _OPEN}
    late = 0.0 if found.next_due is None else (at - found.next_due).total_seconds()
    return [
        words.say(locale, "stats.orders", **orders),
        words.say(locale, "stats.overdue", span=words.span(locale, late))
        if late >= OVERDUE
        else words.say(locale, "stats.on_time"),
        words.say(locale, "stats.to_post", number=words.number(locale, found.to_post)),
    ]


def _credits(words: Words, locale: str, found: Credits) -> str:
    return words.say(
        locale,
        "stats.credits",
        settled=words.number(locale, found.settled),
        held=words.number(locale, found.held),
        released=words.number(locale, found.released),
    )


def _figures(words: Words, locale: str, figures: GatewayFigures) -> str:
    line = words.say(
        locale,
        "stats.gateway",
        running=words.number(locale, figures.running),
        finished=words.number(locale, figures.finished),
        failed=words.number(locale, figures.failed),
    )
    if figures.seconds is None:
        return line
    return f"{line} · {words.say(locale, 'stats.median', span=words.span(locale, figures.seconds))}"


def _rest(words: Words, locale: str, rest: Rest, style: Style) -> str:
    why = trouble(words, locale, rest.why)
    return words.say(locale, "stats.rests", when=style.when(rest.until.timestamp()), why=why)


def _standing(words: Words, locale: str, standing: Standing | None, style: Style) -> list[str]:
    if standing is None:
        return [words.say(locale, "stats.off")]
    if standing.trouble is not None:
        return [words.say(locale, "stats.account", line=trouble(words, locale, standing.trouble))]
    return [words.say(locale, "stats.account", line=style.quote(standing.line))] if standing.line else []
