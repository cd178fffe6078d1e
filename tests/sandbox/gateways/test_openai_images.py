"""aihubmix's OpenAI-compatible endpoint."""

import base64
import io
from typing import Any

import httpx
import pytest
from PIL import ImageChops, ImageStat

from sandbox.gateways import AihubmixSandbox
from tests.sandbox.gateways.support import bearer, error_of, generate, mask, opened, photo

Part = tuple[str, tuple[str | None, bytes | str]]


async def edit(http: httpx.AsyncClient, box: AihubmixSandbox, *files: Part, **texts: str) -> httpx.Response:
    """A multipart edit with gpt-image-1."""
    fields = {"model": "gpt-image-1", "prompt": "make it night"} | texts
    return await http.post(
        f"{box.base_url}/v1/images/edits",
        data=fields,
        files=list(files),
        headers=bearer(box.default_key),
    )


def file(name: str = "image", data: bytes | None = None) -> Part:
    return name, ("picture.png", photo(300, 200) if data is None else data)


def webp(data: bytes) -> bytes:
    buffer = io.BytesIO()
    opened(data).save(buffer, "WEBP")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("fields", "count", "size", "kind"),
    [
        ({"model": "gpt-image-1"}, 1, (1024, 1024), "PNG"),
        (
            {"model": "gpt-image-1", "n": 2, "size": "1024x1536", "output_format": "jpeg", "output_compression": 80},
            2,
            (1024, 1536),
            "JPEG",
        ),
        ({"model": "gpt-image-1", "quality": "low", "moderation": "low", "user": "u1"}, 1, (1024, 1024), "PNG"),
        ({"model": "FLUX.1-Kontext-pro", "safety_tolerance": 6}, 1, (1024, 1024), "PNG"),
        ({"model": "FLUX-1.1-pro", "size": "1440x256", "output_format": "png"}, 1, (1440, 256), "PNG"),
        (
            {"model": "FLUX-1.1-pro", "extra_body": {"seed": 5, "safety_tolerance": 6, "prompt_upsampling": True}},
            1,
            (1024, 1024),
            "JPEG",
        ),
    ],
)
async def test_a_good_generation_answers_with_base64(
    aihubmix: AihubmixSandbox,
    http: httpx.AsyncClient,
    fields: dict[str, Any],
    count: int,
    size: tuple[int, int],
    kind: str,
) -> None:
    response = await generate(http, aihubmix, **fields)
    assert response.status_code == 200, response.text
    data = response.json()["data"]
    assert [entry.keys() for entry in data] == [{"b64_json"}] * count
    made = [opened(base64.b64decode(entry["b64_json"])) for entry in data]
    assert {(picture.size, picture.format) for picture in made} == {(size, kind)}
    assert ("usage" in response.json()) == (fields["model"] == "gpt-image-1")


REFUSED: list[dict[str, Any]] = [
    {"model": "gpt-image-1", "response_format": "b64_json"},
    {"model": "gpt-image-1", "size": "auto"},
    {"model": "gpt-image-1", "n": 11},
    {"model": "gpt-image-1", "image": "x"},
    {"model": "gpt-image-1", "input_fidelity": "high"},
    {"model": "gpt-image-1", "style": "vivid"},
    {"model": "gpt-image-1", "stream": True},
    {"model": "FLUX.1-Kontext-pro", "safety_tolerance": 7},
    {"model": "FLUX.1-Kontext-pro", "input_image": "x"},
    {"model": "FLUX-1.1-pro", "seed": 5},
    {"model": "FLUX-1.1-pro", "safety_tolerance": 2},
    {"model": "FLUX-1.1-pro", "prompt_upsampling": True},
    {"model": "FLUX-1.1-pro", "extra_body": {"safety_tolerance": 7}},
    {"model": "FLUX-1.1-pro", "extra_body": {"size": "1024x1024"}},
    {"model": "FLUX-1.1-pro", "size": "1000x1000"},
    {"model": "FLUX-1.1-pro", "size": "1472x1024"},
    {"model": "FLUX-1.1-pro", "output_format": "webp"},
]


@pytest.mark.parametrize("fields", REFUSED, ids=str)
async def test_a_field_that_the_model_does_not_take_is_refused_and_nothing_is_charged(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, fields: dict[str, Any]
) -> None:
    response = await generate(http, aihubmix, **fields)
    assert response.status_code == 400
    assert error_of(response)["param"] in {*fields, *(f"extra_body.{name}" for name in fields.get("extra_body", {}))}
    assert aihubmix.orders == []


