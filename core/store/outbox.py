"""What is to be shown and handed over."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from json import dumps
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, exists, func, or_, select, update

from core.orders import FIRST_LOOK
from core.store import messages
from core.store.changing import LEASE
from core.store.columns import among
from core.store.ledger import add_lines, restitution, settlement
from core.store.looking import order_rows
from core.store.rows import tasks_of
from core.store.tables import TASK
from core.types import Address, DeliveryState, Receipt, Task

TO_HAND_OVER = (DeliveryState.READY, DeliveryState.HANDING)
OVER = (DeliveryState.DELIVERED, DeliveryState.UNDELIVERABLE)


_NOW = bindparam("now", type_=TASK.c.delivery_due.type)
_LEASED = bindparam("leased", type_=TASK.c.delivery_due.type)
_IS_READY = TASK.c.delivery.in_(TO_HAND_OVER)
_IS_OPEN = TASK.c.delivery == DeliveryState.OPEN
_BEGUN = {
    "delivery": case((_IS_READY, DeliveryState.HANDING), else_=TASK.c.delivery),
    "delivery_attempts": case((_IS_READY, TASK.c.delivery_attempts + 1), else_=TASK.c.delivery_attempts),
}
_IS_DUE = and_(
    TASK.c.delivery_due <= _NOW,
    TASK.c.front.in_(bindparam("fronts", expanding=True)),
    ~among(TASK.c.id, "busy"),
    or_(_IS_READY, TASK.c.created_at <= bindparam("seen")),
)
_ANY_DUE = select(exists().where(_IS_DUE))
_SEE_OPEN = select(TASK).where(_IS_DUE, _IS_OPEN).order_by(TASK.c.delivery_due, TASK.c.id).limit(bindparam("most"))
_ANY_READY = select(exists().where(_IS_DUE, _IS_READY))


def _take(state: ColumnElement[bool], most: str) -> Any:
    due = select(TASK.c.id).where(_IS_DUE, state).order_by(TASK.c.delivery_due, TASK.c.id).limit(bindparam(most))
    return (
        update(TASK)
        .where(TASK.c.id.in_(due.with_for_update(skip_locked=True, key_share=True)))
        .values(delivery_due=_LEASED, held_until=_LEASED, **_BEGUN)
        .returning(*TASK.c)
    )


_TAKE_OPEN, _TAKE_READY = _take(_IS_OPEN, "most"), _take(_IS_READY, "last_words")
_MINE = (
    select(TASK.c.id, TASK.c.delivery_attempts)
    .where(among(TASK.c.id, "tasks"), TASK.c.delivery == DeliveryState.HANDING)
    .order_by(TASK.c.id)
    .with_for_update(key_share=True)
)
_RENEW = update(TASK).where(among(TASK.c.id, "tasks")).values(delivery_due=_LEASED, held_until=_LEASED)
_REVISION = bindparam("shown", type_=TASK.c.revision.type)
_NOT_BEFORE = bindparam("held", type_=TASK.c.held_until.type)
_SHOWN = case(
    (TASK.c.revision < _REVISION, TASK.c.revision),
    (TASK.c.shown_revision < _REVISION, _REVISION),
    else_=TASK.c.shown_revision,
)
_SHOW = (
    update(TASK)
    .where(TASK.c.id == bindparam("task"), TASK.c.delivery.not_in(OVER))
    .values(
        address=bindparam("address"),
        shown_revision=_SHOWN,
        held_until=case((_IS_OPEN, _NOT_BEFORE), else_=TASK.c.held_until),
        # A change that came meanwhile is due since it came.
        delivery_due=case(
            (~_IS_OPEN, TASK.c.delivery_due),
            (TASK.c.revision > _SHOWN, func.coalesce(_NOT_BEFORE, TASK.c.changed_at)),
            else_=bindparam("next_due", type_=TASK.c.delivery_due.type),
        ),
    )
)
_DUE = bindparam("due", type_=TASK.c.delivery_due.type)
_POSTPONE = update(TASK).where(TASK.c.id == bindparam("task")).values(delivery_due=_DUE, held_until=_DUE)
_LATER, _PROGRESS_LATER = _POSTPONE.where(TASK.c.delivery.not_in(OVER)), _POSTPONE.where(_IS_OPEN)
_END = (
    update(TASK)
    .where(TASK.c.id == bindparam("task"), _IS_READY)
    .values(delivery_due=None, held_until=None)
    .returning(TASK.c.chat)
)
_DELIVERED = _END.values(delivery=DeliveryState.DELIVERED, address=bindparam("address"))
_UNDELIVERABLE = _END.values(delivery=DeliveryState.UNDELIVERABLE, undeliverable_reason=bindparam("reason"))


@dataclass(frozen=True)
class Looking:
    """Who looks for what."""

    fronts: Sequence[str]
    now: datetime
    limit: int
    busy: Collection[str]
    last_words: int

    def values(self) -> dict[str, Any]:
        return {
            "now": self.now,
            "fronts": list(self.fronts),
            "busy": dumps(list(self.busy)),
            "seen": self.now - FIRST_LOOK,
        }

    def taking(self) -> dict[str, Any]:
        return {**self.values(), "leased": self.now + LEASE}


def see(connection: Connection, looking: Looking) -> tuple[bool, list[Task]]:
    """Whether there are last words to take, and whose progress is due: where this is the only process with these
    fronts, no lease is needed for that."""
    is_ready = looking.last_words > 0 and bool(connection.scalar(_ANY_READY, looking.values()))
    return is_ready, tasks_of(connection.execute(_SEE_OPEN, {**looking.values(), "most": looking.limit}))


def take_ready(connection: Connection, looking: Looking) -> list[Task]:
    return _taken(connection, _TAKE_READY, {**looking.taking(), "last_words": looking.last_words})


def take_open(connection: Connection, looking: Looking) -> list[Task]:
    return _taken(connection, _TAKE_OPEN, {**looking.taking(), "most": looking.limit})


def _taken(connection: Connection, statement: Any, values: dict[str, Any]) -> list[Task]:
    """A change gives its rows back in no order."""
    return sorted(tasks_of(connection.execute(statement, values)), key=lambda task: (task.created_at, task.id))


def still_handing(connection: Connection, attempts: Mapping[str, int], now: datetime) -> None:
    """See :meth:`core.ports.Store.still_handing`."""
    rows = connection.execute(_MINE, {"tasks": dumps(sorted(attempts))})
    mine = [row.id for row in rows if attempts[row.id] == row.delivery_attempts]
    if mine:
        connection.execute(_RENEW, {"tasks": dumps(mine), "leased": now + LEASE})


def shown(
    connection: Connection,
    task_id: str,
    address: Address,
    revision: int,
    *,
    next_due: datetime | None,
    not_before: datetime | None,
) -> None:
    """See :meth:`core.ports.Store.shown`. The address counts even when the last word is due by now."""
    values = {"task": task_id, "address": address.data, "shown": revision, "next_due": next_due}
    connection.execute(_SHOW, {**values, "held": not_before})


def delivered(connection: Connection, task_id: str, address: Address, receipt: Receipt, now: datetime) -> None:
    """See :meth:`core.ports.Store.delivered`."""
    row = connection.execute(_DELIVERED, {"task": task_id, "address": address.data}).one_or_none()
    if row is None:
        return
    add_lines(connection, settlement(order_rows(connection, task_id), row.chat, now))
    for message in receipt.messages:
        messages.remember(connection, address.front, message)


def undeliverable(connection: Connection, task_id: str, reason: str, now: datetime) -> None:
    """See :meth:`core.ports.Store.undeliverable`. Only for a task whose orders have all ended."""
    row = connection.execute(_UNDELIVERABLE, {"task": task_id, "reason": reason}).one_or_none()
    if row is not None:
        add_lines(connection, restitution(order_rows(connection, task_id), row.chat, now))


def postponed(connection: Connection, task_id: str, due: datetime, address: Address | None) -> None:
    """See :meth:`core.ports.Store.delivery_postponed`. Nothing for a task that has had its last word."""
    statement = _LATER if address is None else _LATER.values(address=address.data)
    connection.execute(statement, {"task": task_id, "due": due})


def progress_postponed(connection: Connection, task_id: str, due: datetime) -> None:
    """See :meth:`core.ports.Store.progress_postponed`. Nothing for a task whose last word is due."""
    connection.execute(_PROGRESS_LATER, {"task": task_id, "due": due})
