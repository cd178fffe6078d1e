"""The questions the loops ask again and again never read a whole table, however much is over and done."""

import re
from typing import Any

from sqlalchemy import Connection, event

from core.quota import Limits
from core.store import SqlStore
from core.store.database import Database, parsed
from core.testing import ManualClock
from tests.core.store.making import claim_one, finish, hand_over, in_chat, new_task, submit, wait_at_gateway

ALL_LIMITS = Limits(user_day=99, user_month=99, chat_day=99, global_day=99, unfinished=99)
FRONTS = ["telegram", "discord"]


async def plan_of(database: Database, statement: str, values: Any) -> list[str]:
    def explained(connection: Connection) -> list[str]:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        return [row.detail for row in plan]

    return await database.read(explained)


async def test_hot_questions_use_an_index(sqlite_url: str, clock: ManualClock) -> None:
    database = Database(parsed(sqlite_url))
    store = SqlStore(database)
    asked: list[tuple[str, Any]] = []

    def keep(_conn: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE")) and not many:
            asked.append((statement, values))

    for engine in (database._reader, database._writer):
        event.listen(engine, "before_cursor_execute", keep)
    await store.submit(new_task("ben"), ALL_LIMITS, clock())
    task = await submit(store, clock(), images=(in_chat(),))
    await store.intake_due(FRONTS, clock(), 9)
    await store.outbox_due(FRONTS, clock(), 9)
    await wait_at_gateway(store, await claim_one(store, clock()), clock(), ask_in=0)
    (waiting,) = await store.waiting_due(clock(), 9)
    await store.position(task.id)
    await store.unfinished("telegram:ana")
    await store.usage("telegram:ben", ALL_LIMITS, clock())
    await store.in_state_starting()
    await store.stats(clock(), "UTC")
    await store.depths(clock(), "UTC")
    await store.add_input("none", in_chat(), clock())
    done = await finish(store, waiting, clock())
    await hand_over(store, done, clock())
    await store.posted("telegram", "none")
    await store.messages_of("telegram", task.id)
    assert len(asked) > 40
    scans = [
        (line, statement)
        for statement, values in list(asked)
        for line in await plan_of(database, statement, values)
        if re.search(r"\bSCAN (task|orders|ledger|message)\b", line)
    ]
    assert scans == []
    await store.close()
