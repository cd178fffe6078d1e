"""Calls to Discord that both progress and results make."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import discord
from discord import ui

from bots.discord.address import Place, Reply
from bots.discord.errors import TOKEN_DEAD, code_of
from bots.discord.packing import Upload

#: How Discord names the message that answered an interaction: it takes this in the place of an id.
ORIGINAL = cast(int, "@original")


def hook(bot: discord.Client, reply: Reply) -> discord.Webhook:
    """The interaction's own door; needs no permission in the channel."""
    door = discord.Webhook.partial(reply.application, reply.token, client=bot)
    # The library takes it for a channel's webhook, and refuses to send what is for one person's eyes by such a one.
    door.type = discord.WebhookType.application
    return door


def message_at(bot: discord.Client, place: Place, message: int) -> discord.PartialMessage:
    return bot.get_partial_messageable(place.channel, guild_id=place.guild).get_partial_message(message)


def reference(place: Place) -> discord.MessageReference | None:
    """What a message of ours answers: the request, else the interaction's own message. Gone or not, it is sent."""
    target = place.request or place.status
    if target is None:
        return None
    return discord.MessageReference(
        message_id=target, channel_id=place.channel, guild_id=place.guild, fail_if_not_exists=False
    )


async def send(
    channel: discord.abc.Messageable,
    text: str | None,
    *,
    nonce: str,
    mentions: discord.AllowedMentions,
    uploads: Sequence[Upload] = (),
    answered: discord.MessageReference | None = None,
    buttons: ui.View | None = None,
) -> discord.Message:
    """Post an ordinary message. The same ``nonce`` (25 characters at most) again within a few minutes posts nothing
    and gives the first message back. Raises discord.py's errors, and those of the network."""
    optional: dict[str, Any] = {"files": files(uploads), "reference": answered, "view": buttons}
    given = {name: value for name, value in optional.items() if value}
    message: discord.Message = await channel.send(
        content=text, nonce=nonce, allowed_mentions=mentions, suppress_embeds=True, **given
    )
    return message


def files(uploads: Sequence[Upload]) -> list[discord.File]:
    return [discord.File(io.BytesIO(upload.data), filename=upload.filename) for upload in uploads]


async def edit_status(
    bot: discord.Client, place: Place, now: datetime, *, text: str, buttons: ui.View | None
) -> int | None:
    """Put ``text`` on the message that shows the task. Returns its id; None when there is none that we could edit.

    Raises discord.py's errors, and those of the network.
    """
    reply = place.live(now)
    if reply is not None:
        try:
            edited = await hook(bot, reply).edit_message(
                ORIGINAL,
                content=text,
                view=buttons,
            )
        except discord.HTTPException as error:
            if code_of(error) not in TOKEN_DEAD:
                raise
        else:
            return edited.id
    if place.status is None or place.ephemeral or not place.reachable:
        return None
    await message_at(bot, place, place.status).edit(content=text, view=buttons)
    return place.status


async def remove_status(bot: discord.Client, place: Place, now: datetime) -> None:
    """Take the message that shows the task away. Raises as :func:`edit_status`."""
    reply = place.live(now)
    if reply is not None:
        try:
            await hook(bot, reply).delete_message(ORIGINAL)
        except discord.HTTPException as error:
            if code_of(error) not in TOKEN_DEAD:
                raise
        else:
            return
    if place.status is not None and not place.ephemeral:
        await message_at(bot, place, place.status).delete()
