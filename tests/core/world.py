"""The whole core with scripted ends: real SQLite, real media store, real loops; a scripted gateway and front."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from core.catalogue import Catalogue
from core.client import Client
from core.clock import utc_now
from core.delivery import Delivery
from core.engine import Embedded
from core.errors import GatewayError
from core.gateway import Gateway, Model
from core.intake import Intake
from core.media import open_media
from core.metrics import UNWATCHED, Meter
from core.ports import Clock, MediaStore
from core.quota import Limits
from core.store import SqlStore, open_store
from core.testing import ScriptedFront
from core.tracker import Tracker
from core.types import Address, Request, Task, Who
from tests.core.build import a_model, a_request

ANA = Who("scripted:1", "scripted:-1", "en", "Ana")
BEN = Who("scripted:2", "scripted:-1", "en", "Ben")


def png(colour: str = "red", size: int = 32, *, clear: tuple[int, int, int, int] | None = None) -> bytes:
    """A plain square; ``clear`` is a box of it that is transparent."""
    out = io.BytesIO()
    picture = Image.new("RGBA" if clear else "RGB", (size, size), colour)
    if clear:
        picture.paste((0, 0, 0, 0), clear)
    picture.save(out, "PNG")
    return out.getvalue()


def lease(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """A call without a sign of life is good for so long."""
    for module in ("core.orders", "core.tracker"):
        monkeypatch.setattr(f"{module}.CLAIM_LEASE", timedelta(seconds=seconds))


@dataclass
class ScriptedLinks:
    """What result links lead to; an error is raised once, then what is under it counts."""

    pages: dict[str, list[bytes | GatewayError]] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    async def fetch(self, url: str, *, gateway: str) -> bytes:
        self.fetched.append(url)
        steps = self.pages[url]
        step = steps[0] if len(steps) == 1 else steps.pop(0)
        if isinstance(step, GatewayError):
            raise step
        return step


@dataclass
class CoreWorld:
    """One life of the process; ``url`` and ``folder`` outlive it."""

    store: SqlStore
    media: MediaStore
    client: Client
    tracker: Tracker
    delivery: Delivery
    intake: Intake
    front: ScriptedFront
    links: ScriptedLinks
    limits: Limits
    wake: Callable[[], None]
    _asked: int = 0

    async def ask(self, request: Request | None = None, *, who: Who = ANA, event: str | None = None) -> Task:
        self._asked += 1
        return await self.client.submit(
            request or a_request(model=None),
            who=who,
            address=Address("scripted", {"chat": who.chat}),
            event=event or f"scripted:{who.account}:{self._asked}",
        )

    @contextlib.asynccontextmanager
    async def alive(self, *, grace: float = 0.0, recover: bool = True) -> AsyncIterator[None]:
        """The loops run; on leaving they stop in the order the app stops them."""
        stopping, drained = asyncio.Event(), asyncio.Event()
        if recover:
            await self.tracker.recover()
        working = asyncio.create_task(self.tracker.run(stopping, grace=grace))
        posting = asyncio.create_task(self.delivery.run(drained))
        taking = asyncio.create_task(self.intake.run(stopping))
        try:
            yield
        finally:
            stopping.set()
            await asyncio.gather(working, taking)
            drained.set()
            await posting


@contextlib.asynccontextmanager
async def core_world(
    folder: Path,
    gateways: Sequence[Gateway],
    *,
    models: Sequence[Model] | None = None,
    limits: Limits | None = None,
    front: ScriptedFront | None = None,
    links: ScriptedLinks | None = None,
    room: int = 10,
    clock: Clock = utc_now,
    meter: Meter = UNWATCHED,
    alone: bool = False,
) -> AsyncIterator[CoreWorld]:
    rows = models or [a_model(gateway=gateways[0].name)]
    everywhere = {row.gateway for row in rows}
    catalogue = Catalogue(rows, gateways=dict.fromkeys(everywhere, ""))
    store = await open_store(f"sqlite+aiosqlite:///{folder}/imagine.db")
    media = open_media(f"file://{folder}/media")
    engine, front, links = Embedded(), front or ScriptedFront(), links or ScriptedLinks()
    limits = limits or Limits(user_day=100, user_month=1000, unfinished=50)
    try:
        yield CoreWorld(
            store=store,
            media=media,
            client=Client(store, catalogue, limits, clock=clock, wake=engine.wake),
            tracker=Tracker(
                store=store,
                media=media,
                catalogue=catalogue,
                gateways={gateway.name: gateway for gateway in gateways},
                downloader=links,
                room=dict.fromkeys(everywhere, room),
                running=10,
                clock=clock,
                listener=engine.listener(),
                wake=engine.wake,
                meter=meter,
                alone=alone,
            ),
            delivery=Delivery(
                store=store,
                media=media,
                catalogue=catalogue,
                fronts={front.name: front},
                clock=clock,
                listener=engine.listener(),
                wake=engine.wake,
                meter=meter,
            ),
            intake=Intake(
                store=store,
                media=media,
                catalogue=catalogue,
                fronts={front.name: front},
                clock=clock,
                listener=engine.listener(),
                wake=engine.wake,
            ),
            front=front,
            links=links,
            limits=limits,
            wake=engine.wake,
        )
    finally:
        await store.close()


def edit_of(*names: str, prompt: str = "make it night") -> Request:
    """A request with pictures that are still in the scripted chat."""
    from core.types import FrontFile, Operation

    files = tuple(FrontFile("scripted", {"name": name}) for name in names)
    return replace(a_request(prompt, model=None), operation=Operation.EDIT, images=files)
