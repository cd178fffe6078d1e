"""Every slash command and every option."""

from pathlib import Path
from typing import Any

import pytest

from bots.discord.front import DiscordFront
from core.quota import Limits
from core.types import Operation
from tests.bots.discord.world import NO_PICTURE, World, a_world, names_of, upload
from tests.waiting import until


async def test_imagine_stores_the_request_with_every_option(world: World, front: DiscordFront) -> None:
    task = await world.imagined(model="owl-2", ratio="3:2", count=2, seed=7)

    assert task.request.operation is Operation.IMAGINE
    assert (task.request.prompt, task.request.model, task.request.ratio) == ("a red fox", "owl-2", "3:2")
    assert (task.request.count, task.request.seed, task.request.private) == (2, 7, False)
    assert task.who.account == f"discord:{world.user('ana')}"
    assert task.who.chat == f"discord:{world.sandbox.world.guilds['guild'].id}"


async def test_a_negative_prompt_and_pictures_make_it_an_edit(world: World, front: DiscordFront) -> None:
    task = await world.imagined(negative="text", image=upload("red"), image3=upload("green"))

    assert task.request.operation is Operation.EDIT
    assert task.request.negative == "text"
    assert names_of(task) == ["red.png", "green.png"]


async def test_edit_takes_eight_pictures(world: World, front: DiscordFront) -> None:
    colours = ["red", "green", "blue", "white", "black", "pink", "teal", "navy"]
    images = {f"image{number if number > 1 else ''}": upload(colour) for number, colour in enumerate(colours, start=1)}
    task = await world.ordered(world.sandbox.command("ana", "general", "edit", {"prompt": "merge them", **images}))

    assert task.request.operation is Operation.EDIT
    assert names_of(task) == [f"{colour}.png" for colour in colours]


async def test_flags_in_the_prompt_count_but_options_win(world: World, front: DiscordFront) -> None:
    task = await world.imagined(prompt="a fox --ar 16:9 --n 3 --seed 5", count=2)

    assert task.request.prompt == "a fox"
    assert (task.request.ratio, task.request.count, task.request.seed) == ("16:9", 2, 5)


async def test_the_answer_is_deferred_where_everybody_sees_it(world: World, front: DiscordFront) -> None:
    await world.imagined()

    thinking = await world.post(lambda post: post.thinking)
    assert thinking.only_for is None
    assert thinking.via == "ana used /imagine"


async def test_a_private_request_is_deferred_for_one(world: World, front: DiscordFront) -> None:
    task = await world.imagined(private=True)

    assert (await world.post(lambda post: post.thinking)).only_for == "ana"
    assert task.address.data["ephemeral"] is True


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "fxo-1"}, "fox-1"),
        ({"ratio": "7:5"}, "16:9"),
        ({"prompt": "a fox --sharp 3"}, "--sharp"),
        ({"image": NO_PICTURE}, "PNG"),
    ],
)
async def test_what_cannot_be_done_is_refused_to_the_person_alone(
    world: World, front: DiscordFront, options: dict[str, Any], words: str
) -> None:
    asking = world.sandbox.command("ana", "general", "imagine", {"prompt": "a fox", **options})

    refusal = await world.told(asking)
    assert words in refusal.text
    assert not await world.tasks()
    assert not world.calls("PATCH", "/messages/@original"), "a refusal is the first answer, not an edit of it"


async def test_limits_are_refused_to_the_person_alone_and_say_when_they_refill(tmp_path: Path) -> None:
    async with a_world(tmp_path, limits=Limits(user_day=1, user_month=100)) as world, world.listening():
        await world.imagined()
        refusal = await world.told(world.sandbox.command("ana", "general", "imagine", {"prompt": "another"}))

        assert "<t:" in refusal.text
        assert len(await world.tasks()) == 1


async def test_the_same_interaction_delivered_twice_orders_once(world: World, front: DiscordFront) -> None:
    await world.imagined()
    await world.sandbox.redeliver("INTERACTION_CREATE")
    await until(lambda: len(world.calls("POST", "/callback")) == 2)

    assert len(await world.tasks()) == 1


