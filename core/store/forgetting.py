"""Erasing a person: what they said and were given is gone, the sums stay."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, case, delete, func, literal, or_, select, update

from core.errors import SettingsError
from core.store.archive import triggers_off
from core.store.looking import FORGOTTEN, UNFINISHED
from core.store.media import keys_in
from core.store.submitting import LOCK_ACCOUNT, lock
from core.store.tables import LEDGER, MESSAGE, ORDERS, TASK

#: What is left of a request: enough to be read as one.
_KEPT_OF_REQUEST = ("operation", "model", "count")


def forget(connection: Connection, account: str) -> tuple[int, frozenset[str]]:
    """See :meth:`core.ports.Store.forget`."""
    lock(connection, LOCK_ACCOUNT, account)
    _refuse_while_busy(connection, account)
    theirs = select(TASK.c.id).where(TASK.c.account == account)
    requests = connection.execute(select(TASK.c.id, TASK.c.request).where(TASK.c.account == account)).all()
    results = connection.execute(select(ORDERS.c.results).where(ORDERS.c.account == account)).scalars()
    keys = {key for value in (*(row.request for row in requests), *results) for key in keys_in(value)}
    keys -= _used_by_others(connection, account, keys)
    connection.execute(delete(MESSAGE).where(MESSAGE.c.task_id.in_(theirs)))
    back_on = triggers_off(connection, [LEDGER.name])  # its lines are never changed else
    connection.execute(
        update(LEDGER)
        .where(LEDGER.c.account == account)
        .values(
            account=FORGOTTEN, chat=case((LEDGER.c.chat.in_(_chats_of_others(account)), LEDGER.c.chat), else_=FORGOTTEN)
        )
    )
    for statement in back_on:
        connection.exec_driver_sql(statement)
    nothing: dict[str, Any] = {"sources": [], "results": [], "texts": [], "offers": [], "passed": []}
    connection.execute(
        update(ORDERS)
        .where(ORDERS.c.account == account)
        .values(account=FORGOTTEN, ticket=None, ticket_id=None, seed=None, answer="", failure=None, **nothing)
    )
    for row in requests:
        request = {"prompt": "", **{name: row.request[name] for name in _KEPT_OF_REQUEST if name in row.request}}
        connection.execute(update(TASK).where(TASK.c.id == row.id).values(request=request))
    connection.execute(
        update(TASK)
        .where(TASK.c.account == account)
        .values(
            event=literal(f"{FORGOTTEN}:").concat(TASK.c.id), account=FORGOTTEN, chat=FORGOTTEN, locale="en", name="",
            address={}, dropped=[], parent=None, undeliverable_reason=None,
        )
    )  # fmt: skip
    return len(requests), frozenset(keys)


def _refuse_while_busy(connection: Connection, account: str) -> None:
    unfinished = select(ORDERS.c.task_id).where(ORDERS.c.account == account, ORDERS.c.state.in_(UNFINISHED))
    query = select(func.count()).where(
        TASK.c.account == account, or_(TASK.c.delivery_due.is_not(None), TASK.c.id.in_(unfinished))
    )
    busy = connection.scalar(query)
    if busy:
        why = f"{busy} of their requests are still being made or posted"
        raise SettingsError(account, f"{why}; have them cancelled (/cancel), or try again when they are done")


def _chats_of_others(account: str) -> Any:
    """Where it tells nothing of the person: a private chat has the person's own number."""
    others = LEDGER.alias()
    return select(others.c.chat).where(others.c.account.not_in((account, FORGOTTEN)))


def _used_by_others(connection: Connection, account: str, keys: Iterable[str]) -> set[str]:
    """Those of the keys that anybody else's requests or results name, too."""
    wanted = set(keys)
    found: set[str] = set()
    for table, column in ((TASK, TASK.c.request), (ORDERS, ORDERS.c.results)):
        query = select(column).where(table.c.account.not_in((account, FORGOTTEN))).execution_options(yield_per=500)
        for value in connection.execute(query).scalars() if wanted else ():
            found.update(wanted.intersection(keys_in(value)))
    return found
