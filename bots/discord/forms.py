"""The forms: what to change about a picture, and what to paint in a part of it.

A form outlives the process: its id says what it is about, and its answer is read from the interaction itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import discord
from discord import ui

from bots.discord.address import NAME, key, place_of_interaction, who
from bots.discord.answering import order
from bots.discord.desk import Desk
from bots.discord.errors import FAILURES
from bots.discord.files import pictures_of
from bots.discord.options import CHOICES, Options, request_of
from core.errors import ImageGone, MaskMissing
from core.types import FrontFile, Operation, Task

#: Characters of a text input (components/reference, "Text Input").
_INPUT = 4000
#: Characters of a form's title, of a field's label and of its description (components/reference, "Label").
_TITLE = _LABEL = 45
_DESCRIPTION = 100
#: Seconds after which an open form is forgotten by the library; ours is found by its id all the same.
_FORM_LIFE = 15 * 60
#: How the ids of the forms begin, by what they ask for.
_KINDS = {Operation.EDIT: "form", Operation.INPAINT: "region"}
_FORM = re.compile(
    rf"i1:(?P<kind>{'|'.join(_KINDS.values())}):"
    r"(?:task:(?P<task>[0-9a-z]{1,32}):(?P<index>[0-9]{0,2})|message:(?P<channel>[0-9]+):(?P<message>[0-9]+))"
)


@dataclass(frozen=True)
class Subject:
    """What a form is about: a picture of a task of ours, or any message with pictures."""

    operation: Operation = Operation.EDIT  #: or INPAINT
    task: str | None = None
    index: int | None = None
    channel: int = 0
    message: int = 0

    @property
    def id(self) -> str:
        """At most 100 characters (components/reference, "Custom ID")."""
        kind = _KINDS[self.operation]
        if self.task is not None:
            return f"i1:{kind}:task:{self.task}:{'' if self.index is None else self.index}"
        return f"i1:{kind}:message:{self.channel}:{self.message}"


def subject_of(custom_id: str) -> Subject | None:
    """What :attr:`Subject.id` wrote; None for anything else."""
    found = _FORM.fullmatch(custom_id)
    if found is None:
        return None
    operation = next(operation for operation, kind in _KINDS.items() if kind == found["kind"])
    if found["task"]:
        return Subject(operation, task=found["task"], index=int(found["index"]) if found["index"] else None)
    return Subject(operation, channel=int(found["channel"]), message=int(found["message"]))


async def open_form(desk: Desk, interaction: discord.Interaction, subject: Subject) -> None:
    """Show the form. It must be the interaction's first answer, so nothing slow may come before."""
    locale, is_region = desk.language(interaction), subject.operation is Operation.INPAINT
    title = desk.words.say(locale, "modal.region_title" if is_region else "modal.title")
    form = ui.Modal(title=title[:_TITLE], custom_id=subject.id, timeout=_FORM_LIFE)
    for field in _region_fields(desk, locale) if is_region else _edit_fields(desk, locale):
        form.add_item(field)
    await interaction.response.send_modal(form)


def _edit_fields(desk: Desk, locale: str) -> Iterator[ui.Label[ui.Modal]]:
    def say(name: str) -> str:
        return desk.words.say(locale, f"modal.{name}")

    yield ui.Label(text=say("prompt")[:_LABEL], component=_prompt(say("prompt_placeholder")))
    able = desk.client.models(Operation.EDIT)[:CHOICES]
    if able:
        model: ui.Select[ui.Modal] = ui.Select(
            custom_id="model",
            placeholder=say("model_placeholder")[:150],
            required=False,
            options=[discord.SelectOption(label=row.name[:100], value=row.name[:100]) for row in able],
        )
        yield ui.Label(text=say("model")[:_LABEL], component=model)
    ratio: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id="ratio", placeholder=say("ratio_placeholder")[:100], required=False, max_length=20
    )
    yield ui.Label(text=say("ratio")[:_LABEL], component=ratio)


def _region_fields(desk: Desk, locale: str) -> Iterator[ui.Label[ui.Modal]]:
    def say(name: str) -> str:
        return desk.words.say(locale, f"modal.{name}")

    yield ui.Label(text=say("region_prompt")[:_LABEL], component=_prompt(say("region_placeholder")))
    mask: ui.FileUpload[ui.Modal] = ui.FileUpload(custom_id="mask", min_values=1, max_values=1)
    yield ui.Label(text=say("mask")[:_LABEL], description=say("mask_description")[:_DESCRIPTION], component=mask)


def _prompt(placeholder: str) -> ui.TextInput[ui.Modal]:
    return ui.TextInput(
        custom_id="prompt",
        style=discord.TextStyle.paragraph,
        placeholder=placeholder[:100],
        max_length=_INPUT,
    )


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
        await order(desk, interaction, _submit(desk, interaction, subject, private), private=private)


def _values(data: Any) -> dict[str, str]:
    """What was filled in, by the field's id; the first choice of a select, the id of a file."""
    found: dict[str, str] = {}
    for component in data["components"]:
        for field in component.get("components") or [component.get("component", component)]:
            value = field.get("value") or next(iter(field.get("values") or ()), "")
            if "custom_id" in field and value:
                found[field["custom_id"]] = value
    return found


def _file(interaction: discord.Interaction, file_id: str | None) -> discord.Attachment | None:
    """A file that was filled in. Read as the library reads it for a form that this very process has opened."""
    data: Any = interaction.data
    found = data.get("resolved", {}).get("attachments", {}).get(file_id)
    return None if found is None else discord.Attachment(data=found, state=interaction._state)


async def _submit(desk: Desk, interaction: discord.Interaction, subject: Subject, private: bool) -> Task:
    values = _values(interaction.data)
    options = Options(
        values.get("prompt", ""),
        model=values.get("model"),
        ratio=values.get("ratio"),
        mask=_file(interaction, values.get("mask")),
        private=private,
    )
    request = request_of(options, subject.operation)
    if subject.operation is Operation.INPAINT and request.mask is None:
        raise MaskMissing
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
