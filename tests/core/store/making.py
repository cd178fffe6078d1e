"""Tasks and moves for the store's tests, and a look behind its door."""

import itertools
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from core.orders import after, cancelled, refused
from core.quota import Limits
from core.store import SqlStore
from core.store.database import Database, parsed
from core.types import (
    Address,
    Failure,
    FrontFile,
    Input,
    Kept,
    MediaRef,
    NewOrder,
    NewTask,
    Operation,
    Order,
    Pending,
    Receipt,
    Request,
    Task,
    Ticket,
    Who,
)

#: Nothing stands in the way of a test that is about something else.
FREE = Limits(user_day=0, user_month=0, unfinished=0)
EVERYWHERE = {"apiyi": 1000, "aihubmix": 1000}
_numbers = itertools.count(1)


def picture(letter: str = "a") -> MediaRef:
    return MediaRef(key=letter * 64, mime="image/png", size=1000, width=64, height=48)


def in_chat(name: str = "p1") -> FrontFile:
    return FrontFile("telegram", {"file_id": name})


def new_task(
    person: str = "ana",
    *,
    credits: int = 1,
    calls: int = 1,
    count: int = 1,
    event: str | None = None,
    gateway: str = "apiyi",
    chat: str = "telegram:-100",
    images: tuple[Input, ...] = (),
    not_before: datetime | None = None,
    front: str = "telegram",
    prompt: str = "a fox",
) -> NewTask:
    number = next(_numbers)
    return NewTask(
        id=f"t{number:06d}",
        event=event or f"telegram:update:{number}",
        who=Who(account=f"telegram:{person}", chat=chat, locale="en", name=person),
        address=Address(front, {"chat": -100, "message": number}),
        request=Request(
            Operation.EDIT if images else Operation.IMAGINE, prompt, model="flux", count=calls * count, images=images
        ),
        gateway=gateway,
        orders=tuple(NewOrder(count=count, credits=credits, seed=7) for _ in range(calls)),
        not_before=not_before,
    )


async def submit(store: SqlStore, now: datetime, person: str = "ana", **how: Any) -> Task:
    return await store.submit(new_task(person, **how), FREE, now)


async def claim_one(store: SqlStore, now: datetime) -> Order:
    (order,) = await store.claim(now, room=EVERYWHERE, running=1000, limit=1)
    return order


async def wait_at_gateway(store: SqlStore, order: Order, now: datetime, ask_in: float = 5.0) -> Order:
    waiting = after(order, Pending(Ticket("apiyi", f"job-{order.id}", "flux"), ask_in, 0.25), now)
    assert await store.apply(order, waiting, now)
    return waiting


async def finish(store: SqlStore, order: Order, now: datetime, pictures: int | None = None) -> Task:
    made = tuple(picture(letter) for letter in "abcdefghij"[: order.count if pictures is None else pictures])
    assert await store.apply(order, after(order, Kept(made), now), now)
    return await store.task(order.task_id)


async def cancel(store: SqlStore, order: Order, now: datetime) -> bool:
    return await store.apply(order, cancelled(order, now), now)


async def refuse(store: SqlStore, order: Order, now: datetime) -> bool:
    return await store.apply(order, refused(order, Failure("error.image_gone"), now), now)


async def hand_over(store: SqlStore, task: Task, now: datetime, receipt: Receipt | None = None) -> None:
    await store.delivered(task.id, replace(task.address), receipt or Receipt(), now)


async def next_due(store: SqlStore, now: datetime) -> datetime | None:
    return (await store.stats(now, "UTC")).next_due


async def finished_task(store: SqlStore, now: datetime, person: str = "ana", **how: Any) -> Task:
    """Made, and ready to be handed over."""
    task = await submit(store, now, person, **how)
    for order in await store.claim(now, room=EVERYWHERE, running=1000):
        task = await finish(store, order, now)
    return task


async def rows(where: str | Database, statement: str) -> list[tuple[Any, ...]]:
    """What a statement answers, past the store's door. Commits."""
    database = Database(parsed(where)) if isinstance(where, str) else where

    def answer(connection: Connection) -> list[tuple[Any, ...]]:
        found = connection.execute(text(statement))
        return [tuple(row) for row in found] if found.returns_rows else []

    try:
        return await database.write(answer)
    finally:
        if isinstance(where, str):
            await database.close()