async def test_the_seed_inside_extra_body_decides_the_picture(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient
) -> None:
    answers = [await generate(http, aihubmix, model="FLUX-1.1-pro", extra_body={"seed": seed}) for seed in (5, 5, 6)]
    one, same, other = [answer.json()["data"][0]["b64_json"] for answer in answers]
    assert one == same
    assert one != other


@pytest.mark.parametrize("fields", [{"model": "flux-1.1-pro"}, {"model": "dall-e-9"}, {"model": None}, {}])
async def test_an_unknown_model_is_503(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, fields: dict[str, Any]
) -> None:
    assert (await generate(http, aihubmix, **fields)).status_code == 503


@pytest.mark.parametrize("name", ["image", "image[]"])
async def test_an_edit_takes_one_or_several_pictures(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, name: str
) -> None:
    response = await edit(http, aihubmix, file(name), file(name), n="2", input_fidelity="high")
    assert response.status_code == 200, response.text
    assert [opened(base64.b64decode(entry["b64_json"])).size for entry in response.json()["data"]] == [(1536, 1024)] * 2
    assert aihubmix.orders[0].pictures == (photo(300, 200),) * 2
    assert response.json()["usage"]["input_tokens_details"]["image_tokens"] > 0


async def test_an_edit_with_a_mask_changes_what_is_transparent_in_it_and_nothing_else(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient
) -> None:
    picture, hole = photo(1536, 1024), (200, 300, 900, 700)
    response = await edit(http, aihubmix, file(data=picture), file("mask", mask(1536, 1024, hole)))
    assert response.status_code == 200, response.text
    made = opened(base64.b64decode(response.json()["data"][0]["b64_json"])).convert("RGB")
    difference = ImageChops.difference(made, opened(picture).convert("RGB"))
    assert difference.getbbox() == hole
    assert max(ImageStat.Stat(difference.crop(hole)).mean) > 40
    assert aihubmix.orders[0].mask == mask(1536, 1024, hole)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (("mask", ("mask.png", photo(300, 200))), "alpha channel"),
        (("mask", ("mask.png", mask(301, 200, (0, 0, 9, 9)))), "mask size does not match image size"),
        (("mask", ("mask.webp", mask(300, 200, (0, 0, 9, 9)))), "must be a PNG"),
        (("mask", ("mask.png", webp(mask(300, 200, (0, 0, 9, 9))))), "alpha channel"),
        (("mask", ("mask.png", mask(300, 200, (0, 0, 9, 9)) + bytes(4_000_000))), "larger than 4 MB"),
        (("mask", ("mask.png", mask(300, 200, (0, 0, 9, 9))[:80])), "could not be read"),
    ],
)
async def test_a_mask_outside_the_contract_is_refused(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, part: Part, words: str
) -> None:
    response = await edit(http, aihubmix, file(), part)
    assert response.status_code == 400, response.text
    assert (error_of(response)["param"], words in error_of(response)["message"]) == ("mask", True), response.text
    assert aihubmix.orders == []


@pytest.mark.parametrize(
    ("files", "texts"),
    [
        ([], {}),
        ([file("image_1")], {}),
        ([file()], {"moderation": "low"}),
        ([file()], {"response_format": "b64_json"}),
        ([file()], {"size": "auto"}),
        ([file()], {"n": "zero"}),
        ([file()], {"prompt": ""}),
        ([file(data=b"<html>")], {}),
        ([file(data=photo()[:100])], {}),
        ([file()] * 17, {}),
        ([file(), *[file("mask", mask(300, 200, (0, 0, 9, 9)))] * 2], {}),
        ([file("mask", mask(300, 200, (0, 0, 9, 9)))], {}),
        ([file(), ("prompt", (None, "again"))], {}),
    ],
)
async def test_an_edit_outside_the_contract_is_refused(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, files: list[Part], texts: dict[str, str]
) -> None:
    anything: list[Part] = (
        [("prompt2", (None, "x"))] if not files else []
    )  # httpx sends a form without files urlencoded
    response = await edit(http, aihubmix, *files, *anything, **texts)
    assert response.status_code == 400, response.text
    assert aihubmix.orders == []


async def test_an_edit_as_json_is_refused(aihubmix: AihubmixSandbox, http: httpx.AsyncClient) -> None:
    response = await http.post(
        f"{aihubmix.base_url}/v1/images/edits",
        json={"model": "gpt-image-1", "prompt": "x"},
        headers=bearer(aihubmix.default_key),
    )
    assert response.status_code == 400
    assert "isn't multipart/form-data" in error_of(response)["message"]


async def test_an_edit_with_another_model_is_503(aihubmix: AihubmixSandbox, http: httpx.AsyncClient) -> None:
    assert (await edit(http, aihubmix, file(), model="flux-kontext-max")).status_code == 503
