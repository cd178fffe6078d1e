"""How updates reach a bot: long polling, confirmation, conflicts, the webhook."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Bot, Update
from telegram.error import BadRequest, Conflict
from telegram.ext import ApplicationBuilder, CommandHandler, ContextTypes

from sandbox.chat import Post
from sandbox.serving import serve
from sandbox.telegram import TelegramSandbox
from tests.sandbox.telegram.conftest import Clock, Raw, make_bot
from tests.sandbox.telegram.test_sending import keyboard
from tests.waiting import until


async def test_an_unconfirmed_update_comes_again_and_a_confirmed_one_does_not(
    sandbox: TelegramSandbox, bot: Bot
) -> None:
    await sandbox.say("ana", "group", "/one")
    await sandbox.say("ana", "group", "/two")
    first = await bot.get_updates(timeout=0)
    async with make_bot(sandbox) as restarted:
        assert await restarted.get_updates(timeout=0) == first
        assert await restarted.get_updates(offset=first[1].update_id, timeout=0) == first[1:]
        assert await restarted.get_updates(timeout=0, limit=1) == first[1:]
        assert await restarted.get_updates(offset=first[1].update_id + 1, timeout=0) == ()
    assert sandbox.pending_updates == 0


async def test_a_negative_offset_keeps_the_newest_only(sandbox: TelegramSandbox, bot: Bot) -> None:
    for number in range(3):
        await sandbox.say("ana", "group", f"/imagine {number}")
    (last,) = await bot.get_updates(offset=-1, timeout=0)
    assert last.message is not None
    assert last.message.text == "/imagine 2"
    assert sandbox.pending_updates == 1


async def test_a_long_poll_answers_as_soon_as_something_happens(sandbox: TelegramSandbox, bot: Bot) -> None:
    polling = asyncio.create_task(bot.get_updates(timeout=30))
    done, _ = await asyncio.wait({polling}, timeout=0.2)
    assert not done
    await sandbox.say("ana", "group", "/imagine a fox")
    async with asyncio.timeout(5):
        (update,) = await polling
    assert update.message is not None


async def test_a_long_poll_ends_after_its_timeout(bot: Bot) -> None:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    assert await bot.get_updates(timeout=1) == ()
    assert 0.9 < loop.time() - begin < 5


async def test_the_older_of_two_pollers_is_ended_with_a_conflict(sandbox: TelegramSandbox, bot: Bot) -> None:
    older = asyncio.create_task(bot.get_updates(timeout=30))
    done, _ = await asyncio.wait({older}, timeout=0.2)
    assert not done
    async with make_bot(sandbox) as second:
        newer = asyncio.create_task(second.get_updates(timeout=30))
        with pytest.raises(Conflict, match="terminated by other getUpdates request; make sure that only one bot"):
            await older
        await sandbox.say("ana", "group", "/imagine a fox")
        assert len(await newer) == 1


async def test_a_poller_that_hung_up_takes_nothing_with_it(sandbox: TelegramSandbox, raw: Raw, bot: Bot) -> None:
    polling = asyncio.create_task(raw("getUpdates", timeout=30))
    await asyncio.wait({polling}, timeout=0.2)
    polling.cancel()
    await asyncio.wait({polling})
    await sandbox.say("ana", "group", "/imagine a fox")
    assert len(await bot.get_updates(timeout=5)) == 1


async def test_only_the_allowed_kinds_of_updates_come(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    sent = await bot.send_message(group, "hi", reply_markup=keyboard("again"))
    await bot.get_updates(timeout=0, allowed_updates=["callback_query"])
    await sandbox.say("ana", "group", "/imagine a fox")
    await sandbox.press("ana", "group", str(sent.message_id), "again")
    (update,) = await bot.get_updates(timeout=0)
    assert update.callback_query is not None


async def test_updates_are_kept_for_a_day(sandbox: TelegramSandbox, bot: Bot, clock: Clock) -> None:
    await sandbox.say("ana", "group", "/imagine a fox")
    clock.seconds += 86_401
    assert await bot.get_updates(timeout=0) == ()


async def test_an_update_can_be_delivered_twice(sandbox: TelegramSandbox, bot: Bot) -> None:
    await sandbox.say("ana", "group", "/imagine a fox")
    (update,) = await bot.get_updates(timeout=0)
    assert await bot.get_updates(offset=update.update_id + 1, timeout=0) == ()
    sandbox.redeliver_last()
    (again,) = await bot.get_updates(offset=update.update_id + 1, timeout=0)
    assert again == update
    assert await bot.get_updates(offset=update.update_id + 1, timeout=0) == ()


async def test_a_real_application_answers_a_command_by_long_polling(sandbox: TelegramSandbox) -> None:
    async def answer(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        await update.message.reply_text(f"painting {' '.join(context.args or [])}", do_quote=True)

    application = (
        ApplicationBuilder()
        .token(sandbox.token)
        .base_url(f"{sandbox.base_url}/bot")
        .base_file_url(f"{sandbox.base_url}/file/bot")
        .build()
    )
    application.add_handler(CommandHandler("imagine", answer))
    async with application:
        await application.start()
        assert application.updater is not None
        await application.updater.start_polling()
        question = await sandbox.say("ana", "group", "/imagine@imagine_sandbox_bot a fox")
        post = await sandbox.feed.wait_for(lambda event: isinstance(event, Post) and event.author == "bot", timeout=10)
        await application.updater.stop()
        await application.stop()
    assert isinstance(post, Post)
    assert (post.text, post.reply_to) == ("painting a fox", question.id)
    assert sandbox.pending_updates == 0


class Hook:
    """A bot's web server: answers with ``statuses`` one after another, then with 200."""

    def __init__(self, *statuses: int, retry_after: str = "") -> None:
        self.statuses = list(statuses)
        self.headers = {"retry-after": retry_after} if retry_after else {}
        self.updates: list[dict[str, Any]] = []
        self.secrets: list[str | None] = []
        self.times: list[float] = []

    async def take(self, request: Request) -> Response:
        self.times.append(asyncio.get_running_loop().time())
        self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        self.updates.append(await request.json())
        return Response(status_code=self.statuses.pop(0) if self.statuses else 200, headers=self.headers)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        async with serve(Starlette(routes=[Route("/hook", self.take, methods=["POST"])])) as base_url:
            yield f"{base_url}/hook"


