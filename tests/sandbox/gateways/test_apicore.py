"""apicore: flux-kontext, new-api's way of answering, and a key's money. What is refused leaves no order."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.gateways import ApicoreSandbox
from tests.sandbox.gateways.support import bearer, data_url, error_of, opened, photo

pytestmark = pytest.mark.asyncio(loop_scope="module")
REFERENCE = data_url(photo(300, 200))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def apicore() -> AsyncIterator[ApicoreSandbox]:
    async with ApicoreSandbox().running() as box:
        yield box


async def submit(http: httpx.AsyncClient, box: ApicoreSandbox, **fields: Any) -> httpx.Response:
    """The document's own example without its "null" strings; ``fields`` are added."""
    example = {
        "model": "flux-kontext-pro",
        "prompt": "一只小猪",
        "seed": 0,
        "aspect_ratio": "1:1",
        "output_format": "jpeg",
        "prompt_upsampling": False,
        "safety_tolerance": 2,
    }
    url = f"{box.base_url}/v1/images/generations"
    return await http.post(url, json=example | fields, headers=bearer(box.default_key))


async def get(http: httpx.AsyncClient, box: ApicoreSandbox, path: str, key: str = "") -> httpx.Response:
    return await http.get(box.base_url + path, headers=bearer(key or box.default_key))


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({}, (1024, 1024)),
        ({"aspect_ratio": "21:9", "output_format": "png"}, (1568, 672)),
        ({"model": "flux-kontext-max", "input_image": REFERENCE, "webhook_url": "https://example.org"}, (1024, 1024)),
    ],
)
async def test_kontext_answers_with_nothing_but_a_link_to_a_png_even_if_jpeg_was_asked_for(
    apicore: ApicoreSandbox, http: httpx.AsyncClient, fields: dict[str, Any], size: tuple[int, int]
) -> None:
    answer = (await submit(http, apicore, **fields)).json()
    assert answer.keys() == {"created", "data"}
    [entry] = answer["data"]
    assert entry.keys() == {"url"}
    assert entry["url"].startswith(f"{apicore.delivery_url}/files/elephant/")
    picture = opened((await http.get(entry["url"])).content)
    assert (picture.format, picture.size) == ("PNG", size)


@pytest.mark.parametrize(
    "fields",
    [
        {"input_image": "null"},
        {"webhook_url": "null"},
        {"webhook_secret": "null"},
        {"webhook_url": "example.org"},
        {"input_image_1": REFERENCE},
        {"input_image_2": REFERENCE},
        {"image": REFERENCE},
        {"input_image": "https://example.org/picture.png"},
        {"input_image": data_url(photo(), "image/webp")},
        {"input_image": "data:image/png;base64,@@@"},
        {"input_image": data_url(b"<html></html>")},
        {"input_image": REFERENCE, "safety_tolerance": 3},
        {"safety_tolerance": 7},
        {"aspect_ratio": "3:2"},
        {"aspect_ratio": "2:3"},
        {"aspect_ratio": "16x9"},
        {"output_format": "webp"},
        {"seed": "0"},
        {"prompt_upsampling": "false"},
        {"size": "1024x1024"},
        {"n": 1},
        {"response_format": "url"},
        {"prompt": ""},
    ],
    ids=lambda fields: str(fields)[:60],
)
async def test_what_kontext_does_not_take_is_refused_in_new_apis_words(
    apicore: ApicoreSandbox, http: httpx.AsyncClient, fields: dict[str, Any]
) -> None:
    before = len(apicore.orders)
    response = await submit(http, apicore, **fields)
    assert response.status_code == 400, response.text
    assert error_of(response)["type"] == "new_api_error"
    assert "request id: " in error_of(response)["message"]
    assert len(apicore.orders) == before


async def test_new_api_writes_out_the_strings_it_has_not_got(apicore: ApicoreSandbox, http: httpx.AsyncClient) -> None:
    url = f"{apicore.base_url}/v1/images/generations"
    for model, missing in (("gpt-image-1", "url"), ("dall-e-3", "b64_json")):
        body = {"model": model, "prompt": "a red fox"}
        [entry] = (await http.post(url, json=body, headers=bearer(apicore.default_key))).json()["data"]
        assert entry.keys() == {"url", "b64_json", "revised_prompt"}
        assert {name for name, value in entry.items() if value == ""} == {missing, "revised_prompt"}


