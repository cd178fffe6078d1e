"""The durable inbox: nothing said is lost, nothing is ordered twice, whatever dies in between."""

import asyncio

import pytest
import structlog
from telegram import Update

from bots.telegram import TelegramFront
from bots.telegram.polling import ALLOWED_UPDATES, Polling
from core.errors import SettingsError, StoreDown
from tests.bots.telegram.world import World
from tests.waiting import until


class Taker:
    """Takes updates as told; ``fails`` are raised in turn, once each."""

    def __init__(self, *fails: Exception) -> None:
        self.fails = list(fails)
        self.seen: list[str] = []

    async def __call__(self, update: Update) -> None:
        assert update.message is not None
        self.seen.append(update.message.text or "")
        if self.fails:
            raise self.fails.pop(0)


async def poll(world: World, take: Taker, *, until_seen: int) -> None:
    """Poll until so many updates were taken, then stop as the app does."""
    stopping = asyncio.Event()
    running = asyncio.create_task(Polling(world.front()._bot, take).run(stopping))
    await until(lambda: running.done() or len(take.seen) >= until_seen)
    stopping.set()
    await running


async def test_killed_before_it_was_stored_the_update_comes_again_and_orders_once(world: World) -> None:
    await world.sandbox.say("ana", "group", "/imagine a red fox")
    reached = asyncio.Event()

    async def die_here(update: Update) -> None:
        reached.set()
        await asyncio.Event().wait()

    killed = asyncio.create_task(Polling(world.front()._bot, die_here).run(asyncio.Event()))
    await reached.wait()
    killed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killed
    assert await world.tasks() == []
    async with world.listening():
        pass
    assert (await world.only_task()).request.prompt == "a red fox"


async def test_killed_after_it_was_stored_the_update_comes_again_and_orders_nothing_twice(world: World) -> None:
    await world.sandbox.say("ana", "group", "/imagine a red fox")
    front = world.front()
    world.sandbox.fail_next("getUpdates", mode="hang", when=lambda params: "offset" in params)
    killed = asyncio.create_task(front.run(asyncio.Event()))
    await until(world.tasks)
    await until(lambda: any("offset" in call.params for call in world.sandbox.called("getUpdates")))
    killed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killed
    assert world.sandbox.pending_updates == 1
    async with world.listening():
        pass
    await world.only_task()


async def test_a_stop_confirms_what_was_taken_so_that_the_next_start_does_not_get_it_again(world: World) -> None:
    await world.sandbox.say("ana", "private:ana", "one")
    stopping = asyncio.Event()

    async def stop_here(update: Update) -> None:
        stopping.set()

    await Polling(world.front()._bot, stop_here).run(stopping)
    assert world.sandbox.pending_updates == 0


async def test_nothing_is_taken_after_the_stop(world: World) -> None:
    stopping = asyncio.Event()
    stopping.set()
    await world.sandbox.say("ana", "group", "/imagine a red fox")
    await world.front().run(stopping)
    assert world.sandbox.pending_updates == 1
    assert await world.tasks() == []


async def test_an_update_that_could_not_be_stored_comes_again_and_those_behind_it_only_once(world: World) -> None:
    await world.sandbox.say("ana", "private:ana", "one")
    await world.sandbox.say("ben", "private:ben", "two")
    take = Taker(StoreDown("locked"))
    await poll(world, take, until_seen=3)
    assert sorted(take.seen) == ["one", "one", "two"]
    assert world.sandbox.pending_updates == 0


async def test_a_person_whose_update_could_not_be_stored_is_not_overtaken_by_their_own_next(world: World) -> None:
    for text in ("one", "two"):
        await world.sandbox.say("ana", "private:ana", text)
    take = Taker(StoreDown("locked"))
    await poll(world, take, until_seen=3)
    assert take.seen == ["one", "one", "two"]


async def test_an_update_that_breaks_us_is_logged_and_does_not_come_again(world: World) -> None:
    await world.sandbox.say("ana", "private:ana", "one")
    await world.sandbox.say("ana", "private:ana", "two")
    take = Taker(ValueError("a bug"))
    with structlog.testing.capture_logs() as logs:
        await poll(world, take, until_seen=2)
    assert take.seen == ["one", "two"]
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["an update failed"]


async def test_one_person_is_taken_in_order_while_others_do_not_wait(world: World) -> None:
    for text in ("a1", "a2"):
        await world.sandbox.say("ana", "private:ana", text)
    await world.sandbox.say("ben", "private:ben", "b1")
    taken: list[str] = []
    may_go_on = asyncio.Event()

    async def take(update: Update) -> None:
        assert update.message is not None
        text = update.message.text or ""
        if text == "a1":
            await may_go_on.wait()
        taken.append(text)

    stopping = asyncio.Event()
    running = asyncio.create_task(Polling(world.front()._bot, take).run(stopping))
    await until(lambda: taken == ["b1"])
    may_go_on.set()
    await until(lambda: len(taken) == 3)
    stopping.set()
    await running
    assert taken == ["b1", "a1", "a2"]


