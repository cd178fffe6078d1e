"""What aihuihua's tasks lead to: buttons, windows, posts, and the many ways to tell of them."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from PIL import Image, ImageChops
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.gateways import AihuihuaSandbox
from sandbox.gateways.aihuihua_dialect import DIALECTS
from sandbox.gateways.aihuihua_hooks import UNKNOWN
from sandbox.gateways.faults import REFUSALS, Fault
from sandbox.serving import serve
from tests.sandbox.gateways.aihuihua import SMALL, Pictures, fetch, labelled, made, pictures, post, seen, submit
from tests.sandbox.gateways.support import Clock, bearer, data_url, opened, photo

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[AihuihuaSandbox]:
    async with AihuihuaSandbox(clock=Clock(), area=SMALL, unfinished=99).running() as box:
        yield box


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at() -> AsyncIterator[Pictures]:
    async with pictures() as host:
        yield host


# -- codes ----------------------------------------------------------------------------------------------------------


async def test_a_key_has_five_places_and_the_workers_are_three(http: httpx.AsyncClient, clock: Clock) -> None:
    async with AihuihuaSandbox(clock=clock, seconds=10, area=SMALL, keys={"1_a", "2_b"}).running() as box:
        answers = [await submit(http, box, "mdj/imagine", prompt="Cat") for _ in range(6)]
        assert [answer["code"] for answer in answers] == [1, 1, 1, 22, 22, 23]
        assert all(isinstance(answer["result"], str) and answer["result"] for answer in answers)
        states = [(await fetch(http, box, answer["result"])).get("status") for answer in answers]
        assert states == ["SUBMITTED"] * 3 + ["NOT_START"] * 2 + [None]
        other = await http.post(f"{box.base_url}/api/v2/mdj/imagine", json={"prompt": "x"}, headers=bearer("2_b"))
        assert other.json()["code"] == 22, "another key has places of its own"
        assert (await fetch(http, box, other.json()["result"]))["code"] == 404, "and tasks of its own"
        clock.now += 10
        assert (await submit(http, box, "mdj/imagine", prompt="Cat"))["code"] == 22
        assert len(box.orders) == 7


async def test_codes_can_be_texts_and_sensitive_words_are_24(http: httpx.AsyncClient) -> None:
    async with AihuihuaSandbox(text_codes=True).running() as box:
        for prompt in ("a nude body", "血腥"):
            assert (await submit(http, box, "flux/text2Image", prompt=prompt))["code"] == "24"
        assert box.orders == []
        assert (await submit(http, box, "flux/text2Image", prompt="Cat"))["code"] == "1"


# -- what follows a result ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "act", "other"),
    [("mdj/imagine", "mdj/action", "image/action"), ("flux/text2Image", "image/action", "mdj/action")],
)
async def test_a_button_works_only_where_its_task_was_made(
    shared: AihuihuaSandbox, http: httpx.AsyncClient, make: str, act: str, other: str
) -> None:
    grid = await made(http, shared, make, prompt="Cat --ar 3:2")
    labels = [button["label"] for button in grid["buttons"]]
    assert labels == ["U1", "U2", "U3", "U4", "🔄", "V1", "V2", "V3", "V4"]
    press = {"taskId": grid["id"], "customId": labelled(grid, "U2")}
    assert (await post(http, shared, other, **press)).json()["code"] == 4
    large = await made(http, shared, act, **press)
    assert large["id"] != grid["id"]
    whole, part = await seen(http, grid), await seen(http, large)
    half = whole.crop((whole.width // 2, 0, whole.width, whole.height // 2)).resize(part.size)
    difference = ImageChops.difference(half.convert("L"), part.convert("L"))
    assert part.size == whole.size
    assert sum(difference.histogram()[40:]) < 0.02 * part.width * part.height, "it is the second of the four"
    for label in ("V3", "🔄"):
        again = await made(http, shared, act, taskId=grid["id"], customId=labelled(grid, label))
        assert ((await seen(http, again)).size, len(again["buttons"])) == (whole.size, 9)
    labels = [button["label"] for button in large["buttons"]]
    assert {"Vary (Subtle)", "Zoom Out 2x", "⬅️", "➡️", "⬆️", "⬇️"} < set(labels)
    for label in ("Vary (Subtle)", "Zoom Out 2x", "⬆️"):
        assert (await made(http, shared, act, taskId=large["id"], customId=labelled(large, label)))["status"]
    assert ("Vary (Region)" in labels) is (act == "mdj/action")


async def test_what_others_have_made_can_be_enlarged_cut_out_and_drawn(
    shared: AihuihuaSandbox, http: httpx.AsyncClient
) -> None:
    picture = await made(http, shared, "nanoBanana/generate", prompt="Cat")
    size = (await seen(http, picture)).size
    results = []
    for label in ("无损放大", "自动抠图", "图片转线稿"):
        # The page's example gives the id as a number.
        task = await made(http, shared, "image/action", taskId=int(picture["id"]), customId=labelled(picture, label))
        results.append(await seen(http, task))
    assert [(result.size[0] // size[0], result.mode) for result in results] == [(2, "RGB"), (1, "RGBA"), (1, "L")]


async def test_a_region_is_painted_anew_in_two_steps(
    shared: AihuihuaSandbox, http: httpx.AsyncClient, at: Pictures
) -> None:
    grid = await made(http, shared, "mdj/imagine", prompt="Cat")
    large = await made(http, shared, "mdj/action", taskId=grid["id"], customId=labelled(grid, "U1"))
    before = len(shared.orders)
    press = {"taskId": large["id"], "customId": labelled(large, "Vary (Region)")}
    window = await submit(http, shared, "mdj/action", **press)
    name = window["result"]
    assert (window["code"], (await fetch(http, shared, name))["status"]) == (1, "MODAL")
    assert len(shared.orders) == before, "nothing is made yet"
    size = (await seen(http, large)).size
    mask = _mask(size)
    for wrong in (_mask((64, 64)), b"no picture"):
        refused = await post(http, shared, "mdj/modal", taskId=name, prompt="a hat", maskBase64=data_url(wrong))
        assert (refused.status_code, refused.json()["code"]) == (400, 4)
    filled = await submit(http, shared, "mdj/modal", taskId=name, prompt="a hat --seed 7", maskBase64=data_url(mask))
    assert (filled["code"], filled["result"]) == (1, name)
    result = await fetch(http, shared, name)
    quarter = (await seen(http, result)).crop((0, 0, size[0] // 2, size[1] // 2))
    original = (await seen(http, large)).resize(quarter.size)
    top, bottom = ((0, 0, quarter.width, 40), (0, quarter.height - 40, *quarter.size))
    assert _distance(quarter.crop(top), original.crop(top)) > 5 * _distance(
        quarter.crop(bottom), original.crop(bottom)
    ), "only what the mask shows is new"
    again = await post(http, shared, "mdj/modal", taskId=name, prompt="two", maskBase64=data_url(mask))
    assert again.json()["code"] == 4
    assert len(shared.orders) == before + 1


async def test_what_cannot_follow_is_refused(http: httpx.AsyncClient, clock: Clock) -> None:
    async with AihuihuaSandbox(clock=clock, seconds=10, area=SMALL, window_code=21).running() as box:
        running = (await submit(http, box, "mdj/imagine", prompt="Cat"))["result"]
        mask = data_url(photo())
        for path, name, status in (("mdj/action", "17", 404), ("mdj/action", running, 400), ("mdj/modal", "17", 404)):
            fields = {"prompt": "x", "maskBase64": mask} if path == "mdj/modal" else {"customId": "x"}
            assert (await post(http, box, path, taskId=name, **fields)).status_code == status
        refused = await post(http, box, "mdj/modal", taskId=running, prompt="x", maskBase64=mask)
        assert refused.json()["code"] == 4
        clock.now += 10
        assert (await post(http, box, "mdj/action", taskId=running, customId="x")).status_code == 400
        grid = await fetch(http, box, running)
        large = (await submit(http, box, "mdj/action", taskId=running, customId=labelled(grid, "U1")))["result"]
        clock.now += 10
        custom = labelled(await fetch(http, box, large), "Vary (Region)")
        assert (await submit(http, box, "mdj/action", taskId=large, customId=custom))["code"] == 21


# -- questions ------------------------------------------------------------------------------------------------------


async def test_questions_are_counted_and_a_list_leaves_out_what_it_does_not_know(
    http: httpx.AsyncClient,
) -> None:
    async with AihuihuaSandbox(area=SMALL).running() as box:
        names = [(await submit(http, box, "flux/text2Image", prompt=f"Cat {n}"))["result"] for n in range(3)]
        listed = (await post(http, box, "task/list/", ids=[*names, "17"])).json()
        assert {task["id"] for task in listed} == set(names)
        missing = await fetch(http, box, "17")
        assert missing["code"] == 404
        assert (box.polls, box.polled_ids) == (2, [*names, "17", "17"])


@pytest.mark.parametrize("name", DIALECTS)
async def test_a_task_is_told_in_every_dialect(http: httpx.AsyncClient, at: Pictures, name: str) -> None:
    said = DIALECTS[name]
    async with AihuihuaSandbox(dialect=said, closed=False, area=SMALL).running() as box:
        video = {"prompt": "x", "resolution": "480P", "cameraFixed": False, "duration": 5, "ratio": "1:1"}
        for path, fields in (
            ("mdj/imagine", {"prompt": "Cat"}),
            ("mdj/describe", {"imgUrl": at.photo}),
            ("video/text2Video", video),
            ("image/removeBg", {"imgUrl": at.page}),
        ):
            await submit(http, box, path, **fields)
        ids = list(box.tasks)
        singles = [await fetch(http, box, one) for one in ids]
        grid, text, film, failed = (single[said.one] if said.one else single for single in singles)
        answer = (await post(http, box, "task/list/", ids=ids)).json()
        many = answer[said.many] if said.many else answer
        assert {str(task["id"]) for task in many} == set(ids)
        assert isinstance(grid["id"], int) is said.numeric_ids
        assert (grid["status"], failed["status"]) == (("success", "failure") if said.lower else ("SUCCESS", "FAILURE"))
        assert grid["progress"] == ("100%" if said.percent else 100)
        assert len(text[said.text].split("\n")) == 4
        assert "could not be read" in failed[said.reason]
        for task, field in ((grid, said.picture), (film, said.video)):
            address = task[field][0] if said.in_lists else task[field]
            assert (await http.get(address)).status_code == 200
        signs = [button["emoji"] or button["label"] for button in grid[said.buttons]]
        assert signs[3:6] == ["U4", "🔄", "V1"]
        assert (said.buttons in failed) is not said.absent


# -- notifyHook -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("repeats", 1, ["SUCCESS"]),
        ("repeats", 2, ["SUCCESS", "SUCCESS"]),
        ("early", True, ["IN_PROGRESS"]),
        ("forged", True, [UNKNOWN, "SUCCESS"]),
    ],
)
async def test_the_end_is_posted_once_unsigned_or_as_it_is_told_to(
    http: httpx.AsyncClient, clock: Clock, option: str, value: object, expected: list[str]
) -> None:
    posts: list[dict[str, Any]] = []
    full = asyncio.Event()

    async def hook(request: Request) -> Response:
        posts.append(json.loads(await request.body()))
        assert not {"authorization", "x-signature", "x-webhook-signature"} & {name.lower() for name in request.headers}
        if len(posts) == len(expected):
            full.set()
        return Response(status_code=500)

    async with (
        serve(Starlette(routes=[Route("/hook", hook, methods=["POST"])])) as base,
        AihuihuaSandbox(clock=clock, area=SMALL, seconds=100).running() as box,
    ):
        setattr(box.hooks, option, value)
        answer = await submit(http, box, "mdj/imagine", prompt="Cat", notifyHook=f"{base}/hook")
        assert posts == []
        clock.now += 100
        async with asyncio.timeout(10):
            await full.wait()
        await box.until(lambda: len(box.hooks.refused) == len(expected))
        told = [post["id"] if post["id"] == UNKNOWN else post["status"] for post in posts]
        assert told == expected
        assert {post["id"] for post in posts} <= {answer["result"], UNKNOWN}
        assert box.polls == 0
        if option == "repeats":
            assert posts[0] == await fetch(http, box, answer["result"]), "it is what the query answers"


async def test_a_post_that_never_comes_leaves_the_query(http: httpx.AsyncClient, at: Pictures) -> None:
    async with AihuihuaSandbox(area=SMALL).running() as box:
        box.hooks.repeats = 0
        task = await made(http, box, "mdj/imagine", prompt="Cat", notifyHook="http://127.0.0.1:9/hook")
        assert (task["status"], box.hooks.sent) == ("SUCCESS", [])


# -- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", sorted(REFUSALS))
async def test_a_refusal_by_plan_or_by_prompt_is_no_order(
    shared: AihuihuaSandbox, http: httpx.AsyncClient, fault: Fault
) -> None:
    before = len(shared.orders)
    shared.fail_next(fault, model="mdj/imagine")
    answers = [await post(http, shared, "mdj/imagine", prompt=prompt) for prompt in ("Cat", f"Cat [fault:{fault}]")]
    shared.fail_next(fault, at="task")
    answers.append(await post(http, shared, "task/list/", ids=[]))
    if fault is Fault.MODERATION_400:
        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(200, 24)] * 3
    else:
        assert {answer.status_code for answer in answers} == {int(re.sub(r"\D", "", fault))}
    assert len(shared.orders) == before


@pytest.mark.parametrize(
    ("fault", "status", "charged"),
    [
        ("task_error", "FAILURE", False),
        ("moderated_request", "FAILURE", False),
        ("moderated_content", "FAILURE", False),
        ("unknown_status", "CONTEMPLATING", True),
        ("task_not_found", None, False),
        ("empty_data", "SUCCESS", True),
        ("empty_strings", "SUCCESS", True),
    ],
)
async def test_a_task_goes_wrong_for_good_or_for_one_question(
    shared: AihuihuaSandbox, http: httpx.AsyncClient, fault: str, status: str | None, charged: bool
) -> None:
    task = await made(http, shared, "mdj/imagine", prompt=f"Cat [fault:{fault}]")
    assert (task.get("status"), task.get("imageUrl") or None) == (status, None)
    assert shared.orders[-1].charged is charged
    if fault.startswith("empty"):
        return
    well = await made(http, shared, "mdj/imagine", prompt="Cat")
    shared.fail_next(fault, at="task")
    assert (await fetch(http, shared, well["id"])).get("status") == status
    assert (await fetch(http, shared, well["id"]))["status"] == "SUCCESS"


async def test_connections_and_answers_break_after_the_order(shared: AihuihuaSandbox, http: httpx.AsyncClient) -> None:
    before = len(shared.orders)
    for fault in ("drop_before", "drop_after"):
        with pytest.raises(httpx.RemoteProtocolError):
            await post(http, shared, "mdj/imagine", prompt=f"Cat [fault:{fault}]")
    assert len(shared.orders) == before + 1
    assert shared.orders[-1].abandoned
    broken = await post(http, shared, "mdj/imagine", prompt="Cat [fault:broken_json]")
    with pytest.raises(json.JSONDecodeError):
        broken.json()
    cut = await made(http, shared, "mdj/imagine", prompt="Cat [fault:truncated_picture]")
    with pytest.raises(OSError, match="truncated"):
        opened((await http.get(cut["imageUrl"])).content)
    for wish in ("nonsense", "fewer_pictures"):
        assert (await post(http, shared, "mdj/imagine", prompt=f"[fault:{wish}]")).json()["code"] == 4


def _mask(size: tuple[int, int]) -> bytes:
    """White above, black below."""
    mask = Image.new("L", size)
    mask.paste(255, (0, 0, size[0], size[1] // 2))
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()


def _distance(one: Image.Image, other: Image.Image) -> float:
    difference = ImageChops.difference(one.convert("L"), other.convert("L")).histogram()
    return sum(value * count for value, count in enumerate(difference)) / (one.width * one.height)
