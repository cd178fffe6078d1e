"""Repainting a part of a picture of ours, by the step that its gateway offers for that."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bots.discord.front import DiscordFront
from core.types import FrontFile, Offer, Operation
from sandbox.chat import Modal, Post, Upload
from tests.bots.discord.world import EVERYTHING, GENEROUS, NO_PICTURE, World, a_world, button, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFFERS = (
    Offer(Operation.ZOOM, "out", "Zoom Out 2x"),
    Offer(Operation.INPAINT, "region-1", "Vary (Region)", 0),
    Offer(Operation.INPAINT, "region-2", "Vary (Region)", 1),
)
MARKED = upload("green")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with a_world(tmp_path_factory.mktemp("regions"), limits=GENEROUS, models=EVERYTHING) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def front(world: World) -> AsyncIterator[DiscordFront]:
    async with world.listening() as listening:
        yield listening


async def opened(world: World, shown: Post, who: str = "ana", number: int = 1) -> Modal:
    return await world.form(world.sandbox.press(who, "general", shown.id, button(shown, "follow", number)))


async def test_the_button_asks_in_the_pressers_language_for_words_and_for_the_marked_picture(
    world: World, front: DiscordFront
) -> None:
    _, shown = await world.result(front, pictures=2, offers=OFFERS)
    form = await opened(world, shown, "chen")

    assert form.title == world.words.say("zh-CN", "modal.region_title")
    assert [(field.id, field.style, field.required) for field in form.fields] == [
        ("prompt", "paragraph", True),
        ("mask", "file", True),
    ]
    assert form.fields[1].label == world.words.say("zh-CN", "modal.mask")


async def test_the_filled_form_takes_the_gateways_step_on_that_picture_at_the_pressers_cost(
    world: World, front: DiscordFront
) -> None:
    parent, shown = await world.result(front, pictures=2, offers=OFFERS)
    (order,) = await world.store.orders(parent.id)
    form = await opened(world, shown, "ben", 2)
    task = await world.ordered(world.sandbox.submit("ben", form.id, {"prompt": "a hat", "mask": MARKED}), who="ben")

    assert task.request.follow is not None
    assert (task.parent, task.request.follow.token, task.request.prompt) == (parent.id, "region-2", "a hat")
    assert (task.request.operation, task.request.images) == (Operation.INPAINT, (order.results[1],))
    assert task.address.data["request"] == int(shown.id), "the new result answers the old one"
    assert isinstance(task.request.mask, FrontFile)
    assert await front.fetch(task.request.mask, limit=1_000_000) == MARKED.data


async def test_a_model_named_in_the_words_is_asked_instead_of_the_pictures_own_gateway(
    world: World, front: DiscordFront
) -> None:
    _, shown = await world.result(front, pictures=2, offers=OFFERS)
    form = await opened(world, shown)
    filled: dict[str, str | Upload] = {"prompt": "a hat --model jack-3", "mask": MARKED}
    task = await world.ordered(world.sandbox.submit("ana", form.id, filled))

    assert (task.request.model, task.request.prompt, task.request.follow) == ("jack-3", "a hat", None)
    assert isinstance(task.request.mask, FrontFile)


@pytest.mark.parametrize(
    ("prompt", "mask", "refusal"),
    [("a hat", NO_PICTURE, "error.image_unreadable"), ("  ", MARKED, "error.prompt_missing")],
    ids=["not a picture", "no words"],
)
async def test_what_cannot_be_repainted_is_refused_to_the_person_alone(
    world: World, front: DiscordFront, prompt: str, mask: Upload, refusal: str
) -> None:
    _, shown = await world.result(front, pictures=2, offers=OFFERS)
    form, before = await opened(world, shown), len(await world.tasks())
    answer = await world.told(world.sandbox.submit("ana", form.id, {"prompt": prompt, "mask": mask}))

    assert answer.text == world.words.say("en", refusal)
    assert len(await world.tasks()) == before


async def test_a_private_results_part_is_repainted_privately(world: World, front: DiscordFront) -> None:
    parent = await world.imagined(private=True)
    since = len(world.sandbox.feed.events)
    await world.delivered(front, parent, offers=OFFERS[:2])
    shown = await world.post(lambda post: bool(post.attachments), since=since)
    form = await opened(world, shown)
    task = await world.ordered(world.sandbox.submit("ana", form.id, {"prompt": "a hat", "mask": MARKED}))

    assert task.request.private
    assert task.address.data["ephemeral"] is True
