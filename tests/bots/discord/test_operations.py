"""The commands for everything that is neither a new picture nor an edit; each is there when something can do it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from bots.discord.front import DiscordFront
from core.catalogue import Catalogue
from core.client import Client
from core.ports import Rest
from core.types import FrontFile, Operation
from tests.bots.discord.world import (
    EVERYTHING,
    GENEROUS,
    JACK,
    MODEL,
    NO_PICTURE,
    OTHER,
    World,
    a_world,
    names_of,
    upload,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

RED, GREEN, BLUE = upload("red"), upload("green"), upload("blue")
PLAIN = {"models", "usage", "queue", "cancel", "help", "imagine", "edit"}
FURTHER = {
    "blend", "describe", "upscale", "vary", "inpaint", "cutout", "lineart", "restyle", "faceswap", "animate", "shorten",
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with a_world(tmp_path_factory.mktemp("operations"), limits=GENEROUS, models=EVERYTHING) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def front(world: World) -> AsyncIterator[DiscordFront]:
    async with world.listening() as listening:
        yield listening


def registered(world: World) -> set[str]:
    return {command["name"] for command in world.sandbox.commands.all(None) if command["type"] == 1}


@pytest.mark.parametrize(
    ("command", "options", "prompt", "pictures"),
    [
        ("blend", {"image": RED, "image2": GREEN}, "", "red green"),
        ("blend", {"image": RED, "image2": GREEN, "image5": BLUE, "prompt": "at sea"}, "at sea", "red green blue"),
        ("describe", {"image": RED}, "", "red"),
        ("upscale", {"image": RED}, "", "red"),
        ("vary", {"image": RED}, "", "red"),
        ("cutout", {"image": RED}, "", "red"),
        ("lineart", {"image": RED}, "", "red"),
        ("restyle", {"image": RED, "prompt": "as a comic"}, "as a comic", "red"),
        ("restyle", {"image": RED, "style": BLUE}, "", "red blue"),
        ("faceswap", {"target": GREEN, "face": RED}, "", "red green"),
        ("animate", {"prompt": "waves"}, "waves", ""),
        ("animate", {"image": RED}, "", "red"),
        ("shorten", {"prompt": "a very, very red fox"}, "a very, very red fox", ""),
    ],
)
async def test_a_command_stores_its_words_and_its_pictures_in_their_order(
    world: World, command: str, options: dict[str, Any], prompt: str, pictures: str
) -> None:
    task = await world.ordered(world.sandbox.command("ana", "general", command, options))

    assert task.request.operation is Operation(command)
    assert (task.request.prompt, task.request.model) == (prompt, "jack-3")
    assert names_of(task) == [f"{name}.png" for name in pictures.split()]
    assert task.request.mask is None


async def test_inpaint_takes_the_marked_picture_apart_from_the_picture(world: World) -> None:
    options: dict[str, Any] = {"image": RED, "mask": GREEN, "prompt": "a hat"}
    task = await world.ordered(world.sandbox.command("ana", "general", "inpaint", options))

    assert (task.request.operation, task.request.prompt, names_of(task)) == (Operation.INPAINT, "a hat", ["red.png"])
    assert isinstance(task.request.mask, FrontFile)
    assert task.request.mask.data["filename"] == "green.png"


async def test_flags_work_where_there_are_words(world: World) -> None:
    options = {"prompt": "waves --ar 16:9 --model jack-3"}
    task = await world.ordered(world.sandbox.command("ana", "general", "animate", options))

    assert (task.request.prompt, task.request.ratio, task.request.model) == ("waves", "16:9", "jack-3")


async def test_a_private_one_is_for_the_requesters_eyes(world: World) -> None:
    options: dict[str, Any] = {"image": RED, "private": True}
    since = len(world.sandbox.feed.events)
    task = await world.ordered(world.sandbox.command("ana", "general", "describe", options))

    assert task.request.private
    assert task.address.data["ephemeral"] is True
    assert (await world.post(lambda post: post.thinking, since=since)).only_for == "ana"


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("animate", {}, "few words"),
        ("describe", {"image": NO_PICTURE}, "PNG"),
        ("inpaint", {"image": RED, "mask": NO_PICTURE, "prompt": "a hat"}, "PNG"),
        ("upscale", {"image": RED, "model": "owl-2"}, "owl-2"),
    ],
)
async def test_what_cannot_be_done_is_refused_to_the_person_alone(
    world: World, command: str, options: dict[str, Any], words: str
) -> None:
    before = len(await world.tasks())
    refusal = await world.told(world.sandbox.command("ana", "general", command, options))

    assert words in refusal.text
    assert len(await world.tasks()) == before


async def test_only_models_that_can_do_it_are_offered_at_the_price_of_that_operation(world: World) -> None:
    assert await world.sandbox.autocomplete("ana", "general", "shorten", "model", "") == [
        ("jack-3 · 5 credits", "jack-3")
    ]
    assert await world.sandbox.autocomplete("ana", "general", "upscale", "model", "") == [
        ("jack-3 · 2 credits", "jack-3")
    ]


async def test_models_says_which_rest_and_which_have_never_been_tried(world: World) -> None:
    await world.store.rest(JACK.gateway, Rest(world.clock.moment() + timedelta(minutes=5), "GatewayDown"))
    try:
        text = (await world.told(world.sandbox.command("ana", "general", "models"))).text
    finally:
        await world.store.rest(JACK.gateway, None)

    assert "not tried here yet" in text
    assert "back <t:" in text


async def test_they_describe_themselves_and_their_options_in_every_language(world: World) -> None:
    for command in world.sandbox.commands.all(None):
        if command["name"] in FURTHER:
            for each in (command, *command["options"]):
                assert {"zh-CN", "zh-TW"} == set(each["description_localizations"]), each["name"]


async def test_help_names_them_all(world: World) -> None:
    text = (await world.told(world.sandbox.command("ana", "general", "help"))).text

    assert all(f"</{name}:" in text for name in FURTHER)


async def test_each_is_registered_only_while_something_can_do_it(world: World) -> None:
    everything = world.client
    fewer = Catalogue([MODEL, OTHER], gateways={MODEL.gateway: ""})
    world.client = Client(world.store, fewer, GENEROUS, clock=world.clock.moment, wake=lambda: None)
    async with world.listening():
        assert registered(world) == PLAIN
    world.client = everything
    async with world.listening():
        assert registered(world) == PLAIN | FURTHER