async def test_usage_tells_what_is_held_and_left(world: World, front: DiscordFront) -> None:
    await world.imagined(count=3)

    text = (await world.told(world.sandbox.command("ana", "general", "usage"))).text
    assert "of 100 used, 97 left" in text
    assert "3 are held" in text


async def test_models_lists_every_usable_model_with_its_price(world: World, front: DiscordFront) -> None:
    text = (await world.told(world.sandbox.command("ana", "general", "models"))).text

    assert "fox-1" in text
    assert "3 credits a picture" in text


async def test_queue_lists_only_the_persons_own_requests(world: World, front: DiscordFront) -> None:
    mine, theirs = await world.imagined("ana"), await world.imagined("ben")

    text = (await world.told(world.sandbox.command("ana", "general", "queue"))).text
    assert mine.id in text
    assert theirs.id not in text


async def test_cancel_takes_a_request_back(world: World, front: DiscordFront) -> None:
    task = await world.imagined()

    answer = await world.told(world.sandbox.command("ana", "general", "cancel", {"id": task.id}))
    assert "Cancelled" in answer.text
    assert not await world.tasks()


async def test_cancel_without_an_id_takes_the_only_one_and_asks_about_several(
    world: World, front: DiscordFront
) -> None:
    nothing = await world.told(world.sandbox.command("ana", "general", "cancel"))
    first, second = await world.imagined(), await world.imagined()
    which = await world.told(world.sandbox.command("ana", "general", "cancel"))
    await world.told(world.sandbox.command("ana", "general", "cancel", {"id": first.id}))
    await world.told(world.sandbox.command("ana", "general", "cancel"))

    assert "nothing" in nothing.text
    assert first.id in which.text
    assert second.id in which.text
    assert not await world.tasks()


async def test_nobody_cancels_what_is_not_theirs(world: World, front: DiscordFront) -> None:
    task = await world.imagined("ana")

    await world.told(world.sandbox.command("ben", "general", "cancel", {"id": task.id}), who="ben")
    assert len(await world.tasks("ana")) == 1


async def test_help_names_every_command(world: World, front: DiscordFront) -> None:
    text = (await world.told(world.sandbox.command("ana", "general", "help"))).text

    for name in ("imagine", "edit", "models", "usage", "queue", "cancel", "help"):
        assert f"</{name}:" in text, "each command is a link to itself"
    assert "right-click" in text.lower()


async def test_models_are_offered_by_what_is_typed_with_their_price(world: World, front: DiscordFront) -> None:
    every = await world.sandbox.autocomplete("ana", "general", "imagine", "model", "")
    some = await world.sandbox.autocomplete("ana", "general", "imagine", "model", "OWL")

    assert [value for _, value in every] == ["fox-1", "owl-2"]
    assert some == [("owl-2 · 3 credits", "owl-2")]


async def test_ratios_are_offered_for_the_chosen_model(world: World, front: DiscordFront) -> None:
    usual = await world.sandbox.autocomplete("ana", "general", "imagine", "ratio", "")
    chosen = await world.sandbox.autocomplete("ana", "general", "imagine", "ratio", "", options={"model": "owl-2"})

    assert [value for _, value in usual] == ["1:1", "16:9"]
    assert [value for _, value in chosen] == ["1:1", "3:2"]


async def test_requests_are_offered_for_cancelling(world: World, front: DiscordFront) -> None:
    task = await world.imagined("ana")
    await world.imagined("ben")

    offered = await world.sandbox.autocomplete("ana", "general", "cancel", "id", "")
    assert offered == [(f"{task.id} · a red fox", task.id)]


async def test_somebody_whose_app_is_chinese_reads_chinese(world: World, front: DiscordFront) -> None:
    task = await world.imagined("chen")
    answer = await world.told(world.sandbox.command("chen", "general", "usage"), who="chen")
    refusal = await world.told(
        world.sandbox.command("chen", "general", "imagine", {"prompt": "x", "model": "none"}), who="chen"
    )

    assert task.who.locale == "zh-CN"
    for post in (answer, refusal):
        assert any("一" <= letter <= "鿿" for letter in post.text), post.text
