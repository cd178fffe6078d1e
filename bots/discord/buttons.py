"""The buttons under our messages. Their meaning is in their id, so they work after any restart."""

import re
from collections.abc import Sequence
from typing import Any

import discord
import structlog
from discord import ui

from bots.buttons import PATTERN, Press, decode, encode
from bots.discord.address import NAME, account, place_of_interaction, read_key, who
from bots.discord.answering import answer, order
from bots.discord.desk import Desk, desk_of
from bots.discord.errors import FAILURES, UNKNOWN_MESSAGE, code_of
from bots.discord.menus import Subject, open_form
from bots.texts import button_label
from core.errors import ImagineError, NotYours
from core.types import Action, Task

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_STYLES = {
    Action.AGAIN: discord.ButtonStyle.primary,
    Action.EDIT: discord.ButtonStyle.primary,
    Action.DELETE: discord.ButtonStyle.secondary,
    Action.CANCEL: discord.ButtonStyle.secondary,
}


class TaskButton(ui.DynamicItem[ui.Button[ui.View]], template=PATTERN):
    """One registered class for every button of every task ever posted."""

    def __init__(self, press: Press, label: str = "") -> None:
        # A pressed button is read back from its id alone: its label stays the one on the screen.
        super().__init__(ui.Button(label=label or "…", style=_STYLES[press.action], custom_id=encode(press)))
        self.press = press

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> "TaskButton":
        press = decode(match.string)
        assert press is not None  # the template has matched
        return cls(press)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        desk = desk_of(interaction)
        with desk.hands.busy():
            try:
                await _pressed(desk, interaction, self.press)
            except FAILURES as error:
                why = type(error).__name__
                log.warning("a pressed button could not be answered", action=self.press.action.value, why=why)


def row(desk: Desk, locale: str, task_id: str, actions: Sequence[Action], index: int | None = None) -> ui.View | None:
    """The buttons for a message; None when there are none."""
    if not actions:
        return None
    view = ui.View(timeout=None)
    for action in actions:
        view.add_item(TaskButton(Press(action, task_id, index), button_label(desk.words, locale, action)))
    return view


async def _pressed(desk: Desk, interaction: discord.Interaction, press: Press) -> None:
    match press.action:
        case Action.AGAIN:
            private = interaction.message is not None and interaction.message.flags.ephemeral
            await order(desk, interaction, _again(desk, interaction, press, private), private=private)
        case Action.EDIT:
            await open_form(desk, interaction, Subject(task=press.task_id, index=press.index))
        case Action.DELETE if _only_by_token(interaction):
            await _delete_by_token(desk, interaction, press)
        case Action.DELETE:
            await answer(desk, interaction, _delete(desk, interaction, press))
        case Action.CANCEL:
            await answer(desk, interaction, _cancel(desk, interaction, press))


async def _again(desk: Desk, interaction: discord.Interaction, press: Press, private: bool) -> Task:
    old = interaction.message
    place = place_of_interaction(interaction, request=old.id if old and not private else None, ephemeral=private)
    return await desk.client.again(
        press.task_id,
        who=who(interaction.user, place, desk.language(interaction)),
        address=place.address(),
        event=f"discord:{interaction.id}",
    )


async def _cancel(desk: Desk, interaction: discord.Interaction, press: Press) -> str:
    await desk.client.cancel(
        press.task_id,
        account=account(interaction.user.id),
        may_all=interaction.permissions.manage_messages,
    )
    return desk.words.say(desk.language(interaction), "notice.cancelled")


async def _delete(desk: Desk, interaction: discord.Interaction, press: Press) -> str:
    """All messages of the task go, at the wish of who asked for it or of who keeps order here."""
    await _may_delete(desk, interaction, press)
    keys = {read_key(message.key) for message in await desk.client.messages_of(NAME, press.task_id)}
    if interaction.message is not None:
        keys.add((interaction.message.channel.id, interaction.message.id))
    is_gone = [await _delete_one(interaction, channel, message) for channel, message in sorted(keys)]
    return desk.words.say(desk.language(interaction), "notice.deleted" if all(is_gone) else "notice.delete_failed")


async def _may_delete(desk: Desk, interaction: discord.Interaction, press: Press) -> None:
    """Raises NotYours, TaskUnknown."""
    task = await desk.client.task(press.task_id)
    if task.who.account != account(interaction.user.id) and not interaction.permissions.manage_messages:
        raise NotYours(task=task.id)


async def _delete_one(interaction: discord.Interaction, channel: int, message: int) -> bool:
    try:
        await interaction.client.get_partial_messageable(channel).get_partial_message(message).delete()
    except FAILURES as error:
        return code_of(error) == UNKNOWN_MESSAGE
    return True


def _only_by_token(interaction: discord.Interaction) -> bool:
    """The bot itself cannot reach this message: only one person sees it, or only they have installed the bot here."""
    is_ephemeral = interaction.message is not None and interaction.message.flags.ephemeral
    return is_ephemeral or not place_of_interaction(interaction).reachable


async def _delete_by_token(desk: Desk, interaction: discord.Interaction, press: Press) -> None:
    """A press that only updates makes its message the interaction's own, which the token may delete."""
    await interaction.response.defer()
    try:
        await _may_delete(desk, interaction, press)
    except ImagineError as error:
        await interaction.followup.send(desk.sentence(desk.language(interaction), error), ephemeral=True)
        return
    await interaction.delete_original_response()
