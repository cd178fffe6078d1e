"""The stage: the real bots come up among the stand-ins whatever the machine's settings are, and go down cleanly."""

import asyncio
import io
import socket
from pathlib import Path

import pytest
from rich.console import Console

from core.errors import SettingsError
from sandbox.demo import show
from sandbox.demo.stage import BotsEnded, Stage, staged
from sandbox.discord import DiscordSandbox
from sandbox.telegram import TelegramSandbox


async def test_the_bots_come_up_untouched_by_the_machines_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {
        "TELEGRAM_BOT_TOKEN": "1:not-the-sandbox's",
        "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none",
        "USER_RUNNING": "0",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "ALL_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("DISCORD_BOT_TOKEN=wrong\nLOG_LEVEL=nonsense\n", "utf-8")
    async with staged(seconds=0.1) as stage:
        await stage.ready()
        await stage.telegram.say("ana", "private:ana", "/usage")
        answer = await stage.telegram.feed.wait_for(lambda event: getattr(event, "author", "") == "bot")
        assert "200" in getattr(answer, "text", "")
    assert stage.bots.done()
    assert stage.bots.exception() is None
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


async def ended_with(error: Exception | None) -> Stage:
    async def work() -> None:
        if error is not None:
            raise error

    bots = asyncio.create_task(work())
    await asyncio.wait({bots})
    return Stage(TelegramSandbox(), DiscordSandbox(), {}, bots)


async def test_bots_that_end_say_why_instead_of_being_waited_for() -> None:
    for error in (None, RuntimeError("out of paint")):
        stage = await ended_with(error)
        with pytest.raises(BotsEnded) as ended:
            await stage.ready()
        assert ended.value.__cause__ is error
        with pytest.raises(BotsEnded):
            await stage.until(asyncio.Event())


async def test_a_wrong_setting_of_the_bots_is_said_as_their_own_error() -> None:
    stage = await ended_with(SettingsError("X", "put it right"))
    with pytest.raises(SettingsError, match="put it right"):
        await stage.ready()


async def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError) as error:
            await show(port=port, browser=False, out=Console(file=io.StringIO()), stopping=asyncio.Event(), debug=False)
    assert error.value.setting == "--port"
    assert str(port) in error.value.fix
