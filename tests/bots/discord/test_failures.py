"""The last word without a picture: why, and what to do now."""

from dataclasses import replace

import pytest

from bots.discord.front import DiscordFront
from core.errors import ChatGone
from core.types import Action, Failure, Stage, Task, View
from tests.bots.discord.test_results import by_message
from tests.bots.discord.world import World, actions
from tests.waiting import until


async def failed(world: World, task: Task) -> View:
    view = await world.view(task.id)
    failure = Failure(key="error.prompt_refused", kind="PromptRefused")
    return replace(view, stage=Stage.FAILED, failure=failure, actions=(Action.AGAIN,))


async def test_a_failure_stands_on_the_status_message_with_a_button_to_try_again(
    world: World, front: DiscordFront
) -> None:
    task = await world.imagined()
    await front.hand_over(task.address, await failed(world, task), [], attempt=1)

    (shown,) = world.bot_posts()
    assert "charged" in shown.text
    assert actions(shown) == ["again"]


async def test_a_failure_is_told_anew_when_the_status_message_is_gone(world: World, front: DiscordFront) -> None:
    task = await by_message(world)
    address = await front.show(task.address, await world.view(task.id))
    await world.sandbox.delete("ana", "general", str(address.data["status"]))
    await front.hand_over(address, await failed(world, task), [], attempt=1)

    (shown,) = world.bot_posts()
    assert shown.reply_to == str(task.address.data["request"])
    assert actions(shown) == ["again"]


async def test_a_failure_of_a_task_that_never_showed_anything_answers_the_request(
    world: World, front: DiscordFront
) -> None:
    task = await by_message(world)
    await front.hand_over(task.address, await failed(world, task), [], attempt=1)

    (shown,) = world.bot_posts()
    assert shown.reply_to == str(task.address.data["request"])


async def test_a_cancelled_task_says_so_once(world: World, front: DiscordFront) -> None:
    task = await world.imagined()
    address = await front.show(task.address, await world.view(task.id))
    await world.client.cancel(task.id, account=task.who.account)
    await front.hand_over(address, await world.view(task.id), [], attempt=1)

    (shown,) = world.bot_posts()
    assert "Cancelled" in shown.text


async def test_a_progress_edit_that_discord_has_not_answered_is_waited_for(
    world: World, front: DiscordFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.discord.progress.IN_LINE", 0.2)
    task = await by_message(world)
    view = await world.view(task.id)
    address = await front.show(task.address, view)
    await front.show(address, replace(view, position=2))  # discord.py learns that this route takes several at once
    world.sandbox.fail_next("PATCH", "/messages/[0-9]+$", mode="late", seconds=1.5)
    monkeypatch.setattr("bots.discord.progress.PATIENCE", 0.3)
    await front.show(address, replace(view, stage=Stage.WORKING, progress=0.5, actions=()))
    monkeypatch.setattr("bots.discord.progress.PATIENCE", 5.0)
    await front.hand_over(address, await failed(world, task), [], attempt=1)
    await until(lambda: [call.status for call in world.calls("PATCH", "/messages/{message_id}")] == [200] * 3)

    (shown,) = world.bot_posts()
    assert actions(shown) == ["again"]


async def test_a_private_failure_that_comes_too_late_is_told_in_a_direct_message(
    world: World, front: DiscordFront
) -> None:
    task = await world.imagined(private=True)
    world.clock.ahead = 20 * 60
    await front.hand_over(task.address, await failed(world, task), [], attempt=1)

    (told,) = world.bot_posts("dm:ana")
    assert actions(told) == ["again"]


async def test_a_failure_that_can_be_told_nowhere_is_given_up(world: World, front: DiscordFront) -> None:
    task = await by_message(world)
    world.sandbox.deny("general", "send_messages")
    world.sandbox.close_dms("ana")

    with pytest.raises(ChatGone):
        await front.hand_over(task.address, await failed(world, task), [], attempt=1)
