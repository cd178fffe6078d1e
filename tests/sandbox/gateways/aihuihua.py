"""aihuihua's requests in short, and a host for the pictures it is to fetch."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.gateways import AihuihuaSandbox
from sandbox.serving import serve
from tests.sandbox.gateways.support import bearer, opened, photo

#: Pixels of a grid.
SMALL = 256 * 256


class Pictures:
    """``photo`` is 320 x 160; ``large`` is a picture of more than 5 MB; ``page`` is none, ``moved`` leads to one."""

    def __init__(self, base: str) -> None:
        self.photo, self.tall, self.large = (f"{base}/{name}.png" for name in ("photo", "tall", "large"))
        self.page, self.moved, self.gone = (f"{base}/{name}" for name in ("page", "moved", "gone"))


@contextlib.asynccontextmanager
async def pictures() -> AsyncIterator[Pictures]:
    files = {"photo.png": photo(320, 160), "tall.png": photo(160, 320)}
    # What follows a PNG's end is no part of the picture, but of the file.
    files["large.png"] = files["photo.png"] + bytes(5 * 1024 * 1024)

    async def serve_one(request: Request) -> Response:
        name = request.path_params["name"]
        if name == "moved":
            return RedirectResponse("/photo.png", 302)
        if name == "page":
            return PlainTextResponse("<html></html>")
        return Response(files[name], media_type="image/png") if name in files else Response(status_code=404)

    async with serve(Starlette(routes=[Route("/{name}", serve_one)])) as base:
        yield Pictures(base)


async def post(http: httpx.AsyncClient, box: AihuihuaSandbox, path: str, **body: Any) -> httpx.Response:
    return await http.post(f"{box.base_url}/api/v2/{path}", json=body, headers=bearer(min(box.keys)))


async def submit(http: httpx.AsyncClient, box: AihuihuaSandbox, path: str, **body: Any) -> dict[str, Any]:
    """The answer to a submit, whatever its code; HTTP 200 is checked."""
    response = await post(http, box, path, **body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def fetch(http: httpx.AsyncClient, box: AihuihuaSandbox, task: str) -> dict[str, Any]:
    response = await http.get(f"{box.base_url}/api/v2/task/id/{task}", headers=bearer(min(box.keys)))
    shown: dict[str, Any] = response.json()
    return shown


async def made(http: httpx.AsyncClient, box: AihuihuaSandbox, path: str, **body: Any) -> dict[str, Any]:
    """A task that has ended."""
    answer = await submit(http, box, path, **body)
    assert answer["code"] == 1, answer
    return await fetch(http, box, answer["result"])


async def seen(http: httpx.AsyncClient, task: dict[str, Any]) -> Image.Image:
    """A task's picture, downloaded and decoded."""
    return opened((await http.get(task["imageUrl"])).content)


def labelled(task: dict[str, Any], label: str) -> str:
    """The customId of a button."""
    return next(str(button["customId"]) for button in task["buttons"] if button["label"] == label)
