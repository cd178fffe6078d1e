"""What a model can do, as data, and the one judge of whether a request fits.

Three answers: *refuse* what would change the picture, *drop and report* what only tunes it, *split* the count.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from core.errors import (
    ChoiceUnknown,
    ImageMissing,
    MaskMissing,
    NotOffered,
    PromptMissing,
    PromptTooLong,
    TooFewImages,
    TooManyImages,
)
from core.types import Operation, Request

#: Pictures one request may ask for: a Discord message takes 10 files (error 30015), a Telegram album 10 items.
COUNT_LIMIT = 10


class Words(Enum):
    """Whether an operation wants a prompt."""

    NEEDED = "needed"
    OPTIONAL = "optional"
    NONE = "none"  #: there is no place for one: it is dropped


@dataclass(frozen=True)
class Needs:
    """What an operation starts from: words, and so many pictures."""

    words: Words
    fewest: int = 1
    most: int = 1
    wordless: int = 1  #: pictures from which optional words may be left out


#: A row's ``inputs`` may say otherwise. The most pictures of an edit are the row's ``images_max``.
NEEDS: Mapping[Operation, Needs] = {
    Operation.IMAGINE: Needs(Words.NEEDED, 0, 0),
    Operation.EDIT: Needs(Words.NEEDED, 1, COUNT_LIMIT),
    Operation.BLEND: Needs(Words.OPTIONAL, 2, 5),
    Operation.DESCRIBE: Needs(Words.NONE),
    Operation.SHORTEN: Needs(Words.NEEDED, 0, 0),
    Operation.UPSCALE: Needs(Words.NONE),
    Operation.VARY: Needs(Words.OPTIONAL),
    Operation.ZOOM: Needs(Words.OPTIONAL),
    Operation.PAN: Needs(Words.OPTIONAL),
    Operation.INPAINT: Needs(Words.NEEDED),
    Operation.CUTOUT: Needs(Words.NONE),
    Operation.LINEART: Needs(Words.NONE),
    Operation.RESTYLE: Needs(Words.OPTIONAL, 1, 2, wordless=2),
    Operation.FACESWAP: Needs(Words.NONE, 2, 2),
    Operation.ANIMATE: Needs(Words.OPTIONAL, 0, 1),
}
#: Operations with one result each, and nothing to tune about it.
_PLAIN = frozenset({
    Operation.DESCRIBE,
    Operation.SHORTEN,
    Operation.UPSCALE,
    Operation.CUTOUT,
    Operation.LINEART,
    Operation.FACESWAP,
})  # fmt: skip
#: Operations that every wire tells seed and negative prompt for, where it has them.
SEEDED = frozenset({Operation.IMAGINE, Operation.EDIT})
#: Operations whose result is words.
TELLING = frozenset({Operation.DESCRIBE, Operation.SHORTEN})


@dataclass(frozen=True)
class Preset:
    """An operation that is an edit with words of ours: ``{prompt}`` in them is where the person's go."""

    prompt: str
    fields: Mapping[str, Any] = field(default_factory=dict)  #: wire fields besides the row's own


@dataclass(frozen=True)
class Capabilities:
    """Cautious defaults: absent means cannot."""

    operations: frozenset[Operation] = frozenset({Operation.IMAGINE})
    prompt_max: int = 4000  #: characters
    ratios: tuple[str, ...] = ()  #: "16:9"…; empty: the ratio cannot be chosen
    sizes: Mapping[str, str] = field(default_factory=dict)  #: ratio → the wire's size, where it takes sizes
    edit_ratio: bool = True  #: an edit may choose a ratio too (else it follows the first picture)
    per_call: int = 1  #: pictures one call can make
    makes: Mapping[Operation, int] = field(default_factory=dict)  #: pictures of a call that always makes so many
    inputs: Mapping[Operation, tuple[int, int]] = field(default_factory=dict)  #: fewest and most pictures
    presets: Mapping[Operation, Preset] = field(default_factory=dict)  #: operations served by an edit with our words
    seed_max: int | None = None  #: None: takes no seed
    negative: bool = False
    images_max: int = 0  #: pictures it takes as input
    wordless: frozenset[Operation] = frozenset()  #: operations for which it has no place for words
    by_link: bool = False  #: it takes pictures by public address only
    image_bytes: int = 10_000_000  #: of one input picture, after decoding base64
    image_pixels: int = 4_000_000  #: width x height of one input picture
    image_multiple: int = 1  #: width and height of an input must be multiples of this
    image_mimes: tuple[str, ...] = ("image/png", "image/jpeg", "image/webp")
    idempotent: bool = False  #: a repeated submit with the same key is the same order

    def needs(self, operation: Operation) -> Needs:
        """What ``operation`` starts from with this model."""
        usual = NEEDS[operation]
        if operation in self.wordless:
            usual = replace(usual, words=Words.NONE)
        if operation in self.inputs:
            return replace(usual, fewest=self.inputs[operation][0], most=self.inputs[operation][1])
        if operation is Operation.EDIT:
            return replace(usual, most=self.images_max)
        if operation in self.presets:
            return replace(usual, most=min(usual.most, self.images_max))
        return usual

    def starts_from(self, operation: Operation, pictures: int) -> bool:
        """Whether it can do ``operation`` with that many pictures."""
        needs = self.needs(operation)
        return operation in self.operations and needs.fewest <= pictures <= needs.most


