"""The doorway: every error of discord.py, and of the network under it, has a verdict."""

from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest

from bots.discord.errors import doorway, translated
from core.errors import ChatBusy, ChatGone


def of_status(status: int, code: int = 0, *, headers: dict[str, str] | None = None) -> discord.HTTPException:
    response: Any = SimpleNamespace(status=status, reason="", headers=headers or {})
    return discord.HTTPException(response, {"code": code, "message": "no"})


def kinds(root: type[Exception]) -> list[type[Exception]]:
    return [root, *(kind for child in root.__subclasses__() for kind in kinds(child))]


@pytest.mark.parametrize("kind", sorted({*kinds(discord.DiscordException), *kinds(aiohttp.ClientError)}, key=repr))
def test_every_error_class_is_translated(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    if isinstance(error, discord.HTTPException):
        vars(error).update(vars(of_status(404, 10003)))
    if isinstance(error, discord.RateLimited):
        error.retry_after = 3.0

    with pytest.raises((ChatGone, ChatBusy)), doorway():
        raise error


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, 10003), (404, 10008), (403, 50001), (403, 50013), (403, 50007), (400, 50083), (401, 50027), (400, 50035)],
)
def test_what_will_never_be_taken_is_gone(status: int, code: int) -> None:
    verdict = translated(of_status(status if status != 401 else 404, code))

    assert isinstance(verdict, ChatGone)
    assert str(code) in verdict.reason


@pytest.mark.parametrize(
    ("status", "code"), [(500, 0), (503, 0), (429, 0), (401, 0), (403, 0), (403, 20016), (403, 20028), (400, 130000)]
)
def test_what_passes_is_busy(status: int, code: int) -> None:
    assert isinstance(translated(of_status(status, code)), ChatBusy)


def test_a_rate_limit_says_how_long() -> None:
    verdict = translated(of_status(429, headers={"Retry-After": "17.5"}))

    assert isinstance(verdict, ChatBusy)
    assert verdict.retry_after == 17.5
    assert translated(discord.RateLimited(99.0)).params["retry_after"] == 99.0


def test_a_network_error_is_named_without_its_text() -> None:
    verdict = translated(aiohttp.InvalidURL("https://discord.com/api/webhooks/1/secret-token"))

    assert "secret" not in str(verdict)