async def test_a_webhook_gets_updates_with_its_secret_until_it_takes_them(sandbox: TelegramSandbox, bot: Bot) -> None:
    hook = Hook(500, 503)
    async with hook.running() as url:
        await bot.set_webhook(url, secret_token="s3cret_-")
        await sandbox.say("ana", "group", "/one")
        await sandbox.say("ana", "group", "/two")
        await until(lambda: sandbox.pending_updates == 0)
        info = await bot.get_webhook_info()
        await bot.delete_webhook()
    assert [update["message"]["text"] for update in hook.updates] == ["/one", "/one", "/one", "/two"]
    assert len({update["update_id"] for update in hook.updates}) == 2
    assert set(hook.secrets) == {"s3cret_-"}
    # At once after the first failure, after webhook_retry_seconds after the second.
    assert hook.times[2] - hook.times[1] >= 0.2
    assert info.url == url
    assert info.last_error_message == "Wrong response from the webhook: 503 Service Unavailable"


async def test_chats_do_not_wait_for_one_another_and_the_messages_of_one_come_in_turn(
    sandbox: TelegramSandbox, bot: Bot
) -> None:
    under_way: list[str] = []
    held = asyncio.Event()

    async def hold(request: Request) -> Response:
        under_way.append((await request.json())["message"]["text"])
        await held.wait()
        return Response()

    async with serve(Starlette(routes=[Route("/", hold, methods=["POST"])])) as url:
        await bot.set_webhook(url, max_connections=2)
        for chat, text in (("private:ana", "/1"), ("private:ana", "/2"), ("private:ben", "/3"), ("private:dora", "/4")):
            await sandbox.say(chat.removeprefix("private:"), chat, text)
        await until(lambda: len(under_way) == 2)
        assert "/2" not in under_way
        held.set()
        await until(lambda: sandbox.pending_updates == 0)
        await bot.delete_webhook()
    assert sorted(under_way) == ["/1", "/2", "/3", "/4"]
    assert under_way.index("/1") < under_way.index("/2")


