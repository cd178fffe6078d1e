"""Taking a request in: the limits, the holds and the rows, at once."""

import hashlib
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select

from core.errors import TooManyTasks
from core.quota import Limits, judge
from core.store.ledger import add_lines, holds, spent
from core.store.looking import UNFINISHED, task_of_event
from core.store.rows import new_rows
from core.store.tables import ORDERS, TASK
from core.types import DeliveryState, NewTask, Task

#: PostgreSQL's advisory locks have two numbers; the first one keeps the kinds apart. Taken in this order, always.
LOCK_ACCOUNT, LOCK_CHAT, LOCK_GLOBAL, LOCK_CLAIM = 72651, 72652, 72653, 72654

_UNFINISHED = select(func.count(func.distinct(ORDERS.c.task_id))).where(
    ORDERS.c.account == bindparam("account"), ORDERS.c.state.in_(UNFINISHED)
)
_NEW_TASK, _NEW_ORDERS = insert(TASK), insert(ORDERS)


def lock(connection: Connection, kind: int, name: str = "") -> None:
    """Until the transaction ends, nobody else passes here with the same name. SQLite has one writer anyway."""
    if connection.dialect.name != "postgresql":
        return
    digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
    connection.execute(select(func.pg_advisory_xact_lock(kind, int.from_bytes(digest, "big", signed=True))))


def submit(connection: Connection, new: NewTask, limits: Limits, now: datetime) -> Task:
    """See :meth:`core.ports.Store.submit`."""
    lock(connection, LOCK_ACCOUNT, new.who.account)
    if limits.chat_day:
        lock(connection, LOCK_CHAT, new.who.chat)
    if limits.global_day:
        lock(connection, LOCK_GLOBAL)
    known = task_of_event(connection, new.event)
    if known is not None:
        return known
    cost = sum(order.credits for order in new.orders)
    judge(limits, spent(connection, new.who.account, new.who.chat, limits, now), cost, now)
    if limits.unfinished and _unfinished(connection, new.who.account) >= limits.unfinished:
        raise TooManyTasks(limit=limits.unfinished)
    row, orders = new_rows(new, now)
    connection.execute(_NEW_TASK, row)
    connection.execute(_NEW_ORDERS, orders)
    add_lines(connection, holds(orders, new.who.chat, now))
    return Task(
        id=new.id,
        who=new.who,
        address=new.address,
        request=new.request,
        gateway=new.gateway,
        created_at=now,
        revision=0,
        delivery=DeliveryState.OPEN,
        dropped=new.dropped,
        parent=new.parent,
    )


def _unfinished(connection: Connection, account: str) -> int:
    return connection.scalar(_UNFINISHED, {"account": account}) or 0
