"""/admin: figures for operators, told to them alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.admin import Admin
from core.masking import Masker
from sandbox.discord.permissions import BITS
from tests.bots.discord.world import World, a_world
from tests.waiting import until


def admin_of(world: World, *accounts: str) -> Admin:
    return Admin(world.store, {}, accounts=accounts, timezone="UTC", clock=world.clock.moment, masker=Masker())


@pytest.fixture
async def ruled(tmp_path: Path) -> AsyncIterator[World]:
    """Ana, whose server it is, and Chen may."""
    async with a_world(tmp_path) as world:
        world.admin = admin_of(world, *(f"discord:{world.user(who)}" for who in ("ana", "chen")))
        yield world


def everybody_manages(world: World) -> None:
    guild = world.sandbox.world.guilds["guild"]
    guild.roles[guild.id].permissions |= BITS["manage_guild"]


@pytest.mark.parametrize(("who", "locale"), [("ana", "en"), ("chen", "zh-CN")])
async def test_stats_are_told_to_the_operator_alone_in_their_language(ruled: World, who: str, locale: str) -> None:
    everybody_manages(ruled)
    async with ruled.listening():
        await ruled.imagined("ben")
        answer = await ruled.told(ruled.sandbox.command(who, "general", "admin stats"), who=who)
    assert ruled.words.say(locale, "stats.asked", tasks="1", people="1") in answer.text
    assert ruled.words.say(locale, "stats.orders", queued="1", starting="0", waiting="0") in answer.text


async def test_who_sees_the_command_but_is_no_operator_is_told_so_and_who_they_are(ruled: World) -> None:
    everybody_manages(ruled)
    async with ruled.listening():
        answer = await ruled.told(ruled.sandbox.command("ben", "general", "admin stats"), who="ben")
    assert answer.text == ruled.words.say("en", "admin.not_for_you", account=f"discord:{ruled.user('ben')}")


async def test_the_command_is_shown_neither_to_ordinary_members_nor_in_private_chats(ruled: World) -> None:
    async with ruled.listening():
        for who, channel in (("ben", "general"), ("ana", "dm:ana")):
            with pytest.raises(KeyError):
                await ruled.sandbox.command(who, channel, "admin stats")
        await ruled.told(ruled.sandbox.command("ana", "general", "admin stats"))


async def test_the_command_is_registered_once_and_with_its_translations(ruled: World) -> None:
    for _ in range(2):
        async with ruled.listening():
            await until(lambda: ruled.calls("GET", "/commands"))
    (call,) = ruled.calls("PUT", "/commands")
    (admin,) = [command for command in call.body if command["name"] == "admin"]
    assert admin["description"] == ruled.words.say("en", "command.admin")
    (stats,) = admin["options"]
    assert stats["description_localizations"]["zh-CN"] == ruled.words.say("zh-CN", "command.admin_stats")


@pytest.mark.parametrize("accounts", [(), ("telegram:1",)])
async def test_where_nobody_on_discord_may_there_is_no_such_command(world: World, accounts: tuple[str, ...]) -> None:
    world.admin = admin_of(world, *accounts)
    async with world.listening():
        with pytest.raises(KeyError):
            await world.sandbox.command("ana", "general", "admin stats")
