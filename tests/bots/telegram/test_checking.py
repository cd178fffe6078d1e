"""What the doctor learns from Telegram."""

import pytest

from bots.telegram.checking import FRESH, check, check_webhook
from bots.telegram.webhook import Hook
from core.clock import utc_now
from core.errors import ChatBusy, SettingsError
from tests.bots.telegram.world import World
from tests.waiting import until


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


async def test_it_tells_whether_telegram_posts_to_our_address(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.sandbox.is_local = True
    token, address, bot = world.sandbox.token, world.sandbox.base_url, world.front()._bot
    hook = Hook("http://127.0.0.1:9", "a-secret")
    assert await check_webhook(token, api_url=address, hook=hook) == "is not set yet: the bots set it when they start"
    await bot.set_webhook("http://127.0.0.1:9/another-secret")
    with pytest.raises(SettingsError, match=r"PUBLIC_URL: Telegram posts updates to 127\.0\.0\.1 instead; .*start$"):
        await check_webhook(token, api_url=address, hook=hook)
    await bot.set_webhook(hook.url)
    assert (
        await check_webhook(token, api_url=address, hook=hook) == "Telegram posts updates to this address (0 waiting)"
    )
    assert "will be removed" not in await check(token, api_url=address, polls=False)
    await world.sandbox.say("ana", "group", "/help")
    await until(lambda: world.sandbox._service.updates.last_error)
    with pytest.raises(SettingsError, match=r"PUBLIC_URL: Telegram cannot post updates here \(1 waiting\): Conn"):
        await check_webhook(token, api_url=address, hook=hook)
    monkeypatch.setattr("bots.telegram.checking.utc_now", lambda: utc_now() + FRESH)
    line = await check_webhook(token, api_url=address, hook=hook)
    assert line.startswith("Telegram posts updates to this address (1 waiting); the last one that could not be posted")
    await bot.delete_webhook()
