"""Taking a request in: the limits, the holds and the rows, at once."""

import hashlib
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from core.errors import TooManyTasks
from core.quota import Limits, judge
from core.store.ledger import line, spent
from core.store.looking import UNFINISHED
from core.store.rows import new_rows, task_of
from core.store.tables import LineKind, OrderRow, TaskRow
from core.types import NewTask, Task

#: PostgreSQL's advisory locks have two numbers; the first one keeps the kinds apart. Taken in this order, always.
LOCK_ACCOUNT, LOCK_CHAT, LOCK_GLOBAL, LOCK_CLAIM = 72651, 72652, 72653, 72654


def lock(session: Session, kind: int, name: str = "") -> None:
    """Until the transaction ends, nobody else passes here with the same name. SQLite has one writer anyway."""
    if session.get_bind().dialect.name != "postgresql":
        return
    digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
    session.execute(select(func.pg_advisory_xact_lock(kind, int.from_bytes(digest, "big", signed=True))))


def submit(session: Session, new: NewTask, limits: Limits, now: datetime) -> Task:
    """See :meth:`core.ports.Store.submit`."""
    lock(session, LOCK_ACCOUNT, new.who.account)
    if limits.chat_day:
        lock(session, LOCK_CHAT, new.who.chat)
    if limits.global_day:
        lock(session, LOCK_GLOBAL)
    known = session.scalar(select(TaskRow).where(col(TaskRow.event) == new.event))
    if known is not None:
        return task_of(known)
    cost = sum(order.credits for order in new.orders)
    judge(limits, spent(session, new.who.account, new.who.chat, limits, now), cost, now)
    if limits.unfinished and _unfinished(session, new.who.account) >= limits.unfinished:
        raise TooManyTasks(limit=limits.unfinished)
    task, orders = new_rows(new, now)
    # In the order the foreign keys ask for: the rows do not know one another.
    session.add(task)
    session.flush()
    session.add_all(orders)
    session.flush()
    session.add_all(line(order, new.who.chat, LineKind.HOLD, -order.credits, now) for order in orders)
    return task_of(task)


def _unfinished(session: Session, account: str) -> int:
    query = select(func.count(func.distinct(col(OrderRow.task_id)))).where(
        col(OrderRow.account) == account, col(OrderRow.state).in_(UNFINISHED)
    )
    return int(session.scalar(query) or 0)
