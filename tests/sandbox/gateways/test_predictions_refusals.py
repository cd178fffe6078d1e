"""What aihubmix's predictions refuse. One stand-in serves the whole module, for nothing here may leave a trace."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.gateways import AihubmixSandbox
from tests.sandbox.gateways.support import KONTEXT, SEEDREAM, bearer, data_url, error_of, photo, predict

pytestmark = pytest.mark.asyncio(loop_scope="module")
REFERENCE = data_url(photo(256, 192))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def aihubmix() -> AsyncIterator[AihubmixSandbox]:
    async with AihubmixSandbox().running() as box:
        yield box


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("openai/gpt-image-1", {"size": "auto"}, "size_not_supported"),
    ("openai/gpt-image-1", {"size": "512x512"}, "size_not_supported"),
    ("openai/gpt-image-1", {"n": 11}, "n_not_within_range"),
    ("openai/gpt-image-1", {"n": 0}, "n_not_within_range"),
    ("openai/gpt-image-1", {"n": "1"}, "n_not_within_range"),
    ("openai/gpt-image-1", {"quality": "hd"}, "invalid_request"),
    ("openai/gpt-image-1", {"moderation": "low", "image": REFERENCE}, "invalid_request"),
    ("openai/gpt-image-1", {"input_fidelity": "high"}, "invalid_request"),
    ("openai/gpt-image-1", {"background": "transparent", "output_format": "jpeg"}, "invalid_request"),
    ("openai/gpt-image-1", {"response_format": "b64_json"}, "invalid_request"),
    ("openai/gpt-image-1", {"prompt": ""}, "prompt_missing"),
    ("openai/gpt-image-1", {"prompt": "x" * 128_001}, "prompt_too_long"),
    ("openai/gpt-image-1", {"image": "null"}, "invalid_request"),
    ("openai/dall-e-3", {"n": 2}, "n_not_within_range"),
    ("google/imagen-4.0-generate-001", {"numberOfImages": 5}, "invalid_request"),
    ("google/imagen-4.0-generate-001", {"aspectRatio": "21:9"}, "invalid_request"),
    ("google/imagen-4.0-generate-001", {"aspect_ratio": "1:1"}, "invalid_request"),
    (KONTEXT, {"aspect_ratio": "22:9"}, "invalid_request"),
    (KONTEXT, {"aspect_ratio": "16x9"}, "invalid_request"),
    (KONTEXT, {"safety_tolerance": 7}, "invalid_request"),
    (KONTEXT, {"safety_tolerance": 3, "input_image": REFERENCE}, "invalid_request"),
    (KONTEXT, {"input_image": "null"}, "invalid_request"),
    (KONTEXT, {"input_image_1": REFERENCE}, "invalid_request"),
    (KONTEXT, {"input_image_2": REFERENCE}, "invalid_request"),
    (KONTEXT, {"n": 1}, "n_not_within_range"),
    (KONTEXT, {"seed": "5"}, "invalid_request"),
    (KONTEXT, {"raw": "true"}, "invalid_request"),
    ("bfl/flux-kontext-pro", {"input_image": REFERENCE}, "invalid_request"),
    ("qianfan/qwen-image", {"size": "800x800"}, "size_not_supported"),
    ("qianfan/qwen-image", {"seed": -1}, "invalid_request"),
    ("qianfan/qwen-image", {"seed": 2_147_483_648}, "invalid_request"),
    ("qianfan/qwen-image", {"refer_image": data_url(photo(100, 200))}, "invalid_request"),
    ("qianfan/qwen-image", {"refer_image": data_url(photo(1000, 200))}, "invalid_request"),
    ("qianfan/qwen-image-edit", {}, "invalid_request"),
    ("qianfan/qwen-image-edit", {"image": REFERENCE, "guidance": 7.5}, "invalid_request"),
    ("qianfan/irag-1.0", {"prompt": "x" * 221}, "prompt_too_long"),
    ("qianfan/irag-1.0", {"size": "500x1024"}, "size_not_supported"),
    ("qianfan/irag-1.0", {"n": 5}, "n_not_within_range"),
    ("qianfan/irag-1.0", {"seed": 5}, "invalid_request"),
    ("qianfan/ernie-irag-edit", {"image": REFERENCE, "feature": "erase"}, "invalid_request"),
    ("qianfan/ernie-irag-edit", {"image": REFERENCE, "mask": REFERENCE}, "invalid_request"),
    (SEEDREAM, {"response_format": "b64_json"}, "invalid_request"),
    (SEEDREAM, {"size": "auto"}, "size_not_supported"),
    (SEEDREAM, {"size": "3K"}, "size_not_supported"),
    (SEEDREAM, {"size": "512x512"}, "size_not_supported"),
    (SEEDREAM, {"size": "2048*2048"}, "size_not_supported"),
    (SEEDREAM, {"stream": True}, "invalid_request"),
    (SEEDREAM, {"image": []}, "invalid_request"),
    (SEEDREAM, {"image": [REFERENCE] * 15}, "invalid_request"),
    (SEEDREAM, {"image": ["null"]}, "invalid_request"),
    (SEEDREAM, {"sequential_image_generation": "on"}, "invalid_request"),
    (SEEDREAM, {"sequential_image_generation_options": {"max_images": 16}}, "invalid_request"),
    (SEEDREAM, {"seed": -2}, "invalid_request"),
    ("ideogram/V3", {"aspect_ratio": "2:1"}, "invalid_request"),
    ("ideogram/V3", {"rendering_speed": "FAST"}, "invalid_request"),
    ("ideogram/V3", {"num_images": 9}, "invalid_request"),
    ("stability/Stable-Diffusion-3-5-Large", {"size": "1024x1024"}, "size_not_supported"),
]


@pytest.mark.parametrize(
    ("model", "fields", "code"),
    REFUSED,
    ids=[f"{model}-{','.join(f'{key}={str(value)[:20]}' for key, value in row.items())}" for model, row, _ in REFUSED],
)
async def test_a_field_that_the_contract_does_not_allow_is_refused_and_nothing_is_charged(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, model: str, fields: dict[str, Any], code: str
) -> None:
    response = await predict(http, aihubmix, model, **fields)
    assert (response.status_code, error_of(response)["code"]) == (400, code)
    assert error_of(response).keys() == {"message", "type", "param", "code"}
    assert "tid: " in error_of(response)["message"]
    assert aihubmix.orders == []


@pytest.mark.parametrize("model", ["flux-kontext-max", "openai/gpt-4o-image", "google/gemini-2.5-flash-image", "x"])
async def test_an_unknown_model_is_503_no_available_channel(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, model: str
) -> None:
    response = await predict(http, aihubmix, model)
    assert response.status_code == 503
    assert f"no available channel for model {model}" in error_of(response)["message"]


@pytest.mark.parametrize(
    "body", [{"prompt": "x"}, {"input": {"prompt": "x"}, "model": "y"}, {"input": "x"}, {"input": {}}]
)
async def test_the_body_is_input_and_nothing_else(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    url = f"{aihubmix.base_url}/v1/models/{SEEDREAM}/predictions"
    assert (await http.post(url, json=body, headers=bearer(aihubmix.default_key))).status_code == 400


@pytest.mark.parametrize(
    ("headers", "says"),
    [({}, "No token"), (bearer("sk-wrong"), "Invalid token"), ({"api-key": "sk-sandbox-aihubmix-000000"}, "No token")],
)
async def test_without_a_valid_bearer_key_the_answer_is_401(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, headers: dict[str, str], says: str
) -> None:
    url = f"{aihubmix.base_url}/v1/models/{SEEDREAM}/predictions"
    response = await http.post(url, json={"input": {"prompt": "x"}}, headers=headers)
    assert (response.status_code, error_of(response)["message"].startswith(says)) == (401, True)


async def test_another_content_type_than_json_is_refused(aihubmix: AihubmixSandbox, http: httpx.AsyncClient) -> None:
    url = f"{aihubmix.base_url}/v1/models/{SEEDREAM}/predictions"
    response = await http.post(url, data={"input": "x"}, headers=bearer(aihubmix.default_key))
    assert (response.status_code, error_of(response)["param"]) == (400, "Content-Type")


async def test_a_trailing_slash_is_redirected_with_301(aihubmix: AihubmixSandbox, http: httpx.AsyncClient) -> None:
    url = f"{aihubmix.base_url}/v1/models/{SEEDREAM}/predictions/"
    assert (await http.post(url, json={})).status_code == 301
    assert (await http.post(url, json={}, follow_redirects=True)).status_code == 404


async def test_the_models_are_listed_for_a_valid_key(aihubmix: AihubmixSandbox, http: httpx.AsyncClient) -> None:
    listed = await http.get(f"{aihubmix.base_url}/v1/models", headers=bearer(aihubmix.default_key))
    assert {KONTEXT, SEEDREAM, "gpt-image-1"} <= {entry["id"] for entry in listed.json()["data"]}
    assert (await http.get(f"{aihubmix.base_url}/v1/models")).status_code == 401
