"""What the stand-in knows: the guilds, channels, roles, people, files and messages, and how to find them."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.chat import Person
from sandbox.discord import errors
from sandbox.discord.ids import Snowflakes

TEXT, DM, PUBLIC_THREAD = 0, 1, 11  # channel types (Discord "Channel Types")
MIB = 1024 * 1024
#: Bytes a bot may upload per file by the guild's boost tier (discord.py guild.py: 10, 10, 50, 100 MiB).
FILE_LIMITS = (10 * MIB, 10 * MIB, 50 * MIB, 100 * MIB)
#: Bytes of a whole request (Discord "Create Message"): more than this is refused before it is read.
REQUEST_LIMIT = 25 * MIB

# Message flags (Discord "Message Flags").
SUPPRESS_EMBEDS, EPHEMERAL, LOADING, SUPPRESS_NOTIFICATIONS, COMPONENTS_V2 = 1 << 2, 1 << 6, 1 << 7, 1 << 12, 1 << 15


@dataclass
class Role:
    id: str
    name: str
    permissions: int
    managed: bool = False


@dataclass
class Guild:
    key: str
    id: str
    name: str
    locale: str
    tier: int
    bot_member: bool  #: False: the application is only installed by its users here
    roles: dict[str, Role] = field(default_factory=dict)
    bot_role: str = ""


@dataclass
class Channel:
    key: str
    id: str
    kind: int
    name: str
    guild: Guild | None = None
    parent: "Channel | None" = None
    recipient: Person | None = None
    overwrites: dict[str, tuple[int, int]] = field(default_factory=dict)  #: role id: (allowed, denied)
    archived: bool = False
    locked: bool = False

    @property
    def file_limit(self) -> int:
        return FILE_LIMITS[self.guild.tier if self.guild else 0]


@dataclass
class File:
    """Bytes on the CDN."""

    id: str
    folder: str  #: "attachments/<channel id>" or "ephemeral-attachments/<application id>"
    filename: str
    mime: str
    data: bytes
    width: int = 0
    height: int = 0
    description: str | None = None
    spoiler: bool = False


@dataclass
class Message:
    id: str
    channel: Channel
    author: Person
    created: float
    kind: int = 0
    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    flags: int = 0
    tts: bool = False
    mentions: list[Person] = field(default_factory=list)
    mention_roles: list[str] = field(default_factory=list)
    mention_everyone: bool = False
    replied_user: bool = False  #: the reply pings the author of the message it answers
    named_bot: bool = False  #: the bot is mentioned in the text itself
    reply_to: str | None = None
    reply_channel: str | None = None
    nonce: str | int | None = None
    edited: float | None = None
    deleted: bool = False
    interaction: "Interaction | None" = None
    only_for: Person | None = None

    @property
    def v2(self) -> bool:
        return bool(self.flags & COMPONENTS_V2)

    @property
    def loading(self) -> bool:
        return bool(self.flags & LOADING)


@dataclass
class Interaction:
    """One use of a command, button or form, from the click to the end of its token."""

    id: str
    token: str
    kind: int  #: 2 command, 3 component, 4 autocomplete, 5 modal
    person: Person
    channel: Channel
    created: float
    data: dict[str, Any]
    name: str = ""  #: the full name of the command, such as "admin limit"
    command_kind: int = 0  #: 1 slash, 2 on a user, 3 on a message
    source: Message | None = None  #: the message whose button was pressed
    answered: bool = False
    too_late: bool = False  #: nothing came within the three seconds
    response: Message | None = None
    follow_ups: list[Message] = field(default_factory=list)
    choices: asyncio.Future[list[tuple[str, Any]] | None] | None = None


class World:
    """Everything by id and by key. Look-ups for the bot raise Discord's errors, those for people ``KeyError``."""

    def __init__(self, *, application_id: str, clock: Callable[[], float], bot_name: str) -> None:
        self.clock = clock
        self.new_id = Snowflakes(clock)
        self.bot = Person("bot", application_id, bot_name)
        self.people: dict[str, Person] = {}
        self.guilds: dict[str, Guild] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, Message] = {}
        self.files: dict[str, File] = {}
        self.closed_dms: set[str] = set()  #: keys of people who take no messages from the bot

    @property
    def application_id(self) -> str:
        return self.bot.id

    def person(self, key: str) -> Person:
        return self.people[key]

    def user(self, user_id: str) -> Person:
        """A person or the bot by id. Raises Unknown User."""
        for person in (self.bot, *self.people.values()):
            if person.id == user_id:
                return person
        raise errors.UNKNOWN_USER()

    def guild(self, guild_id: str) -> Guild:
        for guild in self.guilds.values():
            if guild.id == guild_id:
                if not guild.bot_member:
                    raise errors.MISSING_ACCESS()
                return guild
        raise errors.UNKNOWN_GUILD()

    def channel(self, channel_id: str) -> Channel:
        for channel in self.channels.values():
            if channel.id == channel_id:
                return channel
        raise errors.UNKNOWN_CHANNEL()

    def guild_channels(self, guild: Guild, *, threads: bool) -> Iterable[Channel]:
        for channel in self.channels.values():
            if channel.guild is guild and (channel.kind == PUBLIC_THREAD) == threads:
                yield channel

    def message(self, channel: Channel, message_id: str) -> Message:
        """A message that stands in the channel for everybody. Raises Unknown Message."""
        found = self.messages.get(message_id)
        if found is None or found.channel is not channel or found.deleted or found.only_for:
            raise errors.UNKNOWN_MESSAGE()
        return found

    def history(self, channel: Channel) -> list[Message]:
        """The channel's messages, oldest first."""
        return [m for m in self.messages.values() if m.channel is channel and not m.deleted and not m.only_for]

    def seen(self, who: str, channel: str, post_id: str) -> Message:
        """A message as one person sees it. Raises ``KeyError`` when it is gone, elsewhere or for somebody else."""
        found = self.messages[post_id]
        hidden = found.only_for is not None and found.only_for.key != who
        if found.channel is not self.channels[channel] or found.deleted or hidden:
            raise KeyError(post_id)
        return found

    def dm(self, person: Person) -> Channel:
        """The one direct-message channel with a person, made on first use."""
        key = f"dm:{person.key}"
        if key not in self.channels:
            self.channels[key] = Channel(key, self.new_id(), DM, person.name, recipient=person)
        return self.channels[key]

    def referenced(self, message: Message) -> Message | None:
        found = self.messages.get(message.reply_to or "")
        return None if found is None or found.deleted else found
