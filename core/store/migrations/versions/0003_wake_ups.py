"""PgQueuer's tables, on PostgreSQL alone: SQLite has one process, which needs nobody to wake it up."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    # Not needed, and not quick to import, on SQLite.
    from core.pgqueue import schema

    for statements in schema():
        op.get_bind().exec_driver_sql(statements)
