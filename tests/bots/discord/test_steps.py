"""Buttons that make something of a result: upscale, vary, the gateway's own next steps, a text as a picture."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bots.discord.front import DiscordFront
from core.types import MediaRef, Offer, Operation
from tests.bots.discord.world import EVERYTHING, GENEROUS, NO_PICTURE, World, a_world, actions, button, labels, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFFERS = (
    Offer(Operation.UPSCALE, "up-1", "U1", 0),
    Offer(Operation.UPSCALE, "up-2", "U2", 1),
    Offer(Operation.ZOOM, "out", "Zoom Out 2x"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with a_world(tmp_path_factory.mktemp("steps"), limits=GENEROUS, models=EVERYTHING) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front(world: World) -> AsyncIterator[DiscordFront]:
    async with world.listening() as listening:
        yield listening


async def test_every_picture_has_its_buttons(world: World, front: DiscordFront) -> None:
    _, shown = await world.result(front, pictures=2)

    assert actions(shown) == [*["edit"] * 2, *["upscale"] * 2, *["vary"] * 2, "again", "details", "delete"]
    assert labels(shown)[1] == ["🔍 Upscale 1", "🔍 Upscale 2"]


@pytest.mark.parametrize("operation", [Operation.UPSCALE, Operation.VARY])
async def test_a_press_works_on_that_picture_at_the_pressers_cost(
    world: World, front: DiscordFront, operation: Operation
) -> None:
    parent, shown = await world.result(front, pictures=2)
    (order,) = await world.store.orders(parent.id)
    press = world.sandbox.press("ben", "general", shown.id, button(shown, operation, 1))
    task = await world.ordered(press, who="ben")

    assert (task.parent, task.request.operation, task.request.model) == (parent.id, operation, "jack-3")
    assert task.request.images == (order.results[1],)
    assert task.address.data["request"] == int(shown.id), "the new result answers the old one"


async def test_edit_is_about_the_picture_with_its_number(world: World, front: DiscordFront) -> None:
    parent, shown = await world.result(front, pictures=2)
    (order,) = await world.store.orders(parent.id)
    form = await world.form(world.sandbox.press("ana", "general", shown.id, button(shown, "edit", 1)))
    task = await world.ordered(world.sandbox.submit("ana", form.id, {"prompt": "night"}))

    assert task.request.images == (order.results[1],)


async def test_a_step_the_gateway_offers_is_taken_there(world: World, front: DiscordFront) -> None:
    parent, shown = await world.result(front, pictures=2, offers=OFFERS)
    zoomed = await world.ordered(world.sandbox.press("ana", "general", shown.id, button(shown, "follow", 2)))
    larger = await world.ordered(world.sandbox.press("ana", "general", shown.id, button(shown, "follow", 1)))

    assert labels(shown)[0] == ["U1", "U2"]
    assert "upscale" not in actions(shown), "the gateway's own goes before ours"
    for task, operation, token in ((zoomed, Operation.ZOOM, "out"), (larger, Operation.UPSCALE, "up-2")):
        assert task.request.follow is not None
        assert (task.parent, task.request.operation, task.request.follow.token) == (parent.id, operation, token)


async def test_a_text_becomes_a_picture(world: World, front: DiscordFront) -> None:
    asked = world.sandbox.command("ana", "general", "describe", {"image": upload()})
    parent = await world.ordered(asked)
    await world.delivered(front, parent, texts=["a fox", "an owl"])
    shown = await world.post(lambda post: "an owl" in post.text)
    task = await world.ordered(world.sandbox.press("ben", "general", shown.id, button(shown, "imagine", 1)), who="ben")

    assert (task.parent, task.request.operation, task.request.prompt) == (parent.id, Operation.IMAGINE, "an owl")
    assert task.request.images == ()


async def test_what_is_made_of_a_private_result_is_private_too(world: World, front: DiscordFront) -> None:
    task = await world.imagined(private=True)
    since = len(world.sandbox.feed.events)
    await world.delivered(front, task)
    shown = await world.post(lambda post: bool(post.attachments), since=since)
    larger = await world.ordered(world.sandbox.press("ana", "general", shown.id, button(shown, "upscale")))

    assert larger.request.private
    assert larger.address.data["ephemeral"] is True


async def test_details_are_told_to_the_presser_alone_in_their_language(world: World, front: DiscordFront) -> None:
    task, shown = await world.result(front)
    press = world.sandbox.press("chen", "general", shown.id, button(shown, "details"))
    text = (await world.told(press, who="chen")).text

    assert world.words.say("zh-CN", "details.title") in text
    assert task.id in text
    assert "a red fox" in text


@pytest.mark.parametrize("gone", ["i1:follow:{task}:7", "i1:follow:000000000000:0"], ids=["the step", "its task"])
async def test_a_step_that_is_no_more_is_refused_with_a_reason(world: World, front: DiscordFront, gone: str) -> None:
    task, shown = await world.result(front)
    message, gone = world.sandbox.message("general", shown.id), gone.format(task=task.id)
    message.components[0]["components"][0]["custom_id"] = gone
    await world.sandbox.press("ana", "general", shown.id, gone)
    # To the presser alone; on a slow machine it takes the place of the first, public answer.
    assert await world.post(lambda post: post.text == world.words.say("en", "error.task_unknown"))


async def test_our_words_are_no_picture_to_edit(world: World, front: DiscordFront) -> None:
    parent = await world.ordered(world.sandbox.command("ana", "general", "describe", {"image": upload()}))
    await world.delivered(front, parent, texts=["a fox at dawn"])
    shown = await world.post(lambda post: "a fox at dawn" in post.text)
    before = len(await world.tasks())
    await world.sandbox.say("ana", "general", "how nice", reply_to=shown.id)
    answer = await world.told(world.sandbox.say("ana", "general", "@bot how nice", reply_to=shown.id), who=None)
    task = await world.ordered(
        world.sandbox.say("ana", "general", "@bot a hat", files=[upload("green"), NO_PICTURE], reply_to=shown.id)
    )

    assert "mention me beside it" in answer.text
    assert len(await world.tasks()) == before + 1
    assert not isinstance(task.request.images[0], MediaRef), "their own picture is edited"
