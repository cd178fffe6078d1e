"""Stand-ins that all tests of a module share, for tests that look only at the last order."""

from collections.abc import AsyncIterator

import pytest_asyncio

from core.gateways.apicore import Apicore
from core.gateways.openai_images import OpenAiImages
from core.masking import Masker
from core.transport import Api
from sandbox.gateways import ApicoreSandbox, OpenAiSandbox


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def openai_host() -> AsyncIterator[OpenAiSandbox]:
    async with OpenAiSandbox(models=["paint-7"]).running() as host:
        yield host


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def apicore_host() -> AsyncIterator[ApicoreSandbox]:
    async with ApicoreSandbox().running() as host:
        yield host


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def openai(openai_host: OpenAiSandbox) -> AsyncIterator[OpenAiImages]:
    gateway = OpenAiImages(Api(openai_host.base_url, key=openai_host.default_key, masker=Masker()))
    yield gateway
    await gateway.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def apicore(apicore_host: ApicoreSandbox) -> AsyncIterator[Apicore]:
    gateway = Apicore(Api(apicore_host.base_url, key=apicore_host.default_key, masker=Masker()))
    yield gateway
    await gateway.close()
