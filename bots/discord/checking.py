"""For ``imagine doctor``: the token, the application and its intent, and what the bot may do in each server."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Literal

import discord

from bots.discord.bot import speak_to
from bots.discord.errors import FAILURES, INTENT_FIX, raise_for_token, translated
from bots.discord.files import DEFAULT_API
from core.errors import ChatBusy, SettingsError

#: What the bot needs in a channel, by the names of Discord's own settings.
NEEDED = {
    "View Channels": discord.Permissions(view_channel=True),
    "Send Messages": discord.Permissions(send_messages=True),
    "Send Messages in Threads": discord.Permissions(send_messages_in_threads=True),
    "Attach Files": discord.Permissions(attach_files=True),
    "Read Message History": discord.Permissions(read_message_history=True),
}
#: Servers an answer holds at most (resources/user, "Get Current User Guilds").
PAGE = 200
#: Servers with something missing that fit into a line.
NAMED = 5


class Probe:
    """A login without a connection to the gateway."""

    def __init__(self, client: discord.Client, application: discord.AppInfo) -> None:
        self._client, self._application = client, application

    def bot(self) -> str:
        """Who the bot is."""
        return f"{self._client.user} answers"

    async def application(self) -> str:
        """Who can add the bot. Raises SettingsError where nobody can."""
        if self._application.bot_require_code_grant:
            fix = "switch it off in the Developer Portal, under Bot: it keeps people from adding the bot"
            raise SettingsError("Requires OAuth2 Code Grant", fix)
        return "anybody may add it" if self._application.bot_public else "only its owner may add it to servers"

    async def intent(self, wanted: Literal["auto", "on", "off"]) -> str:
        """Whether the bot may read messages; ``wanted`` is DISCORD_MESSAGE_CONTENT. Raises SettingsError."""
        flags = self._application.flags
        if flags.gateway_message_content or flags.gateway_message_content_limited:
            return "message content is on" if wanted != "off" else "message content is on, but not asked for"
        if wanted == "on":
            raise SettingsError("DISCORD_MESSAGE_CONTENT", INTENT_FIX)
        return "message content is off: the bot cannot see other people's pictures in replies that mention it"

    async def permissions(self) -> str:
        """Whether the bot's roles let it work in every server it is in; a channel may still take away what they grant.

        Raises SettingsError naming servers and what is missing there, ChatBusy.
        """
        servers = await self._servers()
        if not servers:
            return f"in no server yet; add it at {self._invitation()}"
        lacking = [f"{name!r} lacks {', '.join(missing)}" for name, missing in servers if missing]
        if lacking:
            more = f", and {len(lacking) - NAMED} more servers" if len(lacking) > NAMED else ""
            raise SettingsError("the bot's role", f"in {'; in '.join(lacking[:NAMED])}{more}")
        return f"all that it needs in {len(servers)} {'server' if len(servers) == 1 else 'servers'}"

    async def _servers(self) -> list[tuple[str, tuple[str, ...]]]:
        """Name and missing permissions of every server."""
        found: list[tuple[str, tuple[str, ...]]] = []
        last: int | None = None
        with _reachable():
            while True:
                # The library's own objects leave out the permissions that come with this answer.
                page = await self._client.http.get_guilds(PAGE, after=last, with_counts=False)
                found.extend((each["name"], _missing(int(each["permissions"]))) for each in page)
                if len(page) < PAGE:
                    return found
                last = int(page[-1]["id"])

    def _invitation(self) -> str:
        wanted = discord.Permissions(sum(permission.value for permission in NEEDED.values()))
        return discord.utils.oauth_url(
            self._application.id, permissions=wanted, scopes=("bot", "applications.commands")
        )


@contextlib.asynccontextmanager
async def logged_in(token: str, *, api_url: str = DEFAULT_API) -> AsyncIterator[Probe]:
    """Raises SettingsError for a token that is refused, ChatBusy when Discord cannot be reached."""
    if api_url != DEFAULT_API:
        speak_to(api_url)
    client = discord.Client(intents=discord.Intents.none())
    async with client:
        with _reachable():
            await client.login(token)
        assert client.application is not None  # set by the login
        yield Probe(client, client.application)


def _missing(granted: int) -> tuple[str, ...]:
    has = discord.Permissions(granted)
    return () if has.administrator else tuple(name for name, needed in NEEDED.items() if not needed <= has)


@contextlib.contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except FAILURES as error:
        raise_for_token(error)
        verdict = translated(error)
        reason = error.strerror if isinstance(error, OSError) and error.strerror else verdict.reason
        raise ChatBusy(0.0, reason) from None
