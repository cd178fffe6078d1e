"""Which of our messages shows which task."""

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from core.errors import TaskUnknown
from core.store.rows import message_of
from core.store.tables import MessageRow, TaskRow
from core.types import PostedMessage


async def remember(session: AsyncSession, front: str, message: PostedMessage) -> None:
    """The last word about a message counts. Raises TaskUnknown."""
    if await session.get(TaskRow, message.task_id) is None:
        raise TaskUnknown(task=message.task_id)
    values = {"front": front, "key": message.key, "task_id": message.task_id, "index": message.index}
    shows = {"task_id": message.task_id, "index": message.index}
    # The two dialects have the same clause under two names.
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(
            postgresql.insert(MessageRow)
            .values(values)
            .on_conflict_do_update(index_elements=["front", "key"], set_=shows)
        )
    else:
        await session.execute(
            sqlite.insert(MessageRow).values(values).on_conflict_do_update(index_elements=["front", "key"], set_=shows)
        )


async def posted(session: AsyncSession, front: str, key: str) -> PostedMessage | None:
    query = select(MessageRow).where(col(MessageRow.front) == front, col(MessageRow.key) == key)
    row = await session.scalar(query)
    return None if row is None else message_of(row)


async def messages_of(session: AsyncSession, front: str, task_id: str) -> list[PostedMessage]:
    query = select(MessageRow).where(col(MessageRow.task_id) == task_id, col(MessageRow.front) == front)
    return [message_of(row) for row in await session.scalars(query.order_by(col(MessageRow.id)))]
