"""aihubmix's asynchronous tasks: what a question about one is answered."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sandbox.gateways.base import Job
from sandbox.gateways.faults import Fault
from sandbox.gateways.records import Order
from sandbox.gateways.shapes import Json

NOT_FOUND: Json = {"status": "Task not found"}


@dataclass
class Task:
    """One submitted job. ``ready_at`` is by the stand-in's clock; ``fault`` is what goes wrong with it, if anything."""

    order: Order
    job: Job
    started_at: float
    ready_at: float
    fault: Fault | None
    upstream: str = field(default_factory=lambda: str(uuid.uuid4()))
    asked: int = 0  #: questions answered so far
    address: str | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def id(self) -> str:
        """With the region and dots, as the real ones have."""
        return f"api.us1.bfl.{self.upstream}"

    async def status(self, now: float, finish: Callable[["Task"], Awaitable[str]]) -> Json:
        """The answer at ``now``; ``finish`` draws the picture once and returns its address."""
        self.asked += 1
        match self.fault:
            case Fault.MODERATED_REQUEST:
                return {"status": "Request Moderated", "detail": {"Moderation Reasons": ["Derivative Works Filter"]}}
            case Fault.TASK_NOT_FOUND:
                return NOT_FOUND
            case Fault.UNKNOWN_STATUS:
                return {"status": "Contemplating"}
        if now < self.ready_at:
            share = (now - self.started_at) / (self.ready_at - self.started_at)
            return {"status": ("Pending", "Reasoning", "Generating")[min(2, int(share * 3))]}
        match self.fault:
            case Fault.MODERATED_CONTENT:
                return {"status": "Content Moderated", "detail": {"Moderation Reasons": ["Content"]}}
            case Fault.TASK_ERROR:
                return {"status": "Error", "detail": "Generation failed"}
            case Fault.EMPTY_DATA:
                return {"status": "Ready", "result": {}}
            case Fault.EMPTY_STRINGS:
                return {"status": "Ready", "result": {"sample": ""}}
        async with self.lock:
            if self.address is None:
                self.address = await finish(self)
        return {
            "status": "Ready",
            "result": {"sample": self.address, "seed": self.order.seed, "prompt": self.order.prompt},
        }