async def test_an_unknown_model_has_no_channel(apicore: ApicoreSandbox, http: httpx.AsyncClient) -> None:
    response = await submit(http, apicore, model="flux-2-pro")
    assert (response.status_code, error_of(response)["code"]) == (503, "model_not_found")


async def test_the_tokens_usage_adds_up_and_its_code_is_a_boolean(
    apicore: ApicoreSandbox, http: httpx.AsyncClient
) -> None:
    before = (await get(http, apicore, "/api/usage/token")).json()
    await submit(http, apicore)
    after = (await get(http, apicore, "/api/usage/token")).json()
    assert before["code"] is after["code"] is True
    assert after["data"]["total_used"] - before["data"]["total_used"] == 20_000
    assert after["data"]["total_used"] + after["data"]["total_available"] == after["data"]["total_granted"]


async def test_the_bill_says_the_same_in_hundredths(apicore: ApicoreSandbox, http: httpx.AsyncClient) -> None:
    used = (await get(http, apicore, "/api/usage/token")).json()["data"]["total_used"]
    bill = (await get(http, apicore, "/v1/dashboard/billing/usage")).json()
    limit = (await get(http, apicore, "/v1/dashboard/billing/subscription")).json()
    assert bill["total_usage"] == pytest.approx(used / 500_000 * 100)
    assert limit["hard_limit_usd"] == 2


async def test_a_key_without_a_limit_is_said_on_both_pages(apicore: ApicoreSandbox, http: httpx.AsyncClient) -> None:
    apicore.granted, granted = None, apicore.granted
    assert (await get(http, apicore, "/api/usage/token")).json()["data"]["unlimited_quota"] is True
    bill = (await get(http, apicore, "/v1/dashboard/billing/subscription")).json()
    assert bill["hard_limit_usd"] == 100_000_000
    apicore.granted = granted


async def test_a_wrong_key_is_200_on_one_page_and_401_on_the_others(
    apicore: ApicoreSandbox, http: httpx.AsyncClient
) -> None:
    response = await get(http, apicore, "/api/usage/token", key="sk-somebody-else")
    assert (response.status_code, response.json()) == (200, {"success": False, "message": "token not found"})
    assert (await http.get(f"{apicore.base_url}/api/usage/token")).status_code == 401
    for page in ("subscription", "usage"):
        assert (await get(http, apicore, f"/v1/dashboard/billing/{page}", key="sk-somebody-else")).status_code == 401


async def test_pages_that_a_gateway_lacks_are_404_and_the_bills_own_error_is_200(
    apicore: ApicoreSandbox, http: httpx.AsyncClient
) -> None:
    apicore.token_usage, apicore.billing_error = False, "record not found"
    assert (await get(http, apicore, "/api/usage/token")).status_code == 404
    response = await get(http, apicore, "/v1/dashboard/billing/usage")
    assert (response.status_code, error_of(response)["message"]) == (200, "record not found")
    apicore.billing = False
    assert (await get(http, apicore, "/v1/dashboard/billing/usage")).status_code == 404
    apicore.token_usage, apicore.billing, apicore.billing_error = True, True, ""


@pytest.mark.parametrize("prefix", ["", "/mj-fast", "/mj-relax", "/mj-turbo"])
async def test_midjourney_is_there_under_every_speed_with_the_same_key_orders_and_bill(
    apicore: ApicoreSandbox, http: httpx.AsyncClient, prefix: str
) -> None:
    before = len(apicore.orders)
    address = f"{apicore.base_url}{prefix}/mj/submit/imagine"
    answer = (await http.post(address, json={"prompt": "fox"}, headers=bearer(apicore.default_key))).json()
    assert (answer["code"], answer["result"] in apicore.midjourney.tasks) == (1, True)
    assert [order.prompt for order in apicore.orders[before:]] == ["fox"]
    assert (await http.post(address, json={"prompt": "fox"}, headers=bearer("sk-else"))).status_code == 401
    refused = await http.post(address, json={}, headers=bearer(apicore.default_key))
    assert (refused.status_code, refused.json()["type"]) == (400, "upstream_error")
    assert (await get(http, apicore, f"{prefix}/mj/submit/nothing")).status_code == 404


async def test_a_fault_that_is_planned_strikes_midjourney_too(apicore: ApicoreSandbox, http: httpx.AsyncClient) -> None:
    apicore.fail_next("rate_429")
    address = f"{apicore.base_url}/mj/submit/imagine"
    response = await http.post(address, json={"prompt": "fox"}, headers=bearer(apicore.default_key))
    assert (response.status_code, response.json()["code"]) == (429, 30)
