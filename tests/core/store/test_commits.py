"""Who waits for SQLite's writer together is committed together, and fails alone."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, event, text

from core.errors import StoreDown
from core.store.database import Database, parsed
from tests.core.store.making import rows


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    opened = Database(parsed(sqlite_url))
    await rows(opened, "CREATE TABLE note (text VARCHAR UNIQUE)")
    yield opened
    await opened.close()


def note(connection: Connection, words: str) -> str:
    connection.execute(text("INSERT INTO note VALUES (:words)"), {"words": words})
    return words


async def noted(database: Database) -> set[str]:
    return {row[0] for row in await rows(database, "SELECT text FROM note")}


async def test_a_hundred_at_once_are_a_few_commits_and_each_gets_its_own_answer(database: Database) -> None:
    commits: list[object] = []
    event.listen(database._writer, "commit", commits.append)
    words = [f"note {number}" for number in range(100)]
    assert await asyncio.gather(*(database.write(note, each) for each in words)) == words
    assert len(commits) <= 10
    assert await noted(database) == set(words)


async def test_the_failure_of_one_is_its_own(database: Database) -> None:
    def fail(connection: Connection) -> None:
        note(connection, "never")
        raise LookupError("mine")

    several = [database.write(note, "first"), database.write(fail), database.write(note, "last")]
    answers = await asyncio.gather(*several, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["first", "mine", "last"]
    assert await noted(database) == {"first", "last"}


async def test_what_is_too_large_for_the_disk_holds_nobody_else_up(database: Database) -> None:
    """The bound is SQLite's own: its error is that of a full disk."""
    (pages,) = (await rows(database, "PRAGMA page_count"))[0]
    await rows(database, f"PRAGMA max_page_count={pages + 4}")
    several = [database.write(note, "small"), database.write(note, "x" * 100_000), database.write(note, "tiny")]
    small, large, tiny = await asyncio.gather(*several, return_exceptions=True)
    assert (small, tiny) == ("small", "tiny")
    assert isinstance(large, StoreDown)
    assert await noted(database) == {"small", "tiny"}
