import base64
from typing import Any

import httpx
import pytest

from sandbox.gateways import AihubmixSandbox, Shape
from sandbox.gateways.families import FAMILIES
from tests.sandbox.gateways.support import (
    SEEDREAM,
    Clock,
    data_url,
    opened,
    photo,
    predict,
)

REFERENCE = data_url(photo(256, 192))
NEEDS_IMAGE = {"qianfan/qwen-image-edit", "qianfan/ernie-irag-edit"}


def entries(output: Any, shape: Shape) -> list[str]:
    """What the five-shape reading of a client finds: base64 texts or addresses."""
    match shape:
        case Shape.B64_OBJECT:
            assert output.keys() == {"b64_json", "urls"}
            assert output["urls"] == []
            return [entry["bytesBase64"] for entry in output["b64_json"]]
        case Shape.BYTES_LIST:
            return [entry["bytesBase64"] for entry in output]
        case Shape.URL_LIST:
            return [entry["url"] for entry in output]
        case Shape.RATED_LIST:
            assert all(entry["is_image_safe"] for entry in output)
            return [entry["url"] for entry in output]
        case Shape.B64_LIST:
            return [entry["b64_json"] for entry in output]
        case Shape.URLS_OBJECT:
            urls: list[str] = output["urls"]
            return urls
        case Shape.TASK:
            return [entry["taskId"] for entry in output]


async def pictures(http: httpx.AsyncClient, found: list[str]) -> list[bytes]:
    return [
        (await http.get(entry)).content if entry.startswith("http://") else base64.b64decode(entry, validate=True)
        for entry in found
    ]


@pytest.mark.parametrize("model", [model for model, (_, shape) in FAMILIES.items() if shape is not Shape.TASK])
async def test_every_synchronous_model_answers_with_a_picture_in_its_shape(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, model: str
) -> None:
    fields: dict[str, Any] = {"image": REFERENCE} if model in NEEDS_IMAGE else {}
    if "imagen" in model:
        fields["numberOfImages"] = 1
    response = await predict(http, aihubmix, model, **fields)
    assert response.status_code == 200, response.text
    [found] = entries(response.json()["output"], FAMILIES[model][1])
    [picture] = await pictures(http, [found])
    assert opened(picture).size >= (256, 192)
    assert ("usage" in response.json()) == ("gpt-image" in model)
    assert response.headers["x-request-id"]


def test_all_five_shapes_are_in_use() -> None:
    assert {shape for _, shape in FAMILIES.values()} == set(Shape) - {Shape.B64_LIST, Shape.RATED_LIST}


@pytest.mark.parametrize("shape", [shape for shape in Shape if shape is not Shape.TASK])
async def test_the_shape_of_a_model_can_be_set(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, shape: Shape
) -> None:
    aihubmix.shapes["ideogram/V3"] = shape
    response = await predict(http, aihubmix, "ideogram/V3", num_images=2)
    found = await pictures(http, entries(response.json()["output"], shape))
    assert [opened(picture).size for picture in found] == [(1024, 1024)] * 2
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("model", "fields", "sizes", "kind"),
    [
        ("openai/gpt-image-1", {"size": "1536x1024", "n": 2, "output_format": "webp"}, [(1536, 1024)] * 2, "WEBP"),
        ("openai/gpt-image-1", {"image": REFERENCE, "input_fidelity": "high"}, [(1536, 1024)], "PNG"),
        ("openai/dall-e-3", {"size": "1792x1024", "style": "natural"}, [(1792, 1024)], "PNG"),
        ("google/imagen-4.0-generate-001", {"n": 1}, [(1024, 1024)] * 4, "PNG"),
        ("google/imagen-4.0-generate-001", {"sampleCount": 2, "aspectRatio": "16:9"}, [(1360, 768)] * 2, "PNG"),
        ("google/imagen-4.0-ultra-generate-001", {"numberOfImages": 4}, [(1024, 1024)], "PNG"),
        ("qianfan/qwen-image", {"size": "768x512", "refer_image": "", "guidance": 7.5}, [(768, 512)], "PNG"),
        ("qianfan/qwen-image", {"size": "576*1024", "watermark": False}, [(576, 1024)], "PNG"),
        ("qianfan/irag-1.0", {"size": "512x2048", "n": 2, "refer_image": REFERENCE}, [(512, 2048)] * 2, "PNG"),
        ("qianfan/ernie-irag-edit", {"image": REFERENCE, "feature": "erase", "mask": REFERENCE}, [(256, 192)], "PNG"),
        (SEEDREAM, {"size": "1K", "n": 3}, [(1024, 1024)], "JPEG"),
        (SEEDREAM, {"size": "1280x720", "image": REFERENCE}, [(1280, 720)], "JPEG"),
        (SEEDREAM, {"size": "1K", "image": [REFERENCE] * 14, "seed": -1}, [(1184, 880)], "JPEG"),
        (
            SEEDREAM,
            {
                "size": "1K",
                "sequential_image_generation": "auto",
                "sequential_image_generation_options": {"max_images": 3},
            },
            [(1024, 1024)] * 3,
            "JPEG",
        ),
        ("ideogram/V3", {"aspect_ratio": "2x1", "rendering_speed": "TURBO", "num_images": 2}, [(1456, 720)] * 2, "PNG"),
    ],
)
async def test_a_good_request_gives_the_number_size_and_format_that_the_family_makes(
    aihubmix: AihubmixSandbox,
    http: httpx.AsyncClient,
    model: str,
    fields: dict[str, Any],
    sizes: list[tuple[int, int]],
    kind: str,
) -> None:
    response = await predict(http, aihubmix, model, **fields)
    assert response.status_code == 200, response.text
    made = [opened(data) for data in await pictures(http, entries(response.json()["output"], FAMILIES[model][1]))]
    assert ([picture.size for picture in made], {picture.format for picture in made}) == (sizes, {kind})


async def test_a_transparent_background_is_transparent(aihubmix: AihubmixSandbox, http: httpx.AsyncClient) -> None:
    output = (await predict(http, aihubmix, "opanai/gpt-image-1", background="transparent")).json()["output"]
    assert output["b64_json"][0]["mimeType"] == "png"
    picture = opened(base64.b64decode(output["b64_json"][0]["bytesBase64"]))
    assert picture.getchannel("A").getextrema() == (0, 255)


async def test_seedream_takes_base64_json_by_its_own_name(aihubmix: AihubmixSandbox, http: httpx.AsyncClient) -> None:
    output = (await predict(http, aihubmix, SEEDREAM, size="1K", response_format="base64_json")).json()["output"]
    assert opened(base64.b64decode(output[0]["b64_json"])).size == (1024, 1024)


async def test_seedream_addresses_live_24_hours(
    aihubmix: AihubmixSandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    url = (await predict(http, aihubmix, SEEDREAM, size="1K")).json()["output"][0]["url"]
    clock.now += 86_399
    assert (await http.get(url)).status_code == 200
    clock.now += 1
    assert (await http.get(url)).status_code == 404
