"""A deadline is the mark of a call that has left: those that are out get one."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("UPDATE orders SET deadline = due WHERE state = 'starting' AND deadline IS NULL")
