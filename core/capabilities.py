"""What a model can do, as data, and the one judge of whether a request fits.

Three answers: *refuse* what would change the picture, *drop and report* what only tunes it, *split* the count.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from core.errors import ChoiceUnknown, ImageMissing, NotOffered, PromptMissing, PromptTooLong, TooManyImages
from core.types import Operation, Request

#: Pictures one request may ask for: a Discord message takes 10 files (error 30015), a Telegram album 10 items.
COUNT_LIMIT = 10


@dataclass(frozen=True)
class Capabilities:
    """Cautious defaults: absent means cannot."""

    operations: frozenset[Operation] = frozenset({Operation.IMAGINE})
    prompt_max: int = 4000  #: characters
    ratios: tuple[str, ...] = ()  #: "16:9"…; empty: the ratio cannot be chosen
    sizes: Mapping[str, str] = field(default_factory=dict)  #: ratio → the wire's size, where it takes sizes
    edit_ratio: bool = True  #: an edit may choose a ratio too (else it follows the first picture)
    per_call: int = 1  #: pictures one call makes
    seed_max: int | None = None  #: None: takes no seed
    negative: bool = False
    images_max: int = 0  #: pictures it takes as input
    image_bytes: int = 10_000_000  #: of one input picture, after decoding base64
    image_pixels: int = 4_000_000  #: width x height of one input picture
    image_multiple: int = 1  #: width and height of an input must be multiples of this
    image_mimes: tuple[str, ...] = ("image/png", "image/jpeg", "image/webp")
    idempotent: bool = False  #: a repeated submit with the same key is the same order


@dataclass(frozen=True)
class Fitted:
    """A request as the model will get it."""

    request: Request
    dropped: tuple[str, ...]  #: names of options the model does not have
    calls: tuple[int, ...]  #: pictures of each call; they sum to request.count


def fit(request: Request, can: Capabilities, *, model: str) -> Fitted:
    """Fit a request to a model.

    Raises NotOffered, PromptMissing, PromptTooLong, ImageMissing, TooManyImages, ChoiceUnknown.
    """
    if request.operation not in can.operations:
        raise NotOffered(model=model, what=request.operation.value, others="")
    prompt = request.prompt.strip()
    if not prompt:
        raise PromptMissing
    if len(prompt) > can.prompt_max:
        raise PromptTooLong(limit=can.prompt_max, length=len(prompt))
    if request.operation is Operation.EDIT and not request.images:
        raise ImageMissing
    if len(request.images) > can.images_max:
        raise TooManyImages(model=model, limit=can.images_max, given=len(request.images))
    if not 1 <= request.count <= COUNT_LIMIT:
        raise ChoiceUnknown(model=model, what="count", value=request.count, allowed=f"1-{COUNT_LIMIT}")
    dropped: list[str] = []
    fitted = replace(request, prompt=prompt, model=model, ratio=_ratio(request, can, model, dropped))
    if request.seed is not None:
        if can.seed_max is None:
            dropped.append("seed")
            fitted = replace(fitted, seed=None)
        elif not 0 <= request.seed <= can.seed_max:
            raise ChoiceUnknown(model=model, what="seed", value=request.seed, allowed=f"0-{can.seed_max}")
    if request.negative and not can.negative:
        dropped.append("negative")
        fitted = replace(fitted, negative=None)
    return Fitted(fitted, tuple(dropped), split(request.count, can.per_call))


def _ratio(request: Request, can: Capabilities, model: str, dropped: list[str]) -> str | None:
    if request.ratio is None:
        return None
    if request.operation is Operation.EDIT and not can.edit_ratio:
        dropped.append("ratio")
        return None
    if not can.ratios:
        dropped.append("ratio")
        return None
    wanted = reduced(request.ratio)
    for known in can.ratios:
        if wanted is not None and reduced(known) == wanted:
            return known
    raise ChoiceUnknown(model=model, what="ratio", value=request.ratio, allowed=", ".join(can.ratios))


def reduced(ratio: str) -> tuple[int, int] | None:
    """``"1920x1080"`` and ``"16:9"`` → ``(16, 9)``; None when it is no ratio of two whole numbers from 1 to 9999."""
    for separator in (":", "x", "X", "\u00d7", "*", "/"):
        left, found, right = ratio.strip().partition(separator)
        if found and left.strip().isascii() and left.strip().isdigit() and right.strip().isascii():
            if not right.strip().isdigit():
                return None
            width, height = int(left), int(right)
            if not (1 <= width <= 9999 and 1 <= height <= 9999):
                return None
            common = math.gcd(width, height)
            return width // common, height // common
    return None


def split(count: int, per_call: int) -> tuple[int, ...]:
    """``split(5, 2)`` → ``(2, 2, 1)``. Both at least 1."""
    whole, rest = divmod(count, per_call)
    return (per_call,) * whole + ((rest,) if rest else ())
