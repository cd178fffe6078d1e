"""What every handler of this front holds: the core, the words, and what this process remembers."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Protocol, cast

import discord

from bots.discord.acks import Acks
from bots.discord.recent import Recent
from bots.texts import Style
from bots.words import Words
from core.admin import Admin
from core.client import Client
from core.errors import ImagineError
from core.types import FrontFile


class Hands:
    """Counts the handlers at work, so that a stop can wait for them."""

    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        self._count += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._idle.set()

    async def idle(self, within: float) -> bool:
        """Wait until nothing is at work, ``within`` seconds at most."""
        try:
            async with asyncio.timeout(within):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True


class Desk:
    """One per front; outlives the connections to Discord."""

    def __init__(self, client: Client, words: Words, admin: Admin | None = None) -> None:
        self.client, self.words, self.admin = client, words, admin
        self.acks = Acks()
        self.hands = Hands()
        self.reads_messages = False  #: the message-content intent is on
        self.command_ids: dict[str, int] = {}  #: as registered: lets texts link to a command
        #: The pictures of a message for which a form is open, by the form's id.
        self.chosen: Recent[str, list[FrontFile]] = Recent(2_000)
        self._languages: Recent[int, str] = Recent(10_000)

    # -- languages --------------------------------------------------------------------------------------------------

    def language(self, interaction: discord.Interaction) -> str:
        """The language of the person's own app; remembered, for messages do not tell it."""
        language = self.words.pick(str(interaction.locale))
        self._languages.put(interaction.user.id, language)
        return language

    def language_of_author(self, message: discord.Message) -> str:
        """What the person's app was set to when it last told, else the server's language, else the default."""
        known = self._languages.get(message.author.id)
        if known is not None:
            return known
        return self.words.pick(str(message.guild.preferred_locale)) if message.guild else self.words.default

    # -- sentences --------------------------------------------------------------------------------------------------

    @property
    def style(self) -> Style:
        return Style(quote=quote, when=when, bold=bold, command=self._command)

    def _command(self, name: str) -> str:
        known = self.command_ids.get(name)
        return f"</{name}:{known}>" if known else f"/{name}"

    def sentence(self, locale: str, error: ImagineError) -> str:
        return self.words.error(locale, error, when=when, quote=quote)


def quote(text: str) -> str:
    """A person's words as they are: no formatting, no mention of anybody."""
    return discord.utils.escape_mentions(discord.utils.escape_markdown(text))


def when(unix_time: float) -> str:
    """Discord writes it in the reader's language and zone: "in 3 hours"."""
    return f"<t:{int(unix_time)}:R>"


def bold(text: str) -> str:
    return f"**{text}**"


class HasDesk(Protocol):
    desk: Desk


def desk_of(interaction: discord.Interaction) -> Desk:
    """The desk of the bot that got this interaction."""
    return cast(HasDesk, interaction.client).desk
