"""aihubmix's calls: which path, which fields (gateways §4.1, §4.3). A row's ``route`` names one of ``ROUTES``."""

from collections.abc import Awaitable, Callable, Mapping

from core.gateway import Call
from core.gateways import flux
from core.gateways.inputs import data_urls, refuse_mask
from core.gateways.openai_wire import GENERATIONS, Sending, edit, size_of

#: Qianfan's pictures: pixels of the shortest side, and the longer side over the shorter (gateways §5.6).
QIANFAN_SHORTEST, QIANFAN_LONGEST_RATIO = 128, 4.0


def _prediction(call: Call, fields: Mapping[str, object]) -> Sending:
    """The unified endpoint: everything goes inside ``input``. Raises OrderInvalid."""
    refuse_mask(call)
    return Sending(f"/v1/models/{call.model.wire}/predictions", {"input": fields})


async def kontext(call: Call) -> Sending:
    """flux-kontext-max and -pro: answered with a task id."""
    fields = {**call.model.fields, "prompt": call.prompt}
    fields["safety_tolerance"] = flux.tolerance(
        fields.get("safety_tolerance"), flux.KONTEXT, with_picture=bool(call.images)
    )
    if call.ratio is not None:
        fields["aspect_ratio"] = call.ratio
    if call.seed is not None:
        fields["seed"] = call.seed
    for url in await data_urls(call):
        fields["input_image"] = url
    return _prediction(call, fields)


async def gpt_image(call: Call) -> Sending:
    """gpt-image: predictions, and for edits OpenAI's multipart form, where alone pictures may be bytes."""
    fields = {**call.model.fields, **size_of(call), "prompt": call.prompt, "n": call.count}
    if not call.images:
        return _prediction(call, fields)
    # The last part of "openai/gpt-image-1" is OpenAI's own name.
    return await edit(call, model=call.model.wire.rpartition("/")[2])


async def seedream(call: Call) -> Sending:
    """Seedream: ``image`` is one string or a list; one picture a call (``n`` has no effect)."""
    fields = {**call.model.fields, **size_of(call), "prompt": call.prompt}
    if call.seed is not None:
        fields["seed"] = call.seed
    urls = await data_urls(call)
    if urls:
        fields["image"] = urls[0] if len(urls) == 1 else urls
    return _prediction(call, fields)


async def images(call: Call) -> Sending:
    """FLUX.1-Kontext-pro in one step, on OpenAI's path with BFL's fields."""
    refuse_mask(call)
    fields = {**call.model.fields, "model": call.model.wire, "prompt": call.prompt}
    fields["safety_tolerance"] = flux.tolerance(fields.get("safety_tolerance"), flux.KONTEXT, with_picture=False)
    if call.ratio is not None:
        fields["aspect_ratio"] = call.ratio
    if call.seed is not None:
        fields["seed"] = call.seed
    return Sending(GENERATIONS, fields)


async def images_extra(call: Call) -> Sending:
    """FLUX-1.1-pro: sizes, and BFL's fields inside ``extra_body`` in the JSON itself (trap 15)."""
    refuse_mask(call)
    fields = {**call.model.fields, **size_of(call), "model": call.model.wire, "prompt": call.prompt}
    given = fields.get("extra_body")
    extra: dict[str, object] = dict(given) if isinstance(given, Mapping) else {}
    extra["safety_tolerance"] = flux.tolerance(extra.get("safety_tolerance"), flux.KONTEXT, with_picture=False)
    if call.seed is not None:
        extra["seed"] = call.seed
    return Sending(GENERATIONS, {**fields, "extra_body": extra})


async def counted(call: Call) -> Sending:
    """dall-e-3 and Stable Diffusion: words, ``size`` where the row has sizes, and the number of pictures."""
    return _prediction(call, {**call.model.fields, **size_of(call), "prompt": call.prompt, "n": call.count})


async def imagen(call: Call) -> Sending:
    """Imagen: ``n`` has no effect, and without ``numberOfImages`` it makes (and charges) four (trap 14)."""
    fields = {**call.model.fields, "prompt": call.prompt, "numberOfImages": call.count}
    if call.ratio is not None:
        fields["aspectRatio"] = call.ratio
    return _prediction(call, fields)


async def qianfan(call: Call) -> Sending:
    """Qwen-Image and iRAG: like ``counted``, with a seed and a picture to follow (``refer_image``)."""
    fields = {**call.model.fields, **size_of(call), "prompt": call.prompt, "n": call.count}
    if call.seed is not None:
        fields["seed"] = call.seed
    for url in await _qianfan_urls(call):
        fields["refer_image"] = url
    return _prediction(call, fields)


async def qianfan_edit(call: Call) -> Sending:
    """Qwen-Image-Edit and ernie-irag-edit: ``image``; the result takes its size from it."""
    fields = {**call.model.fields, "prompt": call.prompt}
    if call.seed is not None:
        fields["seed"] = call.seed
    for url in await _qianfan_urls(call):
        fields["image"] = url
    return _prediction(call, fields)


async def _qianfan_urls(call: Call) -> list[str]:
    return await data_urls(call, shortest=QIANFAN_SHORTEST, longest_ratio=QIANFAN_LONGEST_RATIO)


async def ideogram(call: Call) -> Sending:
    """Ideogram V3: its ratios are written with an x, such as ``16x9`` (trap 13)."""
    fields = {**call.model.fields, "prompt": call.prompt}
    if call.ratio is not None:
        fields["aspect_ratio"] = call.ratio.replace(":", "x")
    return _prediction(call, fields)


ROUTES: Mapping[str, Callable[[Call], Awaitable[Sending]]] = {
    "kontext": kontext,
    "gpt-image": gpt_image,
    "seedream": seedream,
    "images": images,
    "images-extra": images_extra,
    "counted": counted,
    "imagen": imagen,
    "qianfan": qianfan,
    "qianfan-edit": qianfan_edit,
    "ideogram": ideogram,
}
