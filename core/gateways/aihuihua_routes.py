"""aihuihua's operations: which path, which fields (gateways §1.3). A row's ``route`` names one of ``ROUTES``.

Pictures are addresses here, already published, in the order of the call's.
"""

import asyncio
import base64
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PIL import ImageOps

from core.capabilities import reduced
from core.errors import Charged, ImageTooLarge, ImageUnreadable, MaskUnclear, OrderInvalid, PictureBroken
from core.gateway import Call
from core.gateways.aihuihua_tasks import Kind
from core.masks import Mask, read_mask
from core.types import Operation

ROOT = "/api/v2"
#: Several tasks at once. The slash belongs to the path: without it a redirect would make a GET of the question.
TASKS = f"{ROOT}/task/list/"
#: Next steps: results of /mdj have their own address, whatever their buttons are called (§1.4).
MDJ_STEP, IMAGE_STEP, REPAINT = f"{ROOT}/mdj/action", f"{ROOT}/image/action", f"{ROOT}/mdj/modal"
#: The styles of face/style, with words people have for them. The first one is for those who name none.
STYLES: Mapping[str, tuple[str, ...]] = {
    "sai-anime": ("anime", "动漫", "动画", "二次元"),
    "sai-line art": ("line art", "line drawing", "线稿", "线描"),
    "mre-manga": ("manga", "漫画"),
    "mre-dynamic-illustration": ("illustration", "dynamic", "插画", "插图"),
    "mre-undead-art": ("undead", "zombie", "亡灵", "僵尸"),
    "mre-sumi-e-detailed": ("sumi-e", "ink wash", "ink painting", "水墨"),
    "mre-dark-cyberpunk": ("cyberpunk", "赛博朋克"),
    "ads-corporate": ("corporate", "business", "advertising", "商务", "广告"),
    "artstyle-abstract expressionism": ("abstract", "expressionism", "抽象"),
    "artstyle-art deco": ("art deco", "装饰艺术"),
    "artstyle-graffiti": ("graffiti", "street art", "涂鸦"),
    "artstyle-watercolor": ("watercolor", "watercolour", "水彩"),
    "game-fighting game": ("fighting game", "video game", "格斗", "游戏"),
    "futuristic-biomechanical": ("biomechanical", "cyborg", "生物机械"),
    "futuristic-sci-fi": ("sci-fi", "science fiction", "futuristic", "科幻", "未来"),
    "misc-manga": ("misc-manga", "black and white manga", "黑白漫画"),
    "Ink Dripping Drawing": ("ink dripping", "dripping", "泼墨"),
    "MK Van Gogh": ("van gogh", "梵高"),
}
#: What is said of a portrait or a picture about which the person says nothing: the fields are required.
_PORTRAIT, _MOVEMENT = "portrait", "slow, natural movement"
#: How alike a misspelt word must be (difflib's ratio): one letter of seven may differ.
_ALIKE = 0.85


@dataclass(frozen=True)
class Sending:
    """A submit, and what it makes."""

    path: str
    fields: Mapping[str, object]
    kind: Kind = Kind.PICTURES


def _sending(path: str, call: Call, fields: Mapping[str, object], kind: Kind = Kind.PICTURES) -> Sending:
    return Sending(f"{ROOT}/{path}", {**call.model.fields, **fields}, kind)


def _words(call: Call, links: Sequence[str] = ()) -> str:
    """Everything goes inside the prompt: addresses before the words, the ratio behind them."""
    ratio = [f"--ar {call.ratio}"] if call.ratio is not None else []
    return " ".join([*links, *call.prompt.split(), *ratio])


def _flux(call: Call, links: Sequence[str]) -> Sending:
    # `range` is how near an edit stays to its picture.
    fields = {name: value for name, value in call.model.fields.items() if name != "range"}
    return Sending(f"{ROOT}/flux/text2Image", {**fields, "prompt": _words(call)}, Kind.GRID)


