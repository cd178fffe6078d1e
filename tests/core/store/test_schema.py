"""The schema: made from nothing, agreeing with the tables, and refusing what slips through."""

import asyncio
import itertools
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import IntegrityError

from core.errors import SettingsError
from core.pgqueue import NAMES
from core.states import TABLE
from core.store import SqlStore, behind, open_store, upgrade
from core.store.database import Database, parsed
from core.store.schema import _run as migrate
from core.store.tables import METADATA
from core.testing import ManualClock
from core.types import OrderState
from tests.core.store.making import finished_task, hand_over, rows, submit

#: The moves by their ends; a move to itself is no move to a database.
ALLOWED = {(start, end) for (start, _), end in TABLE.items()} | {(state, state) for state in OrderState}
#: A way into every state.
WAYS: dict[OrderState, list[OrderState]] = {
    OrderState.QUEUED: [],
    OrderState.STARTING: [OrderState.STARTING],
    OrderState.WAITING: [OrderState.STARTING, OrderState.WAITING],
    OrderState.FINISHED: [OrderState.STARTING, OrderState.FINISHED],
    OrderState.FAILED: [OrderState.FAILED],
    OrderState.CANCELLED: [OrderState.CANCELLED],
}


async def test_an_upgrade_from_nothing_makes_a_database_the_store_works_on(empty_url: str, clock: ManualClock) -> None:
    assert "imagine db upgrade" in (await behind(empty_url) or "")
    await upgrade(empty_url)
    assert await behind(empty_url) is None
    await upgrade(empty_url)
    store = await open_store(empty_url)
    task = await submit(store, clock())
    assert await store.task(task.id) == task
    await store.close()


async def test_upgrades_at_the_same_moment_take_turns(empty_url: str) -> None:
    await asyncio.gather(*(upgrade(empty_url) for _ in range(4)))
    assert await behind(empty_url) is None


