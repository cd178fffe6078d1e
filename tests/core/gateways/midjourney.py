"""A Midjourney stand-in that all tests of a module share, and its gateway."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest_asyncio

from core.download import Downloader
from core.gateway import Acts, Call, Gateway
from core.gateways.midjourney import SECRET_HEADER, MidjourneyProxy
from core.masking import Masker
from core.transport import Api
from core.types import Finished, Follow, Operation, RemotePicture, Ticket
from sandbox.gateways import MidjourneySandbox
from tests.core.gateways.calls import a_call, ended

#: Pixels of a grid.
SMALL = 128 * 128


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host() -> AsyncIterator[MidjourneySandbox]:
    async with MidjourneySandbox(area=SMALL).running() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proxy(host: MidjourneySandbox) -> AsyncIterator[MidjourneyProxy]:
    gateway = MidjourneyProxy(Api(host.base_url, key=host.default_key, masker=Masker(), key_header=SECRET_HEADER))
    yield gateway
    await gateway.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def downloader() -> AsyncIterator[Downloader]:
    made = Downloader(allow_hosts=["127.0.0.1"])
    yield made
    await made.close()


async def made(gateway: Gateway, call: Call) -> tuple[Ticket, Finished]:
    """The result of an order, and its ticket."""
    pending = await gateway.start(call, key="k")
    finished = await ended(gateway, pending)
    assert isinstance(finished, Finished), finished
    return pending.ticket, finished  # type: ignore[union-attr]  # what has just been asked about


def step(ticket: Ticket, finished: Finished, label: str) -> Follow:
    """The offer with this label, taken up."""
    [offer] = [offer for offer in finished.offers if offer.label == label]
    return Follow(ticket, offer.token, label)


async def taken(gateway: Gateway, follow: Follow, call: Call) -> tuple[Ticket, Finished]:
    """The result of a step, and its ticket."""
    assert isinstance(gateway, Acts)
    pending = await gateway.act(follow, call, key="k")
    finished = await ended(gateway, pending)
    assert isinstance(finished, Finished), finished
    return pending.ticket, finished  # type: ignore[union-attr]  # what has just been asked about


def a_step(operation: Operation, name: str = "midjourney", **changes: Any) -> Call:
    """A call as a step gets it: without pictures, ratio and seed."""
    return a_call(name, operation, **({"images": (), "ratio": None, "seed": None} | changes))


def links(finished: Finished) -> Sequence[str]:
    return [picture.url for picture in finished.pictures if isinstance(picture, RemotePicture)]
