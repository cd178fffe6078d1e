"""The Discord stand-in as one object: the world, its servers, and what people and tests can do with them."""

import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.chat import Feed, Person, Post, Upload
from sandbox.discord import permissions
from sandbox.discord.cdn import URL_SECONDS, Cdn
from sandbox.discord.commands import Commands, Value
from sandbox.discord.door import Call, Door
from sandbox.discord.faults import Fault, Faults, Mode
from sandbox.discord.gateway import Gateway, GatewaySettings
from sandbox.discord.ids import fake_token
from sandbox.discord.interactions import Interactions
from sandbox.discord.limits import Limiter
from sandbox.discord.messenger import Messenger
from sandbox.discord.modals import Given
from sandbox.discord.payloads import Payloads
from sandbox.discord.people import People
from sandbox.discord.rest_channels import ChannelRoutes
from sandbox.discord.rest_identity import CommandRoutes, IdentityRoutes
from sandbox.discord.rest_interactions import InteractionRoutes
from sandbox.discord.showing import Showing
from sandbox.discord.world import PUBLIC_THREAD, TEXT, Channel, Guild, Message, Role, World
from sandbox.serving import serve

APPLICATION_ID = "1180000000000004096"
GUILD_ID = "1180000000008192000"
PEOPLE = (
    Person("ana", "1170000000000000001", "Ana", "en-US"),
    Person("ben", "1170000000000000002", "Ben", "en-US"),
    Person("chen", "1170000000000000003", "Chen", "zh-CN"),
    Person("dora", "1170000000000000004", "Dora", "en-US"),
)


