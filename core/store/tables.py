"""The tables. They never leave this folder: :mod:`core.store.rows` turns them into the vocabulary and back."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, MetaData, UniqueConstraint, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from core.store.columns import Document, Moment, Plain, one_of
from core.types import DeliveryState, OrderState

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: A growing row number; SQLite only numbers by itself what it calls INTEGER.
RowNumber = BigInteger().with_variant(Integer, "sqlite")


class LineKind(StrEnum):
    """What a ledger line says about an order's credits."""

    HOLD = "hold"  #: taken at submit: minus the order's credits
    SETTLE = "settle"  #: handed over: 0, the hold has become a use
    RELEASE = "release"  #: given back: plus what was not used


def _while_set(column: str) -> Index:
    """An index of the rows whose ``column`` is not null."""
    return _while(f"{column} IS NOT NULL", column)


def _while(condition: str, *columns: str) -> Index:
    """An index of the rows for which ``condition`` holds."""
    return Index(None, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


class Table(SQLModel, registry=registry(metadata=METADATA)):
    """The root of ours, with metadata of its own."""


class TaskRow(Table, table=True):
    """A stored request and its outbox row in one."""

    __tablename__: ClassVar[Any] = "task"
    __table_args__ = (
        # Rows with nothing to do leave these two: they stay as small as the open work.
        _while_set("delivery_due"),
        _while_set("intake_due"),
        # Covering, as is the one of the orders that have ended: a day's figures never touch the tables.
        Index(None, "created_at", "account"),
        CheckConstraint("shown_revision <= revision", name="shown"),
        # What had its last word is never due again; what has still to say it always is at some time.
        CheckConstraint("delivery_due IS NULL OR delivery NOT IN ('delivered', 'undeliverable')", name="over"),
        CheckConstraint("delivery_due IS NOT NULL OR delivery NOT IN ('ready', 'handing')", name="due"),
    )

    id: str = Field(primary_key=True)
    event: str = Field(unique=True)
    account: str
    chat: str
    locale: str
    name: str = Field(sa_type=Plain)
    front: str  #: of the address, for the loops that serve some fronts only
    address: dict[str, Any] = Field(sa_type=Document)
    request: dict[str, Any] = Field(sa_type=Document)
    gateway: str
    dropped: list[str] = Field(sa_type=Document)
    parent: str | None = None
    created_at: datetime = Field(sa_type=Moment)
    revision: int = 0
    changed_at: datetime = Field(sa_type=Moment)  #: when the revision last grew

    not_before: datetime | None = Field(default=None, sa_type=Moment)
    intake_due: datetime | None = Field(default=None, sa_type=Moment)  #: None: the inputs are kept, or not needed

    delivery: DeliveryState = Field(default=DeliveryState.OPEN, sa_type=one_of(DeliveryState, "delivery"))
    delivery_due: datetime | None = Field(sa_type=Moment)
    held_until: datetime | None = Field(default=None, sa_type=Moment)  #: leased or put off: no change hastens it
    delivery_attempts: int = 0
    shown_revision: int = -1
    undeliverable_reason: str | None = Field(default=None, sa_type=Plain)


class OrderRow(Table, table=True):
    """One call to a gateway ("order" is SQL's word)."""

    __tablename__: ClassVar[Any] = "orders"
    __table_args__ = (
        UniqueConstraint("task_id", "number"),
        Index(None, "state", "due"),
        Index(None, "state", "gateway", "account"),
        Index(None, "account", "state"),
        _while("state = 'waiting'", "ticket_id"),
        _while("ended_at IS NOT NULL", "ended_at", "gateway", "state", "started_at"),
        CheckConstraint("count > 0", name="count"),
        CheckConstraint("credits >= 0", name="credits"),
    )

    id: str = Field(primary_key=True)
    task_id: str = Field(foreign_key="task.id")
    number: int  #: its place in the task
    account: str
    gateway: str
    model: str
    state: OrderState = Field(default=OrderState.QUEUED, sa_type=one_of(OrderState, "state"))
    revision: int = 0
    due: datetime = Field(sa_type=Moment)
    ready: bool  #: its inputs are kept: it may be claimed
    count: int
    credits: int
    attempts: int = 0
    ticket: dict[str, Any] | None = Field(default=None, sa_type=Document)
    ticket_id: str | None = Field(default=None, sa_type=Plain)  #: of the ticket, up to its "@": a call-back names it
    sources: list[str] = Field(sa_type=Document)
    progress: float | None = None
    seed: int | None = Field(default=None, sa_type=BigInteger)
    results: list[dict[str, Any]] = Field(sa_type=Document)
    texts: list[str] = Field(sa_type=Document)
    offers: list[dict[str, Any]] = Field(sa_type=Document)
    passed: list[str] = Field(sa_type=Document)
    answer: str = Field(default="", sa_type=Plain)
    failure: dict[str, Any] | None = Field(default=None, sa_type=Document)
    created_at: datetime = Field(sa_type=Moment)
    started_at: datetime | None = Field(default=None, sa_type=Moment)
    ended_at: datetime | None = Field(default=None, sa_type=Moment)
    deadline: datetime | None = Field(default=None, sa_type=Moment)


class LedgerRow(Table, table=True):
    """A line of the ledger: written once, never changed. An order's balance is the sum of its lines."""

    __tablename__: ClassVar[Any] = "ledger"
    __table_args__ = (
        UniqueConstraint("order_id", "kind"),
        # Covering: a window's sum never touches the table.
        Index(None, "account", "counted_at", "amount"),
        Index(None, "chat", "counted_at", "amount"),
        Index(None, "counted_at", "amount"),
        CheckConstraint(
            "(kind = 'hold' AND amount <= 0) OR (kind = 'settle' AND amount = 0) OR (kind = 'release' AND amount >= 0)",
            name="amount",
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=RowNumber)
    order_id: str = Field(foreign_key="orders.id")
    kind: LineKind = Field(sa_type=one_of(LineKind, "kind"))
    amount: int
    account: str
    chat: str
    counted_at: datetime = Field(sa_type=Moment)  #: the hold's time: a release gives back to the same window
    at: datetime = Field(sa_type=Moment)


class MessageRow(Table, table=True):
    """A message of ours in a chat and what it shows."""

    __tablename__: ClassVar[Any] = "message"
    __table_args__ = (UniqueConstraint("front", "key"), Index(None, "task_id"))

    id: int | None = Field(default=None, primary_key=True, sa_type=RowNumber)
    front: str
    key: str
    task_id: str = Field(foreign_key="task.id")
    index: int | None = None


#: The same as plain tables: statements on these cost a third of those on classes.
TASK, ORDERS, LEDGER, MESSAGE = (METADATA.tables[name] for name in ("task", "orders", "ledger", "message"))


class RestRow(Table, table=True):
    """A gateway that is left alone for a while."""

    __tablename__: ClassVar[Any] = "gateway_rest"

    gateway: str = Field(primary_key=True)
    until: datetime = Field(sa_type=Moment)
    why: str
    times: int


class VerifiedRow(Table, table=True):
    """A model that has succeeded at least once."""

    __tablename__: ClassVar[Any] = "verified_model"

    model: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Moment)


class SecretRow(Table, table=True):
    """A secret of this database's own; every process that works on it shares it."""

    __tablename__: ClassVar[Any] = "secret"

    name: str = Field(primary_key=True)
    value: str
