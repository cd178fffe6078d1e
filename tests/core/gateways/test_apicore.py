"""apicore: what flux-kontext is sent, what comes back, and what doctor says about a key's money."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from core.download import Downloader
from core.errors import BalanceEmpty, Charged, GatewayError, GatewayFailed, KeyRejected, ModelGone
from core.gateway import Call, InputImage
from core.gateways.apicore import Apicore
from core.masking import Masker
from core.pictures import inspect
from core.transport import Api
from core.types import Finished, Operation, RemotePicture
from sandbox.gateways import ApicoreSandbox
from sandbox.gateways.apicore import PRICE
from tests.core.gateways.calls import a_call, an_input, photo, row
from tests.core.gateways.shared import apicore, apicore_host

pytestmark = pytest.mark.asyncio(loop_scope="module")
__all__ = ["apicore", "apicore_host"]
KONTEXT = "apicore-flux-kontext-max"


async def sent(gateway: Apicore, host: ApicoreSandbox, call: Call) -> dict[str, object]:
    assert isinstance(await gateway.start(call, key="k"), Finished)
    return dict(host.orders[-1].fields)


@pytest.mark.parametrize("name", ["apicore-flux-kontext-pro", KONTEXT])
async def test_kontext_offers_exactly_the_seven_ratios_of_its_document(
    apicore: Apicore, apicore_host: ApicoreSandbox, name: str
) -> None:
    ratios = row(name).can.ratios
    assert set(ratios) == {"21:9", "16:9", "4:3", "1:1", "3:4", "9:16", "9:21"}
    for ratio in ratios:
        assert (await sent(apicore, apicore_host, a_call(name, ratio=ratio)))["aspect_ratio"] == ratio


@pytest.mark.parametrize(
    ("width", "height", "ratio"), [(300, 200, "4:3"), (400, 180, "21:9"), (100, 100, "1:1"), (90, 200, "9:21")]
)
async def test_an_edit_without_a_ratio_takes_the_one_nearest_to_its_picture(
    apicore: Apicore, apicore_host: ApicoreSandbox, width: int, height: int, ratio: str
) -> None:
    call = a_call(KONTEXT, Operation.EDIT, ratio=None, images=(an_input(width, height),))
    assert (await sent(apicore, apicore_host, call))["aspect_ratio"] == ratio


async def test_words_without_a_ratio_leave_it_to_apicore(apicore: Apicore, apicore_host: ApicoreSandbox) -> None:
    assert "aspect_ratio" not in await sent(apicore, apicore_host, a_call(KONTEXT, ratio=None))


async def test_the_string_null_of_the_document_is_never_sent(apicore: Apicore, apicore_host: ApicoreSandbox) -> None:
    call = a_call(KONTEXT)
    copied = {"input_image": "null", "webhook_url": "null", "webhook_secret": "null", "prompt_upsampling": False}
    fields = await sent(apicore, apicore_host, replace(call, model=replace(call.model, fields=copied)))
    assert fields.keys() == {"model", "prompt", "prompt_upsampling", "safety_tolerance", "aspect_ratio", "seed"}


@pytest.mark.parametrize(("operation", "most"), [(Operation.IMAGINE, 6), (Operation.EDIT, 2)])
async def test_a_tolerance_beyond_what_kontext_takes_is_lowered_to_it(
    apicore: Apicore, apicore_host: ApicoreSandbox, operation: Operation, most: int
) -> None:
    call = a_call(KONTEXT, operation)
    bold = replace(call.model, fields={**call.model.fields, "safety_tolerance": 9})
    assert (await sent(apicore, apicore_host, replace(call, model=bold)))["safety_tolerance"] == most


async def test_a_webp_picture_arrives_as_a_kind_that_apicore_reads(
    apicore: Apicore, apicore_host: ApicoreSandbox
) -> None:
    out = io.BytesIO()
    Image.open(io.BytesIO(photo())).save(out, "WEBP")
    picture = InputImage(out.getvalue(), "image/webp", 333, 217)
    await sent(apicore, apicore_host, a_call(KONTEXT, Operation.EDIT, images=(picture,)))
    assert inspect(apicore_host.orders[-1].pictures[0]).mime in ("image/jpeg", "image/png")


@pytest.mark.parametrize("name", [KONTEXT, "apicore-dall-e-3"])
async def test_a_link_is_fetched_without_the_key_and_is_a_png_though_jpeg_was_asked_for(
    apicore: Apicore, apicore_host: ApicoreSandbox, name: str
) -> None:
    call = a_call(name)
    if name == KONTEXT:
        call = replace(call, model=replace(call.model, fields={**call.model.fields, "output_format": "jpeg"}))
    finished = await apicore.start(call, key="k")
    assert isinstance(finished, Finished)
    [link] = finished.pictures
    assert isinstance(link, RemotePicture)
    downloader = Downloader(allow_hosts=["127.0.0.1"])
    assert inspect(await downloader.fetch(link.url, gateway="apicore")).mime == "image/png"
    await downloader.close()
    assert "authorization" not in apicore_host.deliveries[-1].headers
    assert apicore_host.default_key not in str(apicore_host.deliveries[-1])


async def test_a_model_without_a_channel_is_gone(apicore: Apicore) -> None:
    call = a_call(KONTEXT)
    with pytest.raises(ModelGone):
        await apicore.start(replace(call, model=replace(call.model, wire="flux-kontext-dev")), key="k")


# -- the key's money ------------------------------------------------------------------------------------------------


CALLS = 5


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bank() -> AsyncIterator[ApicoreSandbox]:
    """A stand-in with five calls of four cents on the key's bill, of the two dollars it was granted."""
    async with ApicoreSandbox().running() as host:
        gateway = Apicore(Api(host.base_url, key=host.default_key, masker=Masker()))
        for seed in range(CALLS):
            await gateway.start(a_call(KONTEXT, seed=seed), key="k")
        await gateway.close()
        yield host


