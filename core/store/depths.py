"""How much is open: asked again and again by whoever watches, so it only looks at what is open, and at one day."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from core.ports import Depths
from core.store import gateways, ledger
from core.store.looking import UNFINISHED, next_dues
from core.store.outbox import TO_HAND_OVER
from core.store.tables import ORDERS, TASK
from core.types import OrderState


def depths(connection: Connection, now: datetime, timezone: str) -> Depths:
    """See :meth:`core.ports.Store.depths`."""
    return Depths(
        orders=_orders(connection),
        to_post=_to_post(connection),
        to_fetch=_to_fetch(connection),
        oldest=next_dues(connection),
        day=ledger.todays(connection, now, timezone),
        rests=gateways.rests(connection, now),
    )


def _orders(connection: Connection) -> dict[tuple[OrderState, str], int]:
    state, gateway = ORDERS.c.state, ORDERS.c.gateway
    query = select(state, gateway, func.count().label("orders")).where(state.in_(UNFINISHED)).group_by(state, gateway)
    return {(row.state, row.gateway): row.orders for row in connection.execute(query)}


def _to_post(connection: Connection) -> dict[str, int]:
    is_open = TASK.c.delivery_due.is_not(None)
    front = TASK.c.front
    query = select(front, func.count().label("tasks")).where(is_open, TASK.c.delivery.in_(TO_HAND_OVER))
    return {row.front: row.tasks for row in connection.execute(query.group_by(front))}


def _to_fetch(connection: Connection) -> dict[str, int]:
    front = TASK.c.front
    query = select(front, func.count().label("tasks")).where(TASK.c.intake_due.is_not(None)).group_by(front)
    return {row.front: row.tasks for row in connection.execute(query)}
