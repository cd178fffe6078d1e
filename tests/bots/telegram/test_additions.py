"""What comes after the pictures: nothing waits for it, and it belongs to the task."""

import asyncio
from dataclasses import replace

import pytest

from bots.telegram import TelegramFront
from bots.telegram.places import key
from core.errors import ChatBusy
from core.types import Address, Operation, View
from tests.bots.telegram.handing import DONE, QUEUED, a_chat
from tests.bots.telegram.world import World, a_result, an_address, picture_bytes
from tests.core.build import a_request
from tests.waiting import until


async def a_stored_task(world: World) -> tuple[TelegramFront, Address, View]:
    """A front that only posts, where somebody's task lives, and its view when it is done."""
    await world.said("ana", "group", "/imagine a red fox")
    task = await world.only_task()
    return world.front(), task.address, replace(DONE, task_id=task.id)


@pytest.mark.parametrize(
    ("method", "sizes"),
    [("deleteMessage", [(64, 48), (64, 48)]), ("sendDocument", [(9000, 1100)]), ("sendMessage", [(64, 48), (64, 48)])],
    ids=["the status is removed", "the original follows", "the buttons follow"],
)
async def test_the_receipt_is_there_as_soon_as_the_pictures_are_whatever_still_follows(
    world: World, method: str, sizes: list[tuple[int, int]]
) -> None:
    front, address, _ = await a_chat(world)
    address = await front.show(address, QUEUED)
    world.sandbox.fail_next(method, mode="hang")
    pictures = [a_result(picture_bytes("blue", *size), index) for index, size in enumerate(sizes)]
    async with asyncio.timeout(10):
        receipt = await front.hand_over(address, DONE, pictures, attempt=1)
        await until(lambda: any(call.answer is None for call in world.sandbox.called(method)))
    assert [message.index for message in receipt.messages] == list(range(len(pictures)))


async def test_an_original_that_follows_belongs_to_the_task(world: World) -> None:
    front, address, view = await a_stored_task(world)
    await front.hand_over(address, view, [a_result(picture_bytes("blue", 9000, 1100))], attempt=1)
    await front.close()
    _, file = world.bot_posts()
    found = await world.client.posted("telegram", key(world.sandbox.chat_id("group"), int(file.id)))
    assert found is not None
    assert (found.task_id, found.index) == (view.task_id, 0)


async def test_what_a_photo_cannot_show_of_a_cutout_follows_as_a_file(world: World) -> None:
    front, address, _ = await a_chat(world)
    cutout = a_result()
    view = replace(DONE, request=a_request("", operation=Operation.CUTOUT))
    await front.hand_over(address, view, [cutout], attempt=1)
    await front.close()
    photo, file = world.bot_posts()
    assert file.reply_to == photo.id
    assert [item.kind for item in (*photo.attachments, *file.attachments)] == ["photo", "document"]
    assert file.attachments[0].size == len(cutout.data)


async def test_an_original_that_is_refused_keeps_nothing_back_that_comes_after_it(world: World) -> None:
    front, address, view = await a_stored_task(world)
    world.sandbox.fail_next("sendDocument", description="Bad Request: FILE_MOOD_WRONG")
    pictures = [a_result(picture_bytes(colour, 9000, 1100), index) for index, colour in enumerate(("red", "blue"))]
    await front.hand_over(address, view, pictures, attempt=1)
    await front.close()
    *album, below, file = world.bot_posts()
    assert len(album) == 2
    assert below.buttons
    assert file.reply_to == album[1].id


async def test_while_the_second_album_is_put_off_nothing_follows_the_first(world: World) -> None:
    front, address, _ = await a_chat(world, "private:ana")
    world.sandbox.fail_next("sendMediaGroup", code=502, when=lambda params: len(params["media"]) == 5)
    large = a_result(picture_bytes("blue", 9000, 1100))
    pictures = [large, *(a_result(index=index) for index in range(1, 11))]
    with pytest.raises(ChatBusy):
        await front.hand_over(address, DONE, pictures, attempt=1)
    await front.close()
    # It is handed over once more, and what follows would follow twice.
    assert [call.method for call in world.sandbox.calls] == ["sendMediaGroup", "sendMediaGroup"]


async def test_buttons_that_come_too_soon_after_an_album_follow_later(world: World) -> None:
    async with world.listening() as front:
        request = await world.sandbox.say("ana", "group", "/imagine a red fox --n 2")
        await until(world.tasks)
        task = await world.only_task()
        world.sandbox.fail_next("sendMessage", code=429, description="Too Many", parameters={"retry_after": 1})
        pictures = [a_result(index=0), a_result(index=1)]
        address = an_address(world, "group", request=request.id)
        receipt = await front.hand_over(address, replace(DONE, task_id=task.id), pictures, attempt=1)
        assert [message.index for message in receipt.messages] == [0, 1]
        await until(lambda: world.bot_posts()[-1].buttons)
        chat = world.sandbox.chat_id("group")
        below = key(chat, int(world.bot_posts()[-1].id))
        await until(lambda: world.client.posted("telegram", below))