@dataclass(frozen=True)
class Fitted:
    """A request as the model will get it."""

    request: Request
    dropped: tuple[str, ...]  #: names of options the model does not have
    calls: tuple[int, ...]  #: pictures of each call; they sum to request.count


def fit(request: Request, can: Capabilities, *, model: str) -> Fitted:
    """Fit a request to a model.

    Raises NotOffered, PromptMissing, PromptTooLong, ImageMissing, TooFewImages, TooManyImages, MaskMissing,
    ChoiceUnknown.
    """
    operation = request.operation
    dropped: list[str] = []
    if request.follow is not None:
        # A next step on a result: the gateway itself has offered it, and has the picture. Where a part of it is marked,
        # it takes the picture to see which.
        if operation is Operation.INPAINT and not request.prompt.strip():
            raise PromptMissing
        if operation is Operation.INPAINT and request.mask is None:
            raise MaskMissing
        if operation is Operation.INPAINT and len(request.prompt) > can.prompt_max:
            raise PromptTooLong(limit=can.prompt_max, length=len(request.prompt))
        images = request.images if operation is Operation.INPAINT else ()
        return Fitted(replace(request, model=model, count=1, images=images), (), (1,))
    if operation not in can.operations:
        raise NotOffered(model=model, what=operation.value, others="")
    needs = can.needs(operation)
    prompt = _words(request.prompt.strip(), needs, can, dropped, pictures=len(request.images))
    _check_pictures(request, needs, model)
    count = _count(request, can, model)
    fitted = replace(request, prompt=prompt, model=model, count=count, ratio=_ratio(request, can, model, dropped))
    is_told = operation in SEEDED or operation in can.presets
    if request.count > count:
        dropped.append("count")
    if request.seed is not None:
        if can.seed_max is None or not is_told:
            dropped.append("seed")
            fitted = replace(fitted, seed=None)
        elif not 0 <= request.seed <= can.seed_max:
            raise ChoiceUnknown(model=model, what="seed", value=request.seed, allowed=f"0-{can.seed_max}")
    if request.negative and not (can.negative and is_told):
        dropped.append("negative")
        fitted = replace(fitted, negative=None)
    return Fitted(fitted, tuple(dropped), split(count, can.makes.get(operation, can.per_call)))


def _words(prompt: str, needs: Needs, can: Capabilities, dropped: list[str], *, pictures: int) -> str:
    if needs.words is Words.NONE:
        if prompt:
            dropped.append("prompt")
        return ""
    if not prompt and (needs.words is Words.NEEDED or pictures < needs.wordless):
        raise PromptMissing
    if len(prompt) > can.prompt_max:
        raise PromptTooLong(limit=can.prompt_max, length=len(prompt))
    return prompt


def _check_pictures(request: Request, needs: Needs, model: str) -> None:
    given = len(request.images)
    if given < needs.fewest:
        raise ImageMissing if needs.fewest == 1 else TooFewImages(needed=needs.fewest, given=given)
    if given > needs.most:
        raise TooManyImages(model=model, limit=needs.most, given=given)
    if request.operation is Operation.INPAINT and request.mask is None:
        raise MaskMissing


def _count(request: Request, can: Capabilities, model: str) -> int:
    """What will be made: a grid's worth where a call always makes that many, one where more make no sense."""
    grid = can.makes.get(request.operation, 1)
    most = COUNT_LIMIT // grid * grid
    if not 1 <= request.count <= most:
        raise ChoiceUnknown(model=model, what="count", value=request.count, allowed=f"1-{most}")
    if request.operation in _PLAIN and request.operation not in can.presets:
        return 1
    return math.ceil(request.count / grid) * grid


def _ratio(request: Request, can: Capabilities, model: str, dropped: list[str]) -> str | None:
    if request.ratio is None:
        return None
    if request.operation in _PLAIN and request.operation not in can.presets:
        dropped.append("ratio")
        return None
    if request.images and not can.edit_ratio:
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


def nearest(ratio: str, known: Sequence[str]) -> str | None:
    """The one of ``known`` nearest in shape to ``ratio``; None when that is no ratio, or nothing is known."""
    wanted = reduced(ratio)
    shapes = {each: shape for each in known if (shape := reduced(each)) is not None}
    if wanted is None or not shapes:
        return None
    return min(shapes, key=lambda each: abs(math.log(shapes[each][0] * wanted[1] / (shapes[each][1] * wanted[0]))))


def split(count: int, per_call: int) -> tuple[int, ...]:
    """``split(5, 2)`` → ``(2, 2, 1)``. Both at least 1."""
    whole, rest = divmod(count, per_call)
    return (per_call,) * whole + ((rest,) if rest else ())
