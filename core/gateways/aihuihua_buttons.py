"""The buttons under aihuihua's results, as next steps (gateways §1.3, 10, 12 and 18).

What is published of them: a ``customId`` such as ``FL::JOB::upsample::2::…``, the label ``Vary (Region)``, and in prose
that pictures can be enlarged, varied and made anew, cropped, cut out, drawn as lines. The rest is Midjourney's. What
cannot be told for certain, or asks for more than a press, is left out.
"""

import re
from collections.abc import Iterator

from core.gateways import midjourney_buttons
from core.gateways.aihuihua_codes import plain
from core.gateways.answers import text_of
from core.pictures import QUARTERS
from core.types import Offer, Operation

#: Characters of a button's name and of its label.
_TOKEN_LIMIT, _LABEL_LIMIT = 300, 40
#: The one button that wants a mask, and only where it is Midjourney's (page of /mdj/modal).
_REGION = re.compile(r"vary \(region\)", re.IGNORECASE)
#: One of four, by the family's labels and by the words of the pages.
_ONE_OF_FOUR = (
    (Operation.UPSCALE, re.compile(r"(?:U|放大(?:图片)?)\s?([1-4])")),
    (Operation.VARY, re.compile(r"(?:V|(?:拓展|变换|变化)(?:图片)?)\s?([1-4])")),
)
#: Whole labels, in the family's words and in the menu's.
_LABELS = (
    (Operation.IMAGINE, re.compile("🔄|刷新|换一批|重新生成")),
    (Operation.UPSCALE, re.compile(r"upscale \((subtle|creative|2x|4x)\)|(无损|高清)放大", re.IGNORECASE)),
    (Operation.VARY, re.compile(r"vary \((subtle|strong)\)", re.IGNORECASE)),
    (Operation.ZOOM, re.compile(r"zoom out (1\.5|2)x|make square", re.IGNORECASE)),
    (Operation.PAN, re.compile("[⬅➡⬆⬇]\ufe0f?")),
    (Operation.CUTOUT, re.compile("(自动|智能)?抠图")),
    (Operation.LINEART, re.compile("(图片转)?线稿")),
)
#: What is Midjourney's and no step here: pages that would say how they are answered do not exist.
_NOT_HERE = frozenset({Operation.INPAINT, Operation.ANIMATE})


def offers(buttons: object, *, grid: bool, region: bool) -> tuple[Offer, ...]:
    """The next steps. ``grid``: on four pictures; ``region``: an area of the result can be made anew."""
    found: dict[str, Offer] = {}
    for token, label in _each(buttons):
        offer = _offer(token, label, region=region)
        if offer is not None and (grid or offer.index is None):
            found.setdefault(token, offer)
    return tuple(found.values())


def below_a_grid(buttons: object) -> bool:
    """Whether each of four pictures can be enlarged: what has these buttons is a grid."""
    steps = offers(buttons, grid=True, region=False)
    return {step.index for step in steps if step.operation is Operation.UPSCALE} >= set(range(len(QUARTERS)))


def _offer(token: str, label: str, *, region: bool) -> Offer | None:
    """The label goes before the name: it is what the pages speak of."""
    if _REGION.fullmatch(label):
        return Offer(Operation.INPAINT, token, label) if region else None
    for operation, words in _ONE_OF_FOUR:
        numbered = words.fullmatch(label)
        if numbered is not None:
            return Offer(operation, token, label, int(numbered[1]) - 1)
    for operation, words in _LABELS:
        if words.fullmatch(label):
            return Offer(operation, token, label)
    family = midjourney_buttons.offers_of([{"customId": token, "label": label}])
    return next((offer for offer in family if offer.operation not in _NOT_HERE), None)


def _each(buttons: object) -> Iterator[tuple[str, str]]:
    """(customId, label) of each; what a button shows may be its ``emoji``."""
    for button in buttons if isinstance(buttons, list) else ():
        if not isinstance(button, dict):
            continue
        told = plain(button)
        token = text_of(told.get("customid"))
        label = (text_of(told.get("label")) or text_of(told.get("emoji")) or "").strip()
        if token is not None and len(token) <= _TOKEN_LIMIT and len(label) <= _LABEL_LIMIT:
            yield token, label
