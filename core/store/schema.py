"""The schema's versions: bring a database up to date, or say how it differs."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from core.errors import SettingsError
from core.store.database import Database, in_memory, is_sqlite, parsed

MIGRATIONS = Path(__file__).with_name("migrations")
#: Any number will do, as long as it stays: two upgrades at once take turns.
UPGRADE_LOCK = 7_265_001

FIX = "run `imagine db upgrade`"


async def upgrade(url: str) -> None:
    """Bring the database (made if it is an SQLite file) to this version's schema, whole or not at all.

    Raises SettingsError for a wrong address or a database of a newer version, StoreDown.
    """
    database = await Database.open(parsed(url))
    try:
        await upgrade_open(database)
    finally:
        await database.close()


async def upgrade_open(database: Database) -> None:
    """:func:`upgrade` for a database that is open already."""
    await database.write(_upgrade)


async def behind(url: str) -> str | None:
    """None when the schema is this version's, else one sentence. Creates nothing.

    Raises SettingsError for a wrong address, StoreDown.
    """
    where = parsed(url)
    if is_sqlite(where) and (in_memory(where) or not await asyncio.to_thread(Path(where.database or "").exists)):
        return f"there is no database yet: the first start makes it, or {FIX}"
    database = await Database.open(where)
    try:
        return await behind_open(database)
    finally:
        await database.close()


async def behind_open(database: Database) -> str | None:
    """:func:`behind` for a database that is open already."""
    return await database.read(_difference)


def _difference(connection: Connection) -> str | None:
    found = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory(str(MIGRATIONS))
    if found == scripts.get_current_head():
        return None
    if found is not None and not _knows(scripts, found):
        return f"the database is of a newer version ({found}): update the program"
    return f"the database is behind: {FIX}"


def _knows(scripts: ScriptDirectory, revision: str) -> bool:
    try:
        return scripts.get_revision(revision) is not None
    except CommandError:
        return False


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
    why = _difference(connection)
    if why is None:
        return
    if FIX not in why:
        raise SettingsError("DATABASE_URL", why)
    _run(connection, lambda config: command.upgrade(config, "head"))


def _run(connection: Connection, what: Callable[[Config], None]) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    what(config)
