"""The first tables, and the triggers that refuse what slips through."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

JSON_VALUE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# The moves as they are in this version; a test compares each cell with core.states.
MOVES = (
    "(OLD.state = 'queued' AND NEW.state IN ('starting', 'cancelled', 'failed'))"
    " OR (OLD.state = 'starting' AND NEW.state IN ('waiting', 'queued', 'finished', 'failed'))"
    " OR (OLD.state = 'waiting' AND NEW.state IN ('finished', 'failed'))"
)
# A release gives back at most what the hold took, and neither it nor a settle comes without a hold.
UNCOVERED = (
    "NEW.kind <> 'hold' AND NEW.amount >"
    " COALESCE((SELECT -amount FROM ledger WHERE order_id = NEW.order_id AND kind = 'hold'), -1)"
)


def sqlite_trigger(name: str, when: str, word: str, condition: str = "1") -> str:
    return f"CREATE TRIGGER {name} BEFORE {when} FOR EACH ROW WHEN {condition} BEGIN SELECT RAISE(ABORT, '{word}'); END"


def postgres_trigger(name: str, when: str, word: str, condition: str = "true") -> tuple[str, str]:
    # A WHEN clause may not look into tables, so the condition is in the function.
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN"
        f" RAISE EXCEPTION '{word}' USING ERRCODE = 'check_violation'; END IF;"
        " IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$",
        f"CREATE TRIGGER {name} BEFORE {when} FOR EACH ROW EXECUTE FUNCTION {name}()",
    )


RULES = (
    (
        "orders_move",
        "UPDATE OF state ON orders",
        "no such move of an order",
        f"OLD.state <> NEW.state AND NOT ({MOVES})",
    ),
    ("orders_begin", "INSERT ON orders", "an order begins queued", "NEW.state <> 'queued'"),
    ("ledger_covered", "INSERT ON ledger", "more than the hold", UNCOVERED),
)
TRIGGERS = {
    "sqlite": [
        *(sqlite_trigger(*rule) for rule in RULES),
        sqlite_trigger("ledger_no_update", "UPDATE ON ledger", "the ledger is append-only"),
        sqlite_trigger("ledger_no_delete", "DELETE ON ledger", "the ledger is append-only"),
    ],
    "postgresql": [
        *(statement for rule in RULES for statement in postgres_trigger(*rule)),
        *postgres_trigger("ledger_append_only", "UPDATE OR DELETE ON ledger", "the ledger is append-only"),
        "CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger"
        " FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()",
    ],
}


def upgrade() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("chat", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("front", sa.String(), nullable=False),
        sa.Column("address", JSON_VALUE, nullable=False),
        sa.Column("request", JSON_VALUE, nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("dropped", JSON_VALUE, nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=True),
        sa.Column("intake_due", sa.BigInteger(), nullable=True),
        sa.Column(
            "delivery",
            sa.Enum(
                "open",
                "ready",
                "handing",
                "delivered",
                "undeliverable",
                name="delivery",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("delivery_due", sa.BigInteger(), nullable=True),
        sa.Column("held_until", sa.BigInteger(), nullable=True),
        sa.Column("delivery_attempts", sa.Integer(), nullable=False),
        sa.Column("shown_revision", sa.Integer(), nullable=False),
        sa.Column("undeliverable_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "delivery_due IS NULL OR delivery NOT IN ('delivered', 'undeliverable')", name=op.f("ck_task_over")
        ),
        sa.CheckConstraint(
            "delivery_due IS NOT NULL OR delivery NOT IN ('ready', 'handing')", name=op.f("ck_task_due")
        ),
        sa.CheckConstraint("shown_revision <= revision", name=op.f("ck_task_shown")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("event", name=op.f("uq_task_event")),
    )
    op.create_index(
        op.f("ix_task_delivery_due"),
        "task",
        ["delivery_due"],
        unique=False,
        sqlite_where=sa.text("delivery_due IS NOT NULL"),
        postgresql_where=sa.text("delivery_due IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_task_intake_due"),
        "task",
        ["intake_due"],
        unique=False,
        sqlite_where=sa.text("intake_due IS NOT NULL"),
        postgresql_where=sa.text("intake_due IS NOT NULL"),
    )

    op.create_table(
        "message",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("front", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_message_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("front", "key", name=op.f("uq_message_front_key")),
    )
    op.create_index(op.f("ix_message_task_id"), "message", ["task_id"], unique=False)

    op.create_table(
        "orders",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "starting",
                "waiting",
                "finished",
                "failed",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("credits", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("ticket", JSON_VALUE, nullable=True),
        sa.Column("sources", JSON_VALUE, nullable=False),
        sa.Column("progress", sa.Float(), nullable=True),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("results", JSON_VALUE, nullable=False),
        sa.Column("failure", JSON_VALUE, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("deadline", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("count > 0", name=op.f("ck_orders_count")),
        sa.CheckConstraint("credits >= 0", name=op.f("ck_orders_credits")),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_orders_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("task_id", "number", name=op.f("uq_orders_task_id_number")),
    )
    op.create_index(op.f("ix_orders_account_state"), "orders", ["account", "state"], unique=False)
    op.create_index(op.f("ix_orders_state_due"), "orders", ["state", "due"], unique=False)
    op.create_index(op.f("ix_orders_state_gateway_account"), "orders", ["state", "gateway", "account"], unique=False)

    op.create_table(
        "ledger",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("hold", "settle", "release", name="kind", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("chat", sa.String(), nullable=False),
        sa.Column("counted_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'hold' AND amount <= 0) OR (kind = 'settle' AND amount = 0) OR (kind = 'release' AND amount >= 0)",
            name=op.f("ck_ledger_amount"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_ledger_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
        sa.UniqueConstraint("order_id", "kind", name=op.f("uq_ledger_order_id_kind")),
    )
    op.create_index(
        op.f("ix_ledger_account_counted_at_amount"), "ledger", ["account", "counted_at", "amount"], unique=False
    )
    op.create_index(op.f("ix_ledger_chat_counted_at_amount"), "ledger", ["chat", "counted_at", "amount"], unique=False)
    op.create_index(op.f("ix_ledger_counted_at_amount"), "ledger", ["counted_at", "amount"], unique=False)

    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(sa.text(statement))
