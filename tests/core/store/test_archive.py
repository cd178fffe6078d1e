"""Rows out of one kind of database and into another: all of them, as of one moment, and work goes on with them."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from core.errors import SettingsError
from core.ports import Rest
from core.store import SqlStore, behind, open_store
from core.store.archive import Filling, Snapshot, fill, snapshot
from core.store.database import Database, parsed
from core.store.schema import _run as migrate
from core.testing import ManualClock
from core.types import PostedMessage, Receipt
from tests.core.store.making import (
    EVERYWHERE,
    FREE,
    cancel,
    claim_one,
    finish,
    finished_task,
    hand_over,
    in_chat,
    rows,
    submit,
    wait_at_gateway,
)

Everything = dict[str, list[dict[str, Any]]]


async def everything(url: str) -> Everything:
    return await snapshot(
        url, lambda of: {name: [dict(row) for some in of.rows(name) for row in some] for name in of.tables}
    )


def put(into: Filling, found: Everything) -> None:
    for table, some in found.items():
        if some:
            into.add(table, some)


async def lived(store: SqlStore, clock: ManualClock) -> None:
    """Something of everything there can be."""
    task = await finished_task(store, clock(), "ana", credits=2)
    await hand_over(store, task, clock(), Receipt((PostedMessage("-100:7", task.id, 0),)))
    await wait_at_gateway(store, await _claimed(store, clock, "ben"), clock())
    await _claimed(store, clock, "chen")
    await submit(store, clock(), "dora", prompt="\u72d0 fox \U0001f98a", images=(in_chat(),))
    await submit(store, clock(), "dora", calls=2)
    (order,) = await store.orders((await submit(store, clock(), "ana")).id)
    await cancel(store, order, clock())
    await store.rest("apiyi", Rest(clock() + timedelta(minutes=1), "BalanceEmpty"))
    await store.verify("flux", clock())
    await store.secret("links")


async def _claimed(store: SqlStore, clock: ManualClock, person: str) -> Any:
    await submit(store, clock(), person)
    return await claim_one(store, clock())


@pytest.fixture
async def source(database_url: str, clock: ManualClock) -> AsyncIterator[str]:
    """A database that has lived, and whose bots still run."""
    store = await open_store(database_url)
    await lived(store, clock)
    yield database_url
    await store.close()


async def test_what_was_in_one_kind_of_database_is_in_the_other_and_goes_on_there(
    source: str, empty_url: str, clock: ManualClock
) -> None:
    found = await everything(source)
    await fill(empty_url, await revision(source), lambda into: put(into, found))
    assert await everything(empty_url) == found
    assert {name for name, some in found.items() if not some} == set()
    nothing = "SELECT count(*) FROM orders WHERE ticket IS NULL AND failure IS NULL"
    assert await rows(empty_url, nothing) == await rows(source, nothing) != [(0,)]
    store = await open_store(empty_url)
    # New rows have new numbers, what waited is taken up, and the rules are on again.
    assert len(await store.claim(clock(), room=EVERYWHERE, running=1000)) == 2
    await hand_over(store, await finished_task(store, clock(), "ben"), clock())
    assert (await store.usage("telegram:ana", FREE, clock())).day_used == 2
    for wrong in ("UPDATE orders SET state = 'queued' WHERE state = 'finished'", "DELETE FROM ledger"):
        with pytest.raises(IntegrityError):
            await rows(empty_url, wrong)
    await store.close()


async def revision(url: str) -> str:
    return await snapshot(url, lambda of: of.revision)


async def test_a_snapshot_is_of_one_moment_and_holds_no_writer_up(database_url: str, clock: ManualClock) -> None:
    store = await open_store(database_url)
    await submit(store, clock(), "ana")
    begun, go_on = threading.Event(), threading.Event()

    def slowly(of: Snapshot) -> list[int]:
        counts = [len(list(of.rows("task")))]
        begun.set()
        assert go_on.wait(10)
        return [*counts, *(sum(map(len, of.rows(name))) for name in ("task", "orders", "ledger"))]

    reading = asyncio.create_task(snapshot(database_url, slowly))
    assert await asyncio.to_thread(begun.wait, 10)
    async with asyncio.timeout(5):
        await finish(store, await claim_one(store, clock()), clock())
        await submit(store, clock(), "ben")
    go_on.set()
    assert await reading == [1, 1, 1, 1]
    await store.close()


async def test_rows_of_an_older_schema_are_brought_up_to_date(empty_url: str) -> None:
    """The ticket's id was not a column in the first version: its migration finds it."""
    task: dict[str, Any] = {
        "id": "t1", "event": "e1", "account": "telegram:1", "chat": "telegram:-1", "locale": "en", "name": "ana",
        "front": "telegram", "address": {}, "request": {"operation": "imagine", "prompt": "a fox"}, "gateway": "apiyi",
        "dropped": [], "parent": None, "created_at": 1, "revision": 0, "changed_at": 1, "not_before": None,
        "intake_due": None, "delivery": "open", "delivery_due": 1, "held_until": None, "delivery_attempts": 0,
        "shown_revision": -1, "undeliverable_reason": None,
    }  # fmt: skip
    order: dict[str, Any] = {
        "id": "t1.1", "task_id": "t1", "number": 1, "account": "telegram:1", "gateway": "apiyi", "model": "flux",
        "state": "waiting", "revision": 1, "due": 1, "ready": True, "count": 1, "credits": 1, "attempts": 1,
        "ticket": {"gateway": "apiyi", "id": "job-1@note", "model": ""}, "sources": [], "progress": None, "seed": 7,
        "results": [], "failure": None, "created_at": 1, "started_at": 1, "ended_at": None, "deadline": None,
    }  # fmt: skip
    await fill(empty_url, "0001", lambda into: put(into, {"task": [task], "orders": [order]}))
    assert await behind(empty_url) is None
    assert await rows(empty_url, "SELECT ticket_id, answer FROM orders") == [("job-1", "")]


