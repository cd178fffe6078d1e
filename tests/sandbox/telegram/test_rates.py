"""Message rates and scripted failures."""

import asyncio
from datetime import timedelta
from typing import Literal

import httpx
import pytest
from telegram import Bot, InputMediaPhoto
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError, TimedOut

from sandbox.telegram import Rates, TelegramSandbox
from tests.sandbox.telegram.conftest import Clock, Raw, png
from tests.sandbox.telegram.test_sending import keyboard


async def test_a_group_takes_twenty_sends_and_edits_a_minute(
    sandbox: TelegramSandbox, bot: Bot, clock: Clock, group: int
) -> None:
    sandbox.rates = Rates()
    sent = await bot.send_message(group, "0")
    for number in range(1, 20):
        await bot.edit_message_text(str(number), group, sent.message_id)
    with pytest.raises(RetryAfter) as caught:
        await bot.send_message(group, "too many")
    assert caught.value.retry_after == timedelta(seconds=60)
    clock.seconds += 59
    with pytest.raises(RetryAfter) as caught:
        await bot.send_message(group, "too many")
    assert caught.value.retry_after == timedelta(seconds=1)
    clock.seconds += 1
    assert await bot.send_message(group, "again")


async def test_a_429_has_the_seconds_in_text_parameters_and_header(
    sandbox: TelegramSandbox, raw: Raw, group: int
) -> None:
    sandbox.rates = Rates(group=1)
    await raw("sendMessage", chat_id=group, text="one")
    assert await raw("sendMessage", chat_id=group, text="two") == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 60",
        "parameters": {"retry_after": 60},
    }
    url = f"{sandbox.base_url}/bot{sandbox.token}/sendMessage"
    answer = await raw.client.post(url, json={"chat_id": group, "text": "three"})
    assert answer.headers["Retry-After"] == "60"


async def test_one_busy_group_does_not_hold_up_another(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    sandbox.rates = Rates(group=1)
    await bot.send_message(group, "one")
    assert await bot.send_message(sandbox.chat_id("forum"), "one")


async def test_an_album_counts_as_many_messages(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    sandbox.rates = Rates(group=3)
    media = [InputMediaPhoto(png())] * 2
    await bot.send_media_group(group, media)
    with pytest.raises(RetryAfter):
        await bot.send_media_group(group, media)
    assert await bot.send_message(group, "the third")


async def test_a_private_chat_takes_a_burst_and_then_one_a_second(
    sandbox: TelegramSandbox, bot: Bot, clock: Clock
) -> None:
    sandbox.rates = Rates(overall_per_second=0)
    await sandbox.say("ana", "private:ana", "/start")
    ana = sandbox.chat_id("private:ana")
    for number in range(30):
        await bot.send_message(ana, str(number))
    with pytest.raises(RetryAfter) as caught:
        await bot.send_message(ana, "too many")
    assert caught.value.retry_after == timedelta(seconds=1)
    clock.seconds += 2
    for number in range(2):
        await bot.send_message(ana, str(number))
    with pytest.raises(RetryAfter):
        await bot.send_message(ana, "too many")


async def test_all_chats_together_take_thirty_a_second(sandbox: TelegramSandbox, bot: Bot, clock: Clock) -> None:
    sandbox.rates = Rates(group=0)
    for number in range(30):
        await bot.send_message(sandbox.chat_id("group" if number % 2 else "forum"), str(number))
    with pytest.raises(RetryAfter):
        await bot.send_message(sandbox.chat_id("group"), "too many")
    clock.seconds += 1
    assert await bot.send_message(sandbox.chat_id("group"), "again")


async def test_answers_actions_and_refused_messages_cost_nothing(
    sandbox: TelegramSandbox, bot: Bot, group: int
) -> None:
    sandbox.rates = Rates(group=2)
    sent = await bot.send_message(group, "hi", reply_markup=keyboard("again"))
    for _ in range(5):
        await sandbox.press("ana", "group", str(sent.message_id), "again")
        await bot.send_chat_action(group, "typing")
        with pytest.raises(BadRequest):
            await bot.send_message(group, " ")
    for update in await bot.get_updates(timeout=0):
        assert update.callback_query is not None
        await update.callback_query.answer("soon")
    assert await bot.send_message(group, "the second")


async def test_a_scripted_refusal_comes_as_often_as_told_and_only_where_it_fits(
    sandbox: TelegramSandbox, bot: Bot, group: int
) -> None:
    forum = sandbox.chat_id("forum")
    sandbox.fail_next(
        "sendMessage", code=403, description="Forbidden: not now", times=2, when=lambda call: call["chat_id"] == group
    )
    assert await bot.send_message(forum, "elsewhere")
    for _ in range(2):
        with pytest.raises(Forbidden, match="not now"):
            await bot.send_message(group, "hi")
    assert await bot.send_message(group, "hi")
    with pytest.raises(ValueError, match="mode is one of"):
        sandbox.fail_next("sendMessage", mode="explode")  # type: ignore[arg-type]


async def test_a_scripted_429_carries_its_parameters(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    sandbox.fail_next(
        "sendPhoto", code=429, description="Too Many Requests: retry after 7", parameters={"retry_after": 7}
    )
    with pytest.raises(RetryAfter) as caught:
        await bot.send_photo(group, png())
    assert caught.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(("mode", "posts"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_cut_connection_leaves_the_bot_in_doubt(
    sandbox: TelegramSandbox, bot: Bot, group: int, mode: Literal["drop_before", "drop_after"], posts: int
) -> None:
    sandbox.fail_next("sendMessage", mode=mode)
    with pytest.raises(NetworkError):
        await bot.send_message(group, "did it arrive?")
    assert len(sandbox.feed.posts("group")) == posts
    assert len(sandbox.called("sendMessage")) == 1
    assert (sandbox.called("sendMessage")[0].answer is not None) == (mode == "drop_after")


@pytest.mark.parametrize("mode", ["answer", "drop_before", "hang"])
async def test_the_download_of_a_file_can_fail_too(
    sandbox: TelegramSandbox, bot: Bot, group: int, mode: Literal["answer", "drop_before", "hang"]
) -> None:
    sent = await bot.send_document(group, b"bytes", filename="a.txt")
    assert sent.document is not None
    file = await sent.document.get_file()
    sandbox.fail_next("download", code=404, description="Not Found", mode=mode)
    with pytest.raises(TelegramError):
        await file.download_as_bytearray(read_timeout=0.3)
    assert bytes(await file.download_as_bytearray()) == b"bytes"


async def test_a_hanging_call_never_answers_and_does_nothing(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    sandbox.fail_next("sendMessage", mode="hang")
    with pytest.raises(TimedOut):
        await bot.send_message(group, "hello?", read_timeout=0.3)
    assert sandbox.feed.posts("group") == []


async def test_a_hanging_call_does_not_hold_up_the_end(clock: Clock) -> None:
    sandbox = TelegramSandbox(clock=clock)
    sandbox.fail_next("getMe", mode="hang")
    async with httpx.AsyncClient(trust_env=False) as client:
        async with sandbox.running():
            asking = asyncio.create_task(client.get(f"{sandbox.base_url}/bot{sandbox.token}/getMe"))
            await asyncio.wait({asking}, timeout=0.2)
            loop = asyncio.get_running_loop()
            begin = loop.time()
        assert loop.time() - begin < 5
        with pytest.raises(httpx.RemoteProtocolError):
            await asking
