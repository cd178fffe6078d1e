"""A backup of bots at work, and what it makes of an empty machine: nothing is lost, nothing is posted again."""

import asyncio
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bots.cli import app
from tests.e2e.test_cli import imagine as command
from tests.e2e.test_kill import ACCOUNTS, CONNECTION, TASKS, asked_about, imagine, pictures, price, settled
from tests.e2e.town import Town, town
from tests.waiting import until

ANA = ACCOUNTS["telegram"]


async def queued(place: Town, count: int) -> bool:
    return len(await place.unfinished(ANA)) == count


async def test_what_was_made_what_waits_and_what_is_queued_survive_the_loss_of_everything(tmp_path: Path) -> None:
    async with town(tmp_path, aihubmix_seconds=600.0, settings={"USER_RUNNING": "1"}) as place:
        await place.started()
        await imagine(place, "telegram", "a made fox", CONNECTION)
        await until(lambda: settled(place, "telegram", price(CONNECTION)), timeout=40)
        await imagine(place, "telegram", "a slow fox", TASKS)
        await until(lambda: asked_about(place), timeout=40)
        await imagine(place, "telegram", "a queued fox", CONNECTION)
        await until(lambda: queued(place, 2), timeout=40)

        ran, refused = await asyncio.gather(
            command(tmp_path, "backup", "imagine.tar", settings=place.bots.environment),
            command(tmp_path, "restore", "bots.log", settings=place.bots.environment),
        )
        assert (refused.code, "stop them first" in refused.err) == (1, True)
        assert ran.code == 0, ran.err
        assert re.fullmatch(r"imagine\.tar: rows \d+, pictures and videos 1\n", ran.out)
        assert "orders: 3 rows" in ran.err
        await place.bots.killed()
        shutil.rmtree(tmp_path / "data")
        for task in place.aihubmix.tasks.values():
            task.ready_at = task.started_at  # it was made meanwhile
        ran = await command(tmp_path, "restore", "imagine.tar", settings=place.bots.environment)
        assert ran.code == 0, ran.err
        await place.started()
        await until(lambda: len(pictures(place, "telegram")) == 3, timeout=60)
        await until(lambda: settled(place, "telegram", price(TASKS) + 2 * price(CONNECTION)), timeout=40)
        # The gateways were asked for nothing twice, and what was posted before was not posted again.
        assert (len(place.apiyi.orders), len(place.aihubmix.orders)) == (2, 1)
        assert len(pictures(place, "telegram")) == 3
        assert await place.unfinished(ANA) == []


def test_forgetting_somebody_says_what_there_was_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(app, ["forget", "telegram:501000001"])
    assert (ran.exit_code, ran.output) == (0, "telegram:501000001: requests 0, pictures and videos 0\n")
    ran = CliRunner().invoke(app, ["forget", "ana"])
    assert (ran.exit_code, "telegram:123" in ran.output) == (2, True)