async def test_the_pause_a_bot_asks_for_is_kept_to(sandbox: TelegramSandbox, bot: Bot) -> None:
    hook = Hook(503, retry_after="1")
    async with hook.running() as url:
        await bot.set_webhook(url)
        await sandbox.say("ana", "group", "/one")
        await until(lambda: sandbox.pending_updates == 0)
        await bot.delete_webhook()
    assert hook.times[1] - hook.times[0] >= 1


async def test_a_redelivered_update_is_posted_again(sandbox: TelegramSandbox, bot: Bot) -> None:
    hook = Hook()
    async with hook.running() as url:
        await bot.set_webhook(url)
        await sandbox.say("ana", "group", "/one")
        await until(lambda: len(hook.updates) == 1 and sandbox.pending_updates == 0)
        sandbox.redeliver_last()
        await until(lambda: len(hook.updates) == 2)
        await bot.delete_webhook()
    assert hook.updates[0] == hook.updates[1]
    assert hook.secrets == [None, None]


async def test_get_updates_conflicts_with_a_webhook(sandbox: TelegramSandbox, bot: Bot) -> None:
    polling = asyncio.create_task(bot.get_updates(timeout=30))
    await asyncio.wait({polling}, timeout=0.2)
    async with Hook().running() as url, make_bot(sandbox) as other:
        await other.set_webhook(url)
        with pytest.raises(Conflict, match="terminated by setWebhook request"):
            await polling
        with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
            await bot.get_updates(timeout=0)
        await other.delete_webhook(drop_pending_updates=True)
        assert await bot.get_updates(timeout=0) == ()


async def test_a_webhook_that_is_away_is_tried_again(sandbox: TelegramSandbox, bot: Bot) -> None:
    async with Hook().running() as url:
        pass
    await bot.set_webhook(url)
    await sandbox.say("ana", "group", "/one")

    async def refused() -> bool:
        return (await bot.get_webhook_info()).last_error_message == "Connection refused"

    await until(refused)
    assert sandbox.pending_updates == 1


@pytest.mark.parametrize(
    ("parameters", "description"),
    [
        ({"url": "http://bots.example/hook"}, "bad webhook: An HTTPS URL must be provided for webhook"),
        ({"url": "https://bots.example:8080/hook"}, "bad webhook: Webhook can be set up only on ports"),
        ({"url": "https://bots.example/hook", "secret_token": "no spaces"}, "secret token contains unallowed"),
        ({"url": "https://bots.example/hook", "max_connections": 101}, "max_connections must be"),
    ],
)
async def test_a_wrong_webhook_is_refused(
    sandbox: TelegramSandbox, bot: Bot, parameters: dict[str, Any], description: str
) -> None:
    sandbox.is_local = False
    with pytest.raises(BadRequest, match=f"(?i){description}"):
        await bot.set_webhook(**parameters)


async def test_the_state_survives_the_server(clock: Clock) -> None:
    sandbox = TelegramSandbox(clock=clock)
    async with sandbox.running():
        await sandbox.say("ana", "group", "/imagine a fox")
    async with sandbox.running(), make_bot(sandbox) as bot:
        (update,) = await bot.get_updates(timeout=0)
        assert update.message is not None
        assert await bot.send_message(update.message.chat_id, "done", reply_to_message_id=update.message.message_id)


async def test_the_server_ends_while_a_bot_polls(clock: Clock) -> None:
    sandbox = TelegramSandbox(clock=clock)
    async with make_bot_of(sandbox) as polling:
        done, _ = await asyncio.wait({polling}, timeout=0.2)
        assert not done
    assert await polling == ()


@contextlib.asynccontextmanager
async def make_bot_of(sandbox: TelegramSandbox) -> AsyncIterator[asyncio.Task[tuple[Update, ...]]]:
    """A poll that is under way while the server stops."""
    async with contextlib.AsyncExitStack() as stack:
        async with sandbox.running():
            bot = await stack.enter_async_context(make_bot(sandbox))
            polling = asyncio.create_task(bot.get_updates(timeout=30))
            yield polling
        await asyncio.wait({polling}, timeout=5)