async def checked(
    host: ApicoreSandbox,
    *,
    granted: int | None = 1_000_000,
    token: bool = True,
    billing: bool = True,
    error: str = "",
    key: str | None = None,
) -> str:
    """What doctor is told, with these pages about the key's money."""
    host.granted, host.token_usage, host.billing, host.billing_error = granted, token, billing, error
    gateway = Apicore(Api(host.base_url, key=key or host.default_key, masker=Masker()))
    try:
        return await gateway.check()
    finally:
        await gateway.close()


@pytest.mark.parametrize(
    ("pages", "line"),
    [
        ({}, "takes the key; spent $0.20, $1.80 left"),
        ({"granted": None}, "takes the key; spent $0.20, no limit"),
        ({"token": False}, "takes the key; spent 0.20, 1.80 left"),
        ({"token": False, "granted": None}, "takes the key; spent 0.20, no limit"),
        ({"token": False, "billing": False}, "takes the key, offers 4 models"),
    ],
)
async def test_doctor_says_what_the_key_has_spent_and_may_still_spend(
    bank: ApicoreSandbox, pages: dict[str, Any], line: str
) -> None:
    assert await checked(bank, **pages) == line


@pytest.mark.parametrize(
    ("pages", "kind"),
    [
        ({"granted": CALLS * PRICE}, BalanceEmpty),
        ({"granted": CALLS * PRICE, "token": False}, BalanceEmpty),
        ({"key": "sk-somebody-else"}, KeyRejected),
        ({"key": "sk-somebody-else", "token": False}, KeyRejected),
        ({"token": False, "error": "record not found"}, GatewayFailed),
        ({"token": False, "error": "user quota is not enough"}, BalanceEmpty),
    ],
)
async def test_doctor_names_what_is_wrong_with_the_key_though_the_status_is_200(
    bank: ApicoreSandbox, pages: dict[str, Any], kind: type[GatewayError]
) -> None:
    with pytest.raises(kind) as caught:
        await checked(bank, **pages)
    assert caught.value.charged is Charged.NO
    assert "somebody" not in caught.value.detail
