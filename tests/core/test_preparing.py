"""What a gateway is called with."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from core.capabilities import Preset
from core.errors import Charged, InputGone, MaskUnusable
from core.media import open_media
from core.ports import MediaStore
from core.preparing import prepared
from core.types import Operation, OrderState
from tests.core.build import a_model, a_picture, a_request, an_order
from tests.core.world import png

ORDER = an_order(OrderState.STARTING)


@pytest.fixture
def media(tmp_path: Path) -> MediaStore:
    return open_media(f"file://{tmp_path}/media")


async def test_a_preset_is_an_edit_with_our_words_around_the_persons(media: MediaStore) -> None:
    preset = Preset("In the style: {prompt}. Keep the face.", {"background": "transparent"})
    model = replace(a_model(presets={Operation.RESTYLE: preset}), fields={"quality": "high"})
    request = a_request("ink  {prompt}", operation=Operation.RESTYLE, images=(await media.keep(png()),))
    call = await prepared(request, ORDER, model, media)
    assert (call.operation, call.prompt) == (Operation.EDIT, "In the style: ink {prompt}. Keep the face.")
    assert call.model.fields == {"quality": "high", "background": "transparent"}
    assert [image.data for image in call.images] == [png()]


async def test_an_operation_without_a_preset_goes_as_it_is(media: MediaStore) -> None:
    request = a_request("", operation=Operation.CUTOUT, images=(await media.keep(png()),))
    assert (await prepared(request, ORDER, a_model(), media)).operation is Operation.CUTOUT


async def test_a_painted_area_becomes_a_mask_of_the_pictures_size(media: MediaStore) -> None:
    marked = Image.open(io.BytesIO(png(size=64))).convert("RGBA")
    ImageDraw.Draw(marked).rectangle((16, 16, 47, 47), fill=(0, 0, 0, 0))
    out = io.BytesIO()
    marked.save(out, "PNG")
    request = a_request(
        operation=Operation.INPAINT,
        images=(await media.keep(png(size=64)),),
        mask=await media.keep(out.getvalue()),
    )
    call = await prepared(request, ORDER, a_model(), media)
    assert call.mask is not None
    alpha = Image.open(io.BytesIO(call.mask.data)).getchannel("A")
    assert (alpha.size, alpha.getpixel((32, 32)), alpha.getpixel((2, 2))) == ((64, 64), 0, 255)


async def test_a_mask_that_marks_nothing_costs_nothing(media: MediaStore) -> None:
    picture = await media.keep(png(size=64))
    request = a_request(operation=Operation.INPAINT, images=(picture,), mask=picture)
    with pytest.raises(MaskUnusable) as caught:
        await prepared(request, ORDER, a_model(), media)
    assert caught.value.charged is Charged.NO


async def test_an_input_that_is_gone_costs_nothing(media: MediaStore) -> None:
    with pytest.raises(InputGone) as caught:
        await prepared(a_request(images=(a_picture(),)), ORDER, a_model(), media)
    assert caught.value.charged is Charged.NO
