"""The stand-ins, and the gateways as the settings build them, over real sockets."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.download import Downloader
from core.gateway import Gateway
from core.gateways import configured, trusted_hosts
from core.masking import Masker
from core.settings import Settings
from core.testing import ManualClock
from sandbox.gateways import AihubmixSandbox, ApicoreSandbox, ApiyiSandbox, MidjourneySandbox, OpenAiSandbox
from sandbox.gateways.base import GatewaySandbox
from tests.core.gateways.calls import ROWS


@pytest.fixture
def clock() -> ManualClock:
    """By which the stand-ins' links expire and tasks ripen."""
    return ManualClock()


@pytest.fixture
async def apiyi_host(clock: ManualClock) -> AsyncIterator[ApiyiSandbox]:
    async with ApiyiSandbox(clock=lambda: clock().timestamp()).running() as host:
        yield host


@pytest.fixture
async def aihubmix_host(clock: ManualClock) -> AsyncIterator[AihubmixSandbox]:
    async with AihubmixSandbox(clock=lambda: clock().timestamp()).running() as host:
        yield host


@pytest.fixture
async def apicore_host(clock: ManualClock) -> AsyncIterator[ApicoreSandbox]:
    async with ApicoreSandbox(clock=lambda: clock().timestamp()).running() as host:
        yield host


@pytest.fixture
async def openai_host(clock: ManualClock) -> AsyncIterator[OpenAiSandbox]:
    async with OpenAiSandbox(clock=lambda: clock().timestamp()).running() as host:
        yield host


@pytest.fixture
async def midjourney_host(clock: ManualClock) -> AsyncIterator[MidjourneySandbox]:
    async with MidjourneySandbox(clock=lambda: clock().timestamp(), area=256 * 256).running() as host:
        yield host


#: Gateway to the fixture of its stand-in.
HOSTS = {
    "apiyi": "apiyi_host",
    "aihubmix": "aihubmix_host",
    "apicore": "apicore_host",
    "openai": "openai_host",
    "midjourney_proxy": "midjourney_host",
}


@pytest.fixture
def hosts(request: pytest.FixtureRequest) -> dict[str, GatewaySandbox]:
    """The stand-ins by their gateways' names: those that the test asks for, by fixture or by a row's name, or all."""
    asked = {gateway for gateway, fixture in HOSTS.items() if fixture in request.fixturenames}
    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    asked |= {model.gateway for model in ROWS if model.name == parameters.get("name")}
    return {gateway: request.getfixturevalue(HOSTS[gateway]) for gateway in HOSTS if gateway in (asked or HOSTS)}


@pytest.fixture
def settings(hosts: dict[str, GatewaySandbox]) -> Settings:
    given: dict[str, Any] = {}
    for name, host in hosts.items():
        if name == "midjourney_proxy":
            given |= {f"{name}_secret": host.default_key, f"{name}_url": f"{host.base_url}/mj"}
        else:
            given |= {f"{name}_api_key": host.default_key, f"{name}_base_url": f"{host.base_url}/v1/"}
    return Settings(**given)


@pytest.fixture
async def gateways(settings: Settings) -> AsyncIterator[dict[str, Gateway]]:
    found = configured(settings, masker=Masker(settings.secrets()))
    yield found
    for gateway in found.values():
        await gateway.close()


@pytest.fixture
async def downloader(settings: Settings) -> AsyncIterator[Downloader]:
    made = Downloader(allow_hosts=trusted_hosts(settings))
    yield made
    await made.close()
