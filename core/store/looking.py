"""Reading what is there."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import ForUpdateArg
from sqlmodel import col

from core.errors import TaskUnknown
from core.states import ENDED, RUNNING
from core.store.rows import orders_of, task_of, tasks_of
from core.store.tables import OrderRow, TaskRow
from core.types import Order, OrderState, Task

UNFINISHED = [state for state in OrderState if state not in ENDED]
#: Rows that are to be changed are locked so that lines which only refer to them need not wait.
FOR_CHANGE = ForUpdateArg(key_share=True)
IN_HAND = [state for state in OrderState if state in RUNNING]


def task(session: Session, task_id: str) -> Task:
    row = session.get(TaskRow, task_id)
    if row is None:
        raise TaskUnknown(task=task_id)
    return task_of(row)


def task_of_event(session: Session, event: str) -> Task | None:
    row = session.scalar(select(TaskRow).where(col(TaskRow.event) == event))
    return None if row is None else task_of(row)


def orders(session: Session, task_id: str) -> tuple[Order, ...]:
    return tuple(orders_of(order_rows(session, task_id)))


def order_rows(session: Session, task_id: str, *, lock: bool = False) -> Sequence[OrderRow]:
    query = select(OrderRow).where(col(OrderRow.task_id) == task_id).order_by(col(OrderRow.number))
    return (session.scalars(query.with_for_update(key_share=True) if lock else query)).all()


def in_state_starting(session: Session, *, due_by: datetime | None = None) -> list[Order]:
    query = select(OrderRow).where(col(OrderRow.state) == OrderState.STARTING)
    if due_by is not None:
        query = query.where(col(OrderRow.due) <= due_by)
    return orders_of(session.scalars(query.order_by(col(OrderRow.created_at), col(OrderRow.id))))


def running_by_gateway(session: Session) -> dict[str, int]:
    query = (
        select(col(OrderRow.gateway), func.count().label("running"))
        .where(col(OrderRow.state).in_(IN_HAND))
        .group_by(col(OrderRow.gateway))
    )
    return {row.gateway: row.running for row in session.execute(query)}


def unfinished(session: Session, account: str) -> list[Task]:
    open_tasks = select(col(OrderRow.task_id)).where(
        col(OrderRow.account) == account, col(OrderRow.state).in_(UNFINISHED)
    )
    query = select(TaskRow).where(col(TaskRow.id).in_(open_tasks))
    return tasks_of(session.scalars(query.order_by(col(TaskRow.created_at), col(TaskRow.id))))


def next_due(session: Session) -> datetime | None:
    """STARTING orders are not looked at: what comes of them is told, not asked for."""
    queries = [
        select(func.min(col(OrderRow.due))).where(col(OrderRow.state) == OrderState.QUEUED, col(OrderRow.ready)),
        select(func.min(col(OrderRow.due))).where(col(OrderRow.state) == OrderState.WAITING),
        select(func.min(col(TaskRow.intake_due))).where(col(TaskRow.intake_due).is_not(None)),
        select(func.min(col(TaskRow.delivery_due))).where(col(TaskRow.delivery_due).is_not(None)),
    ]
    times = [session.scalar(query) for query in queries]
    return min((time for time in times if time is not None), default=None)
