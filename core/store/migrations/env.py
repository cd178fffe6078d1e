"""What Alembic runs: on the connection the program gives it, or (for developers, see alembic.ini) on DATABASE_URL."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from core.settings import load
from core.store.database import Database, parsed
from core.store.tables import METADATA


def migrate(connection: Connection) -> None:
    """Run the asked-for migrations inside the connection's own transaction."""
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        # SQLite changes a column by copying its table.
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_settings() -> None:
    database = await Database.open(parsed(load().database_url))
    try:
        await database.write(migrate)
    finally:
        await database.close()


given: Connection | None = context.config.attributes.get("connection")
if given is None:
    asyncio.run(migrate_settings())
else:
    migrate(given)
