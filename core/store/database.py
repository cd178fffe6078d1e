"""Engines and transactions: the only place that knows which database it is."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from core.errors import SettingsError, StoreDown
from core.store.commits import Commits
from core.store.doorway import translated

if TYPE_CHECKING:
    from psycopg import AsyncConnection as PsycopgConnection

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds SQLite waits for another process's write, and PostgreSQL's driver for a connection to be made.
BUSY_TIMEOUT = 10
#: Seconds to wait for one that a cancelled caller has still to give back; all others wait in line before.
POOL_TIMEOUT = 30
#: Milliseconds PostgreSQL gives one statement: far above any of ours, so that a stuck one ends.
STATEMENT_TIMEOUT_MS = 30_000
#: Connections: SQLite reads beside its one writer, PostgreSQL for everything.
SQLITE_READERS = 3
POSTGRES_CONNECTIONS = 10
#: How PostgreSQL's driver connects: see libpq's "Parameter Key Words".
#: A connection notices within about 25 seconds that there is nobody on the other side any more, whether it listens
#: (keepalives) or waits for an answer (the timeout, in milliseconds).
CONNECT = {
    "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
    "connect_timeout": BUSY_TIMEOUT,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}

DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def parsed(url: str) -> URL:
    """Raises SettingsError for what is no address of a database we know."""
    try:
        given = make_url(url)
    except (ArgumentError, ValueError):
        raise SettingsError("DATABASE_URL", "use sqlite+aiosqlite:///path or postgresql+psycopg://…") from None
    if given.drivername not in DRIVERS:
        raise SettingsError("DATABASE_URL", "only sqlite+aiosqlite:///… and postgresql+psycopg://… are known")
    return given.set(drivername=DRIVERS[given.drivername])


def in_memory(url: URL) -> bool:
    return is_sqlite(url) and url.database in (None, "", ":memory:")


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


class Database:
    """``write()`` and ``read()``: each one transaction, worked on in a thread of its own. Raises StoreDown.

    A transaction is some dozens of short calls to the driver. Made one by one from the event loop (through a thread
    each, or through a greenlet) they cost more than the work itself; here the loop waits for the whole.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        if is_sqlite(url):
            self._writer = _sqlite_engine(url, "BEGIN IMMEDIATE", connections=1)
            # One writer at a time: those of this process stand in line here, however long it is, not in SQLite's
            # busy loop, which is unfair and gives up.
            self._write_threads = _threads("writer", 1)
            self._commits = Commits(self._writer)
            self._reader, self._read_threads = self._writer, self._write_threads
            if not in_memory(url):
                self._reader = _sqlite_engine(url, "BEGIN", connections=SQLITE_READERS, query=True)
                self._read_threads = _threads("reader", SQLITE_READERS)
        else:
            self._writer = self._reader = _postgres_engine(url)
            self._write_threads = self._read_threads = _threads("database", POSTGRES_CONNECTIONS)

    @classmethod
    async def open(cls, url: URL) -> Self:
        """For an SQLite file, its folder is made and the file is tried first."""
        if is_sqlite(url) and not in_memory(url):
            await asyncio.to_thread(_try_file, Path(url.database or ""))
        return cls(url)

    @property
    def is_postgres(self) -> bool:
        return not is_sqlite(self.url)

    async def write(self, work: Callable[Concatenate[Connection, P], T], *values: P.args, **named: P.kwargs) -> T:
        """What ``work`` makes of a connection (it must not keep it) and the given values; committed, or rolled back on
        any exception. Once begun it is finished, even if the caller is cancelled meanwhile: cut off in the middle it
        would keep its locks."""
        if self.is_postgres:
            return await _whole(self._write_threads, lambda: _transaction(self._writer, work, *values, **named))
        mine = self._commits.add(lambda connection: work(connection, *values, **named))
        # Several may be done by the time this one's turn comes: it then finds nothing to do.
        _submitted(self._write_threads, self._commits.work)
        return await _waited(asyncio.wrap_future(mine))

    async def read(self, work: Callable[Concatenate[Connection, P], T], *values: P.args, **named: P.kwargs) -> T:
        """The same for a consistent look (on SQLite of one moment, on PostgreSQL of one per statement)."""
        return await _whole(self._read_threads, lambda: _transaction(self._reader, work, *values, **named))

    async def check(self) -> str:
        """Empty when the database answers, else why not."""
        try:
            await self.read(_answer)
        except StoreDown as error:
            return str(error)
        # A full disk and a locked file are still read: only who wants to write learns of them.
        return "" if self.is_postgres else self._commits.trouble

    async def connect(self) -> "PsycopgConnection":
        """A connection beside the pool, in autocommit, for what has to listen. The caller closes it. PostgreSQL only.
        Raises psycopg.Error."""
        from psycopg import AsyncConnection

        address = self.url.get_dialect()().create_connect_args(self.url)[1]
        return await AsyncConnection.connect(autocommit=True, **{**address, **CONNECT})

    async def close(self) -> None:
        """What has begun is finished first."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        for threads, engine in ((self._read_threads, self._reader), (self._write_threads, self._writer)):
            threads.shutdown()
            engine.dispose()


def _threads(name: str, count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix=name)


async def _whole(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await _waited(asyncio.wrap_future(_submitted(threads, work)))


def _submitted(threads: ThreadPoolExecutor, work: Callable[[], T]) -> Future[T]:
    try:
        return threads.submit(work)
    except RuntimeError as error:
        raise StoreDown("the database is closed") from error


async def _waited(future: asyncio.Future[T]) -> T:
    """What comes of it, and not before it has come."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        # Not `await future`: its own failure belongs to nobody any more, the cancellation does.
        await asyncio.wait({future})
        if not future.cancelled():
            future.exception()
        raise


def _transaction(
    engine: Engine, work: Callable[Concatenate[Connection, P], T], *values: P.args, **named: P.kwargs
) -> T:
    with translated(), engine.begin() as connection:
        return work(connection, *values, **named)


def _answer(connection: Connection) -> None:
    connection.execute(select(1))


def _try_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sqlite3.connect(path).close()
    except (OSError, sqlite3.OperationalError) as error:
        raise StoreDown(f"{path}: {error}") from error


def _sqlite_engine(url: URL, begin: str, *, connections: int, query: bool = False) -> Engine:
    engine = create_engine(
        url.set(drivername="sqlite"),
        poolclass=QueuePool,
        connect_args={"check_same_thread": False},
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        # The driver's own BEGINs come too late (before the first write): ours below are the only ones.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT * 1000}")
        cursor.execute("PRAGMA journal_mode=WAL")
        # FULL: a credit that was held or settled is on the disk when the commit returns.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        if query:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgres_engine(url: URL) -> Engine:
    return create_engine(
        url,
        pool_size=POSTGRES_CONNECTIONS,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=CONNECT,
    )
