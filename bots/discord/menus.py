"""The message's context menu "Edit image", and the form that it and the *edit* button open.

A form outlives the process: its id says which picture it is about, and its answer is read from the interaction itself.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

import discord
from discord import app_commands, ui

from bots.discord.address import NAME, key, place_of_interaction, who
from bots.discord.answering import order
from bots.discord.desk import Desk
from bots.discord.errors import FAILURES
from bots.discord.files import pictures_of
from bots.discord.options import CHOICES, Options, request_of
from bots.discord.translator import described
from core.errors import ImageGone
from core.types import FrontFile, Operation, Task

#: What the menu is registered as: the name users know from the documentation.
MENU = "Edit image"
#: Characters of a text input (components/reference, "Text Input").
_INPUT = 4000
#: Seconds after which an open form is forgotten by the library; ours is found by its id all the same.
_FORM_LIFE = 15 * 60
_FORM = re.compile(
    r"i1:form:(?:task:(?P<task>[0-9a-z]{1,32}):(?P<index>[0-9]{0,2})|message:(?P<channel>[0-9]+):(?P<message>[0-9]+))"
)


@dataclass(frozen=True)
class Subject:
    """What a form is about: a picture of a task of ours, or any message with pictures."""

    task: str | None = None
    index: int | None = None
    channel: int = 0
    message: int = 0

    @property
    def id(self) -> str:
        """At most 100 characters (components/reference, "Custom ID")."""
        if self.task is not None:
            return f"i1:form:task:{self.task}:{'' if self.index is None else self.index}"
        return f"i1:form:message:{self.channel}:{self.message}"


def subject_of(custom_id: str) -> Subject | None:
    """What :attr:`Subject.id` wrote; None for anything else."""
    found = _FORM.fullmatch(custom_id)
    if found is None:
        return None
    if found["task"]:
        return Subject(task=found["task"], index=int(found["index"]) if found["index"] else None)
    return Subject(channel=int(found["channel"]), message=int(found["message"]))


def edit_image_menu(desk: Desk) -> app_commands.ContextMenu:
    async def edit_image(interaction: discord.Interaction, message: discord.Message) -> None:
        with desk.hands.busy():
            await _open_for(desk, interaction, message)

    words = desk.words
    name = app_commands.locale_str(MENU, **described(words, "menu", "edit_image").extras)
    return app_commands.ContextMenu(name=name, callback=edit_image)


async def _open_for(desk: Desk, interaction: discord.Interaction, message: discord.Message) -> None:
    """A menu's target arrives with its pictures, whatever the intents: they are kept until the form comes back."""
    pictures = pictures_of(message)
    if not pictures:
        locale = desk.language(interaction)
        await interaction.response.send_message(desk.words.say(locale, "hint.no_picture"), ephemeral=True)
        return
    subject = Subject(channel=message.channel.id, message=message.id)
    desk.chosen.put(subject.id, pictures)
    await open_form(desk, interaction, subject)


async def open_form(desk: Desk, interaction: discord.Interaction, subject: Subject) -> None:
    """Show the form. It must be the interaction's first answer, so nothing is looked up before."""
    await interaction.response.send_modal(_form(desk, desk.language(interaction), subject))


def _form(desk: Desk, locale: str, subject: Subject) -> ui.Modal:
    def say(name: str) -> str:
        return desk.words.say(locale, f"modal.{name}")

    form = ui.Modal(title=say("title")[:45], custom_id=subject.id, timeout=_FORM_LIFE)
    prompt: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id="prompt",
        style=discord.TextStyle.paragraph,
        placeholder=say("prompt_placeholder")[:100],
        max_length=_INPUT,
    )
    form.add_item(ui.Label(text=say("prompt")[:45], component=prompt))
    able = desk.client.models(Operation.EDIT)[:CHOICES]
    if able:
        model: ui.Select[ui.Modal] = ui.Select(
            custom_id="model",
            placeholder=say("model_placeholder")[:150],
            required=False,
            options=[discord.SelectOption(label=row.name[:100], value=row.name[:100]) for row in able],
        )
        form.add_item(ui.Label(text=say("model")[:45], component=model))
    ratio: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id="ratio", placeholder=say("ratio_placeholder")[:100], required=False, max_length=20
    )
    form.add_item(ui.Label(text=say("ratio")[:45], component=ratio))
    return form


# -- the form comes back --------------------------------------------------------------------------------------------


async def form_filled(desk: Desk, interaction: discord.Interaction) -> None:
    """Called for every submitted form; those that are not ours are left alone."""
    data: Any = interaction.data
    subject = subject_of(data["custom_id"])
    if subject is None:
        return
    with desk.hands.busy():
        # A form opened from an answer that only one person sees leads to another such answer.
        private = interaction.message is not None and interaction.message.flags.ephemeral
        await order(desk, interaction, _submit(desk, interaction, subject, _values(data), private), private=private)


def _values(data: Any) -> dict[str, str]:
    """What was filled in, by the field's id; the first choice of a select."""
    found: dict[str, str] = {}
    for component in data["components"]:
        for field in component.get("components") or [component.get("component", component)]:
            value = field.get("value") or next(iter(field.get("values") or ()), "")
            if "custom_id" in field and value:
                found[field["custom_id"]] = value
    return found


async def _submit(
    desk: Desk, interaction: discord.Interaction, subject: Subject, values: dict[str, str], private: bool
) -> Task:
    options = Options(values.get("prompt", ""), model=values.get("model"), ratio=values.get("ratio"), private=private)
    request = request_of(options, Operation.EDIT)
    event = f"discord:{interaction.id}"
    task, index = subject.task, subject.index
    origin = interaction.message.id if interaction.message is not None else subject.message
    place = place_of_interaction(interaction, request=None if private else origin or None, ephemeral=private)
    payer = who(interaction.user, place, desk.language(interaction))
    if task is None:
        posted = await desk.client.posted(NAME, key(subject.channel, subject.message))
        if posted is not None:
            task, index = posted.task_id, posted.index
    if task is not None:
        return await desk.client.work_on(task, index, request, who=payer, address=place.address(), event=event)
    pictures = desk.chosen.get(subject.id) or await _looked_up(interaction.client, subject)
    request = replace(request, images=tuple(pictures))
    return await desk.client.submit(request, who=payer, address=place.address(), event=event)


async def _looked_up(bot: discord.Client, subject: Subject) -> list[FrontFile]:
    """The message's pictures, asked for anew: this process was not there when the form was opened."""
    try:
        message = await bot.get_partial_messageable(subject.channel).fetch_message(subject.message)
    except FAILURES:
        raise ImageGone from None
    pictures = pictures_of(message)
    if not pictures:
        raise ImageGone
    return pictures
