"""The message's context menu "Edit image"."""

import discord
from discord import app_commands

from bots.discord.desk import Desk
from bots.discord.files import pictures_of
from bots.discord.forms import Subject, open_form
from bots.discord.translator import described

#: What the menu is registered as: the name users know from the documentation.
MENU = "Edit image"


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
