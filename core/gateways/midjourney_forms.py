"""What midjourney-proxy is sent for each operation: a path and a JSON body (gateways §5.2, §8.4)."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

from core.capabilities import reduced
from core.errors import Charged, ImageTooLarge, ImageUnreadable, MaskUnclear, OrderInvalid, PictureBroken
from core.gateway import Call, Given, Model
from core.gateways.inputs import data_urls
from core.masks import read_mask
from core.types import Operation

IMAGINE, BLEND, DESCRIBE, SHORTEN = (f"/mj/submit/{name}" for name in ("imagine", "blend", "describe", "shorten"))
VIDEO, SWAP = "/mj/submit/video", "/mj/insight-face/swap"
ACTION, CHANGE, MODAL = "/mj/submit/action", "/mj/submit/change", "/mj/submit/modal"
#: The field of a row that chooses one of Midjourney's speeds; it is part of the path (gateways §2.2).
SPEED = "speed"


class Form(NamedTuple):
    path: str
    fields: dict[str, Any]


async def form_of(call: Call) -> Form:
    """The submit for ``call``. Raises OrderInvalid for what the wire does not have, PictureBroken."""
    prompt = prompt_of(call)
    urls = await data_urls(call)
    match call.operation:
        case Operation.IMAGINE | Operation.EDIT:
            return _form(call, IMAGINE, {"prompt": prompt} | ({"base64Array": urls} if urls else {}))
        case Operation.BLEND if call.prompt:
            # Blending has no place for words. Midjourney's own way to have both is a prompt of pictures and words.
            return _form(call, IMAGINE, {"prompt": prompt, "base64Array": urls})
        case Operation.BLEND:
            return _form(call, BLEND, {"base64Array": urls, "dimensions": dimensions(call.ratio)})
        case Operation.DESCRIBE if urls:
            return _form(call, DESCRIBE, {"base64": urls[0]})
        case Operation.SHORTEN:
            return _form(call, SHORTEN, {"prompt": _flat(call.prompt)})
        case Operation.FACESWAP if len(urls) == 2:
            # MJT, InsightFaceSwapDto: the source is the face, the target the picture that gets it. No botType: another
            # bot does it.
            return Form(path_of(call.model, SWAP), {"sourceBase64": urls[0], "targetBase64": urls[1]})
        case Operation.ANIMATE if urls or call.prompt:
            return _video(call, urls)
        case _:
            raise OrderInvalid(detail=f"{call.model.name}: no {call.operation} of {len(urls)} pictures on this wire")


def path_of(model: Model, path: str) -> str:
    """The path by which ``model`` goes: ``/mj-fast/mj/submit/…`` where its row chooses a speed."""
    speed = model.fields.get(SPEED)
    return f"/mj-{speed}{path}" if speed else path


def prompt_of(call: Call) -> str:
    """The prompt with Midjourney's parameters behind it: everything that is chosen goes inside the text."""
    parts = [_flat(call.prompt)]
    if call.negative:
        parts.append(f"--no {_flat(call.negative)}")
    if call.ratio is not None:
        parts.append(f"--ar {call.ratio}")
    if call.seed is not None:
        parts.append(f"--seed {call.seed}")
    return " ".join(parts)


def dimensions(ratio: str | None) -> str:
    """Blend's three shapes, 2:3, 1:1 and 3:2; always named, for MJT has no default."""
    width, height = reduced(ratio or "1:1") or (1, 1)
    if width == height:
        return "SQUARE"
    return "LANDSCAPE" if width > height else "PORTRAIT"


async def window_of(call: Call, task: str, *, shown: str | None) -> Form:
    """What fills in the window that a pressed button has opened. ``shown``: the words it shows.

    Where a part is made anew the person's words and mask count; anywhere else the words stay as they are. Raises
    PictureBroken for a mask that is none (nothing has been charged).
    """
    fields: dict[str, Any] = {"taskId": task, "prompt": prompt_of(call)}
    if call.operation is not Operation.INPAINT:
        return Form(path_of(call.model, MODAL), fields | {"prompt": shown or fields["prompt"]})
    if call.mask is not None:
        fields["maskBase64"] = await asyncio.to_thread(_white, call.mask.data)
    return Form(path_of(call.model, MODAL), fields)


def _video(call: Call, urls: list[str]) -> Form:
    """MJT, SubmitVideoDTO; or what the operator says: ``picture`` and ``prompt`` name the fields of ours, the rest
    stands as it is."""
    given = call.model.given.get(Operation.ANIMATE, Given())
    told = dict(given.fields) or {"motion": "low", "batchSize": 1}  # four films are the default, and the price
    ours = {told.pop("picture", "image"): urls[0] if urls else "", told.pop("prompt", "prompt"): _flat(call.prompt)}
    return Form(path_of(call.model, given.path or VIDEO), {name: value for name, value in ours.items() if value} | told)


def _form(call: Call, path: str, fields: Mapping[str, Any]) -> Form:
    fixed = {name: value for name, value in call.model.fields.items() if name != SPEED}
    return Form(path_of(call.model, path), {**fixed, "botType": call.model.wire, **fields})


def _flat(text: str) -> str:
    return " ".join(text.split())


def _white(mask: bytes) -> str:
    try:
        data = read_mask(mask).white_png()
    except (ImageUnreadable, ImageTooLarge, MaskUnclear) as error:
        raise PictureBroken(detail=f"mask: {error}", charged=Charged.NO) from error
    return f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}"
