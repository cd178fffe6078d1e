"""How everything stands, in words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bots.texts import stats, trouble
from bots.words import Words
from core.admin import Report, Standing
from core.breaker import TROUBLE
from core.errors import AnswerUnreadable, GatewayBusy
from core.ports import Credits, GatewayFigures, Rest, Stats
from core.types import OrderState
from tests.bots.texts.samples import MARKDOWN, NOW, PLAIN

WORDS = Words()
REST = Rest(NOW + timedelta(minutes=3), "GatewayDown")
STATS = Stats(
    orders={OrderState.QUEUED: 1200, OrderState.STARTING: 1, OrderState.WAITING: 2},
    next_due=NOW + timedelta(seconds=3),
    to_post=4,
    tasks=12,
    people=5,
    day=Credits(30, 4, 2),
    month=Credits(3000, 5, 20),
    rests={"apiyi": REST},
    gateways={"apiyi": GatewayFigures(2, 10, 1, 12.4), "old_one": GatewayFigures(1)},
)
REPORT = Report(
    NOW,
    STATS,
    {
        "apicore": Standing("takes the key; spent $1.00, $4.00 left"),
        "apiyi": Standing(trouble="KeyRejected"),
        "silent": Standing(),
    },
)


def test_stats_tell_what_is_open_what_it_cost_and_how_each_gateway_does() -> None:
    until = int(REST.until.timestamp())
    assert stats(WORDS, "en", REPORT, PLAIN) == (
        "Now\n"
        "Orders: 1,200 queued, 1 being sent, 2 being made\n"
        "Nothing is overdue.\n"
        "Results still to be posted: 4\n"
        "\n"
        "Today\n"
        "Requests: 12, people: 5\n"
        "Credits: 30 used, 4 held, 2 given back\n"
        "\n"
        "This month\n"
        "Credits: 3,000 used, 5 held, 20 given back\n"
        "\n"
        "Gateways\n"
        "• apicore\n"
        "   0 running · today 0 finished, 0 failed\n"
        "   account: takes the key; spent $1.00, $4.00 left\n"
        "• apiyi\n"
        "   2 running · today 10 finished, 1 failed · median 12 s\n"
        f"   rests, back at {until}: is down\n"
        "   account: the key is refused\n"
        "• old_one\n"
        "   1 running · today 0 finished, 0 failed\n"
        "   is not switched on here\n"
        "• silent\n"
        "   0 running · today 0 finished, 0 failed"
    )


@pytest.mark.parametrize(("late", "said"), [(4, "Nothing is overdue."), (90, "Overdue for 1 min 30 s: ")])
def test_what_should_have_been_taken_up_long_ago_is_overdue(late: float, said: str) -> None:
    report = replace(REPORT, stats=replace(STATS, next_due=NOW - timedelta(seconds=late)))
    assert said in stats(WORDS, "en", report, PLAIN)


def test_nothing_open_is_not_overdue_and_no_gateway_needs_no_title() -> None:
    nothing = replace(STATS, next_due=None, rests={}, gateways={})
    text = stats(WORDS, "en", Report(NOW, nothing, {}), PLAIN)
    assert "Nothing is overdue." in text
    assert "Gateways" not in text


def test_a_gateways_own_words_format_nothing() -> None:
    report = replace(REPORT, standings={"a_b": Standing("spent *a lot*")})
    text = stats(WORDS, "en", report, MARKDOWN)
    assert "account: spent \\*a lot\\*" in text
    assert "**a\\_b**" in text


@pytest.mark.parametrize("locale", WORDS.languages)
def test_every_language_tells_every_figure(locale: str) -> None:
    text = stats(WORDS, locale, REPORT, PLAIN)
    assert "{" not in text
    for figure in ("1,200", "3,000", "30", "20", "$4.00", "old_one", "10"):
        assert figure in text


@pytest.mark.parametrize("locale", WORDS.languages)
@pytest.mark.parametrize("kind", [*TROUBLE, GatewayBusy, AnswerUnreadable])
def test_why_a_gateway_rests_or_fails_is_said_in_words(locale: str, kind: type[Exception]) -> None:
    assert trouble(WORDS, locale, kind.__name__) != kind.__name__


def test_a_kind_of_failure_without_words_is_told_by_its_name() -> None:
    assert trouble(WORDS, "en", "SomethingNew") == "SomethingNew"