async def test_asking_how_far_behind_a_database_is_makes_no_file(tmp_path: Any) -> None:
    await behind(f"sqlite+aiosqlite:///{tmp_path / 'none.db'}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.postgres
async def test_a_postgresql_that_is_behind_is_refused_with_the_command_that_helps(postgres_server: Any) -> None:
    name = postgres_server.empty()
    with pytest.raises(SettingsError, match=r"DATABASE_URL: .*imagine db upgrade"):
        await open_store(postgres_server.url(name))
    postgres_server.drop(name)


@pytest.mark.postgres
async def test_a_postgresql_of_the_version_before_is_refused_and_an_upgrade_brings_the_tables_for_jobs(
    postgres_server: Any,
) -> None:
    name = postgres_server.empty()
    url = postgres_server.url(name)
    database = Database(parsed(url))
    await database.write(lambda connection: migrate(connection, lambda config: command.upgrade(config, "0002")))
    await database.close()
    with pytest.raises(SettingsError, match="imagine db upgrade"):
        await open_store(url)
    await upgrade(url)
    await (await open_store(url)).close()
    assert await rows(url, f"SELECT count(*) FROM {NAMES.qualified.queue_table}") == [(0,)]
    postgres_server.drop(name)


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(database_url: str) -> None:
    await rows(database_url, "UPDATE alembic_version SET version_num = '9999'")
    assert "newer" in (await behind(database_url) or "")
    with pytest.raises(SettingsError, match="newer"):
        await open_store(database_url)
    with pytest.raises(SettingsError, match="newer"):
        await upgrade(database_url)
    assert await rows(database_url, "SELECT version_num FROM alembic_version") == [("9999",)]


@pytest.mark.parametrize("url", ["mysql://localhost/x", "data/imagine.db", "sqlite+pysqlcipher:///x"])
async def test_an_address_of_no_known_database_names_the_setting(url: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        await open_store(url)


async def test_a_database_in_memory_serves_as_the_quickest_twin(clock: ManualClock) -> None:
    store = await open_store("sqlite+aiosqlite:///:memory:")
    tasks = await asyncio.gather(*(submit(store, clock(), f"p{number}") for number in range(20)))
    assert await store.task(tasks[3].id) == tasks[3]
    await store.close()


def _shape(connection: Connection) -> dict[str, Any]:
    found = inspect(connection)
    return {
        table: (
            sorted(check["name"] or "" for check in found.get_check_constraints(table)),
            sorted(unique["name"] or "" for unique in found.get_unique_constraints(table)),
            sorted(key["name"] or "" for key in found.get_foreign_keys(table)),
            sorted((index["name"] or "", bool(index.get("dialect_options"))) for index in found.get_indexes(table)),
        )
        for table in found.get_table_names()
        if table != "alembic_version"
    }


async def test_the_migrations_and_the_tables_agree(database_url: str, postgres_server: Any, tmp_path: Any) -> None:
    """Columns and indexes by Alembic's comparison; constraints, which it does not compare, by name."""
    plain_url = f"sqlite+aiosqlite:///{tmp_path / 'plain.db'}"
    if database_url.startswith("postgresql"):
        plain_url = postgres_server.url(postgres_server.empty())
    migrated, plain = Database(parsed(database_url)), Database(parsed(plain_url))

    def compared(connection: Connection) -> Any:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA)

    assert await migrated.write(compared) == []
    shape = await migrated.write(_shape)
    await plain.write(METADATA.create_all)
    assert await plain.write(_shape) == shape
    assert {"task", "orders", "ledger", "message"} < set(shape)
    await migrated.close()
    await plain.close()


async def test_the_database_allows_the_moves_of_the_table_and_no_other(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    database = Database(parsed(database_url))
    allowed = set()
    for start, end in itertools.product(OrderState, OrderState):
        task = await submit(store, clock())

        async def move(state: OrderState, task_id: str = task.id) -> None:
            await rows(database, f"UPDATE orders SET state = '{state.value}' WHERE task_id = '{task_id}'")

        for state in WAYS[start]:
            await move(state)
        try:
            await move(end)
        except IntegrityError:
            continue
        allowed.add((start, end))
    await database.close()
    assert allowed == ALLOWED


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("UPDATE ledger SET amount = 0", "append-only"),
        ("DELETE FROM ledger", "append-only"),
        ("DELETE FROM orders", "(?i)foreign key"),
        ("UPDATE task SET delivery = 'lost'", "(?i)check"),
        ("UPDATE orders SET state = 'starting', count = 0", "(?i)check"),
        ("UPDATE task SET shown_revision = 99", "(?i)check"),
        ("INSERT INTO ledger (order_id, kind, amount, account, chat, counted_at, at)"
         " SELECT order_id, kind, amount, account, chat, counted_at, at FROM ledger", "(?i)unique"),
        ("INSERT INTO ledger (order_id, kind, amount, account, chat, counted_at, at)"
         " SELECT order_id, 'release', 3, account, chat, counted_at, at FROM ledger", "more than the hold"),
        ("INSERT INTO orders (id, task_id, number, account, gateway, model, state, revision, due, ready, count,"
         " credits, attempts, sources, results, created_at) SELECT 'x', task_id, 9, account, gateway, model,"
         " 'finished', 0, due, ready, count, credits, 0, sources, results, created_at FROM orders", "begins queued"),
    ],
)  # fmt: skip
async def test_the_database_refuses_what_slips_through(
    store: SqlStore, database_url: str, clock: ManualClock, statement: str, word: str
) -> None:
    await submit(store, clock(), credits=2)
    with pytest.raises(IntegrityError, match=word):
        await rows(database_url, statement)


@pytest.mark.postgres
async def test_a_ledger_on_postgresql_cannot_be_truncated(postgres_url: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        await rows(postgres_url, "TRUNCATE ledger")


async def test_times_states_and_text_come_back_as_they_were(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    """Aware to the microsecond, by value; only what PostgreSQL cannot hold is replaced."""
    clock.advance(0.123457)
    task = await submit(store, clock(), prompt="狐\x00 fox \ud83e\udd8a 🦊 \ud800 \\u0000", credits=2)
    assert task.request.prompt != (await store.task(task.id)).request.prompt
    read = await store.task(task.id)
    assert read.request.prompt == "狐\ufffd fox 🦊 🦊 \ufffd \\u0000"
    assert read.created_at == clock() == task.created_at
    assert read.created_at.tzinfo is not None
    assert (await rows(database_url, "SELECT delivery FROM task")) == [("open",)]
    await hand_over(store, await finished_task(store, clock()), clock())
