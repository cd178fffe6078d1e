"""The database, read from outside with plain SQL: what the bots say of themselves is not asked."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

OVER = ("delivered", "undeliverable")


@dataclass(frozen=True)
class TaskLine:
    id: str
    event: str
    front: str
    delivery: str
    request: Mapping[str, Any]


@dataclass(frozen=True)
class OrderLine:
    id: str
    task_id: str
    gateway: str
    model: str
    state: str
    count: int
    credits: int
    attempts: int
    results: Sequence[Mapping[str, Any]]
    failure: Mapping[str, Any] | None


@dataclass(frozen=True)
class LedgerLine:
    order_id: str
    kind: str
    amount: int


class Rows:
    """One connection that stays, beside the bots'."""

    def __init__(self, url: str) -> None:
        address = make_url(url)
        if address.get_backend_name() == "sqlite":
            address = address.set(drivername="sqlite")
        self._engine = create_engine(address, pool_size=1, max_overflow=1)

    async def close(self) -> None:
        await asyncio.to_thread(self._engine.dispose)

    async def states(self) -> dict[str, tuple[str, str]]:
        """Task id and delivery state by event. Nothing while there is no database."""
        found = await self._patiently("SELECT event, id, delivery FROM task")
        return {row[0]: (row[1], row[2]) for row in found}

    async def open_now(self) -> tuple[frozenset[str], frozenset[str]]:
        """Orders whose call may be out, and tasks that have not had their last word."""
        starting = await self._patiently("SELECT id FROM orders WHERE state = 'starting'")
        unsaid = await self._patiently("SELECT id FROM task WHERE delivery NOT IN ('delivered', 'undeliverable')")
        return frozenset(row[0] for row in starting), frozenset(row[0] for row in unsaid)

    async def tasks(self) -> list[TaskLine]:
        found = await self._all("SELECT id, event, front, delivery, request FROM task")
        return [TaskLine(*(*row[:4], _loaded(row[4]))) for row in found]

    async def orders(self) -> list[OrderLine]:
        found = await self._all(
            "SELECT id, task_id, gateway, model, state, count, credits, attempts, results, failure FROM orders"
        )
        return [OrderLine(*(*row[:8], *map(_loaded, row[8:]))) for row in found]

    async def ledger(self) -> list[LedgerLine]:
        return [LedgerLine(*row) for row in await self._all("SELECT order_id, kind, amount FROM ledger")]

    async def _patiently(self, statement: str) -> Sequence[Any]:
        """Nothing where it cannot be asked just now: there is no table yet, or a life has just ended in its middle."""
        try:
            return await self._all(statement)
        except SQLAlchemyError:
            return []

    async def _all(self, statement: str) -> Sequence[Any]:
        return await asyncio.to_thread(self._read, statement)

    def _read(self, statement: str) -> Sequence[Any]:
        with self._engine.connect() as connection:
            return connection.execute(text(statement)).all()


def _loaded(value: Any) -> Any:
    """JSON is text on SQLite, and read already on PostgreSQL."""
    return json.loads(value) if isinstance(value, str) else value
