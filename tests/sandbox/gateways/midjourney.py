"""midjourney-proxy's requests in short."""

from typing import Any

import httpx

from sandbox.gateways import MidjourneySandbox
from tests.sandbox.gateways.support import data_url, photo

#: Pixels of a grid.
SMALL = 256 * 256
PHOTO = data_url(photo(320, 160))


async def submit(http: httpx.AsyncClient, box: MidjourneySandbox, path: str, **body: Any) -> dict[str, Any]:
    """The answer to a submit, whatever its code; HTTP 200 is checked."""
    response = await post(http, box, f"submit/{path}", **body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def post(http: httpx.AsyncClient, box: MidjourneySandbox, path: str, **body: Any) -> httpx.Response:
    return await http.post(f"{box.base_url}/mj/{path}", json=body, headers={"mj-api-secret": box.default_key})


async def fetch(http: httpx.AsyncClient, box: MidjourneySandbox, task: str) -> dict[str, Any]:
    response = await http.get(f"{box.base_url}/mj/task/{task}/fetch", headers={"mj-api-secret": box.default_key})
    shown: dict[str, Any] = response.json()
    return shown


async def made(http: httpx.AsyncClient, box: MidjourneySandbox, path: str = "imagine", **body: Any) -> dict[str, Any]:
    """A finished task."""
    answer = await submit(http, box, path, **(body or {"prompt": "a red fox --seed 7"}))
    assert answer["code"] == 1, answer
    return await fetch(http, box, answer["result"])


def button(task: dict[str, Any], part: str) -> str:
    return next(str(found["customId"]) for found in task["buttons"] if part in str(found["customId"]))
