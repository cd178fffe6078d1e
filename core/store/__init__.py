"""The one truth: tasks, orders, ledger, outbox and messages, on SQLite or PostgreSQL."""

from core.errors import SettingsError
from core.store.database import Database, parsed
from core.store.schema import behind, behind_open, upgrade, upgrade_open
from core.store.sql import SqlStore

__all__ = ["SqlStore", "behind", "open_store", "upgrade"]


async def open_store(url: str) -> SqlStore:
    """The store at ``url``: ``sqlite+aiosqlite:///path`` (made and brought up to date here) or
    ``postgresql+psycopg://…`` (which an operator upgrades). Raises SettingsError, StoreDown."""
    database = await Database.open(parsed(url))
    try:
        if database.is_postgres:
            why = await behind_open(database)
            if why is not None:
                raise SettingsError("DATABASE_URL", why)
        else:
            await upgrade_open(database)
    except BaseException:
        await database.close()
        raise
    return SqlStore(database)
