"""Every model path of aihubmix's document: what is sent, and every shape in which the picture may come back.

One stand-in serves the whole module; each test looks at the orders that it made itself.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bots.app import opened
from core.download import Downloader
from core.errors import Charged, PromptRefused
from core.gateway import Call, Gateway
from core.gateways import configured, trusted_hosts
from core.gateways.aihubmix_routes import ROUTES
from core.masking import Masker
from core.pictures import inspect
from core.rows import read
from core.settings import PACKAGED_MODELS, Settings
from core.types import Finished, InlinePicture, Operation, RemotePicture
from sandbox.gateways import AihubmixSandbox, Shape
from sandbox.gateways.families import FAMILIES
from tests.core.gateways.calls import ROWS, a_call, an_input, ended, photo, row

pytestmark = pytest.mark.asyncio(loop_scope="module")

HUB = [model for model in ROWS if model.gateway == "aihubmix"]
#: A row of every route on the unified endpoint, whose answers may take any shape.
PREDICTIONS = {model.route: model.name for model in HUB if model.wire in FAMILIES}.values()

#: The list at the head of aihubmix's document, as the calls below it spell the paths.
DOCUMENTED = {
    "openai/gpt-image-1",
    "openai/dall-e-3",
    "google/imagen-4.0-ultra-generate-001",
    "google/imagen-4.0-generate-001",
    "google/imagen-4.0-fast-generate-001",
    "google/imagen-4.0-fast-generate-preview-06-06",
    "google/imagen-3.0-generate-002",
    "bfl/flux-kontext-max",
    "bfl/flux-kontext-pro",
    "FLUX.1-Kontext-pro",
    "FLUX-1.1-pro",
    "qianfan/qwen-image",
    "qianfan/qwen-image-edit",
    "doubao/doubao-seedream-4-0-250828",
    "ideogram/V3",
    "stability/Stable-Diffusion-3-5-Large",
    "qianfan/irag-1.0",
    "qianfan/ernie-irag-edit",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host() -> AsyncIterator[AihubmixSandbox]:
    async with AihubmixSandbox().running() as box:
        yield box


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(host: AihubmixSandbox) -> AsyncIterator[Gateway]:
    settings = Settings(aihubmix_api_key=host.default_key, aihubmix_base_url=host.base_url)
    gateway = configured(settings, masker=Masker(settings.secrets()))["aihubmix"]
    yield gateway
    await gateway.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def downloader(host: AihubmixSandbox) -> AsyncIterator[Downloader]:
    made = Downloader(allow_hosts=trusted_hosts(Settings(aihubmix_base_url=host.base_url)))
    yield made
    await made.close()


async def pictures(hub: Gateway, downloader: Downloader, call: Call) -> list[bytes]:
    """Start ``call`` and bring home what it makes."""
    finished = await ended(hub, await hub.start(call, key="k"))
    assert isinstance(finished, Finished), finished
    return [
        found.data if isinstance(found, InlinePicture) else await downloader.fetch(found.url, gateway="aihubmix")
        for found in finished.pictures
    ]


async def test_every_path_of_the_document_has_a_row_and_every_route_serves_one() -> None:
    assert {model.wire for model in HUB} == DOCUMENTED
    assert all(model.name.startswith("hub-") for model in HUB)
    assert {model.route for model in HUB} == set(ROUTES)


@pytest.mark.parametrize("name", PREDICTIONS)
async def test_a_model_is_read_in_every_shape_that_answers_take(
    name: str, host: AihubmixSandbox, hub: Gateway, downloader: Downloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = a_call(name)
    for shape in Shape:
        monkeypatch.setitem(host.shapes, call.model.wire, shape)
        [made] = await pictures(hub, downloader, call)
        assert inspect(made).width > 0, shape


@pytest.mark.parametrize("name", [model.name for model in HUB if model.can.per_call > 1])
async def test_as_many_pictures_as_a_row_allows_come_of_one_call(
    name: str, hub: Gateway, downloader: Downloader
) -> None:
    most = row(name).can.per_call
    assert len({*await pictures(hub, downloader, a_call(name, count=most))}) == most


@pytest.mark.parametrize(
    ("name", "changes", "sent"),
    [
        ("hub-dall-e-3", {"ratio": "16:9"}, {"size": "1792x1024", "n": 1}),
        ("hub-imagen-4", {"ratio": None}, {"numberOfImages": 1}),
        ("hub-imagen-4-ultra", {"ratio": "9:16"}, {"numberOfImages": 1, "aspectRatio": "9:16"}),
        (
            "hub-qwen-image",
            {"ratio": "3:2", "seed": 7},
            {"size": "768x512", "n": 1, "guidance": 7.5, "watermark": False, "seed": 7},
        ),
        ("hub-ideogram-v3", {"ratio": "16:10"}, {"rendering_speed": "DEFAULT", "aspect_ratio": "16x10"}),
        ("hub-ideogram-v3", {"ratio": None}, {"rendering_speed": "DEFAULT"}),
        ("hub-sd-3.5-large", {}, {"n": 1}),
        ("hub-irag-1.0", {"ratio": None, "count": 2}, {"n": 2, "guidance": 7.5, "watermark": False}),
    ],
)
async def test_exactly_the_fields_of_the_family_are_sent(
    name: str, changes: dict[str, Any], sent: dict[str, Any], host: AihubmixSandbox, hub: Gateway
) -> None:
    await hub.start(a_call(name, **changes), key="k")
    assert host.orders[-1].fields == {"prompt": "a red fox in the snow", **sent}


@pytest.mark.parametrize(
    ("name", "field", "beside"),
    [
        ("hub-qwen-image-edit", "image", {"watermark": False}),
        ("hub-ernie-irag-edit", "image", {"feature": "variation", "watermark": False}),
        ("hub-irag-1.0", "refer_image", {"n": 1, "guidance": 7.5, "watermark": False}),
    ],
)
async def test_a_picture_is_made_to_fit_qianfan_and_sent_in_the_models_own_field(
    name: str, field: str, beside: dict[str, Any], host: AihubmixSandbox, hub: Gateway
) -> None:
    """A panorama, 60 pixels high, gets margins up to a ratio of 4."""
    call = a_call(name, Operation.EDIT, images=(an_input(600, 60),), ratio=None, seed=None)
    await hub.start(call, key="k")
    order = host.orders[-1]
    seen = inspect(order.pictures[0])
    assert (seen.width, seen.height) == (600, 150)
    assert {key: value for key, value in order.fields.items() if key != field} == {
        "prompt": "a red fox in the snow",
        **beside,
    }
    assert str(order.fields[field]).startswith("data:image/")


async def test_several_inputs_of_seedream_are_a_list_and_one_is_a_string(host: AihubmixSandbox, hub: Gateway) -> None:
    for count, kind in ((1, str), (3, list)):
        await hub.start(a_call("hub-seedream-4", Operation.EDIT, images=(an_input(),) * count), key="k")
        order = host.orders[-1]
        assert (type(order.fields["image"]), len(order.pictures)) == (kind, count)


@pytest.mark.parametrize("operation", [Operation.IMAGINE, Operation.EDIT])
async def test_a_row_may_spell_a_path_as_the_vendor_misspells_it(
    operation: Operation, tmp_path: Path, host: AihubmixSandbox, hub: Gateway, downloader: Downloader
) -> None:
    """``opanai/`` is data: a models file of one's own is enough."""
    own = tmp_path / "models.toml"
    own.write_text(PACKAGED_MODELS.read_text("utf-8").replace('"openai/gpt-image-1"', '"opanai/gpt-image-1"'), "utf-8")
    model = next(model for model in read(own) if model.name == "hub-gpt-image-1")
    assert model.wire == "opanai/gpt-image-1"
    [made] = await pictures(hub, downloader, replace(a_call("hub-gpt-image-1", operation), model=model))
    assert inspect(made).mime == "image/png"
    path = "/v1/images/edits" if operation is Operation.EDIT else "/v1/models/opanai/gpt-image-1/predictions"
    assert host.requests[-1].path == path


