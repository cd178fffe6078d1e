"""Reading what is there."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby
from json import dumps
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from core.errors import TaskUnknown
from core.states import ENDED, RUNNING
from core.store.columns import among
from core.store.rows import orders_of, task_of, tasks_of
from core.store.tables import ORDERS, TASK
from core.types import Order, OrderState, Task

UNFINISHED = [state for state in OrderState if state not in ENDED]
IN_HAND = [state for state in OrderState if state in RUNNING]

#: In place of an account that was erased; its tasks are unknown to everybody.
FORGOTTEN = "forgotten"

_TASK = select(TASK).where(TASK.c.id == bindparam("task"), TASK.c.account != FORGOTTEN)
_TASKS = select(TASK).where(among(TASK.c.id, "tasks"), TASK.c.account != FORGOTTEN)
_TASK_OF_EVENT = select(TASK).where(TASK.c.event == bindparam("event"))
_ORDERS = select(ORDERS).where(ORDERS.c.task_id == bindparam("task")).order_by(ORDERS.c.number)
_ORDERS_OF = select(ORDERS).where(among(ORDERS.c.task_id, "tasks")).order_by(ORDERS.c.task_id, ORDERS.c.number)
# Rows that are to be changed are locked so that lines which only refer to them need not wait.
_TASK_FOR_CHANGE = _TASK.with_for_update(key_share=True)
_ORDERS_FOR_CHANGE = _ORDERS.with_for_update(key_share=True)
_RUNNING = (
    select(ORDERS.c.gateway, func.count().label("running"))
    .where(ORDERS.c.state.in_(IN_HAND))
    .group_by(ORDERS.c.gateway)
)
_STARTING = select(ORDERS).where(ORDERS.c.state == OrderState.STARTING).order_by(ORDERS.c.created_at, ORDERS.c.id)


def task(connection: Connection, task_id: str) -> Task:
    row = connection.execute(_TASK, {"task": task_id}).one_or_none()
    if row is None:
        raise TaskUnknown(task=task_id)
    return task_of(row)


def task_row(connection: Connection, task_id: str) -> Row[Any] | None:
    """Locked, for a change."""
    return connection.execute(_TASK_FOR_CHANGE, {"task": task_id}).one_or_none()


def task_of_event(connection: Connection, event: str) -> Task | None:
    row = connection.execute(_TASK_OF_EVENT, {"event": event}).one_or_none()
    return None if row is None else task_of(row)


def tasks(connection: Connection, task_ids: Collection[str]) -> dict[str, Task]:
    return {row.id: task_of(row) for row in connection.execute(_TASKS, {"tasks": dumps(list(task_ids))})}


def orders(connection: Connection, task_id: str) -> tuple[Order, ...]:
    return tuple(orders_of(order_rows(connection, task_id)))


def all_orders(connection: Connection, task_ids: Collection[str]) -> dict[str, tuple[Order, ...]]:
    """See :meth:`core.ports.Store.orders_of`."""
    found = orders_of(connection.execute(_ORDERS_OF, {"tasks": dumps(list(task_ids))}))
    return {task_id: tuple(mine) for task_id, mine in groupby(found, key=lambda order: order.task_id)}


def order_rows(connection: Connection, task_id: str, *, lock: bool = False) -> Sequence[Row[Any]]:
    return connection.execute(_ORDERS_FOR_CHANGE if lock else _ORDERS, {"task": task_id}).all()


def in_state_starting(connection: Connection) -> list[Order]:
    return orders_of(connection.execute(_STARTING))


def running_by_gateway(connection: Connection) -> dict[str, int]:
    return {row.gateway: row.running for row in connection.execute(_RUNNING)}


def unfinished(connection: Connection, account: str) -> list[Task]:
    open_tasks = select(ORDERS.c.task_id).where(ORDERS.c.account == account, ORDERS.c.state.in_(UNFINISHED))
    query = select(TASK).where(TASK.c.id.in_(open_tasks)).order_by(TASK.c.created_at, TASK.c.id)
    return tasks_of(connection.execute(query))


def next_dues(connection: Connection) -> dict[str, datetime]:
    """The earliest due of each kind of open work that there is.

    STARTING orders are not looked at: what comes of them is told, not asked for.
    """
    queries = {
        "queued": select(func.min(ORDERS.c.due)).where(ORDERS.c.state == OrderState.QUEUED, ORDERS.c.ready),
        "waiting": select(func.min(ORDERS.c.due)).where(ORDERS.c.state == OrderState.WAITING),
        "intake": select(func.min(TASK.c.intake_due)).where(TASK.c.intake_due.is_not(None)),
        "outbox": select(func.min(TASK.c.delivery_due)).where(TASK.c.delivery_due.is_not(None)),
    }
    times = {kind: connection.scalar(query) for kind, query in queries.items()}
    return {kind: time for kind, time in times.items() if time is not None}


def next_due(connection: Connection) -> datetime | None:
    """The earliest of all."""
    return min(next_dues(connection).values(), default=None)
