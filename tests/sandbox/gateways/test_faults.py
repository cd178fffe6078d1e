"""Every fault of a submit, on both gateways, by plan and by prompt."""

import asyncio
import base64
import io
import warnings

import httpx
import pytest
from PIL import Image

from sandbox.gateways import AihubmixSandbox, ApiyiSandbox, Fault, Shape
from sandbox.gateways.faults import DOWNLOADS, PICTURES, REFUSALS, TASKS
from sandbox.gateways.spoiled import BOMB_SIDE
from tests.sandbox.gateways.support import SEEDREAM, error_of, flux, generate, opened, predict

STATUSES = {
    Fault.MODERATION_400: (400, "moderation_blocked"),
    Fault.MODERATION_451: (451, "image_safety"),
    Fault.UNAUTHORIZED_401: (401, "invalid_api_key"),
    Fault.BALANCE_403: (403, "insufficient_user_quota"),
    Fault.BALANCE_429: (429, "insufficient_quota"),
    Fault.NOT_FOUND_404: (404, "model_not_found"),
    Fault.RATE_429: (429, "rate_limit_exceeded"),
    Fault.RATE_429_AFTER: (429, "rate_limit_exceeded"),
    Fault.SERVER_500: (500, "server_error"),
    Fault.BUSY_503: (503, "bad_response_status_code"),
}


@pytest.mark.parametrize(("fault", "expected"), STATUSES.items())
async def test_an_error_has_its_status_and_code_and_is_not_charged(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient, fault: Fault, expected: tuple[int, str]
) -> None:
    apiyi.fail_next(fault)
    response = await flux(http, apiyi)
    assert (response.status_code, error_of(response)["code"]) == expected
    assert not any(order.charged for order in apiyi.orders)
    assert (await flux(http, apiyi)).status_code == 200


def test_every_fault_that_refuses_has_a_row_in_these_tests() -> None:
    elsewhere = {Fault.BALANCE_402, Fault.HTML_502}
    assert STATUSES.keys() | elsewhere == REFUSALS | {Fault.MODERATION_451}