def _flux_edit(call: Call, links: Sequence[str]) -> Sending:
    return _sending("flux/image2Image", call, {"prompt": _words(call), "imgUrl": links[0]}, Kind.GRID)


def _imagine(call: Call, links: Sequence[str]) -> Sending:
    """Also from a picture: its address comes first."""
    return _sending("mdj/imagine", call, {"prompt": _words(call, links)}, Kind.GRID)


def _blend(call: Call, links: Sequence[str]) -> Sending:
    # The table requires aspectRatio and names its default.
    return _sending("mdj/blend", call, {"imgUrlArray": list(links), "aspectRatio": call.ratio or "1:1"}, Kind.GRID)


def _describe(call: Call, links: Sequence[str]) -> Sending:
    # A string as in the example; the table says an array.
    return _sending("mdj/describe", call, {"imgUrl": links[0]}, Kind.WORDS)


def _nano_banana(call: Call, links: Sequence[str]) -> Sending:
    """Whether ``aspectRatio`` may be missing is not said: it is sent."""
    fields: dict[str, object] = {"prompt": _words_alone(call), "aspectRatio": call.ratio or _nearest(call)}
    return _sending("nanoBanana/generate", call, {**fields, "imgUrls": list(links)})


def _nano_banana_from_words(call: Call, links: Sequence[str]) -> Sending:
    """As the operator says that it works: the document shows no call without pictures."""
    given = call.model.given.get(Operation.IMAGINE)
    if given is None:
        raise OrderInvalid(detail=f"{call.model.name}: whether imgUrls may be left out is not documented")
    fields = {"prompt": _words_alone(call), "aspectRatio": call.ratio or "1:1", **given.fields}
    path = given.path or f"{ROOT}/nanoBanana/generate"
    return Sending(path, {**call.model.fields, **fields})


def _tool(path: str) -> Callable[[Call, Sequence[str]], Sending]:
    """From one picture and no words."""
    return lambda call, links: _sending(path, call, {"imgUrl": links[0]})


def _restyle(call: Call, links: Sequence[str]) -> Sending:
    """Exactly one of ``styleImgUrl`` and ``styleName``, as the text says; the table contradicts it."""
    named = style_of(call.prompt)
    style = {"styleImgUrl": links[1]} if len(links) > 1 else {"styleName": named}
    words = _words_alone(call) or (_PORTRAIT if len(links) > 1 else f"{_PORTRAIT}, {STYLES[named][0]}")
    return _sending("face/style", call, {"prompt": words, "faceImgUrl": links[0], **style}, Kind.GRID)


def _face_swap(call: Call, links: Sequence[str]) -> Sending:
    # fromImgUrl is "the original person's head", the face; toImgUrl "the target", which keeps the rest.
    return _sending("face/swap", call, {"fromImgUrl": links[0], "toImgUrl": links[1]})


def _video(call: Call, links: Sequence[str]) -> Sending:
    if links:
        # Its shape is the one nearest to the picture's.
        return _sending("video/image2Video", call, {"prompt": _words_alone(call) or _MOVEMENT, "imgUrl": links[0]})
    return _sending("video/text2Video", call, {"prompt": _words_alone(call), "ratio": call.ratio or "16:9"})


ROUTES: Mapping[str, Mapping[Operation, Callable[[Call, Sequence[str]], Sending]]] = {
    "flux": {Operation.IMAGINE: _flux, Operation.EDIT: _flux_edit},
    "mdj": {
        Operation.IMAGINE: _imagine,
        Operation.EDIT: _imagine,
        Operation.BLEND: _blend,
        Operation.DESCRIBE: _describe,
    },
    "nano-banana": {Operation.EDIT: _nano_banana, Operation.IMAGINE: _nano_banana_from_words},
    "tools": {
        Operation.UPSCALE: _tool("image/upScale"),
        Operation.CUTOUT: _tool("image/removeBg"),
        Operation.LINEART: _tool("line/image2line"),
    },
    "face": {Operation.RESTYLE: _restyle, Operation.FACESWAP: _face_swap},
    "video": {Operation.ANIMATE: _video},
}


