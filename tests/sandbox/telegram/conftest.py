import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from PIL import Image
from telegram import Bot

from sandbox.telegram import Rates, TelegramSandbox


class Clock:
    """Unix time that moves only when told."""

    def __init__(self) -> None:
        self.seconds = 1_790_000_000.0

    def __call__(self) -> float:
        return self.seconds


class Raw:
    """Calls the Bot API by plain HTTP, for what python-telegram-bot would never send."""

    def __init__(self, sandbox: TelegramSandbox, client: httpx.AsyncClient) -> None:
        self._sandbox = sandbox
        self.client = client

    async def __call__(self, method: str, *, files: Any = None, **parameters: Any) -> dict[str, Any]:
        """The answer's JSON; parameters go as JSON, with ``files`` as multipart."""
        url = f"{self._sandbox.base_url}/bot{self._sandbox.token}/{method}"
        if files is None:
            answer = await self.client.post(url, json=parameters)
        else:
            answer = await self.client.post(url, data=parameters, files=files)
        body: dict[str, Any] = answer.json()
        assert answer.status_code == (200 if body["ok"] else body["error_code"])
        return body


def png(width: int = 64, height: int = 48, colour: str = "red", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG", **options)
    return buffer.getvalue()


def make_bot(sandbox: TelegramSandbox, token: str | None = None) -> Bot:
    return Bot(token or sandbox.token, base_url=f"{sandbox.base_url}/bot", base_file_url=f"{sandbox.base_url}/file/bot")


@pytest.fixture(autouse=True)
def _retry_after_is_a_timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without it python-telegram-bot 22 warns whenever Telegram answers 429.
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sandbox(clock: Clock) -> AsyncIterator[TelegramSandbox]:
    sandbox = TelegramSandbox(rates=Rates.unlimited(), clock=clock, webhook_retry_seconds=0.2, local=True)
    async with sandbox.running():
        yield sandbox


@pytest.fixture
async def bot(sandbox: TelegramSandbox) -> AsyncIterator[Bot]:
    async with make_bot(sandbox) as bot:
        yield bot


@pytest.fixture
async def raw(sandbox: TelegramSandbox) -> AsyncIterator[Raw]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        yield Raw(sandbox, client)


@pytest.fixture
def group(sandbox: TelegramSandbox) -> int:
    return sandbox.chat_id("group")
