"""All rows of a database in values that any kind of database takes: what a backup reads and a restore writes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from alembic import command
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Connection, MetaData, Table, func, insert, inspect, literal, select, text

from core.errors import SettingsError
from core.store.database import Database, parsed
from core.store.schema import FIX, MIGRATIONS, UPGRADE_LOCK, _knows, _run, behind
from core.store.tables import METADATA

T = TypeVar("T")
#: A row by its columns' names: numbers, texts, truth values, JSON values and None.
Values = Mapping[str, Any]
#: Rows read or written at once.
BATCH = 500


class Snapshot:
    """All rows as they were at one moment, whatever goes on meanwhile. To be used in its transaction's thread only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.revision = MigrationContext.configure(connection).get_current_revision() or ""  #: of the schema
        self._tables = _tables(connection)

    @property
    def tables(self) -> list[str]:
        """Each after those that it refers to."""
        return list(self._tables)

    def rows(self, table: str) -> Iterator[Sequence[Values]]:
        """Some at a time, in the order of their keys: a ledger's hold comes before what became of it."""
        of = self._tables[table]
        query = select(of).order_by(*of.primary_key.columns).execution_options(yield_per=BATCH)
        for some in self._connection.execute(query).mappings().partitions():
            yield [dict(row) for row in some]


async def snapshot(url: str, work: Callable[[Snapshot], T]) -> T:
    """What ``work`` makes of the rows of a database that others may be working on: it holds nobody up.

    Raises SettingsError where there is no database, or one of another version, StoreDown.
    """
    why = await behind(url)
    if why is not None and "there is no database" in why:
        raise SettingsError("DATABASE_URL", why)
    database = await Database.open(parsed(url))
    try:
        return await database.read(lambda connection: work(_known(connection)))
    finally:
        await database.close()


class Filling:
    """An empty database that takes rows. To be used in its transaction's thread only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tables = _tables(connection)

    def add(self, table: str, rows: Sequence[Values]) -> None:
        """Raises KeyError for a table that this version of the schema does not have."""
        self._connection.execute(insert(self._tables[table]), list(rows))


async def fill(url: str, revision: str, work: Callable[[Filling], None]) -> None:
    """Let ``work`` put rows of this schema's revision into an empty database (made when it is an SQLite file), and
    bring them up to date: all of it or nothing.

    Raises SettingsError for a database with rows in it or a revision that cannot be had, StoreDown.
    """
    database = await Database.open(parsed(url))
    try:
        await database.write(_fill, revision, work)
    finally:
        await database.close()


async def rows_in(url: str) -> str:
    """Empty when :func:`fill` finds no rows in its way, else where they are. Raises SettingsError, StoreDown."""
    database = await Database.open(parsed(url))
    try:
        return await database.read(_rows_in)
    finally:
        await database.close()


def _known(connection: Connection) -> Snapshot:
    if connection.dialect.name == "postgresql":
        # Before anything is read, so that all is read as of one moment; on SQLite it is anyway.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    found = Snapshot(connection)
    if not found.revision or not _knows(ScriptDirectory(str(MIGRATIONS)), found.revision):
        why = f"the database is of a newer version ({found.revision}): update the program"
        raise SettingsError("DATABASE_URL", why if found.revision else f"the database is empty: {FIX}")
    return found


def _fill(connection: Connection, revision: str, work: Callable[[Filling], None]) -> None:
    if not _knows(ScriptDirectory(str(MIGRATIONS)), revision):
        raise SettingsError("the backup", f"is of a newer version ({revision}): update the program")
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
    taken = _rows_in(connection)
    if taken:
        raise SettingsError("DATABASE_URL", f"there is something in it ({taken}); name an empty database")
    _run(connection, lambda config: command.upgrade(config, revision))
    found = MigrationContext.configure(connection).get_current_revision()
    if found != revision:
        why = f"the backup is of an older version ({revision}) than its tables ({found})"
        raise SettingsError("DATABASE_URL", f"{why}; name a database without any tables")
    filling = Filling(connection)
    # What they check was checked when the rows were written first: an order begins queued, and so on.
    back_on = triggers_off(connection, list(_tables(connection)))
    work(filling)
    for statement in back_on:
        connection.exec_driver_sql(statement)
    _count_on(connection)
    _run(connection, lambda config: command.upgrade(config, "head"))


def _tables(connection: Connection) -> dict[str, Table]:
    """Ours, as they are in this database: its schema may be an older one."""
    there = set(inspect(connection).get_table_names()) & set(METADATA.tables)
    found = MetaData()
    found.reflect(connection, only=sorted(there))
    for table in found.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, JSON):
                column.type.none_as_null = True  # as in core.store.columns.Document
    return {table.name: table for table in found.sorted_tables}


def _rows_in(connection: Connection) -> str:
    taken = [
        name
        for name, table in _tables(connection).items()
        if connection.scalar(select(literal(1)).select_from(table).limit(1))
    ]
    return ", ".join(taken)


def triggers_off(connection: Connection, tables: Sequence[str]) -> list[str]:
    """Within a transaction that does what they refuse. Returns the statements that switch them on again."""
    if connection.dialect.name == "postgresql":
        alter = [f'ALTER TABLE "{name}"' for name in tables]
        for statement in alter:
            connection.exec_driver_sql(f"{statement} DISABLE TRIGGER USER")
        return [f"{statement} ENABLE TRIGGER USER" for statement in alter]
    query = text("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
    triggers = [row for row in connection.execute(query) if row.tbl_name in tables]
    for row in triggers:
        connection.exec_driver_sql(f'DROP TRIGGER "{row.name}"')
    return [row.sql for row in triggers]


def _count_on(connection: Connection) -> None:
    """PostgreSQL's row numbers go on after those that were put in; SQLite's do by themselves."""
    if connection.dialect.name != "postgresql":
        return
    for name, table in _tables(connection).items():
        for column in table.primary_key.columns:
            sequence = connection.scalar(select(func.pg_get_serial_sequence(f'"{name}"', column.name)))
            highest = connection.scalar(select(func.max(column)))
            if sequence is not None and highest is not None:
                connection.execute(select(func.setval(sequence, highest)))
