"""Links to our pictures over a real socket: the bytes for whoever has the link, for as long as it lasts."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from bots.web.pages import Public, web_app
from bots.web.serving import serve
from core.links import LINK_LIFE, Links
from core.media import ObjectMedia, open_media
from core.store import open_store
from core.testing import ManualClock
from core.types import MediaRef
from sandbox.pictures.clip import clip
from tests.core.world import png


@dataclass
class Shelf:
    media: ObjectMedia
    links: Links
    clock: ManualClock
    http: httpx.AsyncClient
    folder: Path

    def path(self, ref: MediaRef) -> str:
        return urlsplit(self.links.picture(ref)).path


@contextlib.asynccontextmanager
async def shelf(folder: Path) -> AsyncIterator[Shelf]:
    media, clock = open_media(f"file://{folder}/media"), ManualClock()
    store = await open_store(f"sqlite+aiosqlite:///{folder}/imagine.db")
    links = Links("https://bots.example.org", await store.secret("links"), clock)
    try:
        async with (
            serve(web_app({}, Public(links, {}, store, media, lambda: None))) as base,
            httpx.AsyncClient(base_url=base) as http,
        ):
            yield Shelf(media, links, clock, http, folder / "media")
    finally:
        await store.close()


async def test_a_link_gives_the_picture_as_what_it_is_until_its_time_is_over(tmp_path: Path) -> None:
    async with shelf(tmp_path) as at:
        path = at.path(await at.media.keep(png("red")))
        at.clock.advance(100)
        got, head = await at.http.get(path), await at.http.head(path)
        assert (got.status_code, got.content) == (200, png("red"))
        assert (head.status_code, head.content) == (200, b"")
        left = int(LINK_LIFE.total_seconds()) - 100
        for answer in (got, head):
            assert answer.headers["content-type"] == "image/png"
            assert answer.headers["content-length"] == str(len(png("red")))
            assert answer.headers["cache-control"] == f"private, max-age={left}"
            assert answer.headers["x-content-type-options"] == "nosniff"
        at.clock.advance(left - 1)
        assert (await at.http.get(path)).status_code == 200
        at.clock.advance(1)
        assert (await at.http.get(path)).status_code == 410


async def test_a_video_is_shown_as_one(tmp_path: Path) -> None:
    async with shelf(tmp_path) as at:
        ref = await at.media.keep(clip())
        got = await at.http.get(at.path(ref))
        assert (got.headers["content-type"], got.content) == ("video/mp4", clip())


async def test_what_we_never_gave_out_is_not_there_nor_is_a_list_of_what_is(tmp_path: Path) -> None:
    async with shelf(tmp_path) as at:
        ref = await at.media.keep(png("red"))
        path = at.path(ref)
        strangers = Links("https://bots.example.org", "00" * 32, at.clock).picture(ref)
        wrong = [
            path[:-5] + "0" + path[-4:] if path[-5] != "0" else path[:-5] + "1" + path[-4:],
            urlsplit(strangers).path,
            f"/media/{ref.key}",
            f"/media/{ref.key}.png",
            "/media/",
            "/media",
            "/media/..%2f..%2fimagine.db",
            f"{path}/",
            f"{path}/..",
        ]
        answers = [await at.http.get(address) for address in wrong]
        assert [(answer.status_code, answer.text) for answer in answers] == [(404, "Not Found")] * len(wrong)
        assert (await at.http.post(path)).status_code == 405


@pytest.mark.parametrize("left", [None, 10])
async def test_a_picture_that_is_gone_or_no_longer_whole_is_not_found(tmp_path: Path, left: int | None) -> None:
    async with shelf(tmp_path) as at:
        ref = await at.media.keep(png("red"))
        (file,) = [found for found in at.folder.rglob("*") if found.is_file()]
        if left is None:
            file.unlink()
        else:
            file.write_bytes(png("red")[:left])
        assert (await at.http.get(at.path(ref))).status_code == 404


async def test_while_the_media_store_is_away_a_link_may_be_tried_again(tmp_path: Path) -> None:
    async with shelf(tmp_path) as at:
        ref = await at.media.keep(png("red"))
        (file,) = [found for found in at.folder.rglob("*") if found.is_file()]
        file.unlink()
        file.symlink_to(file)
        assert (await at.http.get(at.path(ref))).status_code == 503


async def test_without_a_public_address_there_is_health_and_nothing_else(tmp_path: Path) -> None:
    async with shelf(tmp_path) as at:
        told = (await at.http.get("/healthz")).json()
        path = at.path(await at.media.keep(png("red")))
        assert told == {"status": "ok", "instance": at.links.instance()}
        async with serve(web_app({})) as base, httpx.AsyncClient(base_url=base) as http:
            assert (await http.get("/healthz")).json() == {"status": "ok"}
            assert (await http.get("/readyz")).status_code == 200
            assert (await http.get(path)).status_code == 404
            assert (await http.post(urlsplit(at.links.hook("alpha")).path)).status_code == 404
