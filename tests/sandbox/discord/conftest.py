import io
import re
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any

import discord
import httpx
import pytest
from PIL import Image

from sandbox.chat import Upload
from sandbox.discord import DiscordSandbox
from sandbox.discord.contract import contract
from sandbox.discord.errors import Problems


class Clock:
    """The time now, plus whatever a test adds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Raw:
    """The API by plain HTTP, for what discord.py would never send."""

    def __init__(self, sandbox: DiscordSandbox, client: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self.client = client

    async def __call__(self, method: str, path: str, json: Any = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bot {self.sandbox.token}"} | more.pop("headers", {})
        extra = more if json is None else {"json": json, **more}
        return await self.client.request(method, self.sandbox.api_url + path, headers=headers, **extra)

    async def post(self, channel: str, json: Any = None, **more: Any) -> httpx.Response:
        return await self("POST", f"/channels/{self.sandbox.world.channels[channel].id}/messages", json, **more)


def answers_keep_the_contract(sandbox: DiscordSandbox) -> None:
    """Every answer the stand-in gave has the shape that Discord publishes for it."""
    for call in sandbox.calls:
        if not call.route or not 200 <= call.status < 300 or call.answer is None:
            continue
        schema = contract().answer_schema(call.method, call.route, call.status)
        assert schema is not None, f"{call.method} {call.route} does not answer {call.status}"
        problems = Problems()
        contract().check(call.answer, schema, problems, strict=False)
        assert not len(problems), f"{call.method} {call.route}: {problems.tree()}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sandbox(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordSandbox]:
    async with DiscordSandbox(clock=clock).running() as box:
        monkeypatch.setattr(discord.http.Route, "BASE", box.api_url)
        yield box
    answers_keep_the_contract(box)


@pytest.fixture
async def raw(sandbox: DiscordSandbox) -> AsyncIterator[Raw]:
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loopback is plain HTTP, and loading them takes a while
    async with httpx.AsyncClient(trust_env=False, timeout=20, verify=no_certificates) as client:
        yield Raw(sandbox, client)


@pytest.fixture
def photo() -> Upload:
    return Upload("cat.png", "image/png", png((64, 48)))


def png(size: tuple[int, int], colour: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def refused(answer: httpx.Response, status: int, code: int) -> dict[str, Any]:
    """The body of an error answer, after checking its status and code."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    return body


def problem(answer: httpx.Response, *path: str | int) -> str:
    """The code of the first problem at a place of an Invalid Form Body."""
    node: Any = refused(answer, 400, 50035)["errors"]
    for part in path:
        assert str(part) in node, f"nothing at {path}: {node}"
        node = node[str(part)]
    code: str = node["_errors"][0]["code"]
    assert re.fullmatch(r"[A-Z0-9_]+", code)
    return code
