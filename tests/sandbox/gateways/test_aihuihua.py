"""aihuihua's stand-in is as strict as its pages, and makes what they promise."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from core.videos import inspect_video
from sandbox.gateways import AihuihuaSandbox
from sandbox.gateways.aihuihua import CLOSED, OPERATIONS
from tests.sandbox.gateways.aihuihua import SMALL, Pictures, fetch, made, pictures, post, seen, submit
from tests.sandbox.gateways.support import Clock, bearer, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[AihuihuaSandbox]:
    async with AihuihuaSandbox(clock=Clock(), area=SMALL, closed=False, unfinished=99).running() as box:
        yield box


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at() -> AsyncIterator[Pictures]:
    async with pictures() as host:
        yield host


# -- what each operation makes --------------------------------------------------------------------------------------


async def test_imagine_ends_as_four_pictures_in_one_that_live_ten_days(
    http: httpx.AsyncClient, at: Pictures, clock: Clock
) -> None:
    async with AihuihuaSandbox(clock=clock, area=SMALL, seconds=100).running() as box:
        answer = await submit(http, box, "mdj/imagine", prompt=f"{at.photo} 狐狸 --ar 9:16", mode="FAST", notifyHook="")
        assert answer == {"code": 1, "description": "Submit success", "result": "123"}
        await box.until(lambda: bool(box.orders[0].pictures))
        tasks = []
        for _ in range(3):
            tasks.append(await fetch(http, box, "123"))
            clock.now += 50
        told = [(task["status"], task["progress"], bool(task["imageUrl"]), len(task["buttons"])) for task in tasks]
        assert told == [
            ("SUBMITTED", "0%", False, 0),
            ("IN_PROGRESS", "50%", True, 0),
            ("SUCCESS", "100%", True, 9),
        ]
        assert all({"id", "status", "action", "cost"} <= task.keys() for task in tasks)
        assert tasks[1]["imageUrl"] != tasks[2]["imageUrl"], "a preview is no result"
        grid = await seen(http, tasks[2])
        assert grid.height / grid.width == pytest.approx(16 / 9, rel=0.05)
        corners = [(x, y) for x in (0, grid.width // 2) for y in (0, grid.height // 2)]
        assert len({grid.crop((x, y, x + 60, y + 60)).tobytes() for x, y in corners}) == 4
        clock.now += 10 * 86_400
        assert (await http.get(tasks[2]["imageUrl"])).status_code == 404
        assert (await fetch(http, box, "123"))["code"] == 404


@pytest.mark.parametrize(
    ("path", "fields", "shape", "buttons"),
    [
        ("flux/text2Image", {"prompt": "Cat --ar 3:2"}, 1.5, 9),
        ("flux/image2Image", {"prompt": "Cat", "imgUrl": "photo", "range": 0.3}, 2.0, 9),
        ("face/style", {"prompt": "Cat", "faceImgUrl": "photo", "styleName": "sai-line art"}, 1.0, 9),
        ("face/style", {"prompt": "Cat", "faceImgUrl": "photo", "styleImgUrl": "tall"}, 1.0, 9),
        ("face/swap", {"fromImgUrl": "photo", "toImgUrl": "tall"}, 0.5, 3),
        ("nanoBanana/generate", {"prompt": "合影", "aspectRatio": "9:16", "imgUrls": ["photo", "tall"]}, 9 / 16, 3),
        ("nanoBanana/generate", {"prompt": "Cat"}, 1.0, 3),
        ("mdj/blend", {"imgUrlArray": ["photo", "tall"], "aspectRatio": "3:4"}, 0.75, 9),
    ],
)
async def test_a_picture_is_made_in_the_shape_asked_for(
    shared: AihuihuaSandbox,
    http: httpx.AsyncClient,
    at: Pictures,
    path: str,
    fields: dict[str, Any],
    shape: float,
    buttons: int,
) -> None:
    task = await made(http, shared, path, **_placed(fields, at))
    assert (task["status"], len(task["buttons"])) == ("SUCCESS", buttons), task
    picture = await seen(http, task)
    assert picture.width / picture.height == pytest.approx(shape, rel=0.05)
    house = "FL::" if path.startswith("mdj/") else "MF::"
    assert all(button["customId"].startswith(house) for button in task["buttons"])


async def test_addresses_at_the_head_of_a_prompt_are_pictures_too(
    shared: AihuihuaSandbox, http: httpx.AsyncClient, at: Pictures
) -> None:
    fields = {"faceImgUrl": at.photo, "styleImgUrl": at.tall}
    for path, more in (("face/style", fields), ("flux/text2Image", {}), ("mdj/imagine", {})):
        task = await made(http, shared, path, prompt=f"{at.photo} {at.tall} Cat, see {at.gone}", **more)
        assert (task["status"], len(shared.orders[-1].pictures)) == ("SUCCESS", 2 + len(more))


async def test_a_picture_nearer_to_its_source_changes_less(
    shared: AihuihuaSandbox, http: httpx.AsyncClient, at: Pictures
) -> None:
    parts = []
    for near in (0.1, 1):
        task = await made(http, shared, "flux/image2Image", prompt="Cat --seed 7", imgUrl=at.photo, range=near)
        grid = await seen(http, task)
        parts.append(grid.crop((0, 0, grid.width // 2, grid.height // 2)).resize((320, 160)))
    source = opened((await http.get(at.photo)).content)
    # Inside the red field, away from its edges.
    reds = [picture.getpixel((120, 60)) for picture in (*parts, source)]
    assert _far(reds[1], reds[2]) < 10 < _far(reds[0], reds[2])


async def test_the_tools_enlarge_cut_out_and_draw_lines(
    shared: AihuihuaSandbox, http: httpx.AsyncClient, at: Pictures
) -> None:
    tasks = [await made(http, shared, "image/upScale", imgUrl=at.photo, **size) for size in ({}, {"size": 4})]
    assert [(await seen(http, task)).size for task in tasks] == [(640, 320), (1280, 640)]
    assert tasks[1]["cost"] == 2 * tasks[0]["cost"]
    cut = await seen(http, await made(http, shared, "image/removeBg", imgUrl=at.photo))
    assert (cut.mode, cut.getpixel((0, 0))[-1], cut.getpixel((160, 80))[-1]) == ("RGBA", 0, 255)  # type: ignore[index]
    lines = await seen(http, await made(http, shared, "line/image2line", imgUrl=at.photo))
    assert {colour for _, colour in lines.getcolors() or []} == {0, 255}


async def test_no_enlargement_is_longer_than_4096(
    shared: AihuihuaSandbox, http: httpx.AsyncClient, at: Pictures
) -> None:
    task = await made(http, shared, "image/upScale", imgUrl=at.photo, size=4)
    task = await made(http, shared, "image/upScale", imgUrl=task["imageUrl"], size="4")
    assert (await seen(http, task)).size == (4096, 2048)


@pytest.mark.parametrize(("given", "count"), [("string", 4), ("array", 4)])
async def test_describe_finds_four_prompts_a_line_each(
    shared: AihuihuaSandbox, http: httpx.AsyncClient, at: Pictures, given: str, count: int
) -> None:
    task = await made(http, shared, "mdj/describe", imgUrl=at.photo if given == "string" else [at.photo], mode="FAST")
    assert len(task["prompt"].split("\n")) == count
    assert (task["imageUrl"], task["buttons"]) == (None, [])


async def test_a_video_is_a_link_and_its_deposit_becomes_its_price(
    http: httpx.AsyncClient, at: Pictures, clock: Clock
) -> None:
    asked = {"prompt": "海水", "resolution": "480P", "cameraFixed": True, "duration": 10}
    async with AihuihuaSandbox(clock=clock, closed=False, seconds=100).running() as box:
        for path, more, shape in (
            ("text2Video", {"ratio": "1:1"}, 1.0),
            ("text2Video", {"ratio": "21:9"}, 16 / 9),
            ("image2Video", {"imgUrl": at.tall}, 9 / 16),
        ):
            task = (await submit(http, box, f"video/{path}", **asked, **more))["result"]
            clock.now += 50
            running = await fetch(http, box, task)
            assert (running["status"], running["cost"], running["videoUrl"]) == ("IN_PROGRESS", 200, None)
            clock.now += 50
            done = await fetch(http, box, task)
            assert (done["status"], done["imageUrl"], done["cost"] < 200) == ("SUCCESS", None, True)
            answer = await http.get(done["videoUrl"])
            video = inspect_video(answer.content)
            assert (answer.headers["content-type"], video.seconds) == ("video/mp4", 10)
            assert video.width / video.height == pytest.approx(shape, rel=0.01)


async def test_what_the_vendor_has_closed_is_refused(http: httpx.AsyncClient, clock: Clock) -> None:
    async with AihuihuaSandbox(clock=clock).running() as box:
        for path in sorted(CLOSED):
            response = await post(http, box, path, prompt="Cat")
            assert (response.status_code, response.json()["code"]) == (403, 403)


# -- pictures are really fetched ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("large", "larger than 5 MB"),
        ("page", "could not be read"),
        ("gone", "could not be fetched"),
        ("moved", "could not be fetched"),
    ],
)
async def test_a_picture_that_cannot_be_had_fails_the_task_and_costs_nothing(
    shared: AihuihuaSandbox, http: httpx.AsyncClient, at: Pictures, name: str, reason: str
) -> None:
    for path, fields in (("image/removeBg", {"imgUrl": name}), ("mdj/imagine", {"prompt": name})):
        task = await made(http, shared, path, **_placed(fields, at))
        assert (task["status"], task["imageUrl"], task["cost"]) == ("FAILURE", None, 0)
        assert reason in task["failReason"]
        assert not shared.tasks[task["id"]].order.charged


async def test_a_task_with_a_bad_picture_fails_long_before_its_time(
    http: httpx.AsyncClient, at: Pictures, clock: Clock
) -> None:
    async with AihuihuaSandbox(clock=clock, seconds=100).running() as box:
        await submit(http, box, "image/removeBg", imgUrl=at.page)
        await box.until(lambda: not box.orders[0].charged)
        assert (await fetch(http, box, "123"))["status"] == "FAILURE"


# -- what is refused ------------------------------------------------------------------------------------------------

URL = "https://example.org/1.png"
VIDEO = {"prompt": "x", "resolution": "480P", "cameraFixed": True, "duration": 5}
#: A good form of each operation that starts from nothing.
GOOD: dict[str, dict[str, Any]] = {
    "image/upScale": {"imgUrl": URL, "size": 4},
    "image/removeBg": {"imgUrl": URL},
    "face/style": {"prompt": "x", "faceImgUrl": URL, "styleName": "MK Van Gogh"},
    "face/swap": {"fromImgUrl": URL, "toImgUrl": URL},
    "line/image2line": {"imgUrl": URL},
    "flux/text2Image": {"prompt": "x"},
    "flux/image2Image": {"prompt": "x", "imgUrl": URL, "range": 0.7},
    "nanoBanana/generate": {"prompt": "x", "aspectRatio": "9:16", "imgUrls": [URL]},
    "mdj/imagine": {"prompt": "x", "mode": "FAST"},
    "mdj/blend": {"imgUrlArray": [URL, URL], "aspectRatio": "3:4"},
    "mdj/describe": {"imgUrl": URL},
    "video/text2Video": {**VIDEO, "ratio": "21:9"},
    "video/image2Video": {**VIDEO, "imgUrl": URL},
    "mdj/action": {"taskId": "1", "customId": "x"},
    "image/action": {"taskId": 1, "customId": "x"},
    "mdj/modal": {"taskId": "1", "prompt": "x", "maskBase64": "data:image/png;base64,AAAA"},
    "task/list/": {"ids": ["1"]},
}
OPTIONAL = {"size", "range", "aspectRatio of nanoBanana/generate", "imgUrls", "mode"}
WRONG: tuple[tuple[str, dict[str, Any]], ...] = (
    ("image/upScale", {"size": 3}),
    ("image/upScale", {"size": 2.5}),
    ("image/upScale", {"imgUrl": "data:image/png;base64,AAAA"}),
    ("image/removeBg", {"imgUrl": "ftp://example.org/1.png"}),
    ("image/removeBg", {"imgUrl": [URL]}),
    ("flux/text2Image", {"prompt": " "}),
    ("flux/text2Image", {"prompt": "x --ar 9x16"}),
    ("flux/text2Image", {"mode": "FAST"}),
    ("flux/image2Image", {"range": 0.05}),
    ("flux/image2Image", {"range": 1.1}),
    ("flux/image2Image", {"range": "0.7"}),
    ("nanoBanana/generate", {"imgUrls": URL}),
    ("nanoBanana/generate", {"aspectRatio": "9x16"}),
    ("mdj/imagine", {"mode": "RELAX"}),
    ("mdj/imagine", {"base64Array": []}),
    ("mdj/imagine", {"botType": "MID_JOURNEY"}),
    ("mdj/imagine", {"state": "mine"}),
    ("mdj/imagine", {"notifyHook": "mine"}),
    ("mdj/blend", {"imgUrlArray": [URL]}),
    ("mdj/blend", {"imgUrlArray": [URL] * 6}),
    ("mdj/blend", {"aspectRatio": "SQUARE"}),
    ("mdj/describe", {"imgUrl": [URL, URL]}),
    ("face/style", {"styleImgUrl": URL}),
    ("face/style", {"styleName": "van gogh"}),
    ("video/text2Video", {"resolution": "1080P"}),
    ("video/text2Video", {"resolution": "480p"}),
    ("video/text2Video", {"duration": 7}),
    ("video/text2Video", {"duration": "5"}),
    ("video/text2Video", {"cameraFixed": "true"}),
    ("video/text2Video", {"ratio": "2:3"}),
    ("video/image2Video", {"ratio": "1:1"}),
    ("mdj/action", {"taskId": 1}),
    ("mdj/modal", {"maskBase64": "AAAA"}),
    ("mdj/modal", {"maskBase64": "data:image/jpeg;base64,AAAA"}),
    ("mdj/modal", {"maskBase64": "data:image/png;base64,!"}),
    ("task/list/", {"ids": ["1"] * 21}),
    ("task/list/", {"ids": [1]}),
    ("task/list/", {"ids": "1"}),
)


async def test_a_wrong_form_is_code_4_under_http_400_and_no_order(
    shared: AihuihuaSandbox, http: httpx.AsyncClient
) -> None:
    before = len(shared.orders)
    for path, fields in WRONG:
        await _wrong(http, shared, path, GOOD[path] | fields)
    assert len(shared.orders) == before


@pytest.mark.parametrize("path", GOOD)
async def test_every_field_has_its_name_and_type_and_is_never_null(
    shared: AihuihuaSandbox, http: httpx.AsyncClient, path: str
) -> None:
    good = GOOD[path]
    await _wrong(http, shared, path, {**good, "seed": 1})
    for name, value in good.items():
        kept = {other: given for other, given in good.items() if other != name}
        for wrong in ("null", None, {"value": value}):
            await _wrong(http, shared, path, {**kept, name: wrong})
        if not {name, f"{name} of {path}"} & OPTIONAL:
            await _wrong(http, shared, path, kept)
    if path != "task/list/":
        await _wrong(http, shared, path, {**good, "notifyHook": "null"})


async def test_every_operation_has_its_path_in_its_own_case_and_wants_the_key(
    shared: AihuihuaSandbox, http: httpx.AsyncClient
) -> None:
    assert GOOD.keys() == OPERATIONS.keys() | {"mdj/action", "image/action", "mdj/modal", "task/list/"}
    calls = [("POST", path) for path in GOOD] + [("GET", "task/id/1")]
    assert len(calls) == 18
    for method, path in calls:
        url = f"{shared.base_url}/api/v2/{path}"
        for headers in ({}, bearer("wrong"), {"authorization": shared.default_key}):
            refused = await http.request(method, url, json={}, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (401, 401)
        for other in (url.replace(path, path.lower()), url.replace("v2", "V2"), f"{url}/"):
            if other != url:
                lost = await http.request(method, other, json={}, headers=bearer(shared.default_key))
                assert (lost.status_code, lost.json()["code"]) == (404, 404), other


async def test_the_list_without_its_slash_turns_a_post_into_a_get_that_finds_nothing(
    shared: AihuihuaSandbox, http: httpx.AsyncClient
) -> None:
    sent = await post(http, shared, "task/list", ids=["1"])
    assert (sent.status_code, sent.headers["location"]) == (301, "/api/v2/task/list/")
    url = f"{shared.base_url}/api/v2/task/list"
    followed = await http.post(url, json={"ids": []}, headers=bearer(shared.default_key), follow_redirects=True)
    assert (followed.request.method, followed.status_code) == ("GET", 404)


async def _wrong(http: httpx.AsyncClient, box: AihuihuaSandbox, path: str, body: dict[str, Any]) -> None:
    response = await post(http, box, path, **body)
    assert (response.status_code, response.json()["code"]) == (400, 4), f"{path} {body} {response.text}"


def _placed(fields: dict[str, Any], at: Pictures) -> dict[str, Any]:
    """The fields with the addresses of the pictures they name."""
    addresses = vars(at)
    return {
        name: [addresses[one] for one in value] if isinstance(value, list) else addresses.get(value, value)
        for name, value in fields.items()
    }


def _far(one: Any, other: Any) -> int:
    return max(abs(int(a) - int(b)) for a, b in zip(one, other, strict=True))
