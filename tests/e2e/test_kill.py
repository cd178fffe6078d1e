"""kill -9 at every point of a picture's life; after the next start each result arrives once and is settled once."""

from pathlib import Path

import pytest

from core.rows import read
from core.settings import PACKAGED_MODELS
from sandbox.chat import Post
from tests.e2e.town import Town, town
from tests.waiting import until

CHATS = ["telegram", "discord"]
ACCOUNTS = {"telegram": "telegram:501000001", "discord": "discord:1170000000000000001"}
#: A model whose orders are task ids that can be asked about, and one that answers only on its connection.
TASKS, CONNECTION = "hub-flux-kontext-max", "flux-2-pro"
#: The calls by which a picture comes to Telegram, with and without a status before it.
POSTING = ("sendPhoto", "editMessageMedia")


async def imagine(place: Town, chat: str, prompt: str, model: str) -> None:
    if chat == "telegram":
        await place.telegram.say("ana", "group", f"/imagine {prompt} --model {model}")
    else:
        await place.discord.command("ana", "general", "imagine", {"prompt": prompt, "model": model})


def pictures(place: Town, chat: str) -> list[Post]:
    return place.telegram_pictures() if chat == "telegram" else place.discord_pictures()


def told(place: Town, chat: str) -> list[Post]:
    """Posts of the bot that carry words and an *again* button, but no picture."""
    posts = (place.telegram if chat == "telegram" else place.discord).feed.posts(author="bot")
    return [
        post
        for post in posts
        if not post.attachments and any("again" in button.id for row in post.buttons for button in row)
    ]


async def arrives_once(place: Town, chat: str, *, orders: int, credits: int) -> None:
    """One picture, paid for once, and nothing is left to do."""
    await until(lambda: pictures(place, chat), timeout=40)
    await until(lambda: settled(place, chat, credits), timeout=20)
    assert len(pictures(place, chat)) == 1
    assert len(place.apiyi.orders) + len(place.aihubmix.orders) == orders
    assert await place.unfinished(ACCOUNTS[chat]) == []


async def settled(place: Town, chat: str, credits: int) -> bool:
    usage = await place.usage(ACCOUNTS[chat])
    return (usage.day_used, usage.day_held) == (credits, 0)


def price(model: str) -> int:
    return next(row.credits for row in read(PACKAGED_MODELS) if row.name == model)


@pytest.mark.parametrize("chat", CHATS)
async def test_killed_just_after_the_request(tmp_path: Path, chat: str) -> None:
    async with town(tmp_path) as place:
        await place.started()
        seen = {"telegram": lambda: place.telegram.pending_updates == 0, "discord": lambda: deferred(place)}[chat]
        await imagine(place, chat, "a red fox", TASKS)
        await until(seen)
        await place.bots.killed()
        await place.started()
        await arrives_once(place, chat, orders=1, credits=price(TASKS))


def deferred(place: Town) -> bool:
    return any("/callback" in call.path for call in place.discord.calls)


