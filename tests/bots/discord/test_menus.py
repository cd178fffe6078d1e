"""The context menu "Edit image", and the forms that come back."""

from pathlib import Path
from typing import Any

import pytest

from bots.discord.forms import Subject, subject_of
from bots.discord.front import DiscordFront
from core.types import MediaRef, Offer, Operation
from sandbox.chat import Modal
from sandbox.discord.interactions import MODAL_SUBMIT
from tests.bots.discord.world import NO_PICTURE, World, a_world, names_of, upload


async def opened(world: World, post_id: str, who: str = "ana", channel: str = "general") -> Modal:
    return await world.form(world.sandbox.context_menu(who, channel, "Edit image", post_id))


async def test_the_menu_opens_a_form_as_its_first_answer(world: World, front: DiscordFront) -> None:
    photo = await world.sandbox.say("ben", "general", "my cat", files=[upload()])
    form = await opened(world, photo.id)

    assert [field.id for field in form.fields] == ["prompt", "model", "ratio"]
    assert [field.required for field in form.fields] == [True, False, False]
    assert [value for _, value in form.fields[1].choices] == ["fox-1", "owl-2"]


@pytest.mark.parametrize("is_allowed", [True, False], ids=["with the intent", "without the intent"])
async def test_the_filled_form_edits_the_pictures_of_the_message(tmp_path: Path, is_allowed: bool) -> None:
    async with a_world(tmp_path, message_content_allowed=is_allowed) as world, world.listening():
        photo = await world.sandbox.say("ben", "general", "cats", files=[upload("red"), NO_PICTURE, upload("blue")])
        form = await opened(world, photo.id)
        values = {"prompt": "give it a hat", "model": ["owl-2"], "ratio": "3:2"}
        task = await world.ordered(world.sandbox.submit("ana", form.id, values))

        assert task.request.operation is Operation.EDIT
        assert (task.request.prompt, task.request.model, task.request.ratio) == ("give it a hat", "owl-2", "3:2")
        assert names_of(task) == ["red.png", "blue.png"]
        assert task.address.data["request"] == int(photo.id)


async def test_on_a_result_of_ours_the_original_is_edited(world: World, front: DiscordFront) -> None:
    parent, shown = await world.result(front)
    form = await opened(world, shown.id, "ben")
    task = await world.ordered(world.sandbox.submit("ben", form.id, {"prompt": "night"}), who="ben")

    assert task.parent == parent.id
    assert isinstance(task.request.images[0], MediaRef)


async def test_a_message_without_a_picture_is_explained_to_the_person_alone(world: World, front: DiscordFront) -> None:
    words = await world.sandbox.say("ben", "general", "no picture here", files=[NO_PICTURE])
    answer = await world.told(world.sandbox.context_menu("ana", "general", "Edit image", words.id))

    assert "no picture" in answer.text


async def test_a_form_survives_a_restart_between_opening_and_sending(world: World) -> None:
    photo = await world.sandbox.say("ben", "general", "my cat", files=[upload("red")])
    async with world.listening():
        form = await opened(world, photo.id)
    async with world.listening():
        task = await world.ordered(world.sandbox.submit("ana", form.id, {"prompt": "give it a hat"}))

    assert names_of(task) == ["red.png"]


async def test_a_form_whose_message_is_gone_after_a_restart_is_refused_with_a_reason(world: World) -> None:
    photo = await world.sandbox.say("ben", "general", "my cat", files=[upload("red")])
    async with world.listening():
        form = await opened(world, photo.id)
    await world.sandbox.delete("ben", "general", photo.id)
    async with world.listening():
        answer = await world.told(world.sandbox.submit("ana", form.id, {"prompt": "give it a hat"}))

    assert answer.text
    assert not await world.tasks()


async def test_what_is_typed_into_the_form_is_judged_like_any_request(world: World, front: DiscordFront) -> None:
    photo = await world.sandbox.say("ben", "general", "my cat", files=[upload("red")])
    form = await opened(world, photo.id)
    answer = await world.told(world.sandbox.submit("ana", form.id, {"prompt": "a hat", "ratio": "7:5"}))

    assert "16:9" in answer.text


async def test_a_form_that_comes_back_without_a_file_is_refused_with_a_reason(
    world: World, front: DiscordFront
) -> None:
    parent, _ = await world.result(front, offers=[Offer(Operation.INPAINT, "region", "Vary (Region)")])
    prompt: dict[str, Any] = {"type": 4, "id": 2, "custom_id": "prompt", "value": "a hat"}
    mask: dict[str, Any] = {"type": 19, "id": 4, "custom_id": "mask", "values": []}
    labels = [{"type": 18, "id": each["id"] - 1, "component": each} for each in (prompt, mask)]
    data = {"custom_id": Subject(Operation.INPAINT, task=parent.id, index=0).id, "components": labels}

    async def submit() -> None:
        """As no app of Discord's would: the field must be filled in."""
        place = world.sandbox.world.channels["general"]
        world.sandbox.interactions.open(MODAL_SUBMIT, world.sandbox.people["ana"], place, data)

    assert (await world.told(submit())).text == world.words.say("en", "error.mask_missing")


async def test_the_form_speaks_the_persons_language(world: World, front: DiscordFront) -> None:
    photo = await world.sandbox.say("ben", "general", "my cat", files=[upload()])
    form = await opened(world, photo.id, "chen")

    assert form.title == world.words.say("zh-CN", "modal.title")


@pytest.mark.parametrize(
    "subject",
    [
        Subject(task="7h2k9qz0m4xa"),
        Subject(task="7h2k9qz0m4xa", index=3),
        Subject(Operation.INPAINT, task="7h2k9qz0m4xa", index=0),
        Subject(channel=2**63, message=2**63 - 1),
    ],
)
def test_a_forms_id_says_what_it_is_about_in_a_hundred_characters(subject: Subject) -> None:
    assert len(subject.id) <= 100
    assert subject_of(subject.id) == subject


def test_other_forms_are_not_ours() -> None:
    assert subject_of("edit:123") is None
