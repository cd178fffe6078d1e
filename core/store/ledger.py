"""Credits: lines that are only ever added, and sums over windows of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, case, func, insert, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from core.ports import Credits
from core.quota import Limits, Spent, Window, day_window, earned, month_window
from core.store.rows import order_of
from core.store.tables import LEDGER, LedgerRow, LineKind
from core.types import OrderState, Usage

_ADD = insert(LEDGER)


def line(order: Row[Any], chat: str, kind: LineKind, amount: int, now: datetime) -> dict[str, Any]:
    """``counted_at`` is the time of the hold, which was taken when the order was stored."""
    return {
        "order_id": order.id,
        "kind": kind,
        "amount": amount,
        "account": order.account,
        "chat": chat,
        "counted_at": order.created_at,
        "at": now,
    }


def add_lines(connection: Connection, lines: Sequence[dict[str, Any]]) -> None:
    if lines:
        connection.execute(_ADD, lines)


def holds(orders: Iterable[Mapping[str, Any]], chat: str, now: datetime) -> list[dict[str, Any]]:
    """The lines of orders that are just being stored."""
    return [
        {
            "order_id": order["id"],
            "kind": LineKind.HOLD,
            "amount": -order["credits"],
            "account": order["account"],
            "chat": chat,
            "counted_at": now,
            "at": now,
        }
        for order in orders
    ]


def settlement(orders: Iterable[Row[Any]], chat: str, now: datetime) -> list[dict[str, Any]]:
    """The result has been handed over: what came is used, what did not come is given back."""
    lines: list[dict[str, Any]] = []
    for row in orders:
        if row.state is not OrderState.FINISHED:
            continue  # released when it ended
        lines.append(line(row, chat, LineKind.SETTLE, 0, now))
        unused = row.credits - earned(order_of(row))
        if unused:
            lines.append(line(row, chat, LineKind.RELEASE, unused, now))
    return lines


def restitution(orders: Iterable[Row[Any]], chat: str, now: datetime) -> list[dict[str, Any]]:
    """The result cannot be handed over: what was made is given back too."""
    return [line(row, chat, LineKind.RELEASE, row.credits, now) for row in orders if row.state is OrderState.FINISHED]


def _within(window: Window) -> ColumnElement[bool]:
    return and_(col(LedgerRow.counted_at) >= window.start, col(LedgerRow.counted_at) < window.end)


def _sum(*scope: ColumnElement[bool]) -> Select[Any]:
    at = LEDGER.c.counted_at
    window = (at >= bindparam("start", type_=at.type), at < bindparam("end", type_=at.type))
    return select(-func.coalesce(func.sum(LEDGER.c.amount), 0)).where(*window, *scope)


_SPENT_BY_ALL = _sum()
_SPENT_BY = _sum(LEDGER.c.account == bindparam("account"))
_SPENT_IN = _sum(LEDGER.c.chat == bindparam("chat"))


def spent(connection: Connection, account: str, chat: str, limits: Limits, now: datetime) -> Spent:
    """Used and held together; 0 where no limit asks for it."""
    day, month = day_window(now, limits.timezone), month_window(now, limits.timezone)

    def total(limit: int, window: Window, query: Select[Any], **scope: str) -> int:
        if not limit:
            return 0
        return int(connection.scalar(query, {"start": window.start, "end": window.end, **scope}) or 0)

    return Spent(
        user_day=total(limits.user_day, day, _SPENT_BY, account=account),
        user_month=total(limits.user_month, month, _SPENT_BY, account=account),
        chat_day=total(limits.chat_day, day, _SPENT_IN, chat=chat),
        global_day=total(limits.global_day, day, _SPENT_BY_ALL),
    )


def usage(connection: Connection, account: str, limits: Limits, now: datetime) -> Usage:
    """A person's credits; an order counts as used once it is settled, as held until then."""
    day, month = day_window(now, limits.timezone), month_window(now, limits.timezone)
    is_settled = _is_settled()
    # A day lies within its month, so the month's lines are all there is to look at.
    query = select(
        _cost(_within(day), is_settled),
        _cost(_within(day), ~is_settled),
        _cost(is_settled),
        _cost(~is_settled),
    ).where(col(LedgerRow.account) == account, _within(month))
    day_used, day_held, month_used, month_held = (connection.execute(query)).one()
    return Usage(
        day_used=int(day_used),
        day_held=int(day_held),
        day_limit=limits.user_day,
        day_refills_at=day.end,
        month_used=int(month_used),
        month_held=int(month_held),
        month_limit=limits.user_month,
        month_refills_at=month.end,
    )


def everybodys(connection: Connection, now: datetime, timezone: str) -> tuple[Credits, Credits]:
    """The credits of everybody together, of the day and of the month."""
    day, month = day_window(now, timezone), month_window(now, timezone)
    is_settled, is_release = _is_settled(), col(LedgerRow.kind) == LineKind.RELEASE
    query = select(
        _cost(_within(day), is_settled),
        _cost(_within(day), ~is_settled),
        -_cost(_within(day), is_release),
        _cost(is_settled),
        _cost(~is_settled),
        -_cost(is_release),
    ).where(_within(month))
    amounts = [int(amount) for amount in (connection.execute(query)).one()]
    return Credits(*amounts[:3]), Credits(*amounts[3:])


def todays(connection: Connection, now: datetime, timezone: str) -> Credits:
    """The day's alone: cheap enough to be asked again and again."""
    is_settled, is_release = _is_settled(), col(LedgerRow.kind) == LineKind.RELEASE
    query = select(_cost(is_settled), _cost(~is_settled), -_cost(is_release))
    return Credits(
        *(int(amount) for amount in connection.execute(query.where(_within(day_window(now, timezone)))).one())
    )


def _is_settled() -> ColumnElement[bool]:
    """Whether a line is of an order whose result has been handed over."""
    settled = aliased(LedgerRow)
    of_the_same = select(col(settled.id)).where(
        col(settled.order_id) == col(LedgerRow.order_id), col(settled.kind) == LineKind.SETTLE
    )
    return of_the_same.exists()


def _cost(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    """What the lines for which all this holds cost together."""
    return func.coalesce(func.sum(case((and_(*conditions), -col(LedgerRow.amount)), else_=0)), 0)
