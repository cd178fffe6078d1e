"""OpenAI's images endpoints: which path and which fields, by the family of the model (gateways §5.5).

Whoever is compatible with OpenAI is called through here. A row's ``route`` names one of ``FAMILIES``; what a family
refuses is never sent, whatever the row's ``fields`` say, so one row may serve generations and edits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import OrderInvalid
from core.gateway import Call
from core.gateways.inputs import fitted, fitted_mask
from core.transport import Part

GENERATIONS, EDITS = "/v1/images/generations", "/v1/images/edits"
_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
#: Fields of gpt-image alone (OAI-spec).
_GPT_ONLY = frozenset({"background", "moderation", "output_compression", "output_format", "partial_images"})


@dataclass(frozen=True)
class Sending:
    """A request that is ready to leave; multipart when there are ``files``."""

    path: str
    fields: Mapping[str, object]
    files: tuple[Part, ...] | None = None


@dataclass(frozen=True)
class Family:
    """What a family of models refuses (OAI-spec). The defaults refuse nothing."""

    most: int = 10  #: pictures of one call
    edits: bool = True  #: whether it takes pictures, and a mask with them
    never: frozenset[str] = frozenset()
    never_generating: frozenset[str] = frozenset()
    never_editing: frozenset[str] = frozenset()


#: The nameless family is any other compatible model: its row's ``fields`` go out as they stand.
FAMILIES: Mapping[str, Family] = {
    "": Family(),
    "gpt-image": Family(
        never=frozenset({"response_format", "style"}),  # it always answers base64
        never_generating=frozenset({"input_fidelity"}),
        never_editing=frozenset({"moderation"}),
    ),
    "dall-e-3": Family(most=1, edits=False, never=_GPT_ONLY | {"input_fidelity"}),
}


async def sending(call: Call) -> Sending:
    """The request for ``call``: an edit when there are pictures.

    Raises OrderInvalid for a row that cannot be served, PictureBroken; in both cases nothing was charged.
    """
    return await edit(call, model=call.model.wire) if call.images else generation(call)


def generation(call: Call) -> Sending:
    """Words to pictures, as JSON. Raises OrderInvalid."""
    family = _family(call)
    if call.mask is not None:
        raise OrderInvalid(detail=f"{call.model.name}: a mask without a picture")
    fields = {**_fields(call, family.never | family.never_generating), "model": call.model.wire}
    return Sending(GENERATIONS, fields)


async def edit(call: Call, *, model: str) -> Sending:
    """Pictures and words to pictures, as the multipart form in which alone pictures may be bytes.

    A mask belongs to the first picture, is fitted along with it, and is transparent where it is to be made anew.
    ``model`` is the name on this path, where the wire has another elsewhere. Raises OrderInvalid, PictureBroken.
    """
    family = _family(call)
    if not family.edits:
        raise OrderInvalid(detail=f"{call.model.name}: {call.model.route} takes no pictures")
    pictures = await fitted(call)
    mask = await fitted_mask(call, pictures[0])
    name = "image" if len(pictures) == 1 else "image[]"
    files = tuple(
        (name, (f"image-{place}.{_SUFFIXES[picture.mime]}", picture.data, picture.mime))
        for place, picture in enumerate(pictures, start=1)
    )
    if mask is not None:
        files += (("mask", ("mask.png", mask, "image/png")),)
    return Sending(EDITS, {**_fields(call, family.never | family.never_editing), "model": model}, files)


def size_of(call: Call) -> dict[str, object]:
    """The wire's size for the ratio; a model's own (``fields``) otherwise."""
    size = call.model.can.sizes.get(call.ratio or "")
    return {"size": size} if size else {}


def _family(call: Call) -> Family:
    family = FAMILIES.get(call.model.route)
    if family is None:
        known = ", ".join(name for name in FAMILIES if name)
        raise OrderInvalid(detail=f"{call.model.name}: no route {call.model.route!r}; there are {known}, or none")
    if call.count > family.most:
        raise OrderInvalid(detail=f"{call.model.name}: {call.model.route} makes {family.most} a call; lower per_call")
    if call.ratio is not None and call.ratio not in call.model.can.sizes:
        raise OrderInvalid(detail=f"{call.model.name}: this wire has no ratios; give the row a size for {call.ratio}")
    return family


def _fields(call: Call, refused: frozenset[str]) -> dict[str, object]:
    given: dict[str, object] = {**call.model.fields, **size_of(call)}
    if given.get("size") == "auto":  # the default everywhere, and by some refused when it is said
        del given["size"]
    if call.seed is not None:
        given["seed"] = call.seed
    return {name: value for name, value in given.items() if name not in refused} | {
        "prompt": call.prompt,
        "n": call.count,
    }
