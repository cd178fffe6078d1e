"""All gateways at once, as the settings build them, against all their stand-ins; shared by the tests of a module."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bots.web.pages import Public, web_app
from core.clock import utc_now
from core.download import Downloader
from core.gateway import Asks, Gateway
from core.gateways import REGISTRY, configured, trusted_hosts
from core.links import Links, Publisher
from core.masking import Masker
from core.media import open_media
from core.ports import MediaStore
from core.settings import Settings
from core.store import open_store
from core.testing import ManualClock
from core.types import Failed, InlinePicture, Outcome, Pending, RemotePicture
from sandbox.gateways import (
    AihubmixSandbox,
    AihuihuaSandbox,
    ApicoreSandbox,
    ApiyiSandbox,
    MidjourneySandbox,
    OpenAiSandbox,
)
from sandbox.gateways.base import GatewaySandbox
from sandbox.serving import serve

#: Pixels of a grid: small ones are painted quickly.
AREA = 128 * 128
#: Every gateway's stand-in; what a vendor has closed to the public is open here.
STAND_INS: Mapping[str, Callable[[Callable[[], float]], GatewaySandbox]] = {
    "apiyi": lambda clock: ApiyiSandbox(clock=clock),
    "aihubmix": lambda clock: AihubmixSandbox(clock=clock),
    "apicore": lambda clock: ApicoreSandbox(clock=clock, area=AREA),
    "openai": lambda clock: OpenAiSandbox(clock=clock),
    "midjourney_proxy": lambda clock: MidjourneySandbox(clock=clock, area=AREA),
    "aihuihua": lambda clock: AihuihuaSandbox(clock=clock, closed=False, area=AREA, unfinished=50, concurrent=50),
}
#: Seconds of the stand-ins' time between two questions: new-api looks at its tasks every fifteen.
PACE = 20.0


@dataclass(frozen=True)
class Everywhere:
    """``gateways`` and their stand-ins (``hosts``) by name; ``media`` is what their public links lead to."""

    gateways: Mapping[str, Gateway]
    hosts: Mapping[str, GatewaySandbox]
    downloader: Downloader
    media: MediaStore
    clock: ManualClock

    async def ended(self, gateway: Gateway, outcome: Outcome) -> Outcome:
        """Ask until the order is no longer pending. Raises the error of one that failed."""
        while isinstance(outcome, Pending):
            assert isinstance(gateway, Asks)
            self.clock.advance(PACE)
            outcome = (await gateway.ask([outcome.ticket]))[outcome.ticket]
        if isinstance(outcome, Failed):
            raise outcome.error
        return outcome

    async def fetched(self, gateway: str, made: RemotePicture | InlinePicture) -> bytes:
        if isinstance(made, InlinePicture):
            return made.data
        return await self.downloader.fetch(made.url, gateway=gateway)


def settings_of(hosts: Mapping[str, GatewaySandbox]) -> Settings:
    """What switches these stand-ins on."""
    given: dict[str, Any] = {}
    for name, host in hosts.items():
        if name == "midjourney_proxy":
            given |= {"midjourney_proxy_secret": host.default_key, "midjourney_proxy_url": host.base_url}
        else:
            given |= {f"{name}_api_key": host.default_key, f"{name}_base_url": host.base_url}
    return Settings(**given)


@contextlib.asynccontextmanager
async def everywhere_in(folder: Path) -> AsyncIterator[Everywhere]:
    async with contextlib.AsyncExitStack() as stack:
        clock = ManualClock()
        made = {name: STAND_INS[name](lambda: clock().timestamp()) for name in REGISTRY}
        hosts = {name: await stack.enter_async_context(host.running()) for name, host in made.items()}
        settings = settings_of(hosts)
        store = await open_store(f"sqlite+aiosqlite:///{folder}/imagine.db")
        stack.push_async_callback(store.close)
        media = open_media(f"file://{folder}/media")
        links = Links("http://nowhere", await store.secret("links"), utc_now)
        public = Public(links, {}, store, media, lambda: None)
        address = await stack.enter_async_context(serve(web_app({}, public)))
        links = Links(address, links.secret, utc_now)
        gateways = configured(settings, masker=Masker(settings.secrets()), publisher=Publisher(links, media))
        for gateway in gateways.values():
            stack.push_async_callback(gateway.close)
        downloader = Downloader(allow_hosts=trusted_hosts(settings))
        stack.push_async_callback(downloader.close)
        yield Everywhere(gateways, hosts, downloader, media, clock)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everywhere(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Everywhere]:
    async with everywhere_in(tmp_path_factory.mktemp("everywhere")) as found:
        yield found
