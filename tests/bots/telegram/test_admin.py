"""/admin: figures for operators, in their private chat alone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from core.admin import Admin
from core.clock import utc_now
from core.errors import StoreDown
from core.gateway import Call
from core.masking import Masker
from core.ports import Stats
from core.types import Outcome
from tests.bots.telegram.world import World, a_world
from tests.waiting import until


class Slow:
    """A gateway whose account line takes its time."""

    name = "slow"

    def __init__(self) -> None:
        self.asked, self.answers = asyncio.Event(), asyncio.Event()

    async def start(self, call: Call, *, key: str) -> Outcome:
        raise AssertionError("nothing is ordered here")

    async def check(self) -> str:
        self.asked.set()
        await self.answers.wait()
        return "spent $1.50"

    async def close(self) -> None:
        pass


def admin_of(world: World, *who: str, gateway: Slow | None = None) -> Admin:
    return Admin(
        world.store,
        {} if gateway is None else {gateway.name: gateway},
        accounts=[f"telegram:{world.sandbox.people[each].id}" for each in who],
        timezone="UTC",
        clock=utc_now,
        masker=Masker(),
    )


@pytest.fixture
async def ruled(tmp_path: Path) -> AsyncIterator[World]:
    """Ana and Chen may; Ben may not."""
    async with a_world(tmp_path) as world:
        world.admin = admin_of(world, "ana", "chen")
        yield world


@pytest.mark.parametrize(("who", "locale"), [("ana", "en"), ("chen", "zh-CN")])
async def test_stats_are_told_in_private_in_the_operators_language(ruled: World, who: str, locale: str) -> None:
    await ruled.said("ben", "group", "/imagine a red fox")
    await ruled.said(who, f"private:{who}", "/admin stats")
    (answer,) = ruled.bot_texts(f"private:{who}")
    assert ruled.words.say(locale, "stats.asked", tasks="1", people="1") in answer
    assert ruled.words.say(locale, "stats.orders", queued="1", starting="0", waiting="0") in answer


async def test_in_a_group_an_operator_is_sent_to_the_private_chat_and_no_figure_is_told(ruled: World) -> None:
    await ruled.said("ana", "group", "/admin stats")
    assert ruled.bot_texts() == [ruled.words.say("en", "admin.in_private", command="/admin stats")]
    assert ruled.bot_texts("private:ana") == []


async def test_in_a_group_nobody_else_is_answered_nor_what_may_be_another_bots(ruled: World) -> None:
    await ruled.said("ben", "group", "/admin stats")
    await ruled.said("ben", "group", "/admin@imagine_sandbox_bot stats")
    await ruled.said("ana", "group", "/admin promote ben")
    assert ruled.bot_texts() == []


@pytest.mark.parametrize("command", ["/admin stats", "/admin"])
async def test_somebody_else_is_told_that_it_is_not_for_them_and_who_they_are(ruled: World, command: str) -> None:
    await ruled.said("ben", "private:ben", command)
    account = f"telegram:{ruled.sandbox.people['ben'].id}"
    assert ruled.bot_texts("private:ben") == [ruled.words.say("en", "admin.not_for_you", account=account)]


async def test_without_any_admin_it_is_for_nobody(world: World) -> None:
    await world.said("ana", "private:ana", "/admin stats")
    account = f"telegram:{world.sandbox.people['ana'].id}"
    assert world.bot_texts("private:ana") == [world.words.say("en", "admin.not_for_you", account=account)]


@pytest.mark.parametrize("command", ["/admin", "/admin dance"])
async def test_without_a_subcommand_there_is_they_are_listed(ruled: World, command: str) -> None:
    await ruled.said("ana", "private:ana", command)
    assert ruled.bot_texts("private:ana") == [f"/admin stats – {ruled.words.say('en', 'command.admin_stats')}"]


async def test_admin_is_in_no_list_of_commands(ruled: World) -> None:
    await ruled.said("ana", "private:ana", "/help")
    assert "/admin" not in ruled.bot_texts("private:ana")[0]
    calls = ruled.sandbox.called("setMyCommands")
    assert not [item for call in calls for item in call.params["commands"] if item["command"] == "admin"]


async def test_while_a_gateway_is_asked_everybody_else_is_answered(world: World) -> None:
    gateway = Slow()
    world.admin = admin_of(world, "ana", gateway=gateway)
    async with world.listening():
        await world.sandbox.say("ana", "private:ana", "/admin stats")
        async with asyncio.timeout(5):
            await gateway.asked.wait()
        await world.sandbox.say("ben", "group", "/usage")
        await until(world.bot_texts)
        assert world.bot_texts("private:ana") == []
        gateway.answers.set()
        await until(lambda: world.bot_texts("private:ana"))
    assert "spent $1.50" in world.bot_texts("private:ana")[0]


async def test_a_store_that_is_down_is_told(ruled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(now: datetime, timezone: str) -> Stats:
        raise StoreDown("the disk is full")

    monkeypatch.setattr(ruled.store, "stats", down)
    await ruled.said("ana", "private:ana", "/admin stats")
    assert ruled.bot_texts("private:ana") == [ruled.words.say("en", "error.store_down")]