async def test_upstream_s_402_has_upstream_s_envelope(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    apiyi.fail_next("balance_402")
    response = await flux(http, apiyi)
    assert (response.status_code, response.json()) == (402, {"detail": "Insufficient credits"})


async def test_only_one_of_the_rate_limits_says_how_long_to_wait(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    apiyi.fail_next("rate_429")
    apiyi.fail_next("rate_429_after")
    assert "retry-after" not in (await flux(http, apiyi)).headers
    assert (await flux(http, apiyi)).headers["retry-after"] == "2"


@pytest.mark.parametrize(("fault", "status", "charged"), [("html_502", 502, 0), ("cloudflare_524", 524, 1)])
async def test_a_proxy_answers_in_html_and_only_524_is_charged(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient, fault: str, status: int, charged: int
) -> None:
    apiyi.fail_next(fault)
    response = await flux(http, apiyi)
    assert (response.status_code, response.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert sum(order.charged for order in apiyi.orders) == charged


async def test_the_picture_filtered_afterwards_was_ordered_and_not_charged(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient
) -> None:
    apiyi.fail_next("moderation_451")
    await flux(http, apiyi)
    assert [order.charged for order in apiyi.orders] == [False]


@pytest.mark.parametrize(("fault", "orders"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_dropped_connection_ends_without_a_byte_before_or_after_the_charge(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient, fault: str, orders: int
) -> None:
    apiyi.fail_next(fault)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await flux(http, apiyi)
    assert sum(order.charged for order in apiyi.orders) == orders
    assert (await flux(http, apiyi)).status_code == 200


async def test_a_hanging_submit_is_charged_and_never_answered(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    apiyi.fail_next("hang")
    http.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        await flux(http, apiyi)
    assert [order.charged for order in apiyi.orders] == [True]
    await apiyi.until(lambda: apiyi.orders[0].abandoned)


async def test_a_sandbox_that_stops_lets_go_of_a_hanging_client(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    async with ApiyiSandbox().running() as box:
        box.fail_next("hang")
        call = asyncio.create_task(flux(http, box))
        await box.until(lambda: len(box.orders) == 1)
    with pytest.raises(httpx.RemoteProtocolError):
        await call
    assert "graceful shutdown exceeded" not in caplog.text


async def test_broken_json_says_json_and_is_cut(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    apiyi.fail_next("broken_json")
    response = await flux(http, apiyi)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        response.json()
    assert apiyi.orders[0].charged


async def test_wrong_type_is_good_json_as_plain_text(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    apiyi.fail_next("wrong_type")
    response = await flux(http, apiyi)
    assert response.headers["content-type"].startswith("text/plain")
    assert response.json()["data"][0]["url"]


async def test_empty_data_and_empty_strings_on_openai_s_shape(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    apiyi.fail_next("empty_data")
    apiyi.fail_next("empty_strings")
    assert (await flux(http, apiyi)).json()["data"] == []
    assert (await flux(http, apiyi)).json()["data"] == [{"url": "", "b64_json": "", "revised_prompt": ""}]


@pytest.mark.parametrize(
    ("shape", "empty", "strings"),
    [
        (Shape.B64_OBJECT, {"b64_json": [], "urls": []}, None),
        (Shape.BYTES_LIST, [], [{"bytesBase64": "", "mimeType": "image/jpeg"}]),
        (Shape.URL_LIST, [], [{"url": ""}]),
        (Shape.B64_LIST, [], [{"b64_json": ""}]),
        (Shape.URLS_OBJECT, {"urls": []}, {"urls": [""]}),
        (Shape.RATED_LIST, [], [{"url": None, "is_image_safe": False}]),
    ],
)
async def test_empty_answers_in_every_shape_of_aihubmix(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, shape: Shape, empty: object, strings: object
) -> None:
    aihubmix.shapes[SEEDREAM] = shape
    aihubmix.fail_next("empty_data")
    aihubmix.fail_next("empty_strings")
    assert (await predict(http, aihubmix, SEEDREAM, size="1K")).json()["output"] == empty
    said = (await predict(http, aihubmix, SEEDREAM, size="1K")).json()["output"]
    expected = strings or {"b64_json": [{"bytesBase64": "", "mimeType": "jpeg"}], "urls": []}
    assert said == expected


async def test_of_several_pictures_one_is_silently_left_out(aihubmix: AihubmixSandbox, http: httpx.AsyncClient) -> None:
    aihubmix.fail_next("fewer_pictures")
    response = await generate(http, aihubmix, model="gpt-image-1", n=3)
    assert (response.status_code, len(response.json()["data"])) == (200, 2)
    aihubmix.fail_next("fewer_pictures")
    assert (await generate(http, aihubmix, model="gpt-image-1", n=1)).status_code == 400


async def test_a_truncated_picture_arrives_whole_and_does_not_decode(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient
) -> None:
    apiyi.fail_next("truncated_picture")
    url = (await flux(http, apiyi)).json()["data"][0]["url"]
    response = await http.get(url)
    assert response.status_code == 200
    with pytest.raises(OSError, match="truncated"):
        opened(response.content)


async def test_a_page_comes_in_the_picture_s_place(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    apiyi.fail_next("html_picture")
    response = await http.get((await flux(http, apiyi)).json()["data"][0]["url"])
    assert (response.status_code, response.content[:15]) == (200, b"<!DOCTYPE html>")


async def test_a_bomb_is_a_small_valid_png_of_900_megapixels(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    apiyi.fail_next("bomb_picture")
    data = (await http.get((await flux(http, apiyi)).json()["data"][0]["url"])).content
    assert len(data) < 200_000
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(data))
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image, "MAX_IMAGE_PIXELS", None)
        assert Image.open(io.BytesIO(data)).size == (BOMB_SIDE, BOMB_SIDE)


@pytest.mark.parametrize("fault", sorted(PICTURES))
async def test_a_bad_picture_also_comes_as_base64(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, fault: str
) -> None:
    aihubmix.fail_next(fault)
    data = base64.b64decode((await generate(http, aihubmix, model="gpt-image-1")).json()["data"][0]["b64_json"])
    with pytest.raises((OSError, Image.DecompressionBombError)):
        opened(data)


@pytest.mark.parametrize("fault", sorted(DOWNLOADS | TASKS))
async def test_a_fault_that_cannot_happen_to_a_request_is_said_and_not_swallowed(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, fault: str
) -> None:
    aihubmix.fail_next(fault)
    refused = await generate(http, aihubmix, model="gpt-image-1")
    assert refused.status_code == 400
    assert fault in error_of(refused)["message"]


async def test_a_prompt_can_ask_for_a_fault(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    for _ in range(2):
        assert (await flux(http, apiyi, prompt="a fox [fault:busy_503] please")).status_code == 503
    assert (await flux(http, apiyi)).status_code == 200


async def test_faults_strike_in_turn_and_only_the_model_they_are_for(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient
) -> None:
    apiyi.fail_next("server_500", times=2, model="flux-2-max")
    apiyi.fail_next("busy_503")
    statuses = [(await flux(http, apiyi, model=f"flux-2-{kind}")).status_code for kind in ("pro", "max", "max", "max")]
    assert statuses == [503, 500, 500, 200]


async def test_an_invalid_request_does_not_use_a_fault_up(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    apiyi.fail_next("server_500")
    assert (await flux(http, apiyi, n=1)).status_code == 400
    assert (await flux(http, apiyi)).status_code == 500


@pytest.mark.parametrize(("kind", "at"), [("nonsense", "submit"), ("empty_data", "download"), ("hang", "later")])
async def test_a_fault_that_there_is_not_cannot_be_planned(apiyi: ApiyiSandbox, kind: str, at: str) -> None:
    with pytest.raises(ValueError, match=f"{kind}|{at}"):
        apiyi.fail_next(kind, at=at)


@pytest.mark.parametrize(
    ("fault", "status", "says"),
    [
        ("unauthorized_401", 401, "Invalid token"),
        ("not_found_404", 404, "taken offline"),
        ("rate_429", 429, "model Too many requests"),
        ("busy_503", 503, "overloaded"),
    ],
)
async def test_aihubmix_words_its_own_errors(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, fault: str, status: int, says: str
) -> None:
    aihubmix.fail_next(fault)
    response = await predict(http, aihubmix, SEEDREAM)
    assert (response.status_code, says in error_of(response)["message"]) == (status, True)
    assert response.headers["x-request-id"]
    assert aihubmix.orders == []
