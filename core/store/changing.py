"""Moves of orders: stored where the revision still stands, with what they mean for the task and the credits."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from json import dumps

from sqlalchemy import Connection, and_, bindparam, case, exists, or_, select, update

from core.orders import CLAIM_LEASE
from core.states import ENDED
from core.store.columns import among
from core.store.ledger import add_lines, line
from core.store.looking import IN_HAND, UNFINISHED
from core.store.rows import MOVED, order_values, orders_of
from core.store.tables import ORDERS, TASK, LineKind
from core.types import DeliveryState, Order, OrderState

#: How long a task that was handed to a chat program's process is out of other hands' reach.
LEASE = timedelta(seconds=60)

_NOW = bindparam("now", type_=TASK.c.changed_at.type)
_MOVE = (
    update(ORDERS)
    .where(ORDERS.c.id == bindparam("before"), ORDERS.c.revision == bindparam("known"))
    .values({name: bindparam(name) for name in MOVED})
    .returning(ORDERS.c.id, ORDERS.c.task_id, ORDERS.c.account, ORDERS.c.credits, ORDERS.c.created_at)
)
#: The revision grows, and the screen is due unless it is leased or put off. The last word waits for nothing, not even
#: a progress message on its way.
_TOUCH = (
    update(TASK)
    .where(among(TASK.c.id, "tasks"))
    .values(
        revision=TASK.c.revision + 1,
        changed_at=_NOW,
        delivery_due=case(
            (TASK.c.delivery != DeliveryState.OPEN, TASK.c.delivery_due),
            (TASK.c.held_until > _NOW, TASK.c.held_until),
            else_=_NOW,
        ),
    )
)
_CHAT_OF = select(TASK.c.chat).where(TASK.c.id == bindparam("task"))
_LAST_WORD = (
    update(TASK)
    .where(
        TASK.c.id == bindparam("task"),
        TASK.c.delivery == DeliveryState.OPEN,
        ~exists().where(ORDERS.c.task_id == bindparam("task"), ORDERS.c.state.in_(UNFINISHED)),
    )
    .values(delivery=DeliveryState.READY, delivery_due=_NOW, held_until=None, intake_due=None)
)
_LEASED = bindparam("leased", type_=ORDERS.c.due.type)


def apply(connection: Connection, before: Order, after: Order, now: datetime) -> bool:
    """See :meth:`core.ports.Store.apply`. Locks the order, then its task: as everybody here does."""
    moved = {**order_values(after), "before": before.id, "known": before.revision}
    row = connection.execute(_MOVE, moved).one_or_none()
    if row is None:
        return False
    touch(connection, [row.task_id], now)
    if after.state in (OrderState.FAILED, OrderState.CANCELLED):
        chat = connection.execute(_CHAT_OF, {"task": row.task_id}).scalar_one()
        add_lines(connection, [line(row, chat, LineKind.RELEASE, row.credits, now)])
    if after.state in ENDED:
        connection.execute(_LAST_WORD, {"task": row.task_id, "now": now})
    return True


_LEAVING = (
    update(ORDERS)
    .where(
        ORDERS.c.id == bindparam("order"),
        ORDERS.c.revision == bindparam("known"),
        ORDERS.c.state == OrderState.STARTING,
    )
    .values(deadline=bindparam("until", type_=ORDERS.c.deadline.type))
)


def leaving(connection: Connection, order: Order) -> bool:
    """See :meth:`core.ports.Store.leaving`."""
    values = {"order": order.id, "known": order.revision, "until": order.deadline}
    return connection.execute(_LEAVING, values).rowcount == 1


def touch(connection: Connection, task_ids: Iterable[str], now: datetime) -> None:
    """Orders of theirs changed."""
    connection.execute(_TOUCH, {"tasks": dumps(sorted(set(task_ids))), "now": now})


_IS_WAITING_DUE = and_(
    ORDERS.c.state == OrderState.WAITING,
    ORDERS.c.due <= bindparam("now"),
    ~among(ORDERS.c.id, "busy"),
)
_ANY_WAITING_DUE = select(exists().where(_IS_WAITING_DUE))
_SEE_WAITING_DUE = select(ORDERS).where(_IS_WAITING_DUE).order_by(ORDERS.c.due, ORDERS.c.id).limit(bindparam("most"))
_TAKE_WAITING_DUE = (
    update(ORDERS)
    .where(
        ORDERS.c.id.in_(
            _SEE_WAITING_DUE.with_only_columns(ORDERS.c.id).with_for_update(skip_locked=True, key_share=True)
        )
    )
    .values(due=_LEASED)
    .returning(*ORDERS.c)
)


def is_any_waiting_due(connection: Connection, now: datetime, busy: Collection[str]) -> bool:
    return bool(connection.scalar(_ANY_WAITING_DUE, {"now": now, "busy": dumps(list(busy))}))


def take_waiting_due(connection: Connection, now: datetime, limit: int, busy: Collection[str]) -> list[Order]:
    """See :meth:`core.ports.Store.waiting_due`, where there may be other workers."""
    values = {"now": now, "busy": dumps(list(busy)), "most": limit, "leased": now + CLAIM_LEASE}
    return orders_of(connection.execute(_TAKE_WAITING_DUE, values))


def see_waiting_due(connection: Connection, now: datetime, limit: int, busy: Collection[str]) -> list[Order]:
    """The same for the only worker, which needs no lease: it knows what it has in hand."""
    return orders_of(connection.execute(_SEE_WAITING_DUE, {"now": now, "busy": dumps(list(busy)), "most": limit}))


#: Locked in one order by everybody, so that no two lock each other out.
_MINE = (
    select(ORDERS.c.id, ORDERS.c.revision)
    .where(among(ORDERS.c.id, "orders"), ORDERS.c.state.in_(IN_HAND))
    .order_by(ORDERS.c.id)
    .with_for_update(key_share=True)
)
_DUE = update(ORDERS).where(among(ORDERS.c.id, "orders")).values(due=_LEASED)


def still_in_hand(connection: Connection, revisions: Mapping[str, int], due: datetime) -> None:
    """See :meth:`core.ports.Store.still_in_hand`."""
    known = connection.execute(_MINE, {"orders": dumps(sorted(revisions))}).all()
    if mine := [row.id for row in known if revisions[row.id] == row.revision]:
        connection.execute(_DUE, {"orders": dumps(mine), "leased": due})


def release_leases(connection: Connection, now: datetime) -> None:
    """See :meth:`core.ports.Store.release_leases`. An album's wait is no lease: it stays."""
    connection.execute(update(ORDERS).where(ORDERS.c.state == OrderState.WAITING, ORDERS.c.due > now).values(due=now))
    leased, waits = TASK.c.intake_due > now, TASK.c.not_before > now
    connection.execute(update(TASK).where(leased, waits).values(intake_due=TASK.c.not_before))
    connection.execute(update(TASK).where(leased, or_(TASK.c.not_before.is_(None), ~waits)).values(intake_due=now))
    # What is only to be looked at later, such as a place in the queue, keeps its time.
    connection.execute(update(TASK).where(TASK.c.held_until > now).values(delivery_due=now, held_until=None))


