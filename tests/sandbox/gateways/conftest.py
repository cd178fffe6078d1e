from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.gateways import AihubmixSandbox, ApiyiSandbox
from tests.sandbox.gateways.support import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
async def apiyi(clock: Clock) -> AsyncIterator[ApiyiSandbox]:
    async with ApiyiSandbox(clock=clock).running() as box:
        yield box


@pytest.fixture
async def aihubmix(clock: Clock) -> AsyncIterator[AihubmixSandbox]:
    async with AihubmixSandbox(clock=clock).running() as box:
        yield box
