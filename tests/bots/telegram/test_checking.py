"""What the doctor learns from Telegram."""

import pytest

from bots.telegram.checking import check
from core.errors import ChatBusy, SettingsError
from tests.bots.telegram.world import World


async def test_it_tells_who_the_bot_is_and_what_it_sees(world: World) -> None:
    token, address = world.sandbox.token, world.sandbox.base_url
    assert await check(token, api_url=address) == (
        "@imagine_sandbox_bot answers; privacy mode is on: in groups it gets commands and replies to its own messages"
    )
    world.sandbox.set_privacy("group", privacy=False)
    assert "privacy mode is off" in await check(token, api_url=address)


async def test_a_refused_token_names_the_setting(world: World) -> None:
    with pytest.raises(SettingsError, match="TELEGRAM_BOT_TOKEN"):
        await check("123456:another-token-that-nobody-knows", api_url=world.sandbox.base_url)


async def test_an_address_where_nobody_answers_is_a_reason_without_the_token(world: World) -> None:
    with pytest.raises(ChatBusy) as caught:
        await check(world.sandbox.token, api_url="http://127.0.0.1:9")
    assert "Connect" in caught.value.reason
    assert world.sandbox.token not in caught.value.reason
