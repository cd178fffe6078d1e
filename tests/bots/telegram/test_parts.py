"""Results of several messages: what is posted of one is not posted again; by one stand-in."""

import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
import pytest_asyncio
from PIL import Image

from bots.telegram.packing import parts
from bots.telegram.photos import FILE_BYTES, Shown
from bots.telegram.places import key, place
from core.errors import ChatBusy, StoreDown
from core.types import Action, Address, View
from sandbox.chat import Post
from tests.bots.telegram.handing import DONE
from tests.bots.telegram.world import World, a_result, a_world, picture_bytes

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT = "private:ana"
ELEVEN = [a_result(index=index) for index in range(11)]
TOLD = replace(DONE, actions=(Action.AGAIN, Action.DELETE), texts=("fox " * 700, "cat " * 700, "owl " * 700))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with a_world(tmp_path_factory.mktemp("parts")) as found:
        yield found


async def asked(world: World, view: View = DONE) -> tuple[Address, View]:
    """Where a new task lives and its view when it is done; whatever was said before is forgotten."""
    before = {task.id for task in await world.tasks()}
    await world.said("ana", CHAT, "/imagine a red fox")
    (task,) = [task for task in await world.tasks() if task.id not in before]
    world.sandbox.calls.clear()
    return task.address, replace(view, task_id=task.id)


def posted(world: World, address: Address) -> list[Post]:
    return [post for post in world.bot_posts(CHAT) if int(post.id) > address.data["request"]]


def keys(world: World, posts: Sequence[Post]) -> list[str]:
    return [key(world.sandbox.chat_id(CHAT), int(post.id)) for post in posts]


def albums(world: World) -> list[int]:
    return [len(call.params["media"]) for call in world.sandbox.called("sendMediaGroup")]


async def test_a_later_attempt_posts_only_the_albums_that_are_missing(world: World) -> None:
    address, view = await asked(world)
    world.sandbox.fail_next("sendMediaGroup", code=502, times=2, when=lambda params: len(params["media"]) == 5)
    for attempt in (1, 2):  # in two lives
        with pytest.raises(ChatBusy):
            await world.front().hand_over(address, view, ELEVEN, attempt=attempt)
    front = world.front()
    receipt = await front.hand_over(address, view, ELEVEN, attempt=3)
    await front.close()
    assert albums(world) == [6, 5, 5, 5]
    *pictures, below = posted(world, address)
    assert [bool(post.text) for post in pictures] == [True] + [False] * 10
    assert below.buttons
    assert below.reply_to == pictures[0].id
    assert [message.index for message in receipt.messages] == list(range(11))
    assert [message.key for message in receipt.messages] == keys(world, pictures)


async def test_a_later_attempt_tells_only_the_pages_that_are_missing(world: World) -> None:
    address, view = await asked(world, TOLD)
    world.sandbox.fail_next("sendMessage", code=502, when=lambda params: "cat" in params["text"])
    world.sandbox.fail_next("sendMessage", code=502, when=lambda params: "owl" in params["text"])
    for attempt in (1, 2):
        with pytest.raises(ChatBusy):
            await world.front().hand_over(address, view, [], attempt=attempt)
    receipt = await world.front().hand_over(address, view, [], attempt=3)
    posts = posted(world, address)
    assert [("fox" in post.text, "cat" in post.text, "owl" in post.text) for post in posts] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    assert [bool(post.buttons) for post in posts] == [False, False, True]
    assert [message.key for message in receipt.messages] == keys(world, posts)


async def test_a_store_that_is_down_between_two_parts_holds_nothing_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, view = await asked(world)

    async def down(*args: object) -> None:
        raise StoreDown("the disk is full")

    monkeypatch.setattr(world.store, "remember", down)
    receipt = await world.front().hand_over(address, view, ELEVEN, attempt=1)
    assert albums(world) == [6, 5]
    assert len(receipt.messages) == 11


# -- how much one upload takes ----------------------------------------------------------------------------------------


def a_large(index: int, size: int = FILE_BYTES // 2) -> Shown:
    picture = a_result(index=index)
    return Shown(replace(picture, ref=replace(picture.ref, size=size)), b"shown smaller", is_less=True)


async def test_what_counts_is_what_is_uploaded_the_smaller_photos_or_the_files() -> None:
    pictures = [a_large(index) for index in range(4)]
    assert [len(part) for part in parts(pictures, as_files=False)] == [4]
    assert [len(part) for part in parts(pictures, as_files=True)] == [2, 2]


async def test_photos_that_are_refused_go_as_files_in_as_many_albums_as_these_take(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def a_shown(index: int) -> Shown:
        out = io.BytesIO()
        Image.effect_noise((64, 64), 120 + index).save(out, "PNG", compress_level=0)
        return Shown(a_result(out.getvalue(), index), picture_bytes("blue", 8, 8))

    address, view = await asked(world)
    pictures = [a_shown(index) for index in range(4)]
    monkeypatch.setattr("bots.telegram.packing.FILE_BYTES", 2 * pictures[0].picture.ref.size)
    world.sandbox.fail_next("sendMediaGroup", description="Bad Request: IMAGE_PROCESS_FAILED")
    found = await world.front()._results.post(place(address), view, pictures, attempt=1)
    assert albums(world) == [4, 2, 2]
    assert [message.index for message in found] == [0, 1, 2, 3]
    kinds = [item.kind for post in posted(world, address) for item in post.attachments]
    assert kinds == ["document"] * 4