async def test_an_update_the_library_cannot_read_does_not_block_the_next(world: World) -> None:
    world.sandbox._service.updates.add("message", {"message_id": 1, "nonsense": True})
    await world.sandbox.say("ana", "private:ana", "two")
    take = Taker()
    await poll(world, take, until_seen=1)
    assert take.seen == ["two"]


async def test_an_unreadable_update_among_good_ones_costs_none_of_them(world: World) -> None:
    for text in ("one", "two"):
        await world.sandbox.say("ana", "private:ana", text)
    world.sandbox._service.updates.add("message", {"message_id": 1, "nonsense": True})
    await world.sandbox.say("ana", "private:ana", "four")
    take = Taker()
    with structlog.testing.capture_logs() as logs:
        await poll(world, take, until_seen=3)
    assert take.seen == ["one", "two", "four"]
    assert [entry["event"] for entry in logs] == ["an update cannot be read and is skipped"]
    assert world.sandbox.pending_updates == 0


async def test_once_the_unreadable_update_is_behind_updates_come_together_again(world: World) -> None:
    world.sandbox._service.updates.add("message", {"message_id": 1, "nonsense": True})
    await world.sandbox.say("ana", "private:ana", "two")
    await poll(world, Taker(), until_seen=1)
    limits = [call.params.get("limit") for call in world.sandbox.called("getUpdates")]
    assert limits[:4] == [None, 1, 1, None]  # the batch; the unreadable one; stepping over it; the batch


async def test_a_404_while_running_passes(world: World) -> None:
    world.sandbox.fail_next("getUpdates", code=404, description="Not Found")
    with structlog.testing.capture_logs() as logs:
        await world.said("ana", "group", "/imagine a red fox")
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["polling failed"]
    await world.only_task()


async def test_a_token_that_is_revoked_while_running_is_a_setting_to_fix(world: World) -> None:
    world.sandbox.fail_next("getUpdates", code=401, description="Unauthorized")
    with pytest.raises(SettingsError, match="TELEGRAM_BOT_TOKEN"):
        await world.front().run(asyncio.Event())


async def test_a_404_before_anything_has_worked_is_a_setting_to_fix(world: World) -> None:
    world.sandbox.fail_next("getMe", code=404, description="Not Found")
    with pytest.raises(SettingsError, match="TELEGRAM_BOT_TOKEN"):
        await world.front().run(asyncio.Event())


async def test_a_refused_token_is_a_setting_to_fix(world: World) -> None:
    front = TelegramFront(
        "123456:another-token-that-nobody-knows", client=world.client, words=world.words, api_url=world.sandbox.base_url
    )
    world.fronts.append(front)
    with pytest.raises(SettingsError, match="TELEGRAM_BOT_TOKEN"):
        await front.run(asyncio.Event())


async def test_a_second_poller_is_named_in_the_log_and_polling_goes_on(world: World) -> None:
    world.sandbox.fail_next(
        "getUpdates", code=409, description="Conflict: terminated by other getUpdates request; make sure that only one"
    )
    with structlog.testing.capture_logs() as logs:
        await world.said("ana", "group", "/imagine a red fox")
    assert any("another process polls" in entry["event"] for entry in logs)
    await world.only_task()


async def test_a_webhook_in_the_way_is_removed(world: World) -> None:
    await world.front()._bot.set_webhook("https://example.invalid/hook")
    await world.said("ana", "group", "/imagine a red fox")
    assert len(world.sandbox.called("deleteWebhook")) == 1
    await world.only_task()


async def test_a_lost_connection_is_tried_again(world: World) -> None:
    world.sandbox.fail_next("getMe", mode="drop_before")
    world.sandbox.fail_next("getUpdates", code=502, description="Bad Gateway")
    await world.said("ana", "group", "/imagine a red fox")
    await world.only_task()


async def test_only_what_we_act_on_is_asked_for(world: World) -> None:
    await world.said("ana", "group", "/help")
    assert {tuple(call.params["allowed_updates"]) for call in world.sandbox.called("getUpdates")} == {ALLOWED_UPDATES}


async def test_the_store_being_down_is_said_once_and_the_request_is_stored_when_it_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, failures = world.client.submit, 2

    async def failing(*args: object, **kwargs: object) -> object:
        nonlocal failures
        if failures:
            failures -= 1
            raise StoreDown("the disk is full")
        return await submit(*args, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(world.client, "submit", failing)
    await world.said("ana", "group", "/imagine a red fox")
    await world.only_task()
    assert world.bot_texts() == [world.words.say("en", "error.store_down")]
