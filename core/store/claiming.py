"""Whose turn it is: the one order in which queued orders are taken up."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from core.orders import claimed
from core.store.changing import touch
from core.store.looking import IN_HAND
from core.store.rows import order_of, order_values
from core.store.submitting import LOCK_CLAIM, lock
from core.store.tables import OrderRow
from core.types import Order, OrderState


def _in_turn(candidates: ColumnElement[bool]) -> Any:
    """Candidates with their ``turn``: how many a person has running, plus which of the person's waiting ones it is.

    Sorted by it (then by age), each next one belongs to whoever would have fewest running: people in turn.
    """
    running = (
        select(col(OrderRow.account), func.count().label("running"))
        .where(col(OrderRow.state).in_(IN_HAND))
        .group_by(col(OrderRow.account))
        .subquery()
    )
    nth = func.row_number().over(
        partition_by=(col(OrderRow.gateway), col(OrderRow.account)),
        order_by=(col(OrderRow.created_at), col(OrderRow.task_id), col(OrderRow.number)),
    )
    return (
        select(
            col(OrderRow.id),
            col(OrderRow.task_id),
            col(OrderRow.gateway),
            col(OrderRow.account),
            col(OrderRow.created_at),
            col(OrderRow.number),
            func.coalesce(running.c.running, 0).label("running"),
            (func.coalesce(running.c.running, 0) + nth).label("turn"),
        )
        .join(running, running.c.account == col(OrderRow.account), isouter=True)
        .where(candidates)
        .subquery()
    )


def _by_turn(turns: Any) -> tuple[Any, ...]:
    return (turns.c.turn, turns.c.created_at, turns.c.task_id, turns.c.number)


def is_claimable(now: datetime, gateways: Iterable[str]) -> ColumnElement[bool]:
    return and_(
        col(OrderRow.state) == OrderState.QUEUED,
        col(OrderRow.ready),
        col(OrderRow.due) <= now,
        col(OrderRow.gateway).in_(sorted(gateways)),
    )


def claim(session: Session, now: datetime, *, free: Mapping[str, int], running: int, limit: int) -> list[Order]:
    """See :meth:`core.ports.Store.claim`. ``free``: the gateways with room, and how much."""
    # One claim at a time: `running` and fairness are about all of them together.
    lock(session, LOCK_CLAIM)
    chosen = _choose(session, now, free, running, limit)
    rows = {
        row.id: row
        for row in session.scalars(
            select(OrderRow)
            .where(col(OrderRow.id).in_(chosen), col(OrderRow.state) == OrderState.QUEUED)
            .order_by(col(OrderRow.id))
            # Skipped: one that somebody is cancelling right now.
            .with_for_update(skip_locked=True, key_share=True)
        )
    }
    orders: list[Order] = []
    for order_id in chosen:
        if (row := rows.get(order_id)) is None:
            continue
        order = claimed(order_of(row), now)
        for name, value in order_values(order).items():
            setattr(row, name, value)
        orders.append(order)
    session.flush()
    touch(session, (order.task_id for order in orders), now)
    return orders


def _choose(session: Session, now: datetime, free: Mapping[str, int], running: int, limit: int) -> list[str]:
    turns = _in_turn(is_claimable(now, free))
    place = func.row_number().over(partition_by=turns.c.gateway, order_by=_by_turn(turns)).label("place")
    queue = select(turns, place).where(turns.c.turn <= running).subquery()
    # A row is passed over only when its person took a place at another gateway: so few rows more are enough.
    within = or_(
        *(
            and_(queue.c.gateway == gateway, queue.c.place <= places + running * limit)
            for gateway, places in free.items()
        )
    )
    chosen: list[str] = []
    taken: Counter[str] = Counter()
    taken_at: Counter[str] = Counter()
    for row in session.execute(select(queue).where(within).order_by(*_by_turn(queue))):
        if len(chosen) == limit:
            break
        if taken_at[row.gateway] < free[row.gateway] and row.running + taken[row.account] < running:
            chosen.append(row.id)
            taken_at[row.gateway] += 1
            taken[row.account] += 1
    return chosen


def position(session: Session, task_id: str) -> int | None:
    """See :meth:`core.ports.Store.position`. A task that waits for its inputs has the place it would have."""
    gateway = session.scalar(
        select(col(OrderRow.gateway)).where(col(OrderRow.task_id) == task_id, col(OrderRow.state) == OrderState.QUEUED)
    )
    if gateway is None:
        return None
    turns = _in_turn(
        and_(
            col(OrderRow.state) == OrderState.QUEUED,
            col(OrderRow.gateway) == gateway,
            or_(col(OrderRow.ready), col(OrderRow.task_id) == task_id),
        )
    )
    queue = select(turns.c.task_id, func.row_number().over(order_by=_by_turn(turns)).label("place")).subquery()
    place = session.scalar(select(func.min(queue.c.place)).where(queue.c.task_id == task_id))
    return None if place is None else int(place)
