"""/admin: shown to those who manage a server, and answered, to them alone, where the settings name them."""

import discord
from discord import app_commands

from bots.admin import SUBCOMMANDS, Asked
from bots.discord.address import NAME, account
from bots.discord.answering import answer
from bots.discord.desk import Desk
from bots.discord.translator import described


def administering(desk: Desk) -> list[app_commands.Group]:
    """One command with its subcommands; none where nobody on Discord may use it."""
    if desk.admin is None or not any(each.startswith(f"{NAME}:") for each in desk.admin.accounts):
        return []
    group = app_commands.Group(
        name="admin",
        description=described(desk.words, "command", "admin"),
        # Servers alone: in a private chat Discord would show the command to everybody.
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False),
        allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        default_permissions=discord.Permissions(manage_guild=True),
    )
    for name in SUBCOMMANDS:
        group.add_command(_subcommand(desk, name))
    return [group]


def _subcommand(desk: Desk, name: str) -> app_commands.Command[app_commands.Group, ..., None]:
    async def callback(interaction: discord.Interaction) -> None:
        with desk.hands.busy():
            await answer(desk, interaction, _told(desk, name, desk.language(interaction), interaction.user.id))

    return app_commands.Command(
        name=name, description=described(desk.words, "command", f"admin_{name}"), callback=callback
    )


async def _told(desk: Desk, name: str, locale: str, user: int) -> str:
    if desk.admin is None or account(user) not in desk.admin.accounts:
        return desk.words.say(locale, "admin.not_for_you", account=account(user))
    return await SUBCOMMANDS[name](Asked(desk.admin, desk.words, locale, desk.style))
