"""The buttons under our messages. Their meaning is in their id, so they work after any restart."""

import re
from collections.abc import Sequence
from typing import Any

import discord
import structlog
from discord import ui

from bots.buttons import PATTERN, Press, decode, encode
from bots.discord.address import NAME, account, place_of_interaction, read_key, who
from bots.discord.answering import answer, order, promptly
from bots.discord.desk import Desk, desk_of
from bots.discord.errors import FAILURES, UNKNOWN_MESSAGE, code_of
from bots.discord.forms import Subject, open_form
from bots.discord.layout import controls
from bots.texts import details
from core.errors import ImagineError, NotYours
from core.types import Action, Offer, Operation, Request, Task, View

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: The buttons that stand out.
_PRIMARY = frozenset({Action.AGAIN, Action.EDIT})


class TaskButton(ui.DynamicItem[ui.Button[ui.View]], template=PATTERN):
    """One registered class for every button of every task ever posted."""

    def __init__(self, press: Press, label: str = "…", row: int | None = None) -> None:
        # A pressed button is read back from its id alone: its label stays the one on the screen.
        style = discord.ButtonStyle.primary if press.action in _PRIMARY else discord.ButtonStyle.secondary
        super().__init__(ui.Button(label=label, style=style, custom_id=encode(press), row=row))
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


def keyboard(desk: Desk, view: View, pictures: Sequence[int] = ()) -> ui.View | None:
    """The buttons for a message, as :func:`bots.discord.layout.controls` has them; None when there are none."""
    rows = controls(desk.words, view, pictures)
    if not rows:
        return None
    shown = ui.View(timeout=None)
    for number, row in enumerate(rows):
        for control in row:
            shown.add_item(TaskButton(control.press, control.label, number))
    return shown


async def _pressed(desk: Desk, interaction: discord.Interaction, press: Press) -> None:
    match press.action:
        case Action.AGAIN | Action.UPSCALE | Action.VARY | Action.IMAGINE:
            await _order(desk, interaction, press)
        case Action.FOLLOW:
            await _follow(desk, interaction, press)
        case Action.EDIT:
            await open_form(desk, interaction, Subject(task=press.task_id, index=press.index))
        case Action.DETAILS:
            await answer(desk, interaction, _details(desk, interaction, press))
        case Action.DELETE if _only_by_token(interaction):
            await _delete_by_token(desk, interaction, press)
        case Action.DELETE:
            await answer(desk, interaction, _delete(desk, interaction, press))
        case Action.CANCEL:
            await answer(desk, interaction, _cancel(desk, interaction, press))


async def _follow(desk: Desk, interaction: discord.Interaction, press: Press) -> None:
    """Take the gateway's own next step; for one that repaints a part, ask for words and for which part."""
    offer = await _offer(desk, press)
    if offer is not None and offer.operation is Operation.INPAINT:
        await open_form(desk, interaction, Subject(Operation.INPAINT, task=press.task_id, index=offer.index))
    else:
        await _order(desk, interaction, press)


async def _offer(desk: Desk, press: Press) -> Offer | None:
    """The step that is pressed; None where the store does not say so in time: the order tells why, then."""
    try:
        view = await promptly(desk.client.view(press.task_id))
    except ImagineError:
        return None
    number = press.index or 0
    return view.offers[number] if view is not None and number < len(view.offers) else None


async def _order(desk: Desk, interaction: discord.Interaction, press: Press) -> None:
    private = interaction.message is not None and interaction.message.flags.ephemeral
    await order(desk, interaction, _ordered(desk, interaction, press, private), private=private)


async def _ordered(desk: Desk, interaction: discord.Interaction, press: Press, private: bool) -> Task:
    """What a button makes of a result, at the presser's cost; it answers the result. Raises as the client does."""
    old = interaction.message
    place = place_of_interaction(interaction, request=old.id if old and not private else None, ephemeral=private)
    payer, address = who(interaction.user, place, desk.language(interaction)), place.address()
    client, task, event = desk.client, press.task_id, f"discord:{interaction.id}"
    match press.action:
        case Action.FOLLOW:
            return await client.follow(task, press.index or 0, who=payer, address=address, event=event)
        case Action.IMAGINE:
            return await client.imagine_text(task, press.index or 0, who=payer, address=address, event=event)
        case Action.AGAIN:
            return await client.again(task, who=payer, address=address, event=event)
        case _:
            request = Request(Operation(press.action.value), "", private=private)
            return await client.work_on(task, press.index, request, who=payer, address=address, event=event)


async def _details(desk: Desk, interaction: discord.Interaction, press: Press) -> str:
    return details(desk.words, desk.language(interaction), await desk.client.view(press.task_id), desk.style)


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
