"""OpenAI's endpoints as OpenAI has them. One stand-in serves the module; what is refused leaves no order in it."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.gateways import OpenAiSandbox
from tests.sandbox.gateways.support import Clock, bearer, error_of, mask, opened, photo

pytestmark = pytest.mark.asyncio(loop_scope="module")
Part = tuple[str, tuple[str, bytes, str]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def openai() -> AsyncIterator[OpenAiSandbox]:
    async with OpenAiSandbox(models=["paint-7"]).running() as box:
        yield box


async def generate(http: httpx.AsyncClient, box: OpenAiSandbox, **fields: Any) -> httpx.Response:
    body = {"prompt": "a red fox"} | fields
    return await http.post(f"{box.base_url}/v1/images/generations", json=body, headers=bearer(box.default_key))


async def edit(http: httpx.AsyncClient, box: OpenAiSandbox, *files: Part, **texts: str) -> httpx.Response:
    fields = {"model": "gpt-image-1", "prompt": "make it night"} | texts
    url = f"{box.base_url}/v1/images/edits"
    return await http.post(url, data=fields, files=list(files), headers=bearer(box.default_key))


def file(name: str = "image[]", data: bytes | None = None, mime: str = "image/png") -> Part:
    return name, ("picture.png", photo(300, 200) if data is None else data, mime)


MASK = file("mask", mask(300, 200, (40, 40, 90, 90)))


@pytest.mark.parametrize(
    ("fields", "count", "size"),
    [
        ({"model": "gpt-image-1"}, 1, (1024, 1024)),
        ({"model": "gpt-image-1", "n": 2, "size": "1024x1536", "background": "transparent"}, 2, (1024, 1536)),
        ({"model": "dall-e-3", "response_format": "b64_json", "size": "1024x1792"}, 1, (1024, 1792)),
        ({"model": "paint-7", "response_format": "b64_json", "n": 2, "seed": 3, "size": "512x256"}, 2, (512, 256)),
    ],
)
async def test_base64_is_the_answer_of_gpt_image_always_and_of_others_when_asked_for(
    openai: OpenAiSandbox, http: httpx.AsyncClient, fields: dict[str, Any], count: int, size: tuple[int, int]
) -> None:
    answer = (await generate(http, openai, **fields)).json()
    assert [opened(base64.b64decode(entry["b64_json"])).size for entry in answer["data"]] == [size] * count
    assert ("usage" in answer) == (fields["model"] == "gpt-image-1")
    assert ("revised_prompt" in answer["data"][0]) == (fields["model"] == "dall-e-3")


async def test_dall_e_3_answers_with_a_link_that_lives_an_hour(http: httpx.AsyncClient) -> None:
    clock = Clock()
    async with OpenAiSandbox(clock=clock).running() as box:
        link = (await generate(http, box, model="dall-e-3", style="natural", quality="hd", n=1)).json()["data"][0][
            "url"
        ]
        clock.now += 3599
        assert opened((await http.get(link)).content).size == (1024, 1024)
        clock.now += 1
        assert (await http.get(link)).status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "gpt-image-1", "response_format": "b64_json"},
        {"model": "gpt-image-1", "style": "vivid"},
        {"model": "gpt-image-1", "size": "1792x1024"},
        {"model": "gpt-image-1", "size": "auto"},
        {"model": "gpt-image-1", "user": "null"},
        {"model": "gpt-image-1", "n": 11},
        {"model": "gpt-image-1", "input_fidelity": "high"},
        {"model": "gpt-image-1", "seed": 5},
        {"model": "dall-e-3", "n": 2},
        {"model": "dall-e-3", "size": "1536x1024"},
        {"model": "dall-e-3", "quality": "medium"},
        {"model": "dall-e-3", "output_format": "png"},
        {"model": "dall-e-3", "response_format": "base64_json"},
        {"model": "dall-e-3", "prompt": "x" * 4001},
        {"model": "paint-7", "size": "512*512"},
        {"model": "paint-7", "aspect_ratio": "16:9"},
        {"model": 7},
        {},
    ],
    ids=lambda fields: str(fields)[:60],
)
async def test_a_field_that_the_model_does_not_take_is_refused(
    openai: OpenAiSandbox, http: httpx.AsyncClient, fields: dict[str, Any]
) -> None:
    before = len(openai.orders)
    response = await generate(http, openai, **fields)
    assert response.status_code == 400, response.text
    assert error_of(response)["param"] in {*fields, "model"}
    assert len(openai.orders) == before


async def test_a_generation_as_a_form_is_refused(openai: OpenAiSandbox, http: httpx.AsyncClient) -> None:
    url = f"{openai.base_url}/v1/images/generations"
    response = await http.post(url, data={"model": "dall-e-3", "prompt": "x"}, headers=bearer(openai.default_key))
    assert (response.status_code, error_of(response)["param"]) == (400, "Content-Type")


@pytest.mark.parametrize(("files", "model"), [(1, "gpt-image-1"), (16, "gpt-image-1"), (2, "paint-7")])
async def test_an_edit_takes_up_to_sixteen_files(
    openai: OpenAiSandbox, http: httpx.AsyncClient, files: int, model: str
) -> None:
    response = await edit(http, openai, *[file()] * files, MASK, model=model, n="1")
    assert response.status_code == 200, response.text
    assert openai.orders[-1].pictures == (photo(300, 200),) * files


@pytest.mark.parametrize(
    ("files", "texts", "status"),
    [
        ([file("picture")], {}, 400),
        ([MASK], {}, 400),
        ([file()] * 17, {}, 400),
        ([file(), MASK, MASK], {}, 400),
        ([file(), file("mask")], {}, 400),
        ([file(mime="image/gif")], {}, 400),
        ([file(mime="application/octet-stream")], {}, 400),
        ([file(data=b"<html>")], {}, 400),
        ([file(data=photo()[:100])], {}, 400),
        ([file()], {"moderation": "low"}, 400),
        ([file()], {"response_format": "b64_json"}, 400),
        ([file()], {"size": "auto"}, 400),
        ([file()], {"user": "null"}, 400),
        ([file()], {"n": "two"}, 400),
        ([file()], {"model": "dall-e-3"}, 404),
    ],
)
async def test_an_edit_outside_the_contract_is_refused(
    openai: OpenAiSandbox, http: httpx.AsyncClient, files: list[Part], texts: dict[str, str], status: int
) -> None:
    before = len(openai.orders)
    assert (await edit(http, openai, *files, **texts)).status_code == status
    assert len(openai.orders) == before


async def test_an_edit_as_json_is_refused(openai: OpenAiSandbox, http: httpx.AsyncClient) -> None:
    url = f"{openai.base_url}/v1/images/edits"
    response = await http.post(url, json={"model": "gpt-image-1", "prompt": "x"}, headers=bearer(openai.default_key))
    assert (response.status_code, error_of(response)["param"]) == (400, "Content-Type")


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({}, "/v1/models", 401),
        (bearer("sk-somebody-else"), "/v1/models", 401),
        ({"authorization": OpenAiSandbox.default_key}, "/v1/models", 401),
        (bearer(OpenAiSandbox.default_key), "/v1/models", 200),
        (bearer(OpenAiSandbox.default_key), "/models", 404),
    ],
)
async def test_only_a_bearer_key_opens_the_documented_paths(
    openai: OpenAiSandbox, http: httpx.AsyncClient, headers: dict[str, str], path: str, status: int
) -> None:
    assert (await http.get(openai.base_url + path, headers=headers)).status_code == status


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("unauthorized_401", 401, "invalid_api_key"),
        ("not_found_404", 404, "model_not_found"),
        ("rate_429", 429, "rate_limit_exceeded"),
        ("moderation_400", 400, "moderation_blocked"),
    ],
)
async def test_a_refusal_has_openais_code(
    openai: OpenAiSandbox, http: httpx.AsyncClient, fault: str, status: int, code: str
) -> None:
    openai.fail_next(fault)
    response = await generate(http, openai, model="dall-e-3")
    assert (response.status_code, error_of(response)["code"]) == (status, code)


async def test_an_unknown_model_is_404(openai: OpenAiSandbox, http: httpx.AsyncClient) -> None:
    assert (await generate(http, openai, model="gpt-image-9")).status_code == 404
