"""Which pictures of an album still wait for its words."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots.telegram.albums import KEEP_UNSTORED_FOR, REMEMBER_FOR, Albums
from bots.telegram.meaning import AlbumPart, Ask
from bots.telegram.requests import Requests, Waits
from core.errors import StoreDown
from core.types import FrontFile, Operation, Task, Who
from tests.bots.telegram.world import ABLE, World, a_world, an_address, file_ids


def a_file(name: str) -> FrontFile:
    return FrontFile("telegram", {"file_id": name, "size": 1})


def test_pictures_before_the_words_are_kept_in_order_and_handed_out_once() -> None:
    albums = Albums()
    assert [albums.remember("a", a_file(name)) for name in "xy"] == [True, False]
    assert albums.take("a") == (a_file("x"), a_file("y"))
    assert albums.take("a") == ()


def test_a_picture_too_late_for_its_task_waits_for_nothing() -> None:
    albums = Albums()
    albums.take("a")
    assert albums.remember("a", a_file("x")) is False
    assert albums.take("a") == ()


def test_pictures_whose_words_never_come_are_forgotten() -> None:
    now = 0.0
    albums = Albums(lambda: now)
    albums.remember("a", a_file("x"))
    now = REMEMBER_FOR + 1
    assert albums.take("a") == ()


def test_pictures_given_back_outlast_a_long_pause_but_not_for_ever() -> None:
    now = 0.0
    albums = Albums(lambda: now)
    albums.give_back("a", (a_file("x"),))
    albums.give_back("b", (a_file("y"),))
    now = KEEP_UNSTORED_FOR
    assert albums.take("a") == (a_file("x"),)
    now = KEEP_UNSTORED_FOR + 1
    assert albums.take("b") == ()


async def test_pictures_whose_task_could_not_be_stored_are_there_when_its_words_come_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = Requests(world.client)
    album = "telegram:album:-1:7"
    assert await requests.part(AlbumPart(album, a_file("x"), asked=True))
    ask = Ask(Operation.EDIT, "merge", own=a_file("y"), album=album)
    who, address = Who("telegram:1", "telegram:-1"), an_address(world, "group")

    async def down(*args: object, **kwargs: object) -> None:
        raise StoreDown("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(world.client, "submit", down)
        for _ in range(2):
            with pytest.raises(StoreDown):
                await requests.order(ask, who=who, address=address, event="telegram:1:1")
            assert not requests.wordless(album)  # its words are there
    task = await requests.order(ask, who=who, address=address, event="telegram:1:1")
    assert isinstance(task, Task)
    assert file_ids(task.request) == ["x", "y"]


async def test_the_words_may_be_on_any_picture_of_the_album(world: World) -> None:
    requests = Requests(world.client)
    album = "telegram:album:-1:7"
    assert await requests.part(AlbumPart(album, a_file("x"), asked=True))
    ask = Ask(Operation.EDIT, "merge", own=a_file("y"), album=album)
    who, address = Who("telegram:1", "telegram:-1"), an_address(world, "group")
    task = await requests.order(ask, who=who, address=address, event="telegram:1:1")
    assert isinstance(task, Task)
    assert not await requests.part(AlbumPart(album, a_file("z"), asked=True))
    assert not requests.wordless(album)
    assert file_ids((await world.store.task(task.id)).request) == ["x", "y", "z"]


async def test_pictures_join_the_task_whose_words_another_process_got_and_are_not_asked_about(world: World) -> None:
    here, there = Requests(world.client), Requests(world.client)
    album = "telegram:album:-1:7"
    assert await here.part(AlbumPart(album, a_file("x"), asked=True))
    assert not await here.follow(album)
    ask = Ask(Operation.EDIT, "merge", own=a_file("y"), album=album)
    who, address = Who("telegram:1", "telegram:-1"), an_address(world, "group")
    task = await there.order(ask, who=who, address=address, event="telegram:1:1")
    assert isinstance(task, Task)
    assert await here.follow(album)
    assert not here.wordless(album)
    assert file_ids((await world.store.task(task.id)).request) == ["y", "x"]


# -- what takes two pictures at least ---------------------------------------------------------------------------------

ALBUM, EVENT = "telegram:album:-1:7", "telegram:1:1"


@pytest.fixture
async def able(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(tmp_path, model=ABLE) as found:
        yield found


async def ordered(world: World, requests: Requests, operation: Operation) -> Task | Waits | None:
    """The album's first picture, with the words."""
    ask = Ask(operation, "a hat", own=a_file("x"), album=ALBUM)
    address = an_address(world, "private:ana")
    return await requests.order(ask, who=Who("telegram:1", "telegram:-1"), address=address, event=EVENT)


@pytest.mark.parametrize(
    ("operation", "event", "images"),
    [(Operation.BLEND, ALBUM, ["x", "y"]), (Operation.FACESWAP, EVENT, ["x", "y"]), (Operation.INPAINT, EVENT, ["x"])],
)
async def test_it_is_stored_with_its_second_picture_and_not_twice_when_both_come_again(
    able: World, operation: Operation, event: str, images: list[str]
) -> None:
    for _ in range(2):  # two lives of the bot
        requests = Requests(able.client)
        assert await ordered(able, requests, operation) == Waits(ALBUM)
        assert not await requests.part(AlbumPart(ALBUM, a_file("y"), asked=True))
        assert not requests.too_few(ALBUM)
    (task,) = await able.store.unfinished("telegram:1")
    assert file_ids(task.request) == images
    assert task.request.mask == (a_file("y") if operation is Operation.INPAINT else None)
    assert task.request.prompt == ("" if operation is Operation.FACESWAP else "a hat")
    assert await able.store.task_of_event(event) == task


async def test_a_second_picture_that_could_not_be_stored_completes_it_when_it_comes_again(
    able: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = Requests(able.client)
    assert await ordered(able, requests, Operation.BLEND) == Waits(ALBUM)

    async def down(*args: object, **kwargs: object) -> None:
        raise StoreDown("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(able.client, "submit", down)
        with pytest.raises(StoreDown):
            await requests.part(AlbumPart(ALBUM, a_file("y"), asked=True))
    assert not await requests.part(AlbumPart(ALBUM, a_file("y"), asked=True))
    (task,) = await able.store.unfinished("telegram:1")
    assert file_ids(task.request) == ["x", "y"]


async def test_a_second_picture_that_never_comes_is_given_up_once(able: World) -> None:
    requests = Requests(able.client)
    assert await ordered(able, requests, Operation.FACESWAP) == Waits(ALBUM)
    assert requests.too_few(ALBUM)
    assert not requests.too_few(ALBUM)
    assert not await requests.part(AlbumPart(ALBUM, a_file("y"), asked=True))
    assert await able.store.unfinished("telegram:1") == []
