"""Values for tests, one line each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.capabilities import Capabilities
from core.gateway import Model
from core.types import Address, DeliveryState, MediaRef, Operation, Order, OrderState, Request, Task, Who

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BOTH = frozenset({Operation.IMAGINE, Operation.EDIT})


def a_model(name: str = "fox-1", *, credits: int = 1, gateway: str = "alpha", **can: Any) -> Model:
    usual: dict[str, Any] = {"operations": BOTH, "ratios": ("1:1", "16:9"), "seed_max": 2**31 - 1, "images_max": 2}
    able = Capabilities(**(usual | can))
    return Model(name=name, gateway=gateway, wire=f"wire-{name}", credits=credits, can=able)


def a_request(prompt: str = "a red fox", **changes: Any) -> Request:
    return replace(Request(Operation.IMAGINE, prompt, model="fox-1"), **changes)


def a_picture(letter: str = "a", size: int = 100) -> MediaRef:
    return MediaRef(key=letter * 64, mime="image/png", size=size, width=64, height=64)


def an_order(state: OrderState = OrderState.QUEUED, **changes: Any) -> Order:
    order = Order(
        id="t1.0",
        task_id="t1",
        account="telegram:1",
        gateway="alpha",
        model="fox-1",
        state=state,
        revision=3,
        due=NOW,
        count=1,
        credits=2,
    )
    return replace(order, **changes)


def a_task(**changes: Any) -> Task:
    task = Task(
        id="t1",
        who=Who("telegram:1", "telegram:-1"),
        address=Address("telegram", {"chat": -1}),
        request=a_request(),
        gateway="alpha",
        created_at=NOW - timedelta(seconds=30),
        revision=1,
        delivery=DeliveryState.OPEN,
    )
    return replace(task, **changes)
