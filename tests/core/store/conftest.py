"""A fresh store on each kind of database."""

from collections.abc import AsyncIterator

import pytest

from core.store import SqlStore, open_store
from core.testing import ManualClock
from tests.databases import (  # noqa: F401  # fixtures are found by name
    database_url,
    empty_url,
    postgres_server,
    postgres_url,
    sqlite_template,
    sqlite_url,
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:  # noqa: F811
    opened = await open_store(database_url)
    yield opened
    await opened.close()
