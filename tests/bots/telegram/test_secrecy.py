"""The token is in every URL of the Bot API, and in no log line."""

import logging

import pytest

from bots.telegram.secrecy import without_tokens
from core.types import FrontFile
from sandbox.telegram import TelegramSandbox
from tests.bots.telegram.handing import DONE
from tests.bots.telegram.world import World, a_result, an_address, upload

LIBRARIES = ("httpx", "httpcore", "hpack", "telegram", "asyncio")


async def test_no_log_line_of_any_library_has_the_token_even_at_debug(
    world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in LIBRARIES:
        caplog.set_level(logging.DEBUG, logger=name)
    async with world.listening() as front:
        post = await world.sandbox.say("ana", "private:ana", files=[upload()])
        media = world.sandbox.message("private:ana", post.id).media
        assert media is not None
        await front.fetch(FrontFile("telegram", {"file_id": media.largest.file_id, "size": 1}), limit=10**6)
        await front.hand_over(an_address(world, "private:ana"), DONE, [a_result()], attempt=1)
    # uvicorn is the stand-in's own server: it logs what it was asked for.
    records = [record for record in caplog.records if not record.name.startswith("uvicorn")]
    assert any("/file/bot<token>/" in record.getMessage() for record in records if record.name == "httpx")
    secret = world.sandbox.token.partition(":")[2]
    assert [record for record in records if secret in str(record.__dict__)] == []
    assert secret not in "".join(capsys.readouterr())


def test_tokens_are_recognised_inside_urls_and_header_dumps() -> None:
    token = TelegramSandbox(default_world=False).token
    assert without_tokens(f"POST https://host/bot{token}/getMe") == "POST https://host/bot<token>/getMe"
    assert (
        without_tokens(f"(b':path', b'/file/bot{token}/photos/1.jpg')")
        == "(b':path', b'/file/bot<token>/photos/1.jpg')"
    )
    assert without_tokens("at 12:30:15 in 2026") == "at 12:30:15 in 2026"
