"""Where a task lives on Discord: :class:`core.types.Address` as this front reads and writes it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import discord

from core.types import Address, Who

NAME = "discord"
#: Seconds an interaction's token lives (receiving-and-responding, "Followup Messages"), less a margin for the way.
TOKEN_LIFE = 15 * 60 - 15


@dataclass(frozen=True)
class Reply:
    """The right to answer an interaction, for a quarter of an hour. ``token`` is a secret."""

    token: str
    application: int
    expires: float  #: Unix time

    def __repr__(self) -> str:
        return f"Reply(expires={self.expires})"


@dataclass(frozen=True)
class Place:
    """All ids are snowflakes."""

    channel: int
    user: int  #: who asked
    guild: int | None = None
    reply: Reply | None = None  #: None: asked by an ordinary message
    request: int | None = None  #: the message the result answers
    status: int | None = None  #: our own message that shows progress
    ephemeral: bool = False
    reachable: bool = True  #: the bot itself may post there; False where only its user has installed it
    limit: int | None = None  #: bytes of one file in an answer to the interaction
    room: int | None = None  #: bytes of one file in the server

    @property
    def asked_by_message(self) -> bool:
        """``request`` is the person's own message: a reply to it tells them."""
        return self.reply is None

    @property
    def asked_at(self) -> float:
        """Unix time of the interaction, or of the person's message."""
        if self.reply is not None:
            return self.reply.expires - TOKEN_LIFE
        return discord.utils.snowflake_time(self.request or 0).timestamp()

    def live(self, now: datetime) -> Reply | None:
        """The interaction's reply while its token still serves."""
        return self.reply if self.reply is not None and now.timestamp() < self.reply.expires else None

    def address(self) -> Address:
        return Address(NAME, self._data())

    def _data(self) -> dict[str, Any]:
        reply = self.reply
        return {
            "channel": self.channel,
            "guild": self.guild,
            "user": self.user,
            "interaction": reply and {"token": reply.token, "application": reply.application, "expires": reply.expires},
            "request": self.request,
            "status": self.status,
            "ephemeral": self.ephemeral,
            "reachable": self.reachable,
            "limit": self.limit,
            "room": self.room,
        }


def place_of(address: Address) -> Place:
    """Read what :meth:`Place.address` wrote."""
    data = address.data
    interaction = data["interaction"]
    return Place(
        channel=data["channel"],
        user=data["user"],
        guild=data["guild"],
        reply=None
        if interaction is None
        else Reply(interaction["token"], interaction["application"], interaction["expires"]),
        request=data["request"],
        status=data["status"],
        ephemeral=data["ephemeral"],
        reachable=data["reachable"],
        limit=data["limit"],
        room=data.get("room"),  # requests of an earlier version have none
    )


def place_of_interaction(
    interaction: discord.Interaction, *, request: int | None = None, ephemeral: bool = False
) -> Place:
    """Where an answer to this interaction goes."""
    assert interaction.channel_id is not None  # every kind we register is used in a channel
    return Place(
        channel=interaction.channel_id,
        user=interaction.user.id,
        guild=interaction.guild_id,
        reply=Reply(
            token=interaction.token,
            application=interaction.application_id,
            expires=interaction.created_at.timestamp() + TOKEN_LIFE,
        ),
        request=request,
        ephemeral=ephemeral,
        reachable=_reachable(interaction),
        limit=interaction.filesize_limit,
        room=interaction.guild.filesize_limit if interaction.guild is not None else None,
    )


def _reachable(interaction: discord.Interaction) -> bool:
    """Whether the bot is a member here. In a server or a chat between people it may be there for one user only."""
    if interaction.guild_id is not None:
        return interaction.is_guild_integration()
    return bool(interaction.context.dm_channel)


def place_of_message(message: discord.Message) -> Place:
    return Place(
        channel=message.channel.id,
        user=message.author.id,
        guild=_guild_of(message),
        request=message.id,
        room=message.guild.filesize_limit if message.guild is not None else None,
    )


def is_private(message: discord.Message) -> bool:
    """A chat of one person with the bot. That no server is known does not say so: it may be away just now."""
    return isinstance(message.channel, discord.DMChannel)


def _guild_of(message: discord.Message) -> int | None:
    if message.guild is not None:
        return message.guild.id
    return message.channel.guild_id if isinstance(message.channel, discord.PartialMessageable) else None


def who(user: discord.abc.User, place: Place, locale: str) -> Who:
    """The payer. The chat is the server, where there is one: threads would be a way around a channel's limit."""
    return Who(
        account=account(user.id),
        chat=f"{NAME}:{place.guild or place.channel}",
        locale=locale,
        name=user.display_name[:80],
    )


def account(user_id: int) -> str:
    return f"{NAME}:{user_id}"


def key(channel: int, message: int) -> str:
    """Names a message in :class:`core.types.PostedMessage`."""
    return f"{channel}:{message}"


def read_key(text: str) -> tuple[int, int]:
    """The channel and message of a key."""
    channel, _, message = text.partition(":")
    return int(channel), int(message)
