"""Progress: one status message, edited; droppable, and silent where nothing can be shown."""

import asyncio
from dataclasses import replace

import pytest

from bots.discord.front import DiscordFront
from core.errors import ChatBusy
from core.types import Action, Stage, Task, View
from tests.bots.discord.world import World, a_result, actions, upload

MESSAGE = "/channels/{channel_id}/messages/{message_id}"


async def asked_by_message(world: World) -> Task:
    return await world.ordered(world.sandbox.say("ana", "general", "@bot night", files=[upload()]))


def working(view: View, progress: float) -> View:
    return replace(view, stage=Stage.WORKING, progress=progress, started_at=None, actions=())


async def test_progress_edits_the_interactions_own_message(world: World, front: DiscordFront) -> None:
    task = await world.imagined()
    view = await world.view(task.id)
    address = await front.show(task.address, view)
    (queued,) = world.bot_posts()
    await front.show(address, working(view, 0.5))
    (started,) = world.bot_posts()

    assert actions(queued) == ["cancel"]
    assert started.id == queued.id
    assert actions(started) == []
    assert started.text != queued.text


async def test_a_message_is_answered_by_one_status_message_that_pings_nobody(world: World, front: DiscordFront) -> None:
    task = await asked_by_message(world)
    view = await world.view(task.id)
    address = await front.show(task.address, view)
    await front.show(address, working(view, 0.5))

    (status,) = world.bot_posts()
    assert status.reply_to == str(task.address.data["request"])
    assert address.data["status"] == int(status.id)
    assert not world.pinged(status)


async def test_a_status_message_is_not_posted_twice_when_its_id_was_lost(world: World, front: DiscordFront) -> None:
    task = await asked_by_message(world)
    view = await world.view(task.id)
    await front.show(task.address, view)
    await front.show(task.address, view)

    assert len(world.bot_posts()) == 1


async def test_when_the_token_is_over_progress_goes_on_by_the_messages_id(world: World, front: DiscordFront) -> None:
    task = await world.imagined()
    view = await world.view(task.id)
    address = await front.show(task.address, view)
    world.clock.ahead = 16 * 60
    await front.show(address, working(view, 0.5))

    edits = world.calls("PATCH", MESSAGE)
    assert [call.status for call in edits] == [200]
    assert len(world.bot_posts()) == 1


@pytest.mark.parametrize(
    ("code", "status"), [(50027, 401), (10015, 404)], ids=["invalid webhook token", "unknown webhook"]
)
async def test_a_token_that_is_refused_is_not_the_end(
    world: World, front: DiscordFront, code: int, status: int
) -> None:
    task = await world.imagined()
    view = await world.view(task.id)
    address = await front.show(task.address, view)
    world.sandbox.fail_next("PATCH", "/messages/(@|%40)original$", status=status, code=code)
    await front.show(address, working(view, 0.5))

    assert world.calls("PATCH", MESSAGE)[-1].status == 200


@pytest.mark.parametrize(("code", "status"), [(10003, 404), (10008, 404), (50001, 403), (50013, 403), (50083, 400)])
async def test_where_nothing_can_be_shown_no_further_call_is_made(
    world: World, front: DiscordFront, code: int, status: int
) -> None:
    task = await world.imagined()
    view = await world.view(task.id)
    world.sandbox.fail_next("PATCH", "/messages/(@|%40)original$", status=status, code=code)
    address = await front.show(task.address, view)
    calls = len(world.sandbox.calls)
    await front.show(address, working(view, 0.5))

    assert len(world.sandbox.calls) == calls


@pytest.mark.parametrize("scope", ["user", "global"])
async def test_an_edit_that_is_refused_as_too_fast_is_dropped_at_once(
    world: World, front: DiscordFront, scope: str
) -> None:
    task = await world.imagined()
    view = await world.view(task.id)
    headers = {"Retry-After": "20", **({"X-RateLimit-Global": "true"} if scope == "global" else {})}
    world.sandbox.fail_next("PATCH", "/messages/(@|%40)original$", status=429, headers=headers)
    for _ in range(2):
        async with asyncio.timeout(5):
            with pytest.raises(ChatBusy) as caught:
                await front.show(task.address, view)
        assert 10 < caught.value.retry_after <= 20

    # The second one has never left.
    assert [call.status for call in world.calls("PATCH", "/messages/@original")] == [429]


async def test_an_edit_that_would_stand_in_line_is_given_up_and_the_result_does_not_wait_for_it(
    world: World, front: DiscordFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.discord.progress.IN_LINE", 0.1)
    one, two = [await asked_by_message(world) for _ in range(2)]
    addresses = [await front.show(task.address, await world.view(task.id)) for task in (one, two)]
    world.sandbox.limits.set(f"PATCH {MESSAGE}", 1, 20.0)
    async with asyncio.timeout(5):
        await front.show(addresses[0], working(await world.view(one.id), 0.5))
        for _ in range(2):  # the first of these is out of the line
            with pytest.raises(ChatBusy):
                await front.show(addresses[1], working(await world.view(two.id), 0.5))
        for task, address in zip((one, two), addresses, strict=True):
            picture = a_result(task)
            await front.hand_over(address, await world.finish(task, picture), [picture], attempt=1)

    assert [call.status for call in world.calls("PATCH", MESSAGE)] == [200]
    assert len(world.pictures()) == 2


async def test_a_server_error_is_for_later(world: World, front: DiscordFront) -> None:
    task = await asked_by_message(world)
    world.sandbox.fail_next("POST", "/messages$", status=503)

    with pytest.raises(ChatBusy):
        await front.show(task.address, await world.view(task.id))


async def test_before_the_login_progress_is_for_later(world: World) -> None:
    async with world.listening():
        task = await world.imagined()
    front = world.front()

    with pytest.raises(ChatBusy):
        await front.show(task.address, await world.view(task.id))
    await front.close()


async def test_the_cancel_button_says_so_in_the_requesters_language(world: World, front: DiscordFront) -> None:
    task = await world.imagined("chen")
    await front.show(task.address, await world.view(task.id))

    (shown,) = world.bot_posts()
    assert shown.buttons[0][0].label == world.words.say("zh-CN", f"button.{Action.CANCEL}")