async def test_killed_before_telegrams_update_was_confirmed(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        await place.started()
        await place.telegram.say("ana", "group", f"/imagine a red fox --model {TASKS}")
        await place.bots.killed()
        await place.started()
        await arrives_once(place, "telegram", orders=1, credits=price(TASKS))


@pytest.mark.parametrize("chat", CHATS)
async def test_killed_while_the_gateway_works_on_it_and_can_be_asked(tmp_path: Path, chat: str) -> None:
    async with town(tmp_path, aihubmix_seconds=4.0) as place:
        await place.started()
        await imagine(place, chat, "a red fox", TASKS)
        await until(lambda: asked_about(place), timeout=30)
        await place.bots.killed()
        await place.started()
        await arrives_once(place, chat, orders=1, credits=price(TASKS))


def asked_about(place: Town) -> bool:
    return any("/tasks/" in request.path for request in place.aihubmix.requests)


@pytest.mark.parametrize("chat", CHATS)
async def test_killed_while_the_call_is_out_to_a_gateway_that_keeps_nothing(tmp_path: Path, chat: str) -> None:
    async with town(tmp_path, apiyi_seconds=30.0) as place:
        await place.started()
        await imagine(place, chat, "a red fox", CONNECTION)
        await place.apiyi.until(lambda: bool(place.apiyi.orders), timeout=30)
        await place.bots.killed()
        place.apiyi.seconds = 0.2
        await place.started()
        await until(lambda: told(place, chat), timeout=40)
        await until(lambda: settled(place, chat, 0))
        assert (pictures(place, chat), len(place.apiyi.orders)) == ([], 1)
        # The way forward works: the button orders it anew.
        post = told(place, chat)[0]
        button = next(button for row in post.buttons for button in row if "again" in button.id)
        if chat == "telegram":
            await place.telegram.press("ana", "group", post.id, button.id)
        else:
            await place.discord.press("ana", "general", post.id, button.id)
        await arrives_once(place, chat, orders=2, credits=price(CONNECTION))


@pytest.mark.parametrize("chat", CHATS)
async def test_killed_after_it_was_made_and_before_it_was_posted(tmp_path: Path, chat: str) -> None:
    async with town(tmp_path) as place:
        await place.started()
        if chat == "telegram":
            for method in POSTING:
                place.telegram.fail_next(method, mode="hang", times=1)
        else:
            place.discord.fail_next("POST", r"^/channels/\d+/messages$", mode="hang", times=1, status=500)
        await imagine(place, chat, "a red fox", CONNECTION)
        await until(lambda: being_posted(place, chat), timeout=40)
        await place.bots.killed()
        await place.started()
        await arrives_once(place, chat, orders=1, credits=price(CONNECTION))


def being_posted(place: Town, chat: str) -> bool:
    if chat == "telegram":
        return any(place.telegram.called(method) for method in POSTING)
    return any(call.method == "POST" and call.path.endswith("/messages") for call in place.discord.calls)


async def test_on_telegram_a_status_that_became_the_picture_before_the_kill_stays_the_only_one(tmp_path: Path) -> None:
    async with town(tmp_path, aihubmix_seconds=3.0) as place:
        await place.started()
        place.telegram.fail_next("editMessageMedia", mode="drop_after", times=1)
        await imagine(place, "telegram", "a red fox", TASKS)
        await until(lambda: pictures(place, "telegram"), timeout=40)
        await place.bots.killed()
        await place.started()
        await arrives_once(place, "telegram", orders=1, credits=price(TASKS))
        assert len(place.telegram.called("editMessageMedia")) == 2


async def test_on_discord_a_post_that_was_taken_before_the_kill_is_not_posted_again(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        await place.started()
        place.discord.fail_next("POST", r"^/channels/\d+/messages$", mode="drop_after", times=1, status=500)
        await imagine(place, "discord", "a red fox", CONNECTION)
        await until(lambda: pictures(place, "discord"), timeout=40)
        await place.bots.killed()
        await place.started()
        await arrives_once(place, "discord", orders=1, credits=price(CONNECTION))


@pytest.mark.parametrize("chat", CHATS)
async def test_asked_to_stop_it_finishes_what_is_paid_and_leaves_the_rest_as_rows(tmp_path: Path, chat: str) -> None:
    async with town(tmp_path, apiyi_seconds=3.0, aihubmix_seconds=60.0) as place:
        await place.started()
        await imagine(place, chat, "a red fox", CONNECTION)
        await imagine(place, chat, "a slow fox", TASKS)
        await place.apiyi.until(lambda: bool(place.apiyi.orders), timeout=30)
        await until(lambda: asked_about(place), timeout=30)
        place.bots.ask_to_stop()
        assert await place.bots.ended(within=15) == 0
        assert [order.answered for order in place.apiyi.orders] == [True]
        assert len(pictures(place, chat)) == 1
        assert len(await place.unfinished(ACCOUNTS[chat])) == 1


async def test_without_anything_paid_it_does_not_wait_for_the_grace_to_end(tmp_path: Path) -> None:
    async with town(tmp_path, aihubmix_seconds=60.0) as place:
        await place.started()
        await imagine(place, "telegram", "a slow fox", TASKS)
        await until(lambda: asked_about(place), timeout=30)
        place.bots.ask_to_stop()
        assert await place.bots.ended(within=30) == 0


async def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    async with town(tmp_path, apiyi_seconds=60.0) as place:
        await place.started()
        await imagine(place, "telegram", "a red fox", CONNECTION)
        await place.apiyi.until(lambda: bool(place.apiyi.orders), timeout=30)
        place.bots.ask_to_stop()
        await until(lambda: "waiting for paid calls" in place.bots.said())
        place.bots.ask_to_stop()
        await place.bots.ended(within=5)


async def test_no_secret_is_in_anything_the_bots_print(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        await place.started()
        for chat in CHATS:
            await imagine(place, chat, "a red fox", CONNECTION)
            await until(lambda chat=chat: pictures(place, chat), timeout=40)  # type: ignore[misc]
        photo = place.telegram_pictures()[0]
        await place.telegram.say("ben", "group", "/edit make it night", reply_to=photo.id)
        await until(lambda: len(place.telegram_pictures()) == 2, timeout=40)
        place.telegram.fail_next("getUpdates", code=500, description="Internal Server Error")
        place.apiyi.fail_next("broken_json")
        await imagine(place, "telegram", "another fox", CONNECTION)
        await until(lambda: told(place, "telegram"), timeout=40)
        place.bots.ask_to_stop()
        await place.bots.ended()
    said = place.bots.said()
    assert len(said) > 1000
    for secret in (place.telegram.token, place.discord.token, place.apiyi.default_key, place.aihubmix.default_key):
        assert secret not in said
        assert secret.rpartition(":")[2] not in said


async def test_a_token_that_is_revoked_ends_the_bots_in_order(tmp_path: Path) -> None:
    async with town(tmp_path, apiyi_seconds=3.0) as place:
        await place.started()
        await imagine(place, "discord", "a red fox", CONNECTION)
        await place.apiyi.until(lambda: bool(place.apiyi.orders), timeout=30)
        place.telegram.fail_next("getUpdates", code=401, description="Unauthorized", times=5)
        await place.telegram.say("ben", "group", "/help")
        assert await place.bots.ended(within=30) == 1
        assert [order.answered for order in place.apiyi.orders] == [True]
        assert len(place.discord_pictures()) == 1
        assert "TELEGRAM_BOT_TOKEN" in place.bots.said().splitlines()[-1]
