"""Short texts on controls, with the length each platform takes."""

import re
from collections.abc import Collection

from bots.texts.cutting import cut
from bots.words import Words
from core.types import Action, Offer, Operation

#: The commands that make something. The first two are always there, the others when a model can do it.
MAKING = {
    "imagine": Operation.IMAGINE,
    "edit": Operation.EDIT,
    "blend": Operation.BLEND,
    "describe": Operation.DESCRIBE,
    "upscale": Operation.UPSCALE,
    "vary": Operation.VARY,
    "inpaint": Operation.INPAINT,
    "cutout": Operation.CUTOUT,
    "lineart": Operation.LINEART,
    "restyle": Operation.RESTYLE,
    "faceswap": Operation.FACESWAP,
    "animate": Operation.ANIMATE,
    "shorten": Operation.SHORTEN,
}
#: Every command of ours, in the order people meet them.
COMMANDS = (*MAKING, "models", "usage", "queue", "cancel", "help", "start")
#: Every option of a Discord command.
OPTIONS = (
    "prompt",
    "model",
    "ratio",
    "count",
    "seed",
    "negative",
    "image",
    *(f"image{n}" for n in range(2, 9)),
    "mask",
    "face",
    "target",
    "style",
    "private",
    "id",
)
#: What Midjourney and its kin call their buttons, as far as we have a word for it.
_OFFERS = frozenset({
    "animate_high_motion",
    "animate_low_motion",
    "make_square",
    "redo_upscale_creative",
    "redo_upscale_subtle",
    "upscale_2x",
    "upscale_4x",
    "upscale_creative",
    "upscale_subtle",
    "vary_region",
    "vary_strong",
    "vary_subtle",
    "zoom_out_1_5x",
    "zoom_out_2x",
})  # fmt: skip
#: What they call the steps on each picture of a grid.
_OF_A_GRID = re.compile(r"([UV])[1-4]")
#: aihuihua's buttons are in Chinese where they are not Midjourney's.
_CHINESE = re.compile("[\u4e00-\u9fff]")
_LABEL = 80  #: characters; Discord, "Button Structure"


def offered(operations: Collection[Operation]) -> tuple[str, ...]:
    """The commands that are offered where these operations can be done."""
    always = (Operation.IMAGINE, Operation.EDIT)
    return tuple(name for name in COMMANDS if name not in MAKING or MAKING[name] in (*always, *operations))


def button_label(words: Words, locale: str, action: Action, number: int | None = None) -> str:
    """A button's label, at most 80 characters; ``number`` says which of several pictures it is about, from 1."""
    label = words.say(locale, f"button.{action}")
    return label if number is None else f"{label} {number}"


def offer_label(words: Words, locale: str, offer: Offer) -> str:
    """The label of a gateway's next step, at most 80 characters: in the person's language where we have the words, else
    as the gateway writes it (its users know "U1" and "V2"), where that can be read. The first picture of a second grid
    is number 5, as it is on the other buttons."""
    found = _OF_A_GRID.fullmatch(offer.label)
    if found is not None and offer.index is not None:
        return f"{found[1]}{offer.index + 1}"
    name = re.sub(r"[^a-z0-9]+", "_", offer.label.casefold()).strip("_")
    if name in _OFFERS:
        return words.say(locale, f"offer.{name}")
    told = " ".join(offer.label.split())
    if not told or (_CHINESE.search(told) and not locale.startswith("zh")):
        told = words.say(locale, f"operation.{offer.operation}").capitalize()
        told = told if offer.index is None else f"{told} {offer.index + 1}"
    return cut(told, _LABEL)


def command_description(words: Words, locale: str, command: str) -> str:
    """What a command is for, at most 100 characters (Discord's limit; Telegram takes 256)."""
    return words.say(locale, f"command.{command}")


def option_description(words: Words, locale: str, option: str) -> str:
    """What an option means, at most 100 characters (Discord's limit)."""
    if option.startswith("image") and option != "image":
        return words.say(locale, "option.image_more")
    return words.say(locale, f"option.{option}")