async def test_a_database_with_rows_in_it_is_refused_and_left_alone(source: str) -> None:
    before = await everything(source)
    with pytest.raises(SettingsError, match=r"DATABASE_URL: there is something in it \(.*task.*\)"):
        await fill(source, await revision(source), lambda into: put(into, before))
    assert await everything(source) == before


async def test_what_fails_halfway_leaves_nothing(empty_url: str) -> None:
    found: Everything = {"verified_model": [{"model": "flux", "at": 1}]}

    def half(into: Filling) -> None:
        put(into, found)
        raise SettingsError("FILE", "is damaged")

    with pytest.raises(SettingsError, match="damaged"):
        await fill(empty_url, "0002", half)
    await fill(empty_url, "0002", lambda into: put(into, found))
    assert (await everything(empty_url))["verified_model"] == found["verified_model"]


async def test_an_older_backup_needs_a_database_without_tables(database_url: str) -> None:
    with pytest.raises(SettingsError, match="without any tables"):
        await fill(database_url, "0001", lambda _: None)
    assert await behind(database_url) is None


async def test_a_newer_backup_is_refused(empty_url: str) -> None:
    with pytest.raises(SettingsError, match="newer version"):
        await fill(empty_url, "9999", lambda _: None)


async def test_a_database_of_a_newer_version_is_not_read(database_url: str) -> None:
    await rows(database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match="newer version"):
        await everything(database_url)


async def test_a_database_that_is_behind_is_read_as_it_is(empty_url: str) -> None:
    database = await Database.open(parsed(empty_url))

    def first(connection: Connection) -> None:
        migrate(connection, lambda config: command.upgrade(config, "0001"))

    await database.write(first)
    await database.close()
    assert (await revision(empty_url), set(await everything(empty_url))) == (
        "0001",
        {"task", "orders", "ledger", "message"},
    )


async def test_where_there_is_no_database_none_is_made(tmp_path: Any) -> None:
    with pytest.raises(SettingsError, match="there is no database"):
        await everything(f"sqlite+aiosqlite:///{tmp_path / 'none.db'}")
    assert list(tmp_path.iterdir()) == []
