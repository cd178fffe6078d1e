"""Inputs that are still in the chat."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from core.store.changing import LEASE
from core.store.looking import FOR_CHANGE, order_rows
from core.store.rows import request_of, request_value, tasks_of
from core.store.tables import TaskRow
from core.types import FrontFile, MediaRef, OrderState, Task


def add_input(session: Session, event: str, file: FrontFile) -> bool:
    """See :meth:`core.ports.Store.add_input`."""
    row = session.scalar(select(TaskRow).where(col(TaskRow.event) == event).with_for_update(key_share=True))
    if row is None or row.intake_due is None:
        return False
    request = request_of(row)
    if file not in request.images:  # else it is an update that was delivered again
        row.request = request_value(replace(request, images=(*request.images, file)))
    return True


def is_due(fronts: Sequence[str], now: datetime) -> ColumnElement[bool]:
    return and_(col(TaskRow.intake_due) <= now, col(TaskRow.front).in_(fronts))


def intake_due(session: Session, fronts: Sequence[str], now: datetime, limit: int) -> list[Task]:
    """See :meth:`core.ports.Store.intake_due`."""
    rows = (
        session.scalars(
            select(TaskRow)
            .where(is_due(fronts, now))
            .order_by(col(TaskRow.intake_due), col(TaskRow.id))
            .limit(limit)
            .with_for_update(skip_locked=True, key_share=True)
        )
    ).all()
    for row in rows:
        row.intake_due = now + LEASE
    return tasks_of(rows)


def inputs_kept(
    session: Session, task_id: str, images: Sequence[MediaRef], mask: MediaRef | None, now: datetime
) -> bool:
    """See :meth:`core.ports.Store.inputs_kept`. Orders before their task, as in a move: no two lock each other out."""
    orders = order_rows(session, task_id, lock=True)
    task = session.get(TaskRow, task_id, with_for_update=FOR_CHANGE)
    if task is None or task.intake_due is None:
        return False
    request = request_of(task)
    if len(request.images) != len(images):
        return False
    task.request = request_value(replace(request, images=tuple(images), mask=mask))
    task.intake_due = None
    for order in orders:
        if order.state is OrderState.QUEUED:
            order.ready, order.due = True, now
    return True


def intake_postponed(session: Session, task_id: str, due: datetime) -> None:
    """Nothing for a task whose inputs are kept, or are no longer wanted."""
    session.execute(
        update(TaskRow).where(col(TaskRow.id) == task_id, col(TaskRow.intake_due).is_not(None)).values(intake_due=due)
    )
