"""The stand-ins, and the gateways as the settings build them, over real sockets."""

from collections.abc import AsyncIterator

import pytest

from core.download import Downloader
from core.gateway import Gateway
from core.gateways import configured, trusted_hosts
from core.masking import Masker
from core.settings import Settings
from core.testing import ManualClock
from sandbox.gateways import AihubmixSandbox, ApiyiSandbox


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
def settings(apiyi_host: ApiyiSandbox, aihubmix_host: AihubmixSandbox) -> Settings:
    return Settings(
        apiyi_api_key=apiyi_host.default_key,
        apiyi_base_url=apiyi_host.base_url,
        aihubmix_api_key=aihubmix_host.default_key,
        aihubmix_base_url=f"{aihubmix_host.base_url}/v1/",
    )


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
