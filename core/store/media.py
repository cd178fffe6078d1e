"""Which pictures and videos the rows refer to."""

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from core.store.looking import UNFINISHED
from core.store.tables import ORDERS, TASK

_KEY = re.compile(r"[0-9a-f]{64}")


def keys_in(value: Any) -> Iterator[str]:
    """The keys of all media in a column's JSON value, however deep."""
    match value:
        case {"key": str() as key, "mime": str()} if _KEY.fullmatch(key):
            yield key
        case dict():
            for inner in value.values():
                yield from keys_in(inner)
        case list() | tuple():
            for inner in value:
                yield from keys_in(inner)


def in_use(connection: Connection) -> frozenset[str]:
    """See :meth:`core.ports.Store.media_in_use`. By the indexes of the open work, which is small."""
    working = select(ORDERS.c.task_id).where(ORDERS.c.state.in_(UNFINISHED))
    to_say = select(TASK.c.id).where(TASK.c.delivery_due.is_not(None))
    open_tasks = select(working.union(to_say).subquery())
    requests = select(TASK.c.request).where(TASK.c.id.in_(open_tasks))
    results = select(ORDERS.c.results).where(ORDERS.c.task_id.in_(open_tasks))
    columns = [connection.execute(query).scalars() for query in (requests, results)]
    return frozenset(key for values in columns for value in values for key in keys_in(value))
