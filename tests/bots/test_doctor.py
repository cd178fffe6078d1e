"""What doctor says of the public address. The rest of doctor is tested as a process, in ``tests/e2e/test_cli.py``."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bots.doctor import Finding, examine
from bots.web.pages import Public, web_app
from bots.web.serving import serve
from core.clock import utc_now
from core.links import Links
from core.media import open_media
from core.settings import Settings
from core.store import open_store


@contextlib.asynccontextmanager
async def bots(folder: Path) -> AsyncIterator[str]:
    """The web part of bots whose database is in ``folder``."""
    store = await open_store(f"sqlite+aiosqlite:///{folder}/imagine.db")
    try:
        links = Links("https://bots.example.org", await store.secret("links"), utc_now)
        public = Public(links, {}, store, open_media(f"file://{folder}/media"), lambda: None)
        async with serve(web_app({}, public)) as base:
            yield base
    finally:
        await store.close()


def about(answer: Response) -> Starlette:
    async def healthz(_request: object) -> Response:
        return answer

    return Starlette(routes=[Route("/healthz", healthz)])


async def said(folder: Path, public: str | None) -> list[Finding]:
    """What it says of the public address of bots whose database is in ``folder``."""
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{folder}/imagine.db",
        media_url=f"file://{folder}/media",
        public_url=public,
    )
    return [finding for finding in await examine(settings) if finding.what == "public address"]


async def test_without_a_public_address_nothing_is_said_of_it(tmp_path: Path) -> None:
    assert await said(tmp_path, None) == []


async def test_an_address_that_leads_to_these_bots_is_good_news(tmp_path: Path) -> None:
    async with bots(tmp_path) as address:
        (found,) = await said(tmp_path, f" {address}/ ")
    assert found == Finding("public address", True, "leads to these bots, asked from this machine")


async def test_bots_with_another_database_are_not_these(tmp_path: Path) -> None:
    async with bots(tmp_path / "theirs") as address:
        (found,) = await said(tmp_path / "ours", address)
    assert not found.ok
    assert found.text.startswith("PUBLIC_URL: bots with another database answer")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (JSONResponse({"status": "ok"}), "something else answers /healthz"),
        (JSONResponse(["ok"]), "something else answers /healthz"),
        (JSONResponse({"instance": 7}), "something else answers /healthz"),
        (PlainTextResponse("<html>"), "something else answers /healthz"),
        (PlainTextResponse("no", 502), "/healthz answers 502"),
    ],
)
async def test_whatever_else_answers_there_is_named(tmp_path: Path, answer: Response, why: str) -> None:
    async with serve(about(answer)) as address:
        (found,) = await said(tmp_path, address)
    assert (found.ok, found.text.startswith(f"PUBLIC_URL: {why}")) == (False, True), found


async def test_where_nothing_answers_the_way_forward_is_named(tmp_path: Path) -> None:
    async with serve(about(PlainTextResponse(""))) as address:
        pass
    (found,) = await said(tmp_path, address)
    assert not found.ok
    assert "does not answer" in found.text
    assert "`imagine run` serves the web part" in found.text