async def test_a_picture_that_ideogram_calls_unsafe_is_a_refused_prompt_that_may_have_been_paid(
    host: AihubmixSandbox, hub: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(host.shapes, "ideogram/V3", Shape.RATED_LIST)
    host.fail_next("empty_strings")
    with pytest.raises(PromptRefused) as caught:
        await hub.start(a_call("hub-ideogram-v3"), key="k")
    assert caught.value.charged is Charged.UNKNOWN
    assert "is_image_safe" in str(caught.value.detail)


async def test_calls_and_downloads_go_through_aihubmix_proxy(tmp_path: Path) -> None:
    """Ideogram's links are out of reach in mainland China; other gateways' links go there directly."""
    link, heard = "http://8.8.8.8/ideogram.jpg", list[str]()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target, _ = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()[0].split()
        heard.append(f"{method} {target}")
        body = b'{"output": {"urls": ["%s"]}}' % link.encode() if method == "POST" else photo()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        settings = Settings(
            aihubmix_api_key="sk-1234567890",
            aihubmix_base_url="http://8.8.4.4",
            aihubmix_proxy=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            database_url=f"sqlite+aiosqlite:///{tmp_path}/imagine.db",
            media_url=f"file://{tmp_path}/media",
        )
        async with opened(settings) as core:
            finished = await core.gateways["aihubmix"].start(a_call("hub-ideogram-v3"), key="k")
            assert finished == Finished((RemotePicture(link),))
            assert await core.downloader.fetch(link, gateway="aihubmix") == photo()
    assert heard == ["POST http://8.8.4.4/v1/models/ideogram/V3/predictions", f"GET {link}"]
