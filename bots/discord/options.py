"""The options of /imagine and /edit: what they mean together, and what is offered while one types."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import discord
from discord import app_commands

from bots.discord.desk import Desk, desk_of
from bots.discord.files import given
from bots.prompts import parse
from bots.prompts import request as request_of_prompt
from core.gateway import Model
from core.types import Operation, Request

#: Choices of one autocomplete answer (application-commands, "Autocomplete"), and options of a select.
CHOICES = 25
#: Characters of a choice's name.
_NAME = 100


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
    private: bool = False


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
    return replace(request, private=options.private)


def _said(text: str | None) -> str | None:
    """A choice may be typed freely instead of picked: it is taken as it is, but never blank."""
    return (text or "").strip() or None


async def offer_models(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """Usable models that match what is typed, with their price. From memory: no look into any store."""
    desk = desk_of(interaction)
    locale = desk.language(interaction)
    return [
        app_commands.Choice(name=_label(desk, locale, model)[:_NAME], value=model.name)
        for model in _able(desk, interaction)
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


def _able(desk: Desk, interaction: discord.Interaction) -> Iterable[Model]:
    return desk.client.models(_operation(interaction))


def _operation(interaction: discord.Interaction) -> Operation:
    command = interaction.command
    with_picture = getattr(interaction.namespace, "image", None) is not None
    return Operation.EDIT if with_picture or (command and command.name == "edit") else Operation.IMAGINE


def _label(desk: Desk, locale: str, model: Model) -> str:
    cost = (
        desk.words.count(locale, "unit.credits", model.credits)
        if model.credits
        else desk.words.say(locale, "unit.free")
    )
    return f"{model.name} · {cost}"
