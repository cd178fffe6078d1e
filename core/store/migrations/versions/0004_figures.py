"""The day's figures: what was asked for, and what has ended, from indexes alone."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index(op.f("ix_task_created_at_account"), "task", ["created_at", "account"], unique=False)
    op.create_index(
        op.f("ix_orders_ended_at_gateway_state_started_at"),
        "orders",
        ["ended_at", "gateway", "state", "started_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )
