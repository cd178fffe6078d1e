"""A database that goes away: said as StoreDown, and found whole when it is back."""

import asyncio
import signal
import sqlite3
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from core.errors import StoreDown
from core.store import SqlStore, open_store
from core.store.doorway import translated
from core.testing import ManualClock
from tests.core.store.making import EVERYWHERE, claim_one, finish, rows, submit
from tests.databases import PostgresServer
from tests.waiting import until

#: Writes tasks through all their moves until it is killed; says after each one that it is stored.
WRITER = """
import asyncio, sys
from core.types import OrderState
from core.testing import ManualClock
from core.store import open_store
from tests.core.store.making import EVERYWHERE, cancel, finish, hand_over, submit

async def work(store, person):
    clock = ManualClock()
    while True:
        task = await submit(store, clock(), person, credits=2, calls=2)
        first, second = await store.orders(task.id)
        if first.state is OrderState.QUEUED:  # another's claim may have been quicker
            await cancel(store, first, clock())
        for order in await store.claim(clock(), room=EVERYWHERE, running=99):
            done = await finish(store, order, clock())
            await hand_over(store, done, clock())
            if (await store.task(done.id)).delivery == "delivered":
                print(done.id, flush=True)

async def main():
    store = await open_store(sys.argv[1])
    await asyncio.gather(*(work(store, f"p{number}") for number in range(4)))

asyncio.run(main())
"""


async def test_what_was_said_to_be_stored_is_there_after_a_kill_in_the_middle_of_writing(
    sqlite_url: str, clock: ManualClock
) -> None:
    said: set[str] = set()
    for round_ in (3, 12):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            # Each life's tasks have names of their own.
            WRITER.replace("async def main", f"import itertools, tests.core.store.making as m\n"
                           f"m._numbers = itertools.count({round_ * 100_000})\nasync def main"),
            sqlite_url,
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )  # fmt: skip
        assert process.stdout is not None
        for _ in range(round_):
            said.add((await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip())
        process.send_signal(signal.SIGKILL)
        said |= set((await process.stdout.read()).decode().split())
        assert await process.wait() == -signal.SIGKILL

        store = await open_store(sqlite_url)
        assert await rows(sqlite_url, "PRAGMA integrity_check") == [("ok",)]
        assert await rows(sqlite_url, "PRAGMA foreign_key_check") == []
        delivered = {row[0] for row in await rows(sqlite_url, "SELECT id FROM task WHERE delivery = 'delivered'")}
        assert said <= delivered
        assert await unbalanced(sqlite_url) == []
        # The next life goes on where this one stopped.
        task = await submit(store, clock(), "later")
        for order in await store.claim(clock(), room=EVERYWHERE, running=99):
            await finish(store, order, clock())
        assert (await store.task(task.id)).delivery == "ready"
        await store.close()


async def unbalanced(url: str) -> list[tuple[object, ...]]:
    """Orders whose ledger lines do not say what their state says."""
    return await rows(
        url,
        """
        SELECT o.id, o.state, t.delivery, sum(l.amount), group_concat(l.kind)
        FROM orders o JOIN task t ON t.id = o.task_id LEFT JOIN ledger l ON l.order_id = o.id GROUP BY o.id
        HAVING sum(l.kind = 'hold') <> 1
            OR (o.state IN ('failed', 'cancelled')) <> (sum(l.amount) = 0)
            OR sum(l.kind = 'settle') <> (o.state = 'finished' AND t.delivery = 'delivered')
        """,
    )


async def test_a_connection_that_was_cut_is_said_once_and_replaced(
    postgres_url: str, postgres_server: PostgresServer, clock: ManualClock
) -> None:
    store = await open_store(postgres_url)
    task = await submit(store, clock())
    order = await claim_one(store, clock())
    plain = postgres_url.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert (await store.orders(task.id)) == (order,)
    await finish(store, order, clock())
    assert await store.check() == ""
    await store.close()


async def test_a_connection_cut_in_the_middle_of_a_transaction_stores_nothing(
    postgres_url: str, clock: ManualClock
) -> None:
    store = await open_store(postgres_url)
    plain = postgres_url.replace("+psycopg", "")
    with psycopg.connect(plain) as blocker, psycopg.connect(plain, autocommit=True) as operator:
        # A submit waits here, its transaction open.
        blocker.execute("LOCK TABLE ledger IN ACCESS EXCLUSIVE MODE")
        call = asyncio.create_task(submit(store, clock()))
        waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        await until(lambda: operator.execute(waiting).fetchall())
        operator.execute(f"SELECT pg_terminate_backend(pid) FROM ({waiting})")
        with pytest.raises(StoreDown):
            await call
    assert await rows(postgres_url, "SELECT count(*) FROM task") == [(0,)]
    await submit(store, clock())
    await store.close()


async def test_a_server_that_is_not_there_is_store_down_and_no_secret_is_told() -> None:
    with pytest.raises(StoreDown) as down:
        await open_store("postgresql+psycopg://imagine:s3cret-word@127.0.0.1:1/imagine")
    assert str(down.value)
    assert "s3cret-word" not in f"{down.value!r} {down.value} {down.value.__cause__!r}"


async def test_a_file_that_cannot_be_opened_is_store_down(tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(StoreDown):
        await open_store(f"sqlite+aiosqlite:///{tmp_path / 'folder.db'}")


async def test_a_file_that_is_no_folder_is_store_down(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(StoreDown):
        await open_store(f"sqlite+aiosqlite:///{tmp_path / 'taken' / 'imagine.db'}")


async def test_a_writer_of_another_process_is_waited_for(sqlite_url: str, clock: ManualClock) -> None:
    store = await open_store(sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite+aiosqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    call = asyncio.create_task(submit(store, clock()))
    # Reading goes on meanwhile.
    assert await store.orders("nobody") == ()
    assert not call.done()
    other.execute("COMMIT")
    assert (await call).revision == 0
    other.close()
    await store.close()


async def test_a_statement_the_database_does_not_understand_is_a_bug_and_stays_one(database_url: str) -> None:
    with pytest.raises(Exception, match=r"no_such_table") as error:
        await rows(database_url, "SELECT * FROM no_such_table")
    assert not isinstance(error.value, StoreDown)


async def test_an_answer_that_the_store_is_fine_is_empty(store: SqlStore) -> None:
    assert await store.check() == ""


def test_a_disk_that_is_full_is_store_down() -> None:
    with pytest.raises(StoreDown, match="full"), translated():
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))
