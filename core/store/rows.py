"""Rows ⇄ vocabulary. Nothing outside this folder sees a row."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row

from core.types import (
    Address,
    DeliveryState,
    Failure,
    FrontFile,
    MediaRef,
    NewTask,
    Offer,
    Order,
    OrderState,
    PostedMessage,
    Request,
    Task,
    Ticket,
    Who,
)

REQUEST: TypeAdapter[Request] = TypeAdapter(Request)
MEDIA: TypeAdapter[tuple[MediaRef, ...]] = TypeAdapter(tuple[MediaRef, ...])
TICKET: TypeAdapter[Ticket | None] = TypeAdapter(Ticket | None)
OFFERS: TypeAdapter[tuple[Offer, ...]] = TypeAdapter(tuple[Offer, ...])
FAILURE: TypeAdapter[Failure | None] = TypeAdapter(Failure | None)

#: What an order is born with; :func:`order_values` leaves it out.
BORN_WITH = frozenset({"id", "task_id", "account", "count", "credits"})


def new_rows(new: NewTask, now: datetime) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A fresh task and its orders, waiting for their inputs where there are any to fetch: the values of their rows."""
    inputs = (*new.request.images, new.request.mask)
    waits = new.not_before is not None or any(isinstance(each, FrontFile) for each in inputs)
    task = {
        "id": new.id,
        "event": new.event,
        "account": new.who.account,
        "chat": new.who.chat,
        "locale": new.who.locale,
        "name": new.who.name,
        "front": new.address.front,
        "address": new.address.data,
        "request": request_value(new.request),
        "gateway": new.gateway,
        "dropped": list(new.dropped),
        "parent": new.parent,
        "created_at": now,
        "revision": 0,
        "changed_at": now,
        "not_before": new.not_before,
        "intake_due": (new.not_before or now) if waits else None,
        "delivery": DeliveryState.OPEN,
        "delivery_due": now,
        "held_until": None,
        "delivery_attempts": 0,
        "shown_revision": -1,
    }
    orders: list[dict[str, Any]] = [
        {
            "id": f"{new.id}.{number}",
            "task_id": new.id,
            "number": number,
            "account": new.who.account,
            "gateway": new.gateway,
            "model": new.request.model or "",
            "state": OrderState.QUEUED,
            "revision": 0,
            "due": now,
            "ready": not waits,
            "count": order.count,
            "credits": order.credits,
            "attempts": 0,
            "seed": order.seed,
            "sources": [],
            "results": [],
            "texts": [],
            "offers": [],
            "passed": [],
            "answer": "",
            "created_at": now,
        }
        for number, order in enumerate(new.orders, start=1)
    ]
    return task, orders


def task_of(row: Row[Any]) -> Task:
    return Task(
        id=row.id,
        who=Who(account=row.account, chat=row.chat, locale=row.locale, name=row.name),
        address=Address(row.front, row.address),
        request=request_of(row),
        gateway=row.gateway,
        created_at=row.created_at,
        revision=row.revision,
        delivery=row.delivery,
        dropped=tuple(row.dropped),
        parent=row.parent,
        attempt=row.delivery_attempts,
    )


def tasks_of(rows: Iterable[Row[Any]]) -> list[Task]:
    return [task_of(row) for row in rows]


def request_of(row: Row[Any]) -> Request:
    return REQUEST.validate_python(row.request)


def request_value(request: Request) -> dict[str, Any]:
    value: dict[str, Any] = REQUEST.dump_python(request)
    return value


def order_of(row: Row[Any]) -> Order:
    return Order(
        id=row.id,
        task_id=row.task_id,
        account=row.account,
        gateway=row.gateway,
        model=row.model,
        state=row.state,
        revision=row.revision,
        due=row.due,
        count=row._mapping["count"],  # a tuple has a method of this name
        credits=row.credits,
        attempts=row.attempts,
        ticket=TICKET.validate_python(row.ticket),
        sources=tuple(row.sources),
        progress=row.progress,
        seed=row.seed,
        results=MEDIA.validate_python(row.results),
        texts=tuple(row.texts),
        offers=OFFERS.validate_python(row.offers),
        passed=tuple(row.passed),
        answer=row.answer,
        failure=FAILURE.validate_python(row.failure),
        started_at=row.started_at,
        ended_at=row.ended_at,
        deadline=row.deadline,
    )


def orders_of(rows: Iterable[Row[Any]]) -> list[Order]:
    return [order_of(row) for row in rows]


#: What a move may change.
MOVED = (*(place.name for place in fields(Order) if place.name not in BORN_WITH), "ticket_id")


def order_values(order: Order) -> dict[str, Any]:
    """The columns of an order that its moves may change."""
    values: dict[str, Any] = {name: getattr(order, name, None) for name in MOVED}
    values["ticket"] = TICKET.dump_python(order.ticket)
    # What a call-back names: the gateway's own id, before the notes of ours.
    values["ticket_id"] = None if order.ticket is None else order.ticket.id.partition("@")[0]
    values["sources"] = list(order.sources)
    values["results"] = MEDIA.dump_python(order.results)
    values["texts"] = list(order.texts)
    values["offers"] = OFFERS.dump_python(order.offers)
    values["passed"] = list(order.passed)
    values["failure"] = FAILURE.dump_python(order.failure)
    return values


def message_of(row: Row[Any]) -> PostedMessage:
    return PostedMessage(key=row.key, task_id=row.task_id, index=row._mapping["index"])