def sending(call: Call, links: Sequence[str]) -> Sending:
    """The submit for ``call``, its pictures at ``links``. Raises OrderInvalid."""
    route = ROUTES.get(call.model.route, {}).get(call.operation)
    if route is None or (call.mask is not None):
        raise OrderInvalid(detail=f"{call.model.name}: no {call.operation} by route {call.model.route!r}")
    return route(call, links)


def step(call: Call, task: str, token: str, *, parent: Kind) -> Sending:
    """A button of ``task``, which the row of ``call`` has made."""
    fields = {"taskId": task, "customId": token}
    if call.model.route != "mdj":
        # How many pictures these make is not said: the task's own buttons tell.
        return Sending(IMAGE_STEP, fields, parent if call.operation is Operation.IMAGINE else Kind.PICTURES)
    if call.operation is Operation.UPSCALE:
        return Sending(MDJ_STEP, fields, Kind.REGION if mask_colour(call) else Kind.PICTURES)
    return Sending(MDJ_STEP, fields, Kind.GRID)


async def repaint(call: Call) -> Sending:
    """What fills in the window that ``Vary (Region)`` opens, but for the window's ``taskId``. Raises OrderInvalid,
    PictureBroken (nothing was charged)."""
    colour = mask_colour(call)
    if call.mask is None or colour is None:
        raise OrderInvalid(detail=f"{call.model.name}: which colour marks the area is not documented")
    encoded = await asyncio.to_thread(_drawn, call.mask.data, colour)
    mask = f"data:image/png;base64,{encoded}"
    given = call.model.given[Operation.INPAINT]
    return Sending(given.path or REPAINT, {"prompt": _words_alone(call), "maskBase64": mask}, Kind.GRID)


def mask_colour(call: Call) -> str | None:
    """What marks the area to be made anew, by the operator's word: ``mask = "white"``, "black" or "transparent"."""
    given = call.model.given.get(Operation.INPAINT)
    colour = given.fields.get("mask") if given is not None else None
    return colour if colour in ("white", "black", "transparent") else None


def style_of(words: str) -> str:
    """The style of face/style that the words name, or come nearest to."""
    said = words.casefold()
    exact = {
        style: max((len(name) for name in (style.casefold(), *names) if name in said), default=0)
        for style, names in STYLES.items()
    }
    best = max(exact, key=lambda style: exact[style])
    if exact[best]:
        return best
    by_name = {name: style for style, names in STYLES.items() for name in names}
    near = (difflib.get_close_matches(word, by_name, n=1, cutoff=_ALIKE) for word in re.findall(r"[\w-]+", said))
    return next((by_name[found[0]] for found in near if found), best)


def _words_alone(call: Call) -> str:
    return " ".join(call.prompt.split())


def _nearest(call: Call) -> str:
    """The row's ratio that is nearest to the first picture's."""
    picture = call.images[0]
    shapes = {ratio: found for ratio in call.model.can.ratios if (found := reduced(ratio)) is not None}
    shape = picture.width / picture.height
    return min(shapes, key=lambda ratio: abs(shapes[ratio][0] / shapes[ratio][1] - shape), default="1:1")


def _drawn(mask: bytes, colour: str) -> str:
    """The mask in base64. Raises PictureBroken (nothing was charged)."""
    try:
        read = read_mask(mask)
    except (ImageUnreadable, ImageTooLarge, MaskUnclear) as error:
        raise PictureBroken(detail=f"mask: {error}", charged=Charged.NO) from error
    match colour:
        case "white":
            png = read.white_png()
        case "black":
            png = Mask(ImageOps.invert(read.area)).white_png()
        case _:
            png = read.transparent_png()
    return base64.b64encode(png).decode("ascii")
