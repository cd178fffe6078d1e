"""Whose turn it is: the one order in which queued orders are taken up."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Subquery, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from core.orders import claimed
from core.store.changing import touch
from core.store.looking import IN_HAND, running_by_gateway
from core.store.rows import MOVED, order_of, order_values
from core.store.submitting import LOCK_CLAIM, lock
from core.store.tables import ORDERS
from core.types import Order, OrderState


def _in_turn(candidates: ColumnElement[bool], *, below: Any = None) -> Subquery:
    """Candidates with their ``turn``: how many a person has running, plus which of the person's waiting ones it is.

    Sorted by it (then by age), each next one belongs to whoever would have fewest running: people in turn. ``below``:
    only of people who have fewer running.
    """
    running = (
        select(ORDERS.c.account, func.count().label("running"))
        .where(ORDERS.c.state.in_(IN_HAND))
        .group_by(ORDERS.c.account)
        .subquery()
    )
    has = func.coalesce(running.c.running, 0)
    nth = func.row_number().over(
        partition_by=(ORDERS.c.gateway, ORDERS.c.account),
        order_by=(ORDERS.c.created_at, ORDERS.c.task_id, ORDERS.c.number),
    )
    query = (
        select(
            ORDERS.c.id,
            ORDERS.c.task_id,
            ORDERS.c.gateway,
            ORDERS.c.account,
            ORDERS.c.created_at,
            ORDERS.c.number,
            has.label("running"),
            (has + nth).label("turn"),
        )
        .join(running, running.c.account == ORDERS.c.account, isouter=True)
        .where(candidates)
    )
    return (query if below is None else query.where(has < below)).subquery()


def _by_turn(turns: Any) -> tuple[Any, ...]:
    return (turns.c.turn, turns.c.created_at, turns.c.task_id, turns.c.number)


_CLAIMABLE = and_(
    ORDERS.c.state == OrderState.QUEUED,
    ORDERS.c.ready,
    ORDERS.c.due <= bindparam("now"),
    ORDERS.c.gateway.in_(bindparam("gateways", expanding=True)),
)
_ANY = select(exists().where(_CLAIMABLE))


def _queue() -> Select[Any]:
    limit: Any = bindparam("running_most")
    turns = _in_turn(_CLAIMABLE, below=limit)
    place = func.row_number().over(partition_by=turns.c.gateway, order_by=_by_turn(turns)).label("place")
    queue = select(turns, place).where(turns.c.turn <= limit).subquery()
    return select(queue).where(queue.c.place <= bindparam("places_most")).order_by(*_by_turn(queue))


_QUEUE = _queue()
_CHOSEN = (
    select(ORDERS)
    .where(ORDERS.c.id.in_(bindparam("chosen", expanding=True)), ORDERS.c.state == OrderState.QUEUED)
    .order_by(ORDERS.c.id)
    # Skipped: one that somebody is cancelling right now.
    .with_for_update(skip_locked=True, key_share=True)
)
_CLAIM = update(ORDERS).where(ORDERS.c.id == bindparam("before")).values({name: bindparam(name) for name in MOVED})


def is_any(connection: Connection, now: datetime, room: Mapping[str, int]) -> bool:
    """Whether there is something to take up at a gateway with a free place."""
    free = _free(connection, room)
    return bool(free) and bool(connection.scalar(_ANY, {"now": now, "gateways": list(free)}))


def claim(connection: Connection, now: datetime, *, room: Mapping[str, int], running: int, limit: int) -> list[Order]:
    """See :meth:`core.ports.Store.claim`."""
    # One claim at a time: places, `running` and fairness are about all of them together.
    lock(connection, LOCK_CLAIM)
    chosen = _choose(connection, now, _free(connection, room), running, limit)
    rows = {row.id: row for row in connection.execute(_CHOSEN, {"chosen": chosen})}
    orders = [claimed(order_of(rows[order_id]), now) for order_id in chosen if order_id in rows]
    if orders:
        connection.execute(_CLAIM, [{**order_values(order), "before": order.id} for order in orders])
        touch(connection, (order.task_id for order in orders), now)
    return orders


def _free(connection: Connection, room: Mapping[str, int]) -> dict[str, int]:
    busy = running_by_gateway(connection)
    return {gateway: places - busy.get(gateway, 0) for gateway, places in room.items() if places > busy.get(gateway, 0)}


def _choose(connection: Connection, now: datetime, free: Mapping[str, int], running: int, limit: int) -> list[str]:
    if not free:
        return []
    # A row is passed over only when its person took a place at another gateway: so few rows more are enough.
    most = max(free.values()) + running * limit
    values = {"now": now, "gateways": sorted(free), "running_most": running, "places_most": most}
    chosen: list[str] = []
    taken: Counter[str] = Counter()
    taken_at: Counter[str] = Counter()
    for row in connection.execute(_QUEUE, values):
        if len(chosen) == limit:
            break
        if taken_at[row.gateway] < free[row.gateway] and row.running + taken[row.account] < running:
            chosen.append(row.id)
            taken_at[row.gateway] += 1
            taken[row.account] += 1
    return chosen


_GATEWAY_OF = select(ORDERS.c.gateway).where(ORDERS.c.task_id == bindparam("task"), ORDERS.c.state == OrderState.QUEUED)


def _places(candidates: ColumnElement[bool]) -> Subquery:
    turns = _in_turn(candidates)
    return select(turns.c.task_id, func.row_number().over(order_by=_by_turn(turns)).label("place")).subquery()


_AT_GATEWAY = and_(ORDERS.c.state == OrderState.QUEUED, ORDERS.c.gateway == bindparam("gateway"))
_ONE = _places(and_(_AT_GATEWAY, or_(ORDERS.c.ready, ORDERS.c.task_id == bindparam("task"))))
_PLACE = select(func.min(_ONE.c.place)).where(_ONE.c.task_id == bindparam("task"))
_ALL = _places(_AT_GATEWAY)
_PLACES = select(_ALL.c.task_id, func.min(_ALL.c.place).label("place")).group_by(_ALL.c.task_id)


def position(connection: Connection, task_id: str) -> int | None:
    """See :meth:`core.ports.Store.position`. A task that waits for its inputs has the place it would have."""
    gateway = connection.scalar(_GATEWAY_OF.limit(1), {"task": task_id})
    if gateway is None:
        return None
    place = connection.scalar(_PLACE, {"task": task_id, "gateway": gateway})
    return None if place is None else int(place)


def positions(connection: Connection, gateway: str) -> dict[str, int]:
    """See :meth:`core.ports.Store.positions`."""
    return {row.task_id: row.place for row in connection.execute(_PLACES, {"gateway": gateway})}
