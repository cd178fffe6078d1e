"""Which of our messages shows which task."""

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from core.errors import TaskUnknown
from core.store.rows import message_of
from core.store.tables import MESSAGE, TASK
from core.types import PostedMessage

_NAMES = ("front", "key", "task_id", "index")
#: The two dialects have the same clause under two names.
_REMEMBER = {
    dialect: inserting.values({name: bindparam(name) for name in _NAMES}).on_conflict_do_update(
        index_elements=["front", "key"],
        set_={"task_id": inserting.excluded.task_id, "index": inserting.excluded.index},
    )
    for dialect, inserting in (("postgresql", postgresql.insert(MESSAGE)), ("sqlite", sqlite.insert(MESSAGE)))
}
_IS_THERE = select(TASK.c.id).where(TASK.c.id == bindparam("task"))
_POSTED = select(MESSAGE).where(MESSAGE.c.front == bindparam("front"), MESSAGE.c.key == bindparam("key"))


def remember(connection: Connection, front: str, message: PostedMessage) -> None:
    """The last word about a message counts. Raises TaskUnknown."""
    if connection.scalar(_IS_THERE, {"task": message.task_id}) is None:
        raise TaskUnknown(task=message.task_id)
    values = {"front": front, "key": message.key, "task_id": message.task_id, "index": message.index}
    connection.execute(_REMEMBER[connection.dialect.name], values)


def posted(connection: Connection, front: str, key: str) -> PostedMessage | None:
    row = connection.execute(_POSTED, {"front": front, "key": key}).one_or_none()
    return None if row is None else message_of(row)


def messages_of(connection: Connection, front: str, task_id: str) -> list[PostedMessage]:
    query = select(MESSAGE).where(MESSAGE.c.task_id == task_id, MESSAGE.c.front == front).order_by(MESSAGE.c.id)
    return [message_of(row) for row in connection.execute(query)]
