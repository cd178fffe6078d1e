"""How everything stands, for operators."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, func, select, type_coerce
from sqlmodel import col

from core.ports import GatewayFigures, Stats
from core.quota import Window, day_window
from core.store import gateways, ledger
from core.store.columns import MICROSECOND
from core.store.looking import UNFINISHED, next_due, running_by_gateway
from core.store.outbox import TO_HAND_OVER
from core.store.tables import OrderRow, TaskRow
from core.types import OrderState


def stats(connection: Connection, now: datetime, timezone: str) -> Stats:
    """See :meth:`core.ports.Store.stats`."""
    today = day_window(now, timezone)
    tasks, people = _asked(connection, today)
    day, month = ledger.everybodys(connection, now, timezone)
    return Stats(
        orders=_unfinished(connection),
        next_due=next_due(connection),
        to_post=_to_post(connection),
        tasks=tasks,
        people=people,
        day=day,
        month=month,
        rests=gateways.rests(connection, now),
        gateways=_by_gateway(connection, today),
    )


def _unfinished(connection: Connection) -> dict[OrderState, int]:
    query = (
        select(col(OrderRow.state), func.count().label("orders"))
        .where(col(OrderRow.state).in_(UNFINISHED))
        .group_by(col(OrderRow.state))
    )
    found = {row.state: row.orders for row in connection.execute(query)}
    return {state: found.get(state, 0) for state in UNFINISHED}


def _to_post(connection: Connection) -> int:
    # Whatever is still to be said is due at some time: the index of those rows is all there is to look at.
    is_open = col(TaskRow.delivery_due).is_not(None)
    query = select(func.count()).where(is_open, col(TaskRow.delivery).in_(TO_HAND_OVER))
    return connection.scalar(query) or 0


def _asked(connection: Connection, today: Window) -> tuple[int, int]:
    """Tasks, and the people they are from."""
    created = col(TaskRow.created_at)
    query = select(func.count(), func.count(col(TaskRow.account).distinct())).where(
        created >= today.start, created < today.end
    )
    tasks, people = (connection.execute(query)).one()
    return tasks, people


def _by_gateway(connection: Connection, today: Window) -> dict[str, GatewayFigures]:
    ended: defaultdict[str, dict[OrderState, int]] = defaultdict(dict)
    query = (
        select(col(OrderRow.gateway), col(OrderRow.state), func.count().label("orders"))
        .where(_ended(today))
        .group_by(col(OrderRow.gateway), col(OrderRow.state))
    )
    for row in connection.execute(query):
        ended[row.gateway][row.state] = row.orders
    running, seconds = running_by_gateway(connection), _seconds(connection, today)
    return {
        name: GatewayFigures(
            running=running.get(name, 0),
            finished=ended[name].get(OrderState.FINISHED, 0),
            failed=ended[name].get(OrderState.FAILED, 0),
            seconds=seconds.get(name),
        )
        for name in sorted(running.keys() | ended.keys())
    }


def _seconds(connection: Connection, today: Window) -> dict[str, float]:
    """The median time from taking up to the end, by gateway."""
    took = type_coerce(OrderRow.ended_at, BigInteger) - type_coerce(OrderRow.started_at, BigInteger)
    gateway = col(OrderRow.gateway)
    finished = (
        select(
            gateway.label("gateway"),
            took.label("took"),
            func.row_number().over(partition_by=gateway, order_by=took).label("place"),
            func.count().over(partition_by=gateway).label("orders"),
        )
        .where(_ended(today), col(OrderRow.state) == OrderState.FINISHED, col(OrderRow.started_at).is_not(None))
        .subquery()
    )
    # The one in the middle, or the two around it: only SQLite has no function for this.
    in_the_middle = (2 * finished.c.place).between(finished.c.orders, finished.c.orders + 2)
    query = (
        select(finished.c.gateway, func.avg(finished.c.took).label("took"))
        .where(in_the_middle)
        .group_by(finished.c.gateway)
    )
    return {row.gateway: float(row.took) * MICROSECOND.total_seconds() for row in connection.execute(query)}


def _ended(window: Window) -> ColumnElement[bool]:
    return and_(col(OrderRow.ended_at) >= window.start, col(OrderRow.ended_at) < window.end)
