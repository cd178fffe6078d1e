"""Credits and windows, pure: values and ``now`` in, values out."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.errors import CreditsUsedUp
from core.types import Order, OrderState


@dataclass(frozen=True)
class Limits:
    """What one person, chat and everybody together may use; 0 = no limit."""

    user_day: int = 20
    user_month: int = 300
    chat_day: int = 0
    global_day: int = 0
    unfinished: int = 5  #: a person's requests that are waiting or being made (USER_QUEUED)
    timezone: str = "UTC"


@dataclass(frozen=True)
class Window:
    """``start`` ≤ now < ``end``, aware UTC; ``end`` is when it refills."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Spent:
    """Credits used or held, per scope, as of now (positive numbers)."""

    user_day: int = 0
    user_month: int = 0
    chat_day: int = 0
    global_day: int = 0


def day_window(now: datetime, timezone: str) -> Window:
    """The calendar day around ``now`` in ``timezone``; 23 or 25 hours long when the clocks change."""
    zone = ZoneInfo(timezone)
    today = _day(now, zone)
    return Window(_midnight(today, zone), _midnight(today + timedelta(days=1), zone))


def month_window(now: datetime, timezone: str) -> Window:
    """The calendar month around ``now`` in ``timezone``."""
    zone = ZoneInfo(timezone)
    today = _day(now, zone)
    following = date(today.year + 1, 1, 1) if today.month == 12 else date(today.year, today.month + 1, 1)
    return Window(_midnight(today.replace(day=1), zone), _midnight(following, zone))


def _day(now: datetime, zone: ZoneInfo) -> date:
    """A day that has begun does not end before the next: clocks set back over midnight (as Newfoundland's were, at
    00:01) do not bring yesterday back."""
    today = now.astimezone(zone).date()
    tomorrow = today + timedelta(days=1)
    return tomorrow if now >= _midnight(tomorrow, zone) else today


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def judge(limits: Limits, spent: Spent, cost: int, now: datetime) -> None:
    """Raise :class:`CreditsUsedUp` for the first limit that ``cost`` more credits would break."""
    day = day_window(now, limits.timezone).end
    month = month_window(now, limits.timezone).end
    for scope, window, limit, used, refills in (
        ("user", "day", limits.user_day, spent.user_day, day),
        ("user", "month", limits.user_month, spent.user_month, month),
        ("chat", "day", limits.chat_day, spent.chat_day, day),
        ("global", "day", limits.global_day, spent.global_day, day),
    ):
        if limit and used + cost > limit:
            raise CreditsUsedUp(
                scope=scope,
                window=window,
                cost=cost,
                left=max(0, limit - used),
                limit=limit,
                refills_at=int(refills.timestamp()),
            )


def earned(order: Order) -> int:
    """What a finished order costs: only the results that came. 0 for one that failed or was cancelled."""
    if order.state is not OrderState.FINISHED:
        return 0
    if order.texts:
        return order.credits
    made = min(len(order.results), order.count)
    return order.credits * made // order.count
