"""What the doctor learns from Discord."""

from pathlib import Path

import pytest

from bots.discord.checking import logged_in
from core.errors import ChatBusy, SettingsError
from sandbox.discord.permissions import BITS
from tests.bots.discord.world import World, a_world


async def test_it_reports_the_bot_the_application_and_the_intent(world: World) -> None:
    async with logged_in(world.sandbox.token, api_url=world.sandbox.api_url) as probe:
        assert probe.bot() == "imagine#4242 answers"
        assert await probe.application() == "anybody may add it"
        assert await probe.intent("auto") == "message content is on"


async def test_a_wrong_token_names_the_setting(world: World) -> None:
    with pytest.raises(SettingsError, match="DISCORD_BOT_TOKEN"):
        async with logged_in("wrong.token.altogether", api_url=world.sandbox.api_url):
            pass


async def test_a_missing_intent_is_wrong_only_where_it_is_insisted_on(tmp_path: Path) -> None:
    async with (
        a_world(tmp_path, message_content_allowed=False) as world,
        logged_in(world.sandbox.token, api_url=world.sandbox.api_url) as probe,
    ):
        assert "message content is off" in await probe.intent("auto")
        with pytest.raises(SettingsError, match="DISCORD_MESSAGE_CONTENT"):
            await probe.intent("on")


async def test_permissions_that_the_roles_lack_are_named_with_their_server(world: World) -> None:
    async with logged_in(world.sandbox.token, api_url=world.sandbox.api_url) as probe:
        assert await probe.permissions() == "all that it needs in 1 server"
        poor = world.sandbox.add_guild("poor", "Poor [red]Club")
        poor.roles[poor.bot_role].permissions &= ~(BITS["attach_files"] | BITS["send_messages"])
        with pytest.raises(SettingsError) as caught:
            await probe.permissions()
        assert "'Poor [red]Club' lacks Send Messages, Attach Files" in str(caught.value)
        assert "Picture Club" not in str(caught.value)
        poor.roles[poor.bot_role].permissions = BITS["administrator"]
        assert await probe.permissions() == "all that it needs in 2 servers"


async def test_a_bot_without_a_server_gets_the_address_that_invites_it(world: World) -> None:
    world.sandbox.world.guilds["guild"].bot_member = False
    async with logged_in(world.sandbox.token, api_url=world.sandbox.api_url) as probe:
        told = await probe.permissions()
    assert "in no server yet" in told
    assert f"client_id={world.sandbox.application_id}" in told


async def test_an_address_where_nobody_answers_is_a_reason_in_words(world: World) -> None:
    with pytest.raises(ChatBusy) as caught:
        async with logged_in(world.sandbox.token, api_url="http://127.0.0.1:9/api/v10"):
            pass
    assert "onnect" in caught.value.reason
