"""aihuihua's stand-in, and around it what a host of ours has: public links, and a place for call-backs."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bots.web.media import media_route
from core.gateway import Gateway, Given
from core.gateways import Access, configured
from core.gateways.aihuihua import Aihuihua
from core.links import Links, Publisher
from core.masking import Masker
from core.media import ObjectMedia, open_media
from core.settings import Settings
from core.testing import ManualClock
from core.types import Finished, Follow, Offer, Operation, Pending, Ticket
from sandbox.gateways import AihuihuaSandbox
from sandbox.serving import serve
from tests.core.gateways.calls import a_call, ended

#: Pixels of a grid.
SMALL = 128 * 128


@dataclass
class Place:
    """``hooked`` has an address for call-backs, ``polled`` has none; both can publish pictures."""

    host: AihuihuaSandbox
    clock: ManualClock
    publisher: Publisher
    hooked: Aihuihua
    polled: Aihuihua
    heard: list[bytes] = field(default_factory=list)  #: bodies of call-backs


@contextlib.asynccontextmanager
async def place(folder: Path, **options: Any) -> AsyncIterator[Place]:
    clock = ManualClock()
    media: ObjectMedia = open_media(f"file://{folder}")
    heard: list[bytes] = []

    async def call_back(request: Request) -> Response:
        if not links.is_hook("aihuihua", request.path_params["secret"]):
            return Response(status_code=404)
        heard.append(await request.body())
        return Response(status_code=204)

    app = Starlette(routes=[Route("/callbacks/aihuihua/{secret}", call_back, methods=["POST"])])
    box = AihuihuaSandbox(clock=lambda: clock().timestamp(), area=SMALL, **options)
    async with serve(app) as public, box.running() as host:
        links = Links(public, "ab" * 32, clock)
        app.router.routes.append(media_route(links, media))
        publisher = Publisher(links, media)
        settings: dict[str, Any] = {"aihuihua_api_key": host.default_key, "aihuihua_base_url": host.base_url}
        [hooked] = configured(Settings(**settings), masker=Masker(), publisher=publisher).values()
        assert isinstance(hooked, Aihuihua)
        access = Access(host.default_key, host.base_url, None, None)
        polled = Aihuihua(access.api(Masker()), masker=Masker(), publisher=publisher)
        yield Place(host, clock, publisher, hooked, polled, heard)
        await hooked.close()
        await polled.close()


async def started(gateway: Gateway, name: str, operation: Operation | None = None, **changes: Any) -> Ticket:
    outcome = await gateway.start(a_call(name, operation, **changes), key="k")
    assert isinstance(outcome, Pending), outcome
    return outcome.ticket


async def made(
    gateway: Gateway, name: str, operation: Operation | None = None, **changes: Any
) -> tuple[Ticket, Finished]:
    """An order from start to finish."""
    ticket = await started(gateway, name, operation, **changes)
    finished = await ended(gateway, Pending(ticket, 0.0))
    assert isinstance(finished, Finished), finished
    return ticket, finished


async def pressed(
    gateway: Aihuihua, ticket: Ticket, offer: Offer, *, given: Given | None = None, **changes: Any
) -> tuple[Ticket, Finished]:
    """A next step from start to finish. ``given``: what the operator says about inpaint."""
    follow = Follow(ticket, offer.token, offer.label)
    call = replace(a_call(ticket.model), operation=offer.operation, ratio=None, images=(), **changes)
    if given is not None:
        call = replace(call, model=replace(call.model, given={Operation.INPAINT: given}))
    outcome = await gateway.act(follow, call, key="k")
    assert isinstance(outcome, Pending), outcome
    finished = await ended(gateway, outcome)
    assert isinstance(finished, Finished), finished
    return outcome.ticket, finished


def labelled(finished: Finished, label: str) -> Offer:
    return next(offer for offer in finished.offers if offer.label == label)