def asked(connection: Connection, revisions: Mapping[str, int], due: datetime) -> None:
    """See :meth:`core.ports.Store.asked`."""
    still_in_hand(connection, revisions, due)


def hasten(connection: Connection, gateway: str, ticket_ids: Sequence[str], now: datetime) -> int:
    """See :meth:`core.ports.Store.hasten`. The revision grows: an answer that is older than the call-back, on its way
    just now, must not put the next question off."""
    waiting = (
        select(ORDERS.c.id)
        .where(
            ORDERS.c.state == OrderState.WAITING,
            ORDERS.c.ticket_id.in_(ticket_ids),
            ORDERS.c.sources == [],  # else it is made, and being fetched
            ORDERS.c.gateway == gateway,
            ORDERS.c.due > now,
        )
        .order_by(ORDERS.c.id)
        .with_for_update(key_share=True)
    )
    hastened = connection.execute(
        update(ORDERS)
        .where(ORDERS.c.id.in_(connection.scalars(waiting).all()))
        .values(due=now, revision=ORDERS.c.revision + 1)
    )
    return hastened.rowcount


def seed_known(connection: Connection, order_id: str, seed: int) -> None:
    """See :meth:`core.ports.Store.seed_known`."""
    connection.execute(update(ORDERS).where(ORDERS.c.id == order_id, ORDERS.c.seed.is_(None)).values(seed=seed))
