"""The one status message becomes the result where that serves; each way of it, by one stand-in."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from bots.telegram import TelegramFront
from bots.telegram.places import key
from bots.telegram.statuses import YOUNG
from core.clock import utc_now
from core.errors import ChatBusy
from core.types import Action, Address, Picture, Task, View
from sandbox.chat import Post
from sandbox.pictures import clip
from tests.bots.telegram.handing import DONE, QUEUED
from tests.bots.telegram.world import World, a_result, a_world, picture_bytes
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT = "private:ana"
TOLD = replace(DONE, actions=(Action.AGAIN, Action.IMAGINE, Action.DELETE), texts=("a red fox",))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with a_world(tmp_path_factory.mktemp("statuses")) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def task(world: World) -> Task:
    """Its results are posted again and again."""
    await world.said("ana", CHAT, "/imagine a red fox")
    return await world.only_task()


async def shown(world: World, task: Task) -> tuple[TelegramFront, Address, View]:
    """A new life of the bot that has just shown a status, the address to hand over to, and the view when it is done."""
    await asyncio.gather(*(front.close() for front in world.fronts))  # what they still had to remove is removed
    world.fronts.clear()
    world.sandbox.calls.clear()
    front = world.front()
    return front, await front.show(task.address, replace(QUEUED, task_id=task.id)), replace(DONE, task_id=task.id)


def old(address: Address) -> Address:
    """As if its status had been posted long ago."""
    return replace(address, data={**address.data, "status_at": address.data["status_at"] - YOUNG - 1})


def status(world: World, address: Address) -> Post:
    return world.sandbox.feed.post(CHAT, str(address.data["status"]))


def methods(world: World) -> list[str]:
    return [call.method for call in world.sandbox.calls]


def pictures(world: World, address: Address) -> list[Post]:
    """Those that came with or after the status, as they are now."""
    posts = [post for post in world.bot_posts(CHAT) if int(post.id) >= address.data["status"]]
    return [post for post in posts if post.attachments]


# -- what a young status becomes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("picture", "kind"),
    [
        (a_result(), "photo"),
        (a_result(clip(seconds=4.2), mime="video/mp4"), "video"),
        (a_result(picture_bytes("blue", 2100, 100)), "document"),
    ],
    ids=["a picture", "a video", "a strip too narrow for a photo"],
)
async def test_it_becomes_the_result_with_caption_and_buttons(
    world: World, task: Task, picture: Picture, kind: str
) -> None:
    front, address, view = await shown(world, task)
    receipt = await front.hand_over(address, view, [picture], attempt=1)
    await front.close()
    assert methods(world) == ["sendMessage", "editMessageMedia"]
    post = status(world, address)
    assert [item.kind for item in post.attachments] == [kind]
    assert post.reply_to == str(address.data["request"])
    assert post.text.startswith("a red fox")
    assert [button.id.split(":")[1] for row in post.buttons for button in row] == ["again", "edit", "delete"]
    (message,) = receipt.messages
    assert (message.key, message.task_id, message.index) == (
        key(world.sandbox.chat_id(CHAT), int(post.id)),
        view.task_id,
        0,
    )


async def test_it_becomes_texts_that_fit_into_one_message(world: World, task: Task) -> None:
    front, address, view = await shown(world, task)
    receipt = await front.hand_over(address, replace(TOLD, task_id=view.task_id), [], attempt=1)
    assert methods(world) == ["sendMessage", "editMessageText"]
    assert "a red fox" in status(world, address).text
    assert [message.index for message in receipt.messages] == [None]


async def test_the_original_of_what_is_shown_smaller_follows_in_answer_to_it(world: World, task: Task) -> None:
    front, address, view = await shown(world, task)
    await front.hand_over(address, view, [a_result(picture_bytes("blue", 9000, 1100))], attempt=1)
    await front.close()
    photo, file = pictures(world, address)
    assert [item.kind for item in (*photo.attachments, *file.attachments)] == ["photo", "document"]
    assert (photo.id, file.reply_to) == (str(address.data["status"]), str(address.data["status"]))


async def test_answering_it_edits_that_picture(world: World) -> None:
    async with world.listening() as front:
        await world.sandbox.say("ben", "private:ben", "/imagine a grey wolf")
        await until(lambda: world.tasks("ben"))
        task = await world.only_task("ben")
        address = await front.show(task.address, await world.view(task.id))
        receipt = await world.deliver(front, replace(task, address=address))
        assert receipt.messages[0].key.endswith(f":{address.data['status']}")
        await world.sandbox.say("ben", "private:ben", "make it night", reply_to=str(address.data["status"]))
        await until(lambda: world.tasks("ben"))
        edit = await world.only_task("ben")
    assert edit.parent == task.id


@pytest.mark.parametrize("view", [DONE, replace(TOLD, texts=("fox " * 700, "cat " * 700))], ids=["album", "pages"])
async def test_what_takes_several_messages_is_posted_anew_and_it_is_removed(
    world: World, task: Task, view: View
) -> None:
    front, address, done = await shown(world, task)
    results = [] if view.texts else [a_result(index=0), a_result(index=1)]
    receipt = await front.hand_over(address, replace(view, task_id=done.task_id), results, attempt=1)
    await front.close()
    assert len(receipt.messages) == 2
    assert status(world, address).deleted


# -- a process that is killed -----------------------------------------------------------------------------------------


async def test_killed_after_telegram_took_the_edit_it_is_made_once_more_and_shows_once(
    world: World, task: Task
) -> None:
    front, address, view = await shown(world, task)
    world.sandbox.fail_next("editMessageMedia", mode="drop_after")
    with pytest.raises(ChatBusy):
        await front.hand_over(address, view, [a_result()], attempt=1)
    assert len(pictures(world, address)) == 1
    receipt = await world.front().hand_over(old(address), view, [a_result()], attempt=2)
    assert methods(world) == ["sendMessage", "editMessageMedia", "editMessageMedia"]
    assert [post.id for post in pictures(world, address)] == [str(address.data["status"])]
    assert [message.index for message in receipt.messages] == [0]


async def test_an_edit_that_changes_nothing_any_more_is_done(world: World, task: Task) -> None:
    front, address, view = await shown(world, task)
    told = replace(TOLD, task_id=view.task_id)
    first = await front.hand_over(address, told, [], attempt=1)
    assert await front.hand_over(address, told, [], attempt=2) == first
    assert methods(world) == ["sendMessage", "editMessageText", "editMessageText"]


async def test_an_old_status_is_not_edited_for_nobody_would_be_told_and_a_second_attempt_goes_the_same_way(
    world: World,
    task: Task,
) -> None:
    front, address, view = await shown(world, task)
    address = old(address)
    world.sandbox.fail_next("sendPhoto", mode="drop_after")
    with pytest.raises(ChatBusy):
        await front.hand_over(address, view, [a_result()], attempt=1)
    await world.front().hand_over(address, view, [a_result()], attempt=2)
    # The window that is left: Telegram has nothing to recognise a message by.
    assert [bool(post.attachments) for post in pictures(world, address)] == [True, True]
    assert "editMessageMedia" not in methods(world)


@pytest.mark.parametrize("attempt", [1, 2], ids=["a first attempt", "one after a restart"])
async def test_only_an_edit_that_was_put_off_from_the_first_is_not_made_when_nobody_would_be_told_any_more(
    world: World, task: Task, attempt: int
) -> None:
    _, address, view = await shown(world, task)
    passed = 0.0
    front = world.front(clock=lambda: passed)
    world.sandbox.fail_next("editMessageMedia", code=429, description="Too Many", parameters={"retry_after": 60})
    for number in range(2):  # refused, and then not called at all
        with pytest.raises(ChatBusy):
            await front.hand_over(address, view, [a_result()], attempt=attempt + number)
    passed = 61.0
    await front.hand_over(old(address), view, [a_result()], attempt=attempt + 2)
    await front.close()
    anew = ["sendPhoto", "deleteMessage"] if attempt == 1 else ["editMessageMedia"]
    assert methods(world) == ["sendMessage", "editMessageMedia", *anew]


async def test_an_edit_whose_answer_was_lost_is_made_again_by_the_same_process(world: World, task: Task) -> None:
    front, address, view = await shown(world, task)
    world.sandbox.fail_next("editMessageMedia", mode="drop_after")
    with pytest.raises(ChatBusy):
        await front.hand_over(address, view, [a_result()], attempt=1)
    await front.hand_over(old(address), view, [a_result()], attempt=2)
    assert methods(world) == ["sendMessage", "editMessageMedia", "editMessageMedia"]


async def test_a_first_attempt_that_reached_nothing_does_not_keep_the_second_from_editing(
    world: World, task: Task
) -> None:
    _, address, view = await shown(world, task)
    await world.front().hand_over(old(address), view, [a_result()], attempt=2)
    assert methods(world) == ["sendMessage", "editMessageMedia"]


# -- where it does not serve ------------------------------------------------------------------------------------------


async def test_an_old_status_is_removed_below_its_result(world: World, task: Task) -> None:
    front, address, view = await shown(world, task)
    await front.hand_over(old(address), view, [a_result()], attempt=1)
    await front.close()
    assert methods(world) == ["sendMessage", "sendPhoto", "deleteMessage"]
    assert status(world, address).deleted


async def test_one_that_somebody_has_deleted_is_no_loss(world: World, task: Task) -> None:
    front, address, view = await shown(world, task)
    await world.sandbox.delete("ana", CHAT, str(address.data["status"]))
    await front.hand_over(address, view, [a_result()], attempt=1)
    (post,) = pictures(world, address)
    assert post.reply_to == str(address.data["request"])


@pytest.mark.parametrize(
    ("code", "description"),
    [
        (400, "Bad Request: IMAGE_PROCESS_FAILED"),
        (400, "Bad Request: there is no media in the message to edit"),  # a local server of an earlier version
        (413, "Request Entity Too Large"),
    ],
)
async def test_what_telegram_does_not_take_in_its_place_is_posted_anew(
    world: World, task: Task, code: int, description: str
) -> None:
    front, address, view = await shown(world, task)
    world.sandbox.fail_next("editMessageMedia", code=code, description=description)
    world.sandbox.fail_next("sendPhoto", code=502)
    with pytest.raises(ChatBusy):
        await front.hand_over(address, view, [a_result()], attempt=1)
    await front.hand_over(address, view, [a_result()], attempt=2)
    await front.close()
    assert methods(world) == ["sendMessage", "editMessageMedia", "sendPhoto", "sendPhoto", "deleteMessage"]
    assert len(pictures(world, address)) == 1


async def test_an_address_of_an_earlier_version_has_its_result_posted_anew(world: World, task: Task) -> None:
    front, address, view = await shown(world, task)
    data: dict[str, Any] = {name: value for name, value in address.data.items() if name != "status_at"}
    await front.hand_over(replace(address, data=data), view, [a_result()], attempt=1)
    await front.close()
    assert methods(world) == ["sendMessage", "sendPhoto", "deleteMessage"]


async def test_its_age_is_counted_from_its_posting(world: World, task: Task) -> None:
    front, address, view = await shown(world, task)
    assert 0 <= utc_now().timestamp() - address.data["status_at"] < YOUNG
    assert await front.show(address, replace(QUEUED, task_id=view.task_id, position=2)) == address
