"""Which pictures of an album still wait for its words."""

import pytest

from bots.telegram.albums import KEEP_UNSTORED_FOR, REMEMBER_FOR, Albums
from bots.telegram.meaning import AlbumPart, Ask
from bots.telegram.requests import Requests
from core.errors import StoreDown
from core.types import FrontFile, Operation, Who
from tests.bots.telegram.world import World, an_address, file_ids


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
    assert task is not None
    assert file_ids(task.request) == ["x", "y"]


async def test_the_words_may_be_on_any_picture_of_the_album(world: World) -> None:
    requests = Requests(world.client)
    album = "telegram:album:-1:7"
    assert await requests.part(AlbumPart(album, a_file("x"), asked=True))
    ask = Ask(Operation.EDIT, "merge", own=a_file("y"), album=album)
    who, address = Who("telegram:1", "telegram:-1"), an_address(world, "group")
    task = await requests.order(ask, who=who, address=address, event="telegram:1:1")
    assert task is not None
    assert not await requests.part(AlbumPart(album, a_file("z"), asked=True))
    assert not requests.wordless(album)
    assert file_ids((await world.store.task(task.id)).request) == ["x", "y", "z"]
