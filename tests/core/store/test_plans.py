"""The questions the loops ask again and again never read a whole table, however much is over and done."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, text

from core.quota import Limits
from core.store import SqlStore
from core.store.database import Database, parsed
from core.testing import ManualClock
from tests.core.store.making import claim_one, hand_over, finish, in_chat, new_task, submit, wait_at_gateway

ALL_LIMITS = Limits(user_day=99, user_month=99, chat_day=99, global_day=99, unfinished=99)
FRONTS = ["telegram", "discord"]


@pytest.fixture
def statements() -> list[tuple[str, Any]]:
    return []


async def explained(database: Database, asked: list[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """Each line of each statement's plan."""
    lines: list[tuple[str, str]] = []
    async with database.read() as session:
        connection = await session.connection()
        for statement, values in asked:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            lines.extend((str(row[3]), statement) for row in plan)
    return iter(lines)


async def test_hot_questions_use_an_index(sqlite_url: str, clock: ManualClock) -> None:
    database = Database(parsed(sqlite_url))
    store = SqlStore(database)
    asked: list[tuple[str, Any]] = []

    def keep(_conn: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE")) and not many:
            asked.append((statement, values))

    for engine in (database._reader, database._writer):
        event.listen(engine.sync_engine, "before_cursor_execute", keep)
    await store.submit(new_task("ben"), ALL_LIMITS, clock())
    task = await submit(store, clock(), images=(in_chat(),))
    await store.intake_due(FRONTS, clock(), 9)
    await store.outbox_due(FRONTS, clock(), 9)
    await wait_at_gateway(store, await claim_one(store, clock()), clock(), ask_in=0)
    (waiting,) = await store.waiting_due(clock(), 9)
    await store.position(task.id)
    await store.unfinished("telegram:ana")
    await store.usage("telegram:ben", ALL_LIMITS, clock())
    await store.running_by_gateway()
    await store.in_state_starting()
    await store.next_due(FRONTS)
    await store.add_input("none", in_chat(), clock())
    done = await finish(store, waiting, clock())
    await hand_over(store, done, clock())
    await store.posted("telegram", "none")
    await store.messages_of("telegram", task.id)
    # What is left is planned with a table's usual sizes in mind: most of it is over.
    asked_here = list(asked)
    assert len(asked_here) > 40
    async with database.write() as session:
        await session.execute(text("ANALYZE"))
    scans = [
        (line, statement)
        for line, statement in await explained(database, asked_here)
        if re.search(r"\bSCAN (task|orders|ledger|ledger_1|message)\b", line)
    ]
    assert scans == []
    await store.close()
