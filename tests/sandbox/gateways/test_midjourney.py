"""midjourney-proxy's stand-in is as strict, and as loose, as the wire is."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sandbox.gateways import MidjourneySandbox
from tests.sandbox.gateways.midjourney import PHOTO, SMALL, button, fetch, made, post, submit
from tests.sandbox.gateways.support import Clock, bearer, opened, photo


@pytest.fixture
async def mj(clock: Clock) -> AsyncIterator[MidjourneySandbox]:
    async with MidjourneySandbox(clock=clock, area=SMALL).running() as box:
        yield box


# -- the ordinary way -----------------------------------------------------------------------------------------------


async def test_a_task_goes_from_its_submit_to_a_grid_with_buttons(
    mj: MidjourneySandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    mj.seconds = 100
    answer = await submit(http, mj, "imagine", prompt="a red fox --ar 3:2 --seed 7", state="mine")
    assert (answer["code"], answer["description"]) == (1, "Submit success")
    assert re.fullmatch(r"\d{16}", answer["result"])
    tasks = []
    for _ in range(3):
        tasks.append(await fetch(http, mj, answer["result"]))
        clock.now += 50
    task = tasks[-1]
    assert [(seen["status"], seen["progress"], bool(seen["imageUrl"]), len(seen["buttons"])) for seen in tasks] == [
        ("SUBMITTED", "0%", False, 0),
        ("IN_PROGRESS", "50%", True, 0),
        ("SUCCESS", "100%", True, 9),
    ]
    assert (task["state"], task["action"], task["failReason"]) == ("mine", "IMAGINE", None)
    grid = opened((await http.get(task["imageUrl"])).content)
    assert grid.width / grid.height == pytest.approx(1.5, rel=0.05)
    corners = [(x, y) for x in (0, grid.width // 2) for y in (0, grid.height // 2)]
    assert len({grid.crop((x, y, x + 80, y + 80)).tobytes() for x, y in corners}) == 4
    clock.now += 86_400
    assert (await http.get(task["imageUrl"])).status_code == 404


async def test_the_same_prompt_and_seed_make_the_same_grid_and_others_make_others(
    mj: MidjourneySandbox, http: httpx.AsyncClient
) -> None:
    tasks = [
        await made(http, mj, "imagine", prompt=prompt)
        for prompt in ("fox --seed 7", "fox --seed 7", "fox --seed 8", "owl --seed 7")
    ]
    grids = [(await http.get(task["imageUrl"])).content for task in tasks]
    assert grids[0] == grids[1]
    assert len(set(grids)) == 3


async def test_a_preview_is_another_picture_than_the_result(
    mj: MidjourneySandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    mj.seconds = 10
    answer = await submit(http, mj, "imagine", prompt="fox")
    clock.now += 5
    preview = await fetch(http, mj, answer["result"])
    clock.now += 5
    result = await fetch(http, mj, answer["result"])
    pictures = [opened((await http.get(task["imageUrl"])).content) for task in (preview, result)]
    assert [picture.format for picture in pictures] == ["WEBP", "PNG"]
    assert pictures[0].width < pictures[1].width


async def test_hands_are_few_the_queue_is_short_and_a_full_one_rejects(http: httpx.AsyncClient, clock: Clock) -> None:
    async with MidjourneySandbox(clock=clock, area=SMALL, seconds=10, concurrent=1, queue=2).running() as box:
        answers = [await submit(http, box, "imagine", prompt=f"fox {n}") for n in range(4)]
        assert [answer["code"] for answer in answers] == [1, 22, 22, 23]
        assert [answer["properties"].get("numberOfQueues") for answer in answers] == [None, 0, 1, None]
        assert answers[3]["result"]
        assert (await fetch(http, box, answers[1]["result"]))["status"] == "NOT_START"
        assert len(box.orders) == 3
        clock.now += 15
        assert (await fetch(http, box, answers[1]["result"]))["progress"] == "50%"
        assert (await submit(http, box, "imagine", prompt="fox"))["code"] == 22


async def test_a_proxy_gives_up_after_five_minutes(
    mj: MidjourneySandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    mj.seconds = 1000
    answer = await submit(http, mj, "imagine", prompt="fox")
    clock.now += 301
    task = await fetch(http, mj, answer["result"])
    assert (task["status"], task["failReason"], task["progress"], task["imageUrl"]) == ("FAILURE", "任务超时", "", None)


async def test_a_list_is_in_no_order_and_leaves_out_what_it_does_not_know(
    mj: MidjourneySandbox, http: httpx.AsyncClient
) -> None:
    known = [(await submit(http, mj, "imagine", prompt=f"fox {n}"))["result"] for n in range(3)]
    listed = (await post(http, mj, "task/list-by-condition", ids=[*known, "17"])).json()
    assert {task["id"] for task in listed} == set(known)
    assert (await post(http, mj, "task/list-by-condition", ids=[])).json() == []
    assert (await post(http, mj, "task/list-by-condition", ids="17")).json()["code"] == 4


async def test_an_unknown_task_is_an_empty_answer(mj: MidjourneySandbox, http: httpx.AsyncClient) -> None:
    secret = {"mj-api-secret": mj.default_key}
    response = await http.get(f"{mj.base_url}/mj/task/17/fetch", headers=secret)
    assert (response.status_code, response.content) == (200, b"")


async def test_the_secret_is_wanted_everywhere_unless_there_is_none(
    mj: MidjourneySandbox, http: httpx.AsyncClient
) -> None:
    for headers in ({}, {"mj-api-secret": "wrong"}, bearer(mj.default_key)):
        for method, path in (("POST", "submit/imagine"), ("GET", "task/1/fetch"), ("POST", "task/list-by-condition")):
            response = await http.request(method, f"{mj.base_url}/mj/{path}", json={"prompt": "x"}, headers=headers)
            assert (response.status_code, response.content) == (401, b"")
    mj.keys = set()
    assert (await http.post(f"{mj.base_url}/mj/submit/imagine", json={"prompt": "fox"})).json()["code"] == 1


# -- what is refused ------------------------------------------------------------------------------------------------


WRONG: tuple[tuple[str, dict[str, Any]], ...] = (
    ("submit/imagine", {}),
    ("submit/imagine", {"prompt": " "}),
    ("submit/imagine", {"prompt": 7}),
    ("submit/imagine", {"prompt": "fox", "base64": PHOTO}),
    ("submit/imagine", {"prompt": "fox", "base64Array": PHOTO}),
    ("submit/imagine", {"prompt": "fox", "base64Array": ["https://example.org/fox.png"]}),
    ("submit/imagine", {"prompt": "fox", "base64Array": [PHOTO.partition(",")[2]]}),
    ("submit/imagine", {"prompt": "fox", "base64Array": ["data:image/png;base64,!"]}),
    ("submit/imagine", {"prompt": "fox", "botType": "niji"}),
    ("submit/imagine", {"prompt": "fox", "notify_hook": "http://127.0.0.1"}),
    ("submit/imagine", {"prompt": "fox", "state": "x" * 256}),
    ("submit/imagine", {"prompt": "fox", "notifyHook": "x" * 2001}),
    ("submit/imagine", {"prompt": "x" * 6001}),
    ("submit/blend", {"base64Array": [PHOTO]}),
    ("submit/blend", {"base64Array": [PHOTO] * 6}),
    ("submit/blend", {"base64Array": [PHOTO] * 2, "dimensions": "2:3"}),
    ("submit/describe", {}),
    ("submit/shorten", {"prompt": ""}),
    ("submit/change", {"taskId": "1", "action": "UPSCALE"}),
    ("submit/change", {"taskId": "1", "action": "UPSCALE", "index": 5}),
    ("submit/change", {"taskId": "1", "action": "ZOOM", "index": 1}),
    ("submit/simple-change", {"content": "1725017986212425 U5"}),
    ("submit/action", {"taskId": "1"}),
    ("submit/video", {"prompt": "it snows"}),
    ("submit/video", {"image": PHOTO, "motion": "wild"}),
    ("submit/video", {"image": PHOTO, "batchSize": 3}),
    ("insight-face/swap", {"sourceBase64": PHOTO}),
)


async def test_a_wrong_request_is_code_4_under_http_200_and_no_order(
    mj: MidjourneySandbox, http: httpx.AsyncClient
) -> None:
    for path, body in WRONG:
        response = await post(http, mj, path, **body)
        told = (response.status_code, response.json()["code"], response.json()["result"])
        assert told == (200, 4, None), f"{path} {body}"
    assert mj.orders == []


async def test_a_banned_word_is_code_24_and_named(mj: MidjourneySandbox, http: httpx.AsyncClient) -> None:
    answer = await submit(http, mj, "imagine", prompt="a nude body")
    assert answer == {
        "code": 24,
        "description": "可能包含敏感词",
        "properties": {"promptEn": "a nude body", "bannedWord": "nude"},
    }
    assert mj.orders == []


async def test_trouble_inside_has_its_codes(mj: MidjourneySandbox, http: httpx.AsyncClient) -> None:
    for code in (3, 9, 23):
        mj.answer_next(code)
        answer = await submit(http, mj, "imagine", prompt="fox")
        assert (answer["code"], bool(answer["result"])) == (code, code == 23)
    assert mj.orders == []
    assert (await submit(http, mj, "imagine", prompt="fox"))["code"] == 1


async def test_a_task_can_fail_and_then_costs_nothing(mj: MidjourneySandbox, http: httpx.AsyncClient) -> None:
    for fault, reason in (("task_error", "Internal Error"), ("moderated_request", "Banned prompt")):
        mj.fail_next(fault)
        task = await made(http, mj)
        assert (task["status"], task["imageUrl"]) == ("FAILURE", None)
        assert reason in task["failReason"]
    assert [order.charged for order in mj.orders] == [False, False]


# -- what follows a result ------------------------------------------------------------------------------------------


async def test_a_quarter_is_enlarged_once_and_then_named_again(mj: MidjourneySandbox, http: httpx.AsyncClient) -> None:
    parent = await made(http, mj)
    first = await submit(http, mj, "action", taskId=parent["id"], customId=button(parent, "upsample::2"))
    enlarged = await fetch(http, mj, first["result"])
    assert (enlarged["action"], enlarged["status"]) == ("UPSCALE", "SUCCESS")
    for path, body in (
        ("action", {"taskId": parent["id"], "customId": button(parent, "upsample::2")}),
        ("change", {"taskId": parent["id"], "action": "UPSCALE", "index": 2}),
        ("simple-change", {"content": f"{parent['id']} U2"}),
    ):
        again = await submit(http, mj, path, **body)
        assert (again["code"], again["result"]) == (21, first["result"])
        assert again["properties"] == {"status": "SUCCESS", "imageUrl": enlarged["imageUrl"]}
    assert len(mj.orders) == 2
    assert (await submit(http, mj, "simple-change", content=f"{parent['id']} U3"))["code"] == 1


@pytest.mark.parametrize(("wish", "action"), [("V1", "VARIATION"), ("R", "REROLL")])
async def test_variations_and_rerolls_are_new_grids_each_time(
    mj: MidjourneySandbox, http: httpx.AsyncClient, wish: str, action: str
) -> None:
    parent = await made(http, mj)
    children = [await made(http, mj, "simple-change", content=f"{parent['id']} {wish}") for _ in range(2)]
    assert {child["action"] for child in children} == {action}
    assert len({child["id"] for child in children}) == 2
    assert all(len(child["buttons"]) == 9 for child in children)


async def test_a_window_is_opened_first_and_nothing_is_made_before_it_is_filled_in(
    mj: MidjourneySandbox, http: httpx.AsyncClient
) -> None:
    parent = await made(http, mj)
    large = await made(http, mj, "action", taskId=parent["id"], customId=button(parent, "upsample::1"))
    opened_window = await submit(http, mj, "action", taskId=large["id"], customId=button(large, "Inpaint"))
    task = opened_window["result"]
    assert (opened_window["code"], (await fetch(http, mj, task))["status"]) == (21, "MODAL")
    assert len(mj.orders) == 2
    assert (await submit(http, mj, "modal", taskId=task, prompt="a hat"))["code"] == 4
    assert (await submit(http, mj, "modal", taskId=task, prompt=" ", maskBase64=PHOTO))["code"] == 4
    filled = await submit(http, mj, "modal", taskId=task, prompt="a hat", maskBase64=PHOTO)
    assert (filled["code"], filled["result"]) == (1, task)
    assert (await fetch(http, mj, task))["status"] == "SUCCESS"
    assert mj.tasks[task].mask == photo(320, 160)
    assert (await submit(http, mj, "modal", taskId=task, prompt="two", maskBase64=PHOTO))["code"] == 4
    zoom = await submit(http, mj, "action", taskId=large["id"], customId=button(large, "CustomZoom"))
    assert (await submit(http, mj, "modal", taskId=zoom["result"], prompt="fox --zoom 2"))["code"] == 1


async def test_in_remix_mode_a_variation_opens_a_window_and_an_enlargement_does_not(
    mj: MidjourneySandbox, http: httpx.AsyncClient
) -> None:
    parent = await made(http, mj)
    mj.remix = True
    window = await submit(http, mj, "action", taskId=parent["id"], customId=button(parent, "variation::1"))
    assert (window["code"], window["properties"]) == (21, {"finalPrompt": parent["prompt"], "remix": True})
    assert (await submit(http, mj, "modal", taskId=window["result"], prompt=parent["prompt"]))["code"] == 1
    assert (await fetch(http, mj, window["result"]))["action"] == "VARIATION"
    assert (await submit(http, mj, "action", taskId=parent["id"], customId=button(parent, "upsample::1")))["code"] == 1


async def test_an_enlarged_picture_has_the_buttons_of_midjourneys_version_7(
    mj: MidjourneySandbox, http: httpx.AsyncClient
) -> None:
    parent = await made(http, mj, prompt="a red fox --ar 3:2")
    large = await made(http, mj, "action", taskId=parent["id"], customId=button(parent, "upsample::1"))
    labels = [found["label"] or found["emoji"] for found in large["buttons"]]
    assert labels[:7] == [
        "Upscale (Subtle)",
        "Upscale (Creative)",
        "Vary (Subtle)",
        "Vary (Strong)",
        "Vary (Region)",
        "Zoom Out 2x",
        "Zoom Out 1.5x",
    ]
    assert labels[7:] == [
        *("Custom Zoom", "⬅️", "➡️", "⬆️", "⬇️", "Make Square"),
        *("Animate (High motion)", "Animate (Low motion)", "❤️", "Web"),
    ]
    assert large["buttons"][-1]["customId"] is None
    larger = await made(http, mj, "action", taskId=large["id"], customId=button(large, "2x_creative"))
    assert (larger["action"], larger["buttons"][0]["label"]) == ("ACTION", "Redo Upscale (Subtle)")
    sizes = [opened((await http.get(task["imageUrl"])).content).size for task in (large, larger)]
    assert sizes[1] == (sizes[0][0] * 2, sizes[0][1] * 2)
    zoomed = await made(http, mj, "action", taskId=large["id"], customId=button(large, "Outpaint::50"))
    assert (zoomed["action"], len(zoomed["buttons"])) == ("ACTION", 9)
    for nothing in ("BOOKMARK", "Web"):
        token = next((str(found["customId"]) for found in large["buttons"] if nothing in str(found)), "")
        assert (await submit(http, mj, "action", taskId=large["id"], customId=token))["code"] == 4


async def test_films_come_under_names_of_their_own(
    mj: MidjourneySandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    mj.seconds = 10
    answer = await submit(http, mj, "video", image=PHOTO, batchSize=2)
    clock.now += 5
    assert (await fetch(http, mj, answer["result"]))["imageUrl"] is None
    clock.now += 5
    task = await fetch(http, mj, answer["result"])
    assert (task["action"], task["status"], task["imageUrl"]) == ("VIDEO", "SUCCESS", None)
    assert task["videoUrls"][0]["url"] == task["videoUrl"]
    films = [await http.get(found["url"]) for found in task["videoUrls"]]
    assert {film.headers["content-type"] for film in films} == {"video/mp4"}
    assert len({film.content for film in films}) == 2
    mj.seconds = 0
    longer = await made(http, mj, "action", taskId=task["id"], customId=button(task, "animate_low_extend"))
    assert longer["videoUrl"].partition("?")[0].endswith(".mp4")


async def test_what_cannot_follow_is_refused(mj: MidjourneySandbox, http: httpx.AsyncClient, clock: Clock) -> None:
    for path, status in (("action", 404), ("modal", 404), ("change", 200)):
        body = {"action": {"customId": "x"}, "modal": {}, "change": {"action": "REROLL"}}[path]
        response = await post(http, mj, f"submit/{path}", taskId="17", **body)
        assert (response.status_code, response.json()["code"]) == (status, 3)
    parent = await made(http, mj)
    other = await made(http, mj)
    for custom in ("MJ::JOB::upsample::2::", button(other, "upsample::2")):
        assert (await submit(http, mj, "action", taskId=parent["id"], customId=custom))["code"] == 4
    mj.seconds = 10
    unfinished = (await submit(http, mj, "imagine", prompt="fox"))["result"]
    assert (await submit(http, mj, "change", taskId=unfinished, action="REROLL"))["code"] == 4


async def test_the_other_operations_make_what_they_are_for(mj: MidjourneySandbox, http: httpx.AsyncClient) -> None:
    blended = await made(http, mj, "blend", base64Array=[PHOTO, PHOTO], dimensions="PORTRAIT")
    grid = opened((await http.get(blended["imageUrl"])).content)
    assert grid.height / grid.width == pytest.approx(1.5, rel=0.05)
    described = await made(http, mj, "describe", base64=PHOTO)
    assert described["properties"]["finalPrompt"].startswith("1️⃣ ")
    assert described["imageUrl"] is None
    shortened = await made(http, mj, "shorten", prompt="a very red fox in deep snow")
    assert "2️⃣ a very" in shortened["properties"]["finalPrompt"]
    swapped = (await post(http, mj, "insight-face/swap", sourceBase64=PHOTO, targetBase64=PHOTO)).json()
    task = await fetch(http, mj, swapped["result"])
    assert (task["action"], task["status"], task["buttons"]) == ("SWAP_FACE", "SUCCESS", [])
    assert [len(order.pictures) for order in mj.orders] == [2, 1, 0, 2]


async def test_a_seed_is_told_once_there_is_a_result(
    mj: MidjourneySandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    mj.seconds = 10
    task = (await submit(http, mj, "imagine", prompt="fox --seed 4711"))["result"]
    ask = f"{mj.base_url}/mj/task/{task}/image-seed"
    secret = {"mj-api-secret": mj.default_key}
    assert (await http.get(ask, headers=secret)).json()["code"] == 4
    clock.now += 10
    assert (await http.get(ask, headers=secret)).json()["result"] == "4711"
