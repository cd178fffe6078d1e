"""Pictures out of the chat, for edits."""

import pytest

from core.errors import ChatBusy, ImageGone, ImageTooLarge
from core.types import FrontFile
from tests.bots.telegram.world import World, upload


async def sent_file(world: World, *, as_file: bool = True) -> tuple[FrontFile, bytes]:
    post = await world.sandbox.say("ana", "private:ana", files=[upload(as_file=as_file)])
    stored = world.sandbox.message("private:ana", post.id).media
    assert stored is not None
    data = stored.largest.data
    return FrontFile("telegram", {"file_id": stored.largest.file_id, "size": len(data)}), data


@pytest.mark.parametrize("as_file", [False, True])
async def test_a_picture_is_fetched_as_the_chat_has_it(world: World, as_file: bool) -> None:
    file, data = await sent_file(world, as_file=as_file)
    front = world.front()
    assert await front.fetch(file, limit=1_000_000) == data


async def test_a_picture_above_the_limit_is_refused_without_a_call(world: World) -> None:
    file, data = await sent_file(world)
    front = world.front()
    with pytest.raises(ImageTooLarge):
        await front.fetch(file, limit=len(data) - 1)
    assert world.sandbox.called("getFile") == []
    unsized = FrontFile("telegram", {"file_id": file.data["file_id"], "size": None})
    with pytest.raises(ImageTooLarge):
        await front.fetch(unsized, limit=len(data) - 1)


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("Bad Request: file is too big", ImageTooLarge),
        ("Bad Request: wrong file_id or the file is temporarily unavailable", ChatBusy),
        ("Bad Request: invalid file_id", ImageGone),
    ],
)
async def test_refusals_of_a_file_are_told_apart(world: World, description: str, expected: type[Exception]) -> None:
    file, _ = await sent_file(world)
    world.sandbox.fail_next("getFile", description=description)
    front = world.front()
    with pytest.raises(expected):
        await front.fetch(file, limit=1_000_000)


async def test_an_expired_link_means_the_picture_is_gone_and_a_cut_one_means_later(world: World) -> None:
    file, data = await sent_file(world)
    front = world.front()
    world.sandbox.fail_next("download", code=404, description="Not Found")
    with pytest.raises(ImageGone):
        await front.fetch(file, limit=1_000_000)
    world.sandbox.fail_next("download", mode="drop_before")
    with pytest.raises(ChatBusy):
        await front.fetch(file, limit=1_000_000)
    assert await front.fetch(file, limit=1_000_000) == data