class DiscordSandbox:
    """One guild with a channel ``general`` and a thread ``thread`` in it, direct messages ``dm:<person>``, four people.

    ``clock`` (seconds since 1970) rules ids, the life of tokens, nonces and file addresses. The three seconds for
    an answer and rate limits run on real time; see :attr:`interactions` and :attr:`limits` for their settings.
    """

    def __init__(
        self,
        *,
        token: str | None = None,
        message_content_allowed: bool = True,
        members_allowed: bool = True,
        presences_allowed: bool = False,
        shards: int = 1,
        identify_seconds: float = 0.0,
        bot_name: str = "Imagine",
        url_seconds: float = URL_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.token = token or fake_token(APPLICATION_ID)
        self.application_id = APPLICATION_ID
        self.feed = Feed()
        self.base_url = ""
        self.world = World(application_id=APPLICATION_ID, clock=clock, bot_name=bot_name)
        self.people: dict[str, Person] = self.world.people
        self.people |= {person.key: person for person in PEOPLE}
        self._faults = Faults()
        self.cdn = Cdn(self.world, self._faults, url_seconds=url_seconds)
        payloads = Payloads(self.world, self.cdn)
        settings = GatewaySettings(
            self.token,
            message_content_allowed=message_content_allowed,
            members_allowed=members_allowed,
            presences_allowed=presences_allowed,
            shards=shards,
            identify_seconds=identify_seconds,
        )
        self.gateway = Gateway(self.world, payloads, settings)
        showing = Showing(self.world, self.cdn, self.feed)
        self.messenger = Messenger(self.world, self.gateway, showing)
        self.interactions = Interactions(self.world, payloads, self.gateway, showing, self.messenger)
        self.commands = Commands(self.world)
        self.limits = Limiter()
        self._payloads = payloads
        self._people = People(
            self.world, payloads, self.messenger, showing, commands=self.commands, interactions=self.interactions
        )
        self.door = Door(token=self.token, limiter=self.limits, faults=self._faults)
        IdentityRoutes(self.world, payloads, self.gateway, self.door)
        CommandRoutes(self.world, self.commands, self.door)
        ChannelRoutes(self.world, payloads, self.messenger, self.gateway, self.door)
        InteractionRoutes(self.world, payloads, self.messenger, self.interactions, self.door)
        routes = [*self.cdn.routes(), *self.gateway.routes(), *self.door.routes("/api/v10")]
        self.app: ASGIApp = _with_transport(Starlette(routes=routes))
        self.add_guild("guild", "Picture Club", guild_id=GUILD_ID)
        self.add_channel("general")
        self.add_thread("thread")

    @property
    def api_url(self) -> str:
        """What ``discord.http.Route.BASE`` is set to."""
        return self.base_url + "/api/v10"

    @property
    def gateway_url(self) -> str:
        """What ``discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY`` is set to."""
        return self.gateway.address

    @property
    def calls(self) -> list[Call]:
        """Every API request so far, in the order of arrival."""
        return self.door.calls

    @property
    def pings(self) -> list[tuple[str, set[str]]]:
        """Whom each message of the bot pinged when it appeared: people's keys, ``role:<id>``, ``everyone``."""
        return self.messenger.pings

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator["DiscordSandbox"]:
        """Serve API, gateway and CDN on one loopback port (0: any free one)."""
        async with serve(self.app, port=port) as base_url:
            self.base_url = self.cdn.base_url = base_url
            self.gateway.address = base_url.replace("http://", "ws://") + "/gateway"
            try:
                yield self
            finally:
                self.interactions.close()
                self.gateway.stop()

    # What people do ----------------------------------------------------------------------------------------

    async def say(
        self,
        who: str,
        channel: str,
        text: str = "",
        *,
        files: Sequence[Upload] = (),
        reply_to: str | None = None,
        ping: bool = True,
    ) -> Post:
        """A message; ``@bot`` and ``@ana`` in it become mentions, ``ping`` False answers without a mention."""
        return await self._people.say(who, channel, text, files=files, reply_to=reply_to, ping=ping)

    async def command(self, who: str, channel: str, name: str, options: Mapping[str, Value] | None = None) -> str:
        """Use a slash command (``"admin limit"`` for a subcommand); returns the interaction's id.

        Raises ``KeyError`` when it is not registered for that place, ``ValueError`` for unfit options.
        """
        return await self._people.command(who, channel, name, options or {})

    async def context_menu(self, who: str, channel: str, name: str, post_id: str) -> str:
        """Right-click a message → Apps → ``name``; returns the interaction's id. Raises ``KeyError``."""
        return await self._people.context_menu(who, channel, name, post_id)

    async def user_menu(self, who: str, channel: str, name: str, whom: str) -> str:
        """Right-click a person → Apps → ``name``; returns the interaction's id. Raises ``KeyError``."""
        return await self._people.user_menu(who, channel, name, whom)

    async def autocomplete(
        self,
        who: str,
        channel: str,
        command: str,
        option: str,
        text: str,
        *,
        options: Mapping[str, Value] | None = None,
    ) -> list[tuple[str, Any]]:
        """What is offered while ``text`` is typed into an option: (name, value) pairs, none when the bot is late."""
        return await self._people.autocomplete(who, channel, command, option, text=text, options=options or {})

    async def press(self, who: str, channel: str, post_id: str, button_id: str) -> str:
        """Press a button; returns the interaction's id. Raises ``KeyError``, or ``ValueError`` when it is disabled."""
        return await self._people.press(who, channel, post_id, button_id)

    async def choose(self, who: str, channel: str, post_id: str, select_id: str, values: Sequence[str]) -> str:
        """Choose in a select on a message; returns the interaction's id."""
        return await self._people.press(who, channel, post_id, select_id, values)

    async def submit(self, who: str, modal_id: str, values: Mapping[str, Given]) -> str:
        """Send off a form by its :class:`~sandbox.chat.Modal` id; fields left out keep what the bot filled in."""
        return await self._people.submit(who, modal_id, values)

    async def delete(self, who: str, channel: str, post_id: str) -> None:
        """Delete one's own message; ana, who owns the guild, may delete any. An ephemeral one is dismissed."""
        await self._people.delete(who, channel, post_id)

    # The world ---------------------------------------------------------------------------------------------

    def add_guild(
        self,
        key: str,
        name: str = "",
        *,
        guild_id: str | None = None,
        locale: str = "en-US",
        tier: int = 0,
        bot_member: bool = True,
    ) -> Guild:
        """A guild without channels. ``bot_member`` False: people bring the application along themselves."""
        guild = Guild(key, guild_id or self.world.new_id(), name or key, locale, tier, bot_member)
        guild.roles[guild.id] = Role(guild.id, "@everyone", permissions.EVERYONE)
        guild.bot_role = self.world.new_id()
        granted = permissions.EVERYONE | permissions.bits("mention_everyone")
        guild.roles[guild.bot_role] = Role(guild.bot_role, self.world.bot.name, granted, managed=True)
        self.world.guilds[key] = guild
        self.gateway.guild_event("GUILD_CREATE", guild, self._payloads.guild_create(guild, members=False))
        return guild

    def add_channel(self, key: str, *, guild: str = "guild", name: str | None = None) -> Channel:
        place = self.world.guilds[guild]
        channel = Channel(key, self.world.new_id(), TEXT, name or key, place)
        self.world.channels[key] = channel
        self.gateway.guild_event("CHANNEL_CREATE", place, self._payloads.channel(channel))
        return channel

    def add_thread(self, key: str, *, parent: str = "general", name: str | None = None) -> Channel:
        place = self.world.channels[parent]
        assert place.guild is not None
        thread = Channel(key, self.world.new_id(), PUBLIC_THREAD, name or key, place.guild, place)
        self.world.channels[key] = thread
        self.gateway.guild_event("THREAD_CREATE", place.guild, self._payloads.channel(thread))
        return thread

    def remove_channel(self, key: str) -> None:
        """Delete a channel or thread: requests for it become Unknown Channel."""
        channel = self.world.channels.pop(key)
        if channel.guild is not None:
            event = "THREAD_DELETE" if channel.kind == PUBLIC_THREAD else "CHANNEL_DELETE"
            self.gateway.guild_event(event, channel.guild, self._payloads.channel(channel))

    def archive(self, key: str, *, locked: bool = True) -> None:
        """Archive a thread. A new message revives it unless it is locked, then sending is refused with 50083."""
        thread = self.world.channels[key]
        thread.archived, thread.locked = True, locked
        self._tell_channel(thread, "THREAD_UPDATE")

    def deny(self, channel: str, *names: str) -> None:
        """Take permissions (:data:`~sandbox.discord.permissions.BITS`) from the bot in a channel."""
        self._overwrite(channel, deny=permissions.bits(*names), allow=0)

    def allow(self, channel: str, *names: str) -> None:
        """Grant the bot permissions in a channel, also ones it does not have by itself."""
        self._overwrite(channel, deny=0, allow=permissions.bits(*names))

    def _overwrite(self, key: str, *, deny: int, allow: int) -> None:
        channel = self.world.channels[key]
        channel = channel.parent or channel
        assert channel.guild is not None
        allowed, denied = channel.overwrites.get(channel.guild.bot_role, (0, 0))
        channel.overwrites[channel.guild.bot_role] = (allowed & ~deny | allow, denied & ~allow | deny)
        self._tell_channel(channel, "CHANNEL_UPDATE")

    def _tell_channel(self, channel: Channel, event: str) -> None:
        assert channel.guild is not None
        self.gateway.guild_event(event, channel.guild, self._payloads.channel(channel))

    def close_dms(self, who: str, *, closed: bool = True) -> None:
        """Whether a person takes direct messages from the bot."""
        (self.world.closed_dms.add if closed else self.world.closed_dms.discard)(self.people[who].key)

    def message(self, channel: str, post_id: str) -> Message:
        """All that is known of a message, for tests. Raises ``KeyError``."""
        found = self.world.messages[post_id]
        if found.channel is not self.world.channels[channel]:
            raise KeyError(post_id)
        return found

    # Trouble -----------------------------------------------------------------------------------------------

    def fail_next(
        self,
        method: str,
        path_regex: str,
        *,
        status: int = 500,
        code: int = 0,
        message: str = "",
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        mode: Mode = "answer",
        seconds: float = 0.0,
    ) -> None:
        """Spoil the next ``times`` requests whose path (``/api/v10/…``, ``/attachments/…``) matches.

        ``method`` ``"*"`` is any. A 429 takes its ``Retry-After`` (seconds) and ``X-RateLimit-Global`` from
        ``headers``.
        """
        pattern = re.compile(path_regex)
        self._faults.add(Fault(method, pattern, mode, status, code, message, dict(headers or {}), times, seconds))

    async def drop_gateway(self, code: int | None = None, *, resume: bool = True) -> None:
        """End the gateway connections: without a close frame (1006) or with a code.

        ``resume`` False forgets the sessions, so that a RESUME is answered with INVALID_SESSION.
        """
        self.gateway.drop(code, resume=resume)

    async def redeliver(self, event: str | None = None) -> int:
        """Send the last gateway event (of a kind, ``"INTERACTION_CREATE"``) again; returns to how many sessions."""
        return self.gateway.redeliver(event)


def _with_transport(app: ASGIApp) -> ASGIApp:
    """Put the socket's transport into the scope: only so can a stand-in cut a connection as a bad network does.

    uvicorn's ``send`` is a method of the object that holds the transport; other servers simply have none to cut.
    """

    async def outermost(scope: Scope, receive: Receive, send: Send) -> None:
        scope["sandbox.transport"] = getattr(getattr(send, "__self__", None), "transport", None)
        await app(scope, receive, send)

    return outermost
