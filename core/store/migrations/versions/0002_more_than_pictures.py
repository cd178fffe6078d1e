"""Results that are words, next steps, gateways that rest, models that have proved themselves, secrets of our own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

JSON_VALUE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    for name in ("texts", "offers", "passed"):
        op.add_column("orders", sa.Column(name, JSON_VALUE, nullable=False, server_default=sa.text("'[]'")))
    op.add_column("orders", sa.Column("answer", sa.String(), nullable=False, server_default=""))
    op.add_column("orders", sa.Column("ticket_id", sa.String(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        ticket_id = "split_part(ticket ->> 'id', '@', 1)"
    else:
        ticket_id = "substr(json_extract(ticket, '$.id'), 1, instr(json_extract(ticket, '$.id') || '@', '@') - 1)"
    op.execute(sa.text(f"UPDATE orders SET ticket_id = {ticket_id} WHERE ticket IS NOT NULL"))
    op.create_index(
        op.f("ix_orders_ticket_id"),
        "orders",
        ["ticket_id"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "gateway_rest",
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", name=op.f("pk_gateway_rest")),
    )
    op.create_table(
        "verified_model",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model", name=op.f("pk_verified_model")),
    )
    op.create_table(
        "secret",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secret")),
    )
