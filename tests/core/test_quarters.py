"""A 2x2 grid becomes four pictures, by one download."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.download import Downloader
from core.errors import ImageTooLarge, ImageUnreadable, PictureBroken, PictureGone, PictureTooLarge
from core.pictures import QUARTERS, quarters
from sandbox.gateways.faults import Fault
from sandbox.gateways.spoiled import spoil
from sandbox.serving import serve

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]


def grid(width: int = 64, height: int = 32, format: str = "PNG") -> bytes:
    picture = Image.new("RGB", (width, height))
    for place, colour in enumerate(COLOURS):
        x, y = (width - width // 2) * (place % 2), (height - height // 2) * (place // 2)
        picture.paste(colour, (x, y, x + width // 2, y + height // 2))
    out = io.BytesIO()
    picture.save(out, format, **({"lossless": True} if format == "WEBP" else {}))
    return out.getvalue()


def colours(picture: bytes) -> list[tuple[int, ...]]:
    with Image.open(io.BytesIO(picture)) as opened:
        return [colour for _, colour in opened.convert("RGB").getcolors() or [] if isinstance(colour, tuple)]


@pytest.mark.parametrize(("width", "height", "format"), [(64, 32, "PNG"), (65, 33, "PNG"), (64, 64, "WEBP")])
def test_the_quarters_are_the_four_pictures_in_reading_order(width: int, height: int, format: str) -> None:
    """Where a side is odd, the middle line belongs to none of them."""
    parts = quarters(grid(width, height, format))
    assert tuple(parts) == QUARTERS
    assert [colours(part) for part in parts.values()] == [[colour] for colour in COLOURS]
    for part in parts.values():
        with Image.open(io.BytesIO(part)) as opened:
            assert (opened.size, opened.format) == ((width // 2, height // 2), "PNG")


def test_what_has_no_four_quarters_is_refused() -> None:
    with pytest.raises(ImageUnreadable):
        quarters(grid(64, 1))
    with pytest.raises(ImageUnreadable):
        quarters(b"<html>")
    with pytest.raises(ImageTooLarge):
        quarters(spoil(b"", "", Fault.BOMB_PICTURE)[0])


@dataclass
class Shelf:
    """A host with one grid."""

    base: str = ""
    data: bytes = field(default_factory=grid)
    status: int = 200
    asked: list[str] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    held: asyncio.Event = field(default_factory=asyncio.Event)

    def links(self) -> list[str]:
        return [f"{self.base}/grid.png?ex=1#{part}" for part in QUARTERS]

    async def answer(self, request: Request) -> Response:
        self.asked.append(str(request.url))
        self.reached.set()
        await self.held.wait()
        return Response(self.data, self.status, media_type="image/png")


@pytest.fixture
async def shelf() -> AsyncIterator[Shelf]:
    made = Shelf()
    made.held.set()
    async with serve(Starlette(routes=[Route("/grid.png", made.answer)])) as made.base:
        yield made
        made.held.set()


@pytest.fixture
async def downloader() -> AsyncIterator[Downloader]:
    made = Downloader(allow_hosts=["127.0.0.1"], total=5.0)
    yield made
    await made.close()


async def test_four_links_to_one_grid_are_one_download_and_four_pictures(shelf: Shelf, downloader: Downloader) -> None:
    made = await asyncio.gather(*(downloader.fetch(link, gateway="mj") for link in shelf.links()))
    assert [colours(picture) for picture in made] == [[colour] for colour in COLOURS]
    assert shelf.asked == [f"{shelf.base}/grid.png?ex=1"]
    # A quarter that is wanted later is fetched anew, and any other fragment means nothing.
    assert colours(await downloader.fetch(shelf.links()[3], gateway="mj")) == [COLOURS[3]]
    assert await downloader.fetch(f"{shelf.base}/grid.png#page=2", gateway="mj") == shelf.data
    assert len(shelf.asked) == 3


@pytest.mark.parametrize(
    ("data", "status", "error"),
    [
        (b"", 404, PictureGone),
        (grid()[:60], 200, PictureBroken),
        (spoil(b"", "", Fault.BOMB_PICTURE)[0], 200, PictureTooLarge),
    ],
)
async def test_a_grid_that_goes_bad_is_the_right_error_for_each_quarter(
    data: bytes, status: int, error: type[Exception], shelf: Shelf, downloader: Downloader
) -> None:
    shelf.data, shelf.status = data, status
    ends = await asyncio.gather(
        *(downloader.fetch(link, gateway="mj") for link in shelf.links()), return_exceptions=True
    )
    assert [type(end) for end in ends] == [error] * 4


async def test_one_who_no_longer_waits_takes_nothing_from_the_others(shelf: Shelf, downloader: Downloader) -> None:
    shelf.held.clear()
    first, second = (asyncio.create_task(downloader.fetch(link, gateway="mj")) for link in shelf.links()[:2])
    async with asyncio.timeout(5):
        await shelf.reached.wait()
    first.cancel()
    await asyncio.wait([first])
    shelf.held.set()
    assert colours(await second) == [COLOURS[1]]
    assert len(shelf.asked) == 1


async def test_a_download_that_is_out_ends_with_its_downloader(shelf: Shelf) -> None:
    downloader = Downloader(allow_hosts=["127.0.0.1"])
    shelf.held.clear()
    waiting = asyncio.create_task(downloader.fetch(shelf.links()[0], gateway="mj"))
    async with asyncio.timeout(5):
        await shelf.reached.wait()
        await downloader.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
