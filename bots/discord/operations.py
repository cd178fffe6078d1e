"""The commands that make something, from one table: which options each has, and what their answers mean."""

import inspect
from collections.abc import Mapping
from typing import Any, cast

import discord
from discord import app_commands

from bots.discord.address import place_of_interaction, who
from bots.discord.answering import order
from bots.discord.desk import Desk
from bots.discord.options import Options, offer_models, offer_ratios, options_of, request_of
from bots.discord.translator import described
from bots.texts import MAKING, offered
from core.capabilities import COUNT_LIMIT
from core.types import Operation, Task

Command = app_commands.Command[Any, ..., None]

#: The largest whole number a slash command's option can carry (application-commands, "Option Type": INTEGER).
WHOLE_MAX = 2**53 - 1
#: What an option takes. All others take a picture.
_TYPES: Mapping[str, Any] = {
    "prompt": str,
    "model": str,
    "ratio": str,
    "count": app_commands.Range[int, 1, COUNT_LIMIT],
    "seed": app_commands.Range[int, 0, WHOLE_MAX],
    "negative": str,
    "private": bool,
}
_OFFERED = {"model": offer_models, "ratio": offer_ratios}
_TUNING = ("model", "ratio", "count", "seed", "negative")
_MORE = tuple(f"image{number}" for number in range(2, 9))
#: The options of each command: those that must be filled in, those that may be. Every command has ``private`` too.
_OPTIONS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "imagine": (("prompt",), (*_TUNING, "image", *_MORE)),
    "edit": (("prompt", "image"), (*_MORE, *_TUNING)),
    "blend": (("image", "image2"), ("image3", "image4", "image5", "prompt", "model")),
    "describe": (("image",), ("model",)),
    "upscale": (("image",), ("model",)),
    "vary": (("image",), ("model",)),
    "inpaint": (("image", "mask", "prompt"), ("model",)),
    "cutout": (("image",), ("model",)),
    "lineart": (("image",), ("model",)),
    "restyle": (("image",), ("prompt", "style", "model")),
    "faceswap": (("face", "target"), ("model",)),
    "animate": ((), ("prompt", "image", "model")),
    "shorten": (("prompt",), ("model",)),
}


def making(desk: Desk) -> list[Command]:
    """The commands for all that can be done now; what nothing here can do is not registered."""
    names = offered(desk.client.operations(steps=False))  # a slash command is no reply to a picture
    return [_command(desk, name, operation) for name, operation in MAKING.items() if name in names]


def _command(desk: Desk, name: str, operation: Operation) -> Command:
    async def callback(interaction: discord.Interaction, **given: Any) -> None:
        await _make(desk, interaction, options_of(given), operation)

    needed, optional = _OPTIONS[name]
    options = (*needed, *optional, "private")
    # discord.py reads the options from the signature, which is all that differs from one command to the next.
    cast(Any, callback).__signature__ = inspect.Signature(
        [
            inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_ONLY, annotation=discord.Interaction),
            *(_parameter(option, is_needed=option in needed) for option in options),
        ]
    )
    app_commands.describe(**{option: described(desk.words, "option", option) for option in options})(callback)
    app_commands.autocomplete(**{option: offer for option, offer in _OFFERED.items() if option in options})(callback)
    return app_commands.Command(name=name, description=described(desk.words, "command", name), callback=callback)


def _parameter(option: str, *, is_needed: bool) -> inspect.Parameter:
    kind: Any = _TYPES.get(option, discord.Attachment)
    if is_needed:
        return inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, annotation=kind)
    if kind is bool:
        return inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, annotation=bool, default=False)
    return inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, annotation=kind | None, default=None)


async def _make(desk: Desk, interaction: discord.Interaction, options: Options, operation: Operation) -> None:
    with desk.hands.busy():
        await order(desk, interaction, _submit(desk, interaction, options, operation), private=options.private)


async def _submit(desk: Desk, interaction: discord.Interaction, options: Options, operation: Operation) -> Task:
    place = place_of_interaction(interaction, ephemeral=options.private)
    return await desk.client.submit(
        request_of(options, operation),
        who=who(interaction.user, place, desk.language(interaction)),
        address=place.address(),
        event=f"discord:{interaction.id}",
    )
