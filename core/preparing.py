"""From a stored request to the call a gateway gets: pictures loaded, the mask drawn, presets put into words."""

import asyncio
from dataclasses import replace

from core.errors import Charged, ImageTooLarge, ImageUnreadable, InputGone, MaskUnclear, MaskUnusable, PictureBroken
from core.gateway import Call, InputImage, Model
from core.masks import mask_of
from core.pictures import PNG
from core.ports import MediaStore
from core.types import Input, MediaRef, Operation, Order, Request


async def prepared(request: Request, order: Order, model: Model, media: MediaStore) -> Call:
    """The call for ``order`` of ``request``. Raises InputGone, PictureBroken and MaskUnusable (nothing has left,
    nothing was charged), StoreDown."""
    images = await asyncio.gather(*(_loaded(image, media) for image in request.images))
    call = Call(
        model=model,
        operation=request.operation,
        prompt=request.prompt,
        count=order.count,
        ratio=request.ratio,
        seed=order.seed,
        negative=request.negative,
        images=tuple(images),
    )
    if request.mask is not None:
        marked = await _loaded(request.mask, media)
        call = replace(call, mask=await asyncio.to_thread(_mask, images[0] if images else marked, marked))
    return worded(call)


def worded(call: Call) -> Call:
    """An operation that the model serves as an edit, as that edit; any other call as it is."""
    preset = call.model.can.presets.get(call.operation)
    if preset is None:
        return call
    prompt = preset.prompt.replace("{prompt}", call.prompt).strip()
    model = replace(call.model, fields={**call.model.fields, **preset.fields})
    return replace(call, operation=Operation.EDIT, prompt=" ".join(prompt.split()), model=model)


async def _loaded(image: Input, media: MediaStore) -> InputImage:
    if not isinstance(image, MediaRef):
        raise PictureBroken(detail="an input was never fetched", charged=Charged.NO)
    try:
        data = await media.read(image)
    except KeyError as error:
        raise InputGone(detail=str(error)) from error
    return InputImage(data=data, mime=image.mime, width=image.width, height=image.height)


def _mask(picture: InputImage, marked: InputImage) -> InputImage:
    try:
        drawn = mask_of(picture.data, marked.data).transparent_png()
    except (MaskUnclear, ImageUnreadable, ImageTooLarge) as error:
        raise MaskUnusable(detail=str(error)) from error
    return InputImage(data=drawn, mime=PNG, width=picture.width, height=picture.height)
