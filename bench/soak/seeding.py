"""Unfinished orders by the thousand: the first ones by the store's own methods, all others their copies."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from core.client import new_id
from core.gateways.midjourney_answers import ASK_IN
from core.orders import after
from core.quota import Limits
from core.store import SqlStore, open_store
from core.types import Address, NewOrder, NewTask, Operation, Pending, Request, Ticket, Who

GATEWAY, MODEL = "midjourney_proxy", "midjourney"
#: So long the seeded orders are waited for: none is overdue before the soak ends.
DEADLINE = timedelta(days=2)
FREE = Limits(user_day=0, user_month=0, unfinished=0)
#: The first person; each has one task in the hand of the gateway and one in the queue.
FIRST = 700_000_000

Row = dict[str, Any]


async def seed(
    path: Path, places: Mapping[str, Sequence[int]], tickets: Sequence[str], queued: int, now: datetime
) -> None:
    """A new database at ``path`` with an order WAITING for each of ``tickets``, and ``queued`` more behind them.

    ``places``: Telegram's chats, Discord's channels, and the guild they are in.
    """
    store = await open_store(f"sqlite+aiosqlite:///{path}")
    own = 2 * len(places["telegram"])
    try:
        for number in range(min(own, len(tickets))):
            await store.submit(_task(number, places), FREE, now)
        await _wait(store, tickets[:own], now)
        for number in range(min(own, queued)):
            await store.submit(_task(number, places), FREE, now)
    finally:
        await store.close()
    await asyncio.to_thread(_copy, path, own, tickets, queued)


async def _wait(store: SqlStore, tickets: Sequence[str], now: datetime) -> None:
    many = len(tickets)
    taken = await store.claim(now, room={GATEWAY: many}, running=many, limit=many) if many else []
    for order, ticket in zip(taken, tickets, strict=True):
        accepted = Pending(Ticket(GATEWAY, ticket, MODEL), ASK_IN, together=True)
        waiting = replace(after(order, accepted, now), deadline=now + DEADLINE)
        assert await store.apply(order, waiting, now) is not None


def _task(number: int, places: Mapping[str, Sequence[int]]) -> NewTask:
    front = ("telegram", "discord")[number % 2]
    chat, person = places[front][number // 2 % len(places[front])], FIRST + number
    if front == "telegram":
        address = {"chat": chat, "topic": None, "request": None, "status": None, "private": False}
    else:
        address = {"channel": chat, "guild": places["guild"][0], "user": person, "interaction": None}
        address |= {"request": None, "status": None, "ephemeral": False, "reachable": True, "limit": None}
    name = new_id()
    return NewTask(
        id=name,
        event=f"{front}:soak:{name}",
        who=Who(account=f"{front}:{person}", chat=f"{front}:{chat}", locale="en", name=f"person {person}"),
        address=Address(front, address),
        request=Request(Operation.IMAGINE, f"a fox in the snow, number {number}", model=MODEL, count=4),
        gateway=GATEWAY,
        orders=(NewOrder(count=4, credits=5),),
    )


def _copy(path: Path, own: int, tickets: Sequence[str], queued: int) -> None:
    """Copies of each kind, until there are enough of it."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.row_factory = sqlite3.Row
        orders = [dict(row) for row in database.execute("SELECT * FROM orders ORDER BY created_at, id")]
        waiting = [row for row in orders if row["state"] == "waiting"]
        queue = [row for row in orders if row["state"] == "queued"]
        for number, ticket in enumerate(tickets[own:], own):
            _insert(database, waiting[number % own], number, ticket)
        for number in range(own, queued):
            _insert(database, queue[number % own], number, None)
        # The database lets an order come to life as queued only, and go its way from there.
        for before, state in (("queued", "starting"), ("starting", "waiting")):
            database.execute("UPDATE orders SET state = ? WHERE ticket IS NOT NULL AND state = ?", (state, before))


def _insert(database: sqlite3.Connection, order: Row, number: int, ticket: str | None) -> None:
    name, front = new_id(), str(order["account"]).partition(":")[0]
    [task] = database.execute("SELECT * FROM task WHERE id = ?", (order["task_id"],))
    [line] = database.execute("SELECT * FROM ledger WHERE order_id = ?", (order["id"],))
    account = {"account": f"{front}:{FIRST + number}"}
    changed = {"id": f"{name}.1", "task_id": name, "state": "queued", **account}
    if ticket is not None:
        whole = json.loads(order["ticket"]) | {"id": ticket}
        changed |= {"ticket": json.dumps(whole), "ticket_id": ticket.partition("@")[0]}
    _add(database, "task", dict(task) | account | {"id": name, "event": f"{front}:soak:{name}"})
    _add(database, "orders", order | changed)
    _add(database, "ledger", dict(line) | account | {"id": None, "order_id": f"{name}.1"})


def _add(database: sqlite3.Connection, table: str, row: Row) -> None:
    columns = ", ".join(f'"{name}"' for name in row)
    places = ", ".join("?" * len(row))
    database.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", tuple(row.values()))
