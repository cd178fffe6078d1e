"""Inputs that are still in the chat."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, select, update

from core.store.changing import LEASE
from core.store.looking import order_rows, task_row
from core.store.rows import request_of, request_value, tasks_of
from core.store.tables import ORDERS, TASK
from core.types import FrontFile, MediaRef, OrderState, Task


def add_input(connection: Connection, event: str, file: FrontFile) -> bool:
    """See :meth:`core.ports.Store.add_input`."""
    row = connection.execute(select(TASK).where(TASK.c.event == event).with_for_update(key_share=True)).one_or_none()
    if row is None or row.intake_due is None:
        return False
    request = request_of(row)
    if file not in request.images:  # else it is an update that was delivered again
        more = request_value(replace(request, images=(*request.images, file)))
        connection.execute(update(TASK).where(TASK.c.id == row.id).values(request=more))
    return True


def is_due(fronts: Sequence[str], now: datetime) -> ColumnElement[bool]:
    return and_(TASK.c.intake_due <= now, TASK.c.front.in_(fronts))


def intake_due(connection: Connection, fronts: Sequence[str], now: datetime, limit: int) -> list[Task]:
    """See :meth:`core.ports.Store.intake_due`."""
    due = (
        select(TASK.c.id)
        .where(is_due(fronts, now))
        .order_by(TASK.c.intake_due, TASK.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    leased = update(TASK).where(TASK.c.id.in_(due)).values(intake_due=now + LEASE).returning(*TASK.c)
    return sorted(tasks_of(connection.execute(leased)), key=lambda task: (task.created_at, task.id))


def inputs_kept(
    connection: Connection, task_id: str, images: Sequence[MediaRef], mask: MediaRef | None, now: datetime
) -> bool:
    """See :meth:`core.ports.Store.inputs_kept`. Orders before their task, as in a move: no two lock each other out."""
    orders = order_rows(connection, task_id, lock=True)
    task = task_row(connection, task_id)
    if task is None or task.intake_due is None:
        return False
    request = request_of(task)
    if len(request.images) != len(images):
        return False
    kept = request_value(replace(request, images=tuple(images), mask=mask))
    connection.execute(update(TASK).where(TASK.c.id == task_id).values(request=kept, intake_due=None))
    waiting = [order.id for order in orders if order.state is OrderState.QUEUED]
    connection.execute(update(ORDERS).where(ORDERS.c.id.in_(waiting)).values(ready=True, due=now))
    return True


def intake_postponed(connection: Connection, task_id: str, due: datetime) -> None:
    """Nothing for a task whose inputs are kept, or are no longer wanted."""
    connection.execute(update(TASK).where(TASK.c.id == task_id, TASK.c.intake_due.is_not(None)).values(intake_due=due))
