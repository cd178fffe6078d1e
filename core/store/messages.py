"""Which of our messages shows which task."""

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlmodel import col

from core.errors import TaskUnknown
from core.store.rows import message_of
from core.store.tables import MessageRow, TaskRow
from core.types import PostedMessage


def remember(session: Session, front: str, message: PostedMessage) -> None:
    """The last word about a message counts. Raises TaskUnknown."""
    if session.get(TaskRow, message.task_id) is None:
        raise TaskUnknown(task=message.task_id)
    values = {"front": front, "key": message.key, "task_id": message.task_id, "index": message.index}
    shows = {"task_id": message.task_id, "index": message.index}
    # The two dialects have the same clause under two names.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            postgresql.insert(MessageRow)
            .values(values)
            .on_conflict_do_update(index_elements=["front", "key"], set_=shows)
        )
    else:
        session.execute(
            sqlite.insert(MessageRow).values(values).on_conflict_do_update(index_elements=["front", "key"], set_=shows)
        )


def posted(session: Session, front: str, key: str) -> PostedMessage | None:
    query = select(MessageRow).where(col(MessageRow.front) == front, col(MessageRow.key) == key)
    row = session.scalar(query)
    return None if row is None else message_of(row)


def messages_of(session: Session, front: str, task_id: str) -> list[PostedMessage]:
    query = select(MessageRow).where(col(MessageRow.task_id) == task_id, col(MessageRow.front) == front)
    return [message_of(row) for row in session.scalars(query.order_by(col(MessageRow.id)))]
