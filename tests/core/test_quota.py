"""Windows and limits: values in, values out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import CreditsUsedUp
from core.quota import Limits, Spent, day_window, earned, judge, month_window
from core.types import OrderState
from tests.core.build import NOW, a_picture, an_order

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "America/Sao_Paulo"]


def test_a_day_is_cut_at_local_midnight() -> None:
    window = day_window(datetime(2026, 11, 21, 23, 30, tzinfo=UTC), "Asia/Shanghai")
    assert window.start == datetime(2026, 11, 21, 16, tzinfo=UTC)
    assert window.end == datetime(2026, 11, 22, 16, tzinfo=UTC)


@pytest.mark.parametrize(("day", "hours"), [(29, 23), (30, 24)])
def test_the_day_the_clocks_change_is_shorter(day: int, hours: int) -> None:
    window = day_window(datetime(2026, 3, day, 12, tzinfo=UTC), "Europe/Berlin")
    assert window.end - window.start == timedelta(hours=hours)


def test_december_is_followed_by_january() -> None:
    window = month_window(datetime(2026, 12, 31, 23, 59, tzinfo=UTC), "UTC")
    assert (window.start, window.end) == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)), st.sampled_from(ZONES))
def test_now_is_always_inside_its_windows_and_windows_touch(now: datetime, zone: str) -> None:
    for window_of in (day_window, month_window):
        window = window_of(now, zone)
        assert window.start <= now < window.end
        assert window_of(window.end, zone).start == window.end


def test_exactly_the_limit_is_allowed_and_one_more_is_not() -> None:
    judge(Limits(user_day=5), Spent(user_day=3), 2, NOW)
    with pytest.raises(CreditsUsedUp) as refused:
        judge(Limits(user_day=5), Spent(user_day=3), 3, NOW)
    assert refused.value.params == {
        "scope": "user",
        "window": "day",
        "cost": 3,
        "left": 2,
        "limit": 5,
        "refills_at": int(datetime(2026, 11, 22, tzinfo=UTC).timestamp()),
    }


@pytest.mark.parametrize(
    ("limits", "spent", "scope", "window"),
    [
        (Limits(user_month=10), Spent(user_month=10), "user", "month"),
        (Limits(chat_day=10), Spent(chat_day=10), "chat", "day"),
        (Limits(global_day=10), Spent(global_day=10), "global", "day"),
    ],
)
def test_every_scope_can_say_no(limits: Limits, spent: Spent, scope: str, window: str) -> None:
    with pytest.raises(CreditsUsedUp) as refused:
        judge(limits, spent, 1, NOW)
    assert (refused.value.params["scope"], refused.value.params["window"]) == (scope, window)


def test_zero_is_no_limit() -> None:
    judge(Limits(user_day=0, user_month=0), Spent(user_day=10**9, user_month=10**9), 10**6, NOW)


def test_only_pictures_that_came_are_paid_for() -> None:
    two = (a_picture("a"), a_picture("b"))
    assert earned(an_order(OrderState.FINISHED, count=4, credits=8, results=two)) == 4
    assert earned(an_order(OrderState.FINISHED, count=1, credits=2, results=two)) == 2
    assert earned(an_order(OrderState.FAILED, count=1, credits=2)) == 0
