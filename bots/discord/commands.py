"""The slash commands. Their names are the same in every language; what they say about themselves is not."""

from typing import Any

import discord
from discord import app_commands

from bots.discord.address import account
from bots.discord.admin import administering
from bots.discord.answering import answer, promptly
from bots.discord.desk import Desk
from bots.discord.menus import edit_image_menu
from bots.discord.operations import making
from bots.discord.options import CHOICES
from bots.discord.translator import described
from bots.texts import cut, help_text, models, queue, usage
from core.errors import RequestError, StoreDown
from core.types import Operation, QueueEntry, Stage


def commands(desk: Desk) -> list[app_commands.Command[Any, ..., None] | app_commands.Group | app_commands.ContextMenu]:
    """Every command of ours, for :meth:`discord.app_commands.CommandTree.add_command`."""
    return [*making(desk), *looking(desk), *administering(desk), edit_image_menu(desk)]


def looking(desk: Desk) -> list[app_commands.Command[Any, ..., None]]:
    """/models, /usage, /queue, /cancel and /help: answered to the one who asks alone."""

    @app_commands.command(name="models", description=described(desk.words, "command", "models"))
    async def models_(interaction: discord.Interaction) -> None:
        with desk.hands.busy():
            await answer(desk, interaction, _models(desk, desk.language(interaction)))

    @app_commands.command(name="usage", description=described(desk.words, "command", "usage"))
    async def usage_(interaction: discord.Interaction) -> None:
        with desk.hands.busy():
            await answer(desk, interaction, _usage(desk, desk.language(interaction), interaction.user.id))

    @app_commands.command(name="queue", description=described(desk.words, "command", "queue"))
    async def queue_(interaction: discord.Interaction) -> None:
        with desk.hands.busy():
            await answer(desk, interaction, _queue(desk, desk.language(interaction), interaction.user.id))

    @app_commands.command(name="cancel", description=described(desk.words, "command", "cancel"))
    @app_commands.rename(task_id="id")
    @app_commands.describe(task_id=described(desk.words, "option", "id"))
    @app_commands.autocomplete(task_id=_offer_tasks(desk))
    async def cancel(interaction: discord.Interaction, task_id: str | None = None) -> None:
        with desk.hands.busy():
            await answer(desk, interaction, _cancel(desk, desk.language(interaction), interaction.user.id, task_id))

    @app_commands.command(name="help", description=described(desk.words, "command", "help"))
    async def help_(interaction: discord.Interaction) -> None:
        with desk.hands.busy():
            await answer(desk, interaction, _help(desk, desk.language(interaction)))

    return [models_, usage_, queue_, cancel, help_]


async def _models(desk: Desk, locale: str) -> str:
    default, default_edit = (desk.client.default_model(each) for each in (Operation.IMAGINE, Operation.EDIT))
    return models(
        desk.words,
        locale,
        desk.client.listed(),
        desk.style,
        default=default.name if default else None,
        default_edit=default_edit.name if default_edit else None,
        resting=await desk.client.resting(),
        verified=await desk.client.verified(),
    )


async def _usage(desk: Desk, locale: str, user: int) -> str:
    return usage(desk.words, locale, await desk.client.usage(account(user)), desk.style)


async def _queue(desk: Desk, locale: str, user: int) -> str:
    return queue(desk.words, locale, await desk.client.queue(account(user)), desk.style)


async def _help(desk: Desk, locale: str) -> str:
    hints = () if desk.reads_messages else ("help.no_message_content",)
    operations = desk.client.operations(steps=False)
    return help_text(desk.words, locale, desk.style, platform="discord", hints=hints, operations=operations)


async def _cancel(desk: Desk, locale: str, user: int, task_id: str | None) -> str:
    """Without an id: the one that still waits; of several the person is shown the list."""
    named = (task_id or "").strip()
    if not named:
        entries = [entry for entry in await desk.client.queue(account(user)) if entry.stage is Stage.QUEUED]
        if not entries:
            return desk.words.say(locale, "cancel.nothing")
        if len(entries) > 1:
            return f"{desk.words.say(locale, 'cancel.which')}\n{queue(desk.words, locale, entries, desk.style)}"
        named = entries[0].task.id
    await desk.client.cancel(named, account=account(user))
    return desk.words.say(locale, "notice.cancelled")


def _offer_tasks(desk: Desk) -> "app_commands.commands.AutocompleteCallback[Any, str]":
    async def offer(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """The person's unfinished requests; nothing where the store is slow: an id can be typed as well."""
        try:
            entries = await promptly(desk.client.queue(account(interaction.user.id)))
        except (RequestError, StoreDown):
            return []
        return [_choice(entry) for entry in entries or [] if typed.strip() in entry.task.id][:CHOICES]

    return offer


def _choice(entry: QueueEntry) -> app_commands.Choice[str]:
    task = entry.task
    return app_commands.Choice(name=cut(f"{task.id} · {task.request.prompt}", 100), value=task.id)
