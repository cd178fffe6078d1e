"""A mask goes with the first picture of an edit, fitted along with it, and only where there is a place for one."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from PIL import Image, ImageChops, ImageOps, ImageStat

from core.errors import Charged, GatewayError, OrderInvalid, PictureBroken
from core.gateway import Call, Gateway, InputImage
from core.gateways.aihubmix import Aihubmix
from core.gateways.apicore import Apicore
from core.gateways.apiyi import Apiyi
from core.gateways.inputs import fitted_mask
from core.gateways.midjourney import MidjourneyProxy
from core.gateways.openai_images import OpenAiImages
from core.masking import Masker
from core.masks import Mask
from core.pictures import FitPicture
from core.transport import Api
from core.types import Finished, InlinePicture, Operation
from sandbox.gateways import AihubmixSandbox, ApicoreSandbox, OpenAiSandbox
from tests.core.gateways.calls import ROWS, a_call, an_input, photo
from tests.core.gateways.shared import apicore, apicore_host, openai, openai_host

pytestmark = pytest.mark.asyncio(loop_scope="module")
__all__ = ["apicore", "apicore_host", "openai", "openai_host"]
EDIT = Operation.EDIT
Host = AihubmixSandbox | OpenAiSandbox
NOWHERE = "http://127.0.0.1:9"  #: the discard port


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hosts(openai_host: OpenAiSandbox, apicore_host: ApicoreSandbox) -> AsyncIterator[dict[str, Host]]:
    async with AihubmixSandbox().running() as aihubmix_host:
        yield {"openai": openai_host, "apicore": apicore_host, "aihubmix": aihubmix_host}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateways(hosts: dict[str, Host], openai: OpenAiImages, apicore: Apicore) -> AsyncIterator[dict[str, Gateway]]:
    host = hosts["aihubmix"]
    aihubmix = Aihubmix(Api(host.base_url, key=host.default_key, masker=Masker()))
    yield {"openai": openai, "apicore": apicore, "aihubmix": aihubmix}
    await aihubmix.close()


def a_mask(width: int, height: int, hole: tuple[int, int, int, int]) -> InputImage:
    """``hole``: left, top, right, bottom."""
    area = Image.new("L", (width, height))
    area.paste(255, hole)
    return InputImage(Mask(area).transparent_png(), "image/png", width, height)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def hole_of(mask: bytes) -> tuple[int, int, int, int] | None:
    return ImageOps.invert(opened(mask).getchannel("A")).getbbox()


@pytest.mark.parametrize("name", ["gpt-image-1", "apicore-gpt-image-1", "hub-gpt-image-1"])
async def test_gpt_image_makes_the_masked_area_anew_and_keeps_the_rest(
    gateways: dict[str, Gateway], hosts: dict[str, Host], name: str
) -> None:
    hole = (300, 200, 900, 700)
    call = a_call(name, EDIT, ratio=None, images=(an_input(1536, 1024),), mask=a_mask(1536, 1024, hole))
    outcome = await gateways[call.model.gateway].start(call, key="k")
    assert isinstance(outcome, Finished)
    [picture] = outcome.pictures
    assert isinstance(picture, InlinePicture)
    made, given = opened(picture.data).convert("RGB"), opened(photo(1536, 1024)).convert("RGB")
    difference = ImageChops.difference(made, given)
    assert difference.getbbox() == hole
    assert max(ImageStat.Stat(difference.crop(hole)).mean) > 40
    order = hosts[call.model.gateway].orders[-1]
    assert order.mask is not None
    assert hole_of(order.mask) == hole


async def test_a_mask_is_scaled_with_its_picture_and_sent_once_however_many_pictures_there_are(
    openai: OpenAiImages, openai_host: OpenAiSandbox
) -> None:
    call = a_call("gpt-image-1", EDIT, images=(an_input(1000, 600), an_input(50, 80)))
    small = replace(call.model, can=replace(call.model.can, image_pixels=150_000))
    call = replace(call, model=small, mask=a_mask(1000, 600, (200, 100, 800, 400)))
    assert isinstance(await openai.start(call, key="k"), Finished)
    order = openai_host.orders[-1]
    assert order.mask is not None
    assert opened(order.mask).size == opened(order.pictures[0]).size == (500, 300)
    assert hole_of(order.mask) == (100, 50, 400, 200)


async def test_an_edit_without_a_mask_sends_none(openai: OpenAiImages, openai_host: OpenAiSandbox) -> None:
    assert isinstance(await openai.start(a_call("gpt-image-1", EDIT), key="k"), Finished)
    assert openai_host.orders[-1].mask is None


@pytest.mark.parametrize(
    ("turned", "hole"),
    [((2000, 105), (400, 10, 1200, 60)), ((2000, 125), (400, 0, 1200, 50))],
)
async def test_a_picture_that_gets_margins_gives_them_to_its_mask_as_something_to_keep(
    turned: tuple[int, int], hole: tuple[int, int, int, int]
) -> None:
    call = a_call("gpt-image-1", EDIT, images=(an_input(*turned),), mask=a_mask(*turned, (400, 0, 1200, 50)))
    encoded = await fitted_mask(call, FitPicture(b"", "image/png", 2000, 125), longest_ratio=16.0)
    assert encoded is not None
    assert (opened(encoded).size, hole_of(encoded)) == ((2000, 125), hole)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nowhere() -> AsyncIterator[dict[str, Gateway]]:
    """Gateways without a host: what leaves ends as another error."""

    def api() -> Api:
        return Api(NOWHERE, key="sk-sandbox-000000", masker=Masker())

    gateways: dict[str, Gateway] = {
        "apiyi": Apiyi(api()),
        "aihubmix": Aihubmix(api()),
        "apicore": Apicore(api()),
        "openai": OpenAiImages(api()),
        "midjourney_proxy": MidjourneyProxy(api()),
    }
    yield gateways
    for gateway in gateways.values():
        await gateway.close()


#: A row of every route without a place for a mask.
UNMASKED = {
    (model.gateway, model.route): model.name
    for model in ROWS
    if model.gateway in ("apiyi", "aihubmix", "midjourney_proxy") and model.route != "gpt-image"
}


def masked(call: Call, mask: InputImage | None = None) -> Call:
    return replace(call, mask=mask or a_mask(333, 217, (10, 10, 90, 90)))


@pytest.mark.parametrize(
    ("call", "kind", "named"),
    [
        *((masked(a_call(name)), OrderInvalid, "no mask") for name in [*UNMASKED.values(), "apicore-flux-kontext-pro"]),
        (masked(a_call("dall-e-3", images=(an_input(),))), OrderInvalid, "no pictures"),
        (masked(a_call("gpt-image-1")), OrderInvalid, "without a picture"),
        (masked(a_call("gpt-image-1", EDIT), a_mask(217, 333, (0, 0, 9, 9))), OrderInvalid, "217x333"),
        (masked(a_call("gpt-image-1", EDIT), an_input()), PictureBroken, "mask"),
        (masked(a_call("gpt-image-1", EDIT), InputImage(b"<html>", "image/png", 333, 217)), PictureBroken, "mask"),
    ],
    ids=lambda value: value.model.name if isinstance(value, Call) else str(value),
)
async def test_a_mask_that_has_no_place_never_leaves_and_costs_nothing(
    nowhere: dict[str, Gateway], call: Call, kind: type[GatewayError], named: str
) -> None:
    with pytest.raises(kind) as caught:
        await nowhere[call.model.gateway].start(call, key="k")
    assert named in caught.value.detail
    assert caught.value.charged is Charged.NO
