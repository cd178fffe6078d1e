"""midjourney-proxy's posts to a notifyHook, and what new-api changes in front of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.gateways import MidjourneySandbox
from sandbox.serving import serve
from tests.sandbox.gateways.midjourney import SMALL, button, fetch, post, submit
from tests.sandbox.gateways.support import Clock, bearer, opened


@pytest.fixture
async def mj(clock: Clock) -> AsyncIterator[MidjourneySandbox]:
    async with MidjourneySandbox(clock=clock, area=SMALL).running() as box:
        yield box


@pytest.fixture
async def resold(clock: Clock) -> AsyncIterator[MidjourneySandbox]:
    async with MidjourneySandbox(clock=clock, area=SMALL, new_api=True).running() as box:
        yield box


# -- notifyHook -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backwards", [False, True])
async def test_every_change_is_posted_unsigned_repeated_and_perhaps_backwards(
    mj: MidjourneySandbox, http: httpx.AsyncClient, backwards: bool
) -> None:
    posts: list[dict[str, Any]] = []
    headers: list[str] = []
    full = asyncio.Event()

    async def hook(request: Request) -> Response:
        posts.append(json.loads(await request.body()))
        headers.extend(name.lower() for name in request.headers)
        if len(posts) == 8:
            full.set()
        return Response(status_code=500)

    mj.seconds, mj.hooks.repeats, mj.hooks.backwards = 0.2, 2, backwards
    async with serve(Starlette(routes=[Route("/hook", hook, methods=["POST"])])) as base:
        answer = await submit(http, mj, "imagine", prompt="fox", notifyHook=f"{base}/hook")
        async with asyncio.timeout(10):
            await full.wait()
    states = [state for state in ("SUBMITTED", "IN_PROGRESS", "IN_PROGRESS", "SUCCESS") for _ in range(2)]
    assert [post["status"] for post in posts] == (states[::-1] if backwards else states)
    assert {post["id"] for post in posts} == {answer["result"]}
    assert not {"authorization", "mj-api-secret", "x-signature", "x-webhook-signature"} & set(headers)
    assert set(mj.hooks.refused) == {500}


# -- behind new-api -------------------------------------------------------------------------------------------------


async def test_new_api_looks_every_fifteen_seconds_and_gives_links_of_its_own(
    resold: MidjourneySandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    resold.seconds = 20
    task = (await submit(http, resold, "imagine", prompt="fox", notifyHook="http://127.0.0.1:9/hook"))["result"]
    assert resold.tasks[task].hook == "", "the hook is thrown away"
    first = await fetch(http, resold, task)
    assert (first["status"], first["progress"], first["imageUrl"]) == ("", "0%", None)
    clock.now += 15
    running = await fetch(http, resold, task)
    assert (running["status"], running["progress"]) == ("IN_PROGRESS", "75%")
    assert running["imageUrl"].startswith(f"{resold.base_url}/mj/image/{task}?rand=")
    clock.now += 6
    assert await fetch(http, resold, task) == running, "it has not looked again yet"
    clock.now += 9
    done = await fetch(http, resold, task)
    assert (done["status"], done["imageUrl"]) == ("SUCCESS", f"{resold.base_url}/mj/image/{task}")
    assert opened((await http.get(done["imageUrl"])).content).format == "PNG"
    missing = await http.get(f"{resold.base_url}/mj/image/17")
    assert (missing.status_code, missing.json()) == (400, {"error": "midjourney_task_not_found"})


async def test_new_api_rewrites_codes_except_for_windows(http: httpx.AsyncClient, clock: Clock) -> None:
    async with MidjourneySandbox(clock=clock, area=SMALL, new_api=True, seconds=10, concurrent=1).running() as box:
        parent, queued = [await submit(http, box, "imagine", prompt="fox") for _ in range(2)]
        assert (queued["code"], "排队" in queued["description"]) == (1, True)
        clock.now += 60
        box.seconds = 0
        custom = button(await fetch(http, box, parent["result"]), "upsample::1")
        first, again = [await submit(http, box, "action", taskId=parent["result"], customId=custom) for _ in range(2)]
        assert (again["code"], again["result"]) == (1, first["result"])
        clock.now += 15
        large = await fetch(http, box, first["result"])
        window = await submit(http, box, "action", taskId=large["id"], customId=button(large, "Inpaint"))
        assert window["code"] == 21


async def test_new_api_refuses_under_http_400_and_counts_a_failure_as_whole(
    resold: MidjourneySandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    refusals = {
        "imagine": {"prompt": ""},
        "change": {"taskId": "17", "action": "REROLL"},
        "action": {"taskId": "17", "customId": "x"},
        "simple-change": {"content": "nothing"},
    }
    for path, body in refusals.items():
        response = await post(http, resold, f"submit/{path}", **body)
        assert response.status_code == 400
        assert response.json().keys() == {"description", "type", "code"}
        assert (response.json()["type"], response.json()["code"]) == ("upstream_error", 4)
    unknown = await http.get(f"{resold.base_url}/mj/task/17/fetch", headers=bearer(resold.default_key))
    assert (unknown.status_code, unknown.json()["description"]) == (400, "task_no_found ")
    assert (await http.post(f"{resold.base_url}/mj/submit/imagine", headers=bearer("x"))).status_code == 401
    resold.fail_next("rate_429")
    busy = await post(http, resold, "submit/imagine", prompt="fox")
    assert (busy.status_code, busy.json()["code"]) == (429, 30)
    resold.fail_next("task_error")
    task = (await submit(http, resold, "imagine", prompt="fox"))["result"]
    clock.now += 15
    failed = await fetch(http, resold, task)
    assert (failed["status"], failed["progress"]) == ("FAILURE", "100%")


async def test_new_api_makes_a_remix_window_a_1_and_knows_no_button_for_films(
    resold: MidjourneySandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    resold.remix = True
    task = (await submit(http, resold, "imagine", prompt="fox"))["result"]
    clock.now += 15
    grid = await fetch(http, resold, task)
    window = await submit(http, resold, "action", taskId=task, customId=button(grid, "variation::1"))
    assert (window["code"], window["description"]) == (1, "Waiting for window confirm")
    large = (await submit(http, resold, "action", taskId=task, customId=button(grid, "upsample::1")))["result"]
    clock.now += 15
    shown = await fetch(http, resold, large)
    assert shown["action"] == "UPSCALE"
    refused = await post(http, resold, "submit/action", taskId=large, customId=button(shown, "animate_low"))
    assert (refused.status_code, "unknown_action" in refused.json()["description"]) == (400, True)
