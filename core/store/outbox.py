"""What is to be shown and handed over."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from core.store import messages
from core.store.changing import LEASE
from core.store.ledger import restitution, settlement
from core.store.looking import FOR_CHANGE, order_rows
from core.store.rows import tasks_of
from core.store.tables import TaskRow
from core.types import Address, DeliveryState, Receipt, Task

TO_HAND_OVER = (DeliveryState.READY, DeliveryState.HANDING)
OVER = (DeliveryState.DELIVERED, DeliveryState.UNDELIVERABLE)


def is_due(fronts: Sequence[str], now: datetime) -> ColumnElement[bool]:
    return and_(col(TaskRow.delivery_due) <= now, col(TaskRow.front).in_(fronts))


def outbox_due(session: Session, fronts: Sequence[str], now: datetime, limit: int) -> list[Task]:
    """See :meth:`core.ports.Store.outbox_due`."""
    rows = (
        session.scalars(
            select(TaskRow)
            .where(is_due(fronts, now))
            .order_by(col(TaskRow.delivery) == DeliveryState.OPEN, col(TaskRow.delivery_due), col(TaskRow.id))
            .limit(limit)
            .with_for_update(skip_locked=True, key_share=True)
        )
    ).all()
    for row in rows:
        row.delivery_due = row.held_until = now + LEASE
    return tasks_of(rows)


def shown(session: Session, task_id: str, address: Address, revision: int, next_due: datetime | None) -> None:
    """See :meth:`core.ports.Store.shown`. The address counts even when the last word is due by now."""
    row = _locked(session, task_id)
    if row is None or row.delivery in OVER:
        return
    row.address = address.data
    row.shown_revision = max(row.shown_revision, min(revision, row.revision))
    if row.delivery is DeliveryState.OPEN:
        row.held_until = None
        # A change that came meanwhile is due since it came.
        row.delivery_due = row.changed_at if row.revision > row.shown_revision else next_due


def handing(session: Session, task_id: str) -> bool:
    """See :meth:`core.ports.Store.handing`."""
    row = _locked(session, task_id)
    if row is None or row.delivery not in TO_HAND_OVER:
        return False
    row.delivery = DeliveryState.HANDING
    row.delivery_attempts += 1
    return True


def delivered(session: Session, task_id: str, address: Address, receipt: Receipt, now: datetime) -> None:
    """See :meth:`core.ports.Store.delivered`."""
    row = _locked(session, task_id)
    if row is None or row.delivery not in TO_HAND_OVER:
        return
    row.delivery, row.delivery_due, row.held_until = DeliveryState.DELIVERED, None, None
    row.address = address.data
    session.add_all(settlement(order_rows(session, task_id), row.chat, now))
    for message in receipt.messages:
        messages.remember(session, address.front, message)


def undeliverable(session: Session, task_id: str, reason: str, now: datetime) -> None:
    """See :meth:`core.ports.Store.undeliverable`. Only for a task whose orders have all ended."""
    row = _locked(session, task_id)
    if row is None or row.delivery not in TO_HAND_OVER:
        return
    row.delivery, row.delivery_due, row.held_until = DeliveryState.UNDELIVERABLE, None, None
    row.undeliverable_reason = reason
    session.add_all(restitution(order_rows(session, task_id), row.chat, now))


def postponed(
    session: Session,
    task_id: str,
    due: datetime,
    address: Address | None,
    *,
    only: DeliveryState | None = None,
) -> None:
    """See :meth:`core.ports.Store.delivery_postponed`. Nothing for a task that has had its last word, or is not (or no
    longer) in the state ``only``."""
    values = {} if address is None else {"address": address.data}
    fitting = col(TaskRow.delivery).not_in(OVER) if only is None else col(TaskRow.delivery) == only
    session.execute(
        update(TaskRow).where(col(TaskRow.id) == task_id, fitting).values(delivery_due=due, held_until=due, **values)
    )


def _locked(session: Session, task_id: str) -> TaskRow | None:
    return session.get(TaskRow, task_id, with_for_update=FOR_CHANGE)
