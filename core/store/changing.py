"""Moves of orders: stored where the revision still stands, with what they mean for the task and the credits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select, tuple_, update
from sqlalchemy.orm import Session
from sqlmodel import col

from core.orders import CLAIM_LEASE
from core.store.ledger import line
from core.store.looking import IN_HAND, UNFINISHED
from core.store.rows import order_values, orders_of, task_of
from core.store.tables import LineKind, OrderRow, TaskRow
from core.types import DeliveryState, Order, OrderState, Task

#: How long a task that was handed to a chat program's process is out of other hands' reach.
LEASE = timedelta(seconds=60)


def apply(session: Session, before: Order, after: Order, now: datetime) -> Task | None:
    """See :meth:`core.ports.Store.apply`. Locks the order, then its task: as everybody here does."""
    row = session.scalar(
        update(OrderRow)
        .where(col(OrderRow.id) == before.id, col(OrderRow.revision) == before.revision)
        .values(order_values(after))
        .returning(OrderRow)
        .execution_options(synchronize_session=False)
    )
    if row is None:
        return None
    (task,) = touch(session, [row.task_id], now)
    if row.state in (OrderState.FAILED, OrderState.CANCELLED):
        session.add(line(row, task.chat, LineKind.RELEASE, row.credits, now))
    if task.delivery is DeliveryState.OPEN and not _unfinished(session, row.task_id):
        # Nothing holds the last word back, not even a progress message on its way.
        task.delivery, task.delivery_due, task.held_until, task.intake_due = DeliveryState.READY, now, None, None
    return task_of(task)


def touch(session: Session, task_ids: Iterable[str], now: datetime) -> list[TaskRow]:
    """Orders of theirs changed: the revisions grow, and the screens are due unless they are leased or put off."""
    query = select(TaskRow).where(col(TaskRow.id).in_(set(task_ids))).order_by(col(TaskRow.id))
    rows = list(session.scalars(query.with_for_update(key_share=True)))
    for row in rows:
        row.revision += 1
        row.changed_at = now
        if row.delivery is DeliveryState.OPEN:
            row.delivery_due = now if row.held_until is None else max(row.held_until, now)
    return rows


def _unfinished(session: Session, task_id: str) -> bool:
    query = select(col(OrderRow.id)).where(col(OrderRow.task_id) == task_id, col(OrderRow.state).in_(UNFINISHED))
    return session.scalar(query.limit(1)) is not None


def is_waiting_due(now: datetime) -> ColumnElement[bool]:
    return and_(col(OrderRow.state) == OrderState.WAITING, col(OrderRow.due) <= now)


def waiting_due(session: Session, now: datetime, limit: int) -> list[Order]:
    """See :meth:`core.ports.Store.waiting_due`."""
    rows = (
        session.scalars(
            select(OrderRow)
            .where(is_waiting_due(now))
            .order_by(col(OrderRow.due), col(OrderRow.id))
            .limit(limit)
            .with_for_update(skip_locked=True, key_share=True)
        )
    ).all()
    for row in rows:
        row.due = now + CLAIM_LEASE
    return orders_of(rows)


def still_in_hand(session: Session, revisions: Mapping[str, int], due: datetime) -> None:
    """See :meth:`core.ports.Store.still_in_hand`."""
    session.execute(
        update(OrderRow)
        .where(
            tuple_(col(OrderRow.id), col(OrderRow.revision)).in_(sorted(revisions.items())),
            col(OrderRow.state).in_(IN_HAND),
        )
        .values(due=due)
    )


def release_leases(session: Session, now: datetime) -> None:
    """See :meth:`core.ports.Store.release_leases`. An album's wait is no lease: it stays."""
    session.execute(
        update(OrderRow).where(col(OrderRow.state) == OrderState.WAITING, col(OrderRow.due) > now).values(due=now)
    )
    leased = col(TaskRow.intake_due) > now
    waits = col(TaskRow.not_before) > now
    session.execute(update(TaskRow).where(leased, waits).values(intake_due=col(TaskRow.not_before)))
    session.execute(
        update(TaskRow).where(leased, or_(col(TaskRow.not_before).is_(None), ~waits)).values(intake_due=now)
    )
    session.execute(update(TaskRow).where(col(TaskRow.delivery_due) > now).values(delivery_due=now, held_until=None))


def asked(session: Session, revisions: Mapping[str, int], due: datetime) -> None:
    """See :meth:`core.ports.Store.asked`."""
    session.execute(
        update(OrderRow)
        .where(
            tuple_(col(OrderRow.id), col(OrderRow.revision)).in_(sorted(revisions.items())),
            col(OrderRow.state) == OrderState.WAITING,
        )
        .values(due=due)
        .execution_options(synchronize_session=False)
    )


def hasten(session: Session, gateway: str, ticket_ids: Sequence[str], now: datetime) -> int:
    """See :meth:`core.ports.Store.hasten`. The revision grows: an answer that is older than the call-back, on its way
    just now, must not put the next question off."""
    waiting = (
        col(OrderRow.state) == OrderState.WAITING,
        col(OrderRow.ticket_id).in_(ticket_ids),
        col(OrderRow.sources) == [],  # else it is made, and being fetched
        col(OrderRow.gateway) == gateway,
    )
    hastened = session.execute(
        update(OrderRow)
        .where(*waiting, col(OrderRow.due) > now)
        .values(due=now, revision=col(OrderRow.revision) + 1)
        .returning(col(OrderRow.id))
        .execution_options(synchronize_session=False)
    )
    return len(hastened.all())


def seed_known(session: Session, order_id: str, seed: int) -> None:
    """See :meth:`core.ports.Store.seed_known`."""
    session.execute(
        update(OrderRow).where(col(OrderRow.id) == order_id, col(OrderRow.seed).is_(None)).values(seed=seed)
    )
