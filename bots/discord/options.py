"""The options of the commands: what they mean together, and what is offered while one types."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import discord
from discord import app_commands

from bots.discord.desk import Desk, desk_of
from bots.discord.files import given
from bots.prompts import parse
from bots.prompts import request as request_of_prompt
from bots.texts import MAKING
from core.gateway import Model
from core.types import Operation, Request

#: Choices of one autocomplete answer (application-commands, "Autocomplete"), and options of a select.
CHOICES = 25
#: Characters of a choice's name.
_NAME = 100
#: Options that are pictures to work on, in the order in which they become a request's.
_PICTURES = ("face", "target", "image", *(f"image{number}" for number in range(2, 9)), "style")


@dataclass(frozen=True)
class Options:
    """What a person filled in; None is "not said"."""

    prompt: str
    model: str | None = None
    ratio: str | None = None
    count: int | None = None
    seed: int | None = None
    negative: str | None = None
    images: tuple[discord.Attachment | None, ...] = ()
    mask: discord.Attachment | None = None
    private: bool = False


def options_of(filled: Mapping[str, Any]) -> Options:
    """The options of any command, by their names."""
    return Options(
        prompt=filled.get("prompt") or "",
        model=filled.get("model"),
        ratio=filled.get("ratio"),
        count=filled.get("count"),
        seed=filled.get("seed"),
        negative=filled.get("negative"),
        images=tuple(filled[name] for name in _PICTURES if name in filled),
        mask=filled.get("mask"),
        private=filled["private"],
    )


def request_of(options: Options, operation: Operation) -> Request:
    """The request. Flags in the prompt count too; an option that was filled in wins over a flag.

    Raises FlagUnknown, FlagInvalid, ImageUnreadable.
    """
    parsed = parse(options.prompt)
    parsed = replace(
        parsed,
        model=_said(options.model) or parsed.model,
        ratio=_said(options.ratio) or parsed.ratio,
        count=parsed.count if options.count is None else options.count,
        seed=parsed.seed if options.seed is None else options.seed,
        negative=_said(options.negative) or parsed.negative,
    )
    request = request_of_prompt(parsed, operation, given(options.images))
    mask = next(iter(given([options.mask])), None)
    return replace(request, mask=mask, private=options.private)


def _said(text: str | None) -> str | None:
    """A choice may be typed freely instead of picked: it is taken as it is, but never blank."""
    return (text or "").strip() or None


async def offer_models(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """Usable models that match what is typed, with their price. From memory: no look into any store."""
    desk = desk_of(interaction)
    locale, operation = desk.language(interaction), _operation(interaction)
    return [
        app_commands.Choice(name=_label(desk, locale, model, operation)[:_NAME], value=model.name)
        for model in desk.client.models(operation)
        if typed.strip().casefold() in model.name.casefold()
    ][:CHOICES]


async def offer_ratios(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """The ratios of the model chosen so far, or of the default one."""
    desk = desk_of(interaction)
    operation = _operation(interaction)
    named = str(getattr(interaction.namespace, "model", None) or "").strip().casefold()
    chosen = next((model for model in desk.client.models() if model.name.casefold() == named), None)
    model = chosen or desk.client.default_model(operation)
    known = model.can.ratios if model else ()
    return [app_commands.Choice(name=ratio, value=ratio) for ratio in known if typed.strip() in ratio][:CHOICES]


def _operation(interaction: discord.Interaction) -> Operation:
    """What the command does; with a picture, imagining is editing."""
    operation = MAKING[interaction.command.name] if interaction.command else Operation.IMAGINE
    with_picture = getattr(interaction.namespace, "image", None) is not None
    return Operation.EDIT if with_picture and operation is Operation.IMAGINE else operation


def _label(desk: Desk, locale: str, model: Model, operation: Operation) -> str:
    price = model.price(operation, 1)
    cost = desk.words.count(locale, "unit.credits", price) if price else desk.words.say(locale, "unit.free")
    return f"{model.name} · {cost}"
