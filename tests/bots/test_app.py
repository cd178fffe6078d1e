"""What a process tells its operator about the public address, and what it makes of it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs

from bots.app import opened
from bots.parts import run
from bots.web.serving import serve
from core.errors import GatewayError
from core.gateway import Call
from core.settings import Settings
from core.types import Operation
from tests.core.build import a_model


def settings(folder: Path, **more: Any) -> Settings:
    return Settings(
        database_url=f"sqlite+aiosqlite:///{folder}/imagine.db",
        media_url=f"file://{folder}/media",
        web_listen="127.0.0.1:0",
        apiyi_api_key=SecretStr("sk-a-key-of-apiyi"),
        **more,
    )


async def told(settings: Settings, *parts: str) -> list[str]:
    """What a process logs that is told to stop before it has begun."""
    stopping = asyncio.Event()
    stopping.set()
    with capture_logs() as lines:
        await run(settings, parts, stopping)
    return [line["event"] for line in lines]


async def test_a_process_without_the_web_part_says_that_call_backs_go_elsewhere(tmp_path: Path) -> None:
    elsewhere = "gateways call back and fetch pictures at the web part, which this process does not run"
    public = settings(tmp_path, public_url="https://bots.example.org")
    assert elsewhere in await told(public, "worker")
    assert elsewhere not in await told(public, "worker", "web")
    assert elsewhere not in await told(settings(tmp_path), "worker")


async def test_the_public_addresses_are_the_same_in_every_process_of_a_database(tmp_path: Path) -> None:
    made = []
    for _ in range(2):
        async with opened(settings(tmp_path, public_url="https://bots.example.org/imagine/")) as core:
            assert core.links is not None
            made.append(core.links.hook("apiyi"))
    assert made[0] == made[1]
    assert made[0].startswith("https://bots.example.org/imagine/callbacks/apiyi/")
    async with opened(settings(tmp_path)) as core:
        assert core.links is None


async def test_a_call_backs_address_that_a_gateway_repeats_in_its_error_is_masked(tmp_path: Path) -> None:
    said: list[str] = []

    async def refusing(_request: Request) -> Response:
        return JSONResponse({"error": {"message": f"bad field: {said[0]}"}}, 400)

    app = Starlette(routes=[Route("/v1/images/generations", refusing, methods=["POST"])])
    async with serve(app) as base:
        here = settings(
            tmp_path, public_url="https://bots.example.org", openai_api_key=SecretStr("sk-a-key"), openai_base_url=base
        )
        async with opened(here) as core:
            assert core.links is not None
            said.append(core.links.hook("openai"))
            call = Call(a_model(gateway="openai"), Operation.IMAGINE, "a fox")
            with pytest.raises(GatewayError) as refused:
                await core.gateways["openai"].start(call, key="t1.1")
    assert refused.value.detail.count("/callbacks/openai/***") == 1
    assert said[0].rpartition("/")[2] not in refused.value.detail
