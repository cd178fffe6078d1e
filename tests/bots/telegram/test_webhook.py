"""Updates by webhook: one address, one or several lives of the bot behind it, and Telegram that repeats."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from telegram import Update

from bots.parts import run
from bots.telegram import TelegramFront, webhook
from bots.telegram.albums import SETTLE_FOR_POSTED
from bots.telegram.polling import ALLOWED_UPDATES
from bots.telegram.webhook import HEADER, MAX_BODY, MAX_CONNECTIONS, PATH, REPEAT_AFTER, Hook, Webhook
from bots.web.pages import web_app
from bots.web.serving import serve
from core.errors import SettingsError, StoreDown
from core.settings import Settings
from sandbox.telegram import Rates, TelegramSandbox
from tests.bots.telegram.world import World, a_world, file_ids, upload
from tests.waiting import until

SECRET = "a-secret-of-the-webhook"


@dataclass
class Balancer:
    """The one address: every request goes to the next of those behind it."""

    behind: list[Starlette] = field(default_factory=list)
    turns: Any = field(default_factory=itertools.count)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.behind[next(self.turns) % len(self.behind)](scope, receive, send)


@dataclass
class Door:
    """Where Telegram posts to, and the lives of the bot behind it."""

    world: World
    hook: Hook
    http: httpx.AsyncClient
    balancer: Balancer

    @contextlib.asynccontextmanager
    async def listening(self, lives: int = 1) -> AsyncIterator[list[TelegramFront]]:
        """So many lives of the bot run; on leaving, everything that was said has been taken and answered."""
        fronts = [self.world.front(self.hook) for _ in range(lives)]
        self.balancer.behind = [web_app({}, None, front.routes()) for front in fronts]
        stopping = asyncio.Event()
        running = [asyncio.create_task(front.run(stopping)) for front in fronts]
        try:
            yield fronts
            await until(lambda: any(each.done() for each in running) or not self.world.sandbox.pending_updates)
        finally:
            stopping.set()
            await asyncio.gather(*running)
            await asyncio.gather(*(front.close() for front in fronts))

    async def post(self, body: Any = None, *, secret: str = SECRET, content: bytes | None = None) -> httpx.Response:
        return await self.http.post(PATH, json=body, content=content, headers={HEADER.encode(): secret.encode()})

    def set(self) -> list[dict[str, Any]]:
        return [call.params for call in self.world.sandbox.called("setWebhook")]


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    sandbox = TelegramSandbox(rates=Rates.unlimited(), local=True, webhook_retry_seconds=0.1)
    balancer = Balancer()
    async with (
        a_world(tmp_path, sandbox) as world,
        serve(balancer) as address,
        httpx.AsyncClient(base_url=address) as http,
    ):
        yield Door(world, Hook(address, SECRET), http, balancer)


class Taker:
    """Takes updates; ``fails`` are raised in turn, once each."""

    def __init__(self, *fails: Exception) -> None:
        self.fails = list(fails)
        self.seen: list[int] = []
        self.held: asyncio.Event | None = None

    async def __call__(self, update: Update) -> None:
        self.seen.append(update.update_id)
        if self.held is not None:
            await self.held.wait()
        if self.fails:
            raise self.fails.pop(0)


@contextlib.asynccontextmanager
async def hearing(door: Door, take: Taker) -> AsyncIterator[tuple[asyncio.Event, asyncio.Task[None]]]:
    """Only the webhook itself; yields what stops it, and its run."""
    heard = Webhook(door.world.front()._bot, door.hook, api_url=door.world.sandbox.base_url)
    door.balancer.behind = [web_app({}, None, [heard.route()])]
    stopping = asyncio.Event()
    running = asyncio.create_task(heard.run(take, stopping))
    await until(lambda: running.done() or door.set())
    try:
        yield stopping, running
    finally:
        stopping.set()
        await running


# -- from a post to a task ---------------------------------------------------------------------------------------------


async def test_what_is_said_is_posted_and_stored_without_a_single_poll(door: Door) -> None:
    async with door.listening():
        await door.world.sandbox.say("ana", "group", "/imagine a red fox")
        await until(door.world.tasks)
    assert (await door.world.only_task()).request.prompt == "a red fox"
    assert door.world.sandbox.called("getUpdates") == []
    assert door.set() == [
        {
            "url": door.hook.url,
            "allowed_updates": list(ALLOWED_UPDATES),
            "max_connections": MAX_CONNECTIONS,
            "secret_token": SECRET,
        }
    ]


async def test_the_same_update_at_two_processes_orders_once(door: Door) -> None:
    async with door.listening(2):
        await door.world.sandbox.say("ana", "group", "/imagine a red fox")
        await until(lambda: not door.world.sandbox.pending_updates)
        door.world.sandbox.redeliver_last()
    await door.world.only_task()


async def test_the_pictures_of_an_album_at_two_processes_are_inputs_of_one_task(door: Door) -> None:
    files = [upload(colour) for colour in ("red", "green", "blue")]
    async with door.listening(2):
        await door.world.sandbox.say("ana", "private:ana", "/edit merge", files=files)
    task = await door.world.only_task()
    assert len(set(file_ids(task.request))) == 3
    # Each is posted only after the one before, so the task waits longer for them.
    later = task.created_at + timedelta(seconds=SETTLE_FOR_POSTED - 0.5)
    assert await door.world.store.intake_due(["telegram"], later, 10) == []


async def test_so_are_pictures_before_whose_words_another_process_got(door: Door) -> None:
    door.world.sandbox.set_privacy("group", privacy=False)
    await door.world.sandbox.say("ana", "group", "/edit merge", files=[upload("red"), upload("green")])
    before, words = (pending.update["message"] for pending in door.world.sandbox._service.updates._pending)
    words |= {name: before.pop(name) for name in ("caption", "caption_entities")}
    async with door.listening(2):
        await until(door.world.tasks)

        async def is_whole() -> bool:
            return len(set(file_ids((await door.world.only_task()).request))) == 2

        await until(is_whole)


async def test_a_pressed_button_is_answered(door: Door) -> None:
    async with door.listening(2):
        await door.world.sandbox.say("ana", "group", "/imagine a red fox")
        await until(door.world.tasks)
        task = await door.world.only_task()
        address = await door.world.front().show(task.address, await door.world.view(task.id))
        (button,) = (one for row in door.world.bot_posts()[-1].buttons for one in row)
        await door.world.sandbox.press("ana", "group", str(address.data["status"]), button.id)
        await until(door.world.notices)
    assert await door.world.tasks() == []


# -- what is answered --------------------------------------------------------------------------------------------------


async def test_without_the_right_secret_nothing_is_taken_and_one_line_tells_of_many(door: Door) -> None:
    take = Taker()
    async with hearing(door, take):
        with structlog.testing.capture_logs() as logs:
            answers = [
                await door.post({"update_id": 1}, secret=secret) for secret in ("", "wrong", "ä" * 9, SECRET[:-1])
            ]
    assert [answer.status_code for answer in answers] == [403] * 4
    assert take.seen == []
    assert [entry["log_level"] for entry in logs if entry["log_level"] != "info"] == ["warning"]
    assert SECRET not in str(logs)


async def test_an_update_is_acknowledged_when_it_is_stored_and_else_comes_again_soon(door: Door) -> None:
    take = Taker(StoreDown("locked"), RuntimeError("a bug"))
    async with hearing(door, take):
        answers = [await door.post({"update_id": number}) for number in (1, 1, 1)]
    assert [answer.status_code for answer in answers] == [503, 200, 200]
    assert answers[0].headers["retry-after"] == str(REPEAT_AFTER)
    assert take.seen == [1, 1, 1]


async def test_what_nobody_can_read_is_answered_so_that_it_does_not_come_for_ever(door: Door) -> None:
    take = Taker()
    async with hearing(door, take):
        with structlog.testing.capture_logs() as logs:
            assert (await door.post({"update_id": 1, "message": {"nonsense": True}})).status_code == 200
            assert (await door.post(["no", "update"])).status_code == 200
        assert (await door.post(content=b"{")).status_code == 400
        assert (await door.post(content=b" " * (MAX_BODY + 1))).status_code == 413
        assert (await door.http.get(PATH)).status_code == 405
    errors = [entry["event"] for entry in logs if entry["log_level"] == "error"]
    assert errors == ["an update cannot be read and is skipped"] * 2
    assert take.seen == []


# -- start, stop and in between ----------------------------------------------------------------------------------------


async def test_a_process_that_nothing_can_be_posted_to_does_not_start(door: Door, tmp_path: Path) -> None:
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{tmp_path}/another.db",
        media_url=f"file://{tmp_path}/media",
        telegram_bot_token=SecretStr(door.world.sandbox.token),
        telegram_api_url=door.world.sandbox.base_url,
        telegram_webhook_secret=SecretStr(SECRET),
        public_url=door.hook.public_url,
        web_listen=door.hook.public_url.removeprefix("http://"),  # where the balancer is
    )
    with pytest.raises(SettingsError, match="WEB_LISTEN"):
        await run(settings, ("telegram",), asyncio.Event())
    assert door.set() == []


async def test_a_stop_finishes_what_is_in_hand_and_leaves_the_rest_to_other_processes(door: Door) -> None:
    take = Taker()
    held = take.held = asyncio.Event()
    async with hearing(door, take) as (stopping, running):
        in_hand = asyncio.create_task(door.post({"update_id": 1}))
        await until(lambda: take.seen)
        stopping.set()

        async def is_closed() -> bool:
            return (await door.post({"update_id": 2})).status_code == 503

        take.held = None
        await until(is_closed)
        assert not running.done()
        held.set()
        assert (await in_hand).status_code == 200
    assert door.world.sandbox.called("deleteWebhook") == []
    assert (await door.world.front()._bot.get_webhook_info()).url == door.hook.url


async def test_what_is_said_while_no_process_lives_is_posted_to_the_next_one(door: Door) -> None:
    async with door.listening():
        await until(door.set)
    await door.world.sandbox.say("ana", "group", "/imagine a red fox")
    await until(lambda: door.world.sandbox._service.updates.last_error)
    async with door.listening():
        await until(door.world.tasks)
    await door.world.only_task()


async def test_a_webhook_that_somebody_removed_is_set_again(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "LOOK_EVERY", 0.05)
    async with door.listening() as (front,):
        await until(lambda: front.is_listening)
        with structlog.testing.capture_logs() as logs:
            await front._bot.delete_webhook()
            await until(lambda: len(door.set()) == 2)
            await front._bot.set_webhook("http://elsewhere.invalid/a-secret-path")
            await until(lambda: any("leads elsewhere" in entry["event"] for entry in logs))
            assert not front.is_listening
    assert len(door.set()) == 3
    assert any("is gone and is set again" in entry["event"] for entry in logs)
    assert "a-secret-path" not in str(logs)


async def test_what_telegram_could_not_post_is_logged_once(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "LOOK_EVERY", 0.05)
    take = Taker(StoreDown("locked"))
    with structlog.testing.capture_logs() as logs:
        async with hearing(door, take):
            await door.world.sandbox.say("ana", "group", "/imagine a red fox")
            looked = len(door.world.sandbox.called("getWebhookInfo"))
            await until(lambda: len(door.world.sandbox.called("getWebhookInfo")) > looked + 3)
    (told,) = [entry for entry in logs if entry["event"] == "Telegram could not post an update"]
    assert told["reason"] == "Wrong response from the webhook: 503 Service Unavailable"


async def test_telegram_that_does_not_answer_at_the_start_is_tried_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "BACKOFF", (0.05, 0.1))
    door.world.sandbox.fail_next(
        "setWebhook", code=429, description="Too Many Requests: retry after 0", parameters={"retry_after": 0}
    )
    door.world.sandbox.fail_next("setWebhook", code=502, description="Bad Gateway")
    door.world.sandbox.fail_next("setWebhook", code=404, description="Not Found")
    async with door.listening():
        await until(lambda: len(door.set()) == 4)


@pytest.mark.parametrize(
    ("code", "description", "setting"),
    [
        (401, "Unauthorized", "TELEGRAM_BOT_TOKEN"),
        (400, "Bad Request: bad webhook: Failed to resolve host", "PUBLIC_URL.*failed to resolve host"),
    ],
)
async def test_what_telegram_refuses_is_a_setting_to_fix(door: Door, code: int, description: str, setting: str) -> None:
    door.world.sandbox.fail_next("setWebhook", code=code, description=description)
    with pytest.raises(SettingsError, match=setting):
        await door.world.front(door.hook).run(asyncio.Event())


@pytest.mark.parametrize(
    ("hook", "setting"),
    [
        (Hook("http://bots.example.org", SECRET), "PUBLIC_URL"),
        (Hook("https://bots.example.org:8080", SECRET), "PUBLIC_URL.*443, 80, 88, 8443"),
        (Hook("https://bots.example.org", "not allowed"), "TELEGRAM_WEBHOOK_SECRET"),
    ],
)
def test_what_the_official_server_would_refuse_is_a_setting_to_fix(hook: Hook, setting: str) -> None:
    with pytest.raises(SettingsError, match=setting) as refused:
        hook.check("https://api.telegram.org")
    assert hook.secret not in str(refused.value)


def test_a_local_server_posts_to_any_scheme_and_port() -> None:
    Hook("http://127.0.0.1:8080", SECRET).check("http://127.0.0.1:8081")
    Hook("https://bots.example.org:8443", SECRET).check("https://api.telegram.org")
