"""What apiyi refuses. One stand-in serves the whole module, for nothing here may leave a trace in it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.gateways import ApiyiSandbox
from tests.sandbox.gateways.support import bearer, data_url, error_of, flux, photo

pytestmark = pytest.mark.asyncio(loop_scope="module")
REFERENCE = data_url(photo())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def apiyi() -> AsyncIterator[ApiyiSandbox]:
    async with ApiyiSandbox().running() as box:
        yield box


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1},
        {"input_image_1": REFERENCE},
        {"image": REFERENCE},
        {"webhook_url": "https://example.org"},
        {"response_format": "b64_json"},
        {"input_image": "null"},
        {"input_image": ""},
        {"input_image": "iVBORw0KGgo="},
        {"input_image": 5},
        {"input_image": "data:image/png;base64,@@@"},
        {"input_image": data_url(b"<html></html>")},
        {"input_image": data_url(photo()[:120])},
        {"input_image": data_url(photo(32, 200))},
        {"input_image": "https://example.org/picture.png"},
        {"input_image": "http://127.0.0.1.example.org/picture.png"},
        {"input_image_2": REFERENCE},
        {"input_image": REFERENCE, "input_image_3": REFERENCE},
        {"width": 1000, "height": 1024},
        {"width": 48, "height": 1024},
        {"width": 2064, "height": 2048},
        {"width": "1024", "height": 1024},
        {"size": "1920x1080"},
        {"size": "1024*1024"},
        {"size": "1024×1024"},
        {"size": "auto"},
        {"size": "1024x1024", "width": 512, "height": 512},
        {"aspect_ratio": "16x9"},
        {"aspect_ratio": "22:9"},
        {"aspect_ratio": "9:22"},
        {"aspect_ratio": "wide"},
        {"safety_tolerance": 6},
        {"safety_tolerance": -1},
        {"safety_tolerance": "2"},
        {"model": "flux-kontext-pro", "safety_tolerance": 7},
        {"model": "flux-kontext-pro", "safety_tolerance": 3, "input_image": REFERENCE},
        {"output_format": "webp"},
        {"output_format": "jpg"},
        {"seed": "42"},
        {"seed": 1.5},
        {"seed": True},
        {"prompt_upsampling": "false"},
        {"steps": 20},
        {"guidance": 4.5},
        {"model": "flux-2-flex", "steps": 51},
        {"model": "flux-2-flex", "steps": 0},
        {"model": "flux-2-flex", "guidance": 1.4},
        {"model": "flux-2-flex", "guidance": 10.5},
        {"prompt": ""},
        {"prompt": "  "},
        {"prompt": 7},
        {"prompt": "x" * 128_001},
        {"model": 3},
        {"prompt": "[fault:no_such_fault]"},
        {"prompt": "[fault:task_error]"},
    ],
    ids=lambda fields: ",".join(f"{name}={str(value)[:24]}" for name, value in fields.items()),
)
async def test_a_field_that_the_contract_does_not_allow_is_refused_and_nothing_is_charged(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient, fields: dict[str, Any]
) -> None:
    heard = len(apiyi.requests)
    response = await flux(http, apiyi, **fields)
    assert response.status_code == 400
    assert error_of(response).keys() == {"message", "type", "param", "code"}
    assert error_of(response)["code"] == "invalid_request_error"
    assert apiyi.orders == []
    assert len(apiyi.requests) == heard + 1


@pytest.mark.parametrize(
    "header", [None, "Bearer sk-wrong", "sk-sandbox-apiyi-0000000000", "Bearer", "Basic sk-sandbox-apiyi-0000000000"]
)
async def test_without_a_valid_bearer_key_the_answer_is_401(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient, header: str | None
) -> None:
    response = await http.post(
        f"{apiyi.base_url}/v1/images/generations",
        json={"model": "flux-2-pro", "prompt": "x"},
        headers={"authorization": header} if header is not None else {},
    )
    assert response.status_code == 401
    assert response.json() == {
        "error": {
            "message": "Invalid API key provided",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_api_key",
        }
    }


async def test_an_unknown_model_is_404_model_not_found(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    response = await flux(http, apiyi, model="flux-3-pro")
    assert (response.status_code, error_of(response)["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("mime", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
async def test_another_content_type_than_json_is_refused(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient, mime: str
) -> None:
    response = await http.post(
        f"{apiyi.base_url}/v1/images/generations",
        content=b'{"model":"flux-2-pro","prompt":"x"}',
        headers=bearer(apiyi.default_key) | {"content-type": mime},
    )
    assert (response.status_code, error_of(response)["param"]) == (400, "Content-Type")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe"])
async def test_a_body_that_is_no_json_object_is_refused(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient, body: bytes
) -> None:
    response = await http.post(
        f"{apiyi.base_url}/v1/images/generations",
        content=body,
        headers=bearer(apiyi.default_key) | {"content-type": "application/json"},
    )
    assert (response.status_code, error_of(response)["param"]) == (400, "body")


async def test_a_trailing_slash_turns_a_naive_post_into_a_get_that_fails(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient
) -> None:
    url = f"{apiyi.base_url}/v1/images/generations/"
    first = await http.post(url, json={"model": "flux-2-pro", "prompt": "x"}, headers=bearer(apiyi.default_key))
    assert (first.status_code, first.headers["location"]) == (301, "/v1/images/generations")
    followed = await http.post(
        url, json={"model": "flux-2-pro", "prompt": "x"}, headers=bearer(apiyi.default_key), follow_redirects=True
    )
    assert (followed.status_code, followed.request.method) == (404, "GET")
    assert apiyi.orders == []


@pytest.mark.parametrize("path", ["/v1/images/edits", "/v1/image/generations", "/"])
async def test_an_unknown_path_is_404_in_the_error_envelope(
    apiyi: ApiyiSandbox, http: httpx.AsyncClient, path: str
) -> None:
    response = await http.post(apiyi.base_url + path, headers=bearer(apiyi.default_key))
    assert response.status_code == 404
    assert error_of(response)["message"] == f"Invalid URL (POST {path})"


async def test_the_string_null_is_named_as_what_is_wrong(apiyi: ApiyiSandbox, http: httpx.AsyncClient) -> None:
    response = await flux(http, apiyi, input_image="null")
    assert 'is the string "null"' in error_of(response)["message"]
