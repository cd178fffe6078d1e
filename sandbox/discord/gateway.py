"""The gateway: one WebSocket per shard, over which the bot hears what happens.

Sources: Discord "Gateway", "Gateway Events", "Opcodes and Status Codes" (opcodes, close codes), "Sharding".
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.discord import intents
from sandbox.discord.payloads import Payloads
from sandbox.discord.permissions import bot_may
from sandbox.discord.sessions import (
    HEARTBEAT,
    HEARTBEAT_ACK,
    HELLO,
    IDENTIFY,
    INVALID_SESSION,
    PRESENCE,
    RECONNECT,
    REQUEST_MEMBERS,
    RESUME,
    VOICE,
    Connection,
    Session,
    squeezer,
)
from sandbox.discord.world import Channel, Guild, Message, World

Json = dict[str, Any]

# Close codes.
UNKNOWN_OPCODE, DECODE_ERROR, NOT_AUTHENTICATED, AUTHENTICATION_FAILED, ALREADY_AUTHENTICATED = range(4001, 4006)
INVALID_SEQUENCE, RATE_LIMITED, INVALID_SHARD = 4007, 4008, 4010
INVALID_VERSION, INVALID_INTENTS, DISALLOWED_INTENTS = 4012, 4013, 4014
#: Closed by the client with one of these, a session is over at once (Discord "Gateway", disconnecting).
ENDING = (1000, 1001)
#: Bytes a client's message may have; more closes with 4002.
PAYLOAD_LIMIT = 4096
#: A connection's messages per 60 seconds; more closes with 4008.
SENDS, SENDS_SECONDS = 120, 60.0
#: Seconds after a drop in which a session can be resumed. Discord names no number; a few minutes is what it gives.
RESUME_SECONDS = 180.0


class _Close(Exception):
    """The client broke a rule: the connection ends with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class GatewaySettings:
    """What the developer portal decides, and a pace."""

    token: str
    message_content_allowed: bool = True
    members_allowed: bool = True
    presences_allowed: bool = False
    shards: int = 1  #: what /gateway/bot recommends
    heartbeat_ms: int = 41_250
    max_concurrency: int = 1  #: IDENTIFYs within :attr:`identify_seconds` (Discord "Sharding", max concurrency)
    #: Discord's own is 5.0: with it every start soon after another one takes that long. 0.0: as many as you like.
    identify_seconds: float = 0.0

    @property
    def disallowed(self) -> int:
        return (
            (0 if self.message_content_allowed else intents.MESSAGE_CONTENT)
            | (0 if self.members_allowed else intents.GUILD_MEMBERS)
            | (0 if self.presences_allowed else intents.GUILD_PRESENCES)
        )


class Gateway:
    """Sessions and what each is told. Dispatching never waits."""

    def __init__(self, world: World, payloads: Payloads, settings: GatewaySettings) -> None:
        self.settings = settings
        self.address = ""  #: ws:// address, set while the stand-in runs
        self.identified = 0  #: IDENTIFYs taken, of the thousand a day
        self.turned_away = 0  #: IDENTIFYs that came too soon after another one
        self._identified_at: dict[int, float] = {}  # by remainder of the shard's number
        self._world = world
        self._payloads = payloads
        self._sessions: dict[str, Session] = {}
        self._connections: set[Connection] = set()
        self._changed = asyncio.Condition()

    def routes(self) -> list[WebSocketRoute]:
        return [WebSocketRoute(path, self._serve) for path in ("/gateway", "/gateway/")]

    # What the rest of the stand-in tells the bot -----------------------------------------------------------

    def sessions(self, guild: Guild | None) -> Iterator[Session]:
        """The sessions, connected or still resumable, of the shard that owns a guild; without one, of shard 0."""
        now = time.monotonic()
        for session in list(self._sessions.values()):
            if session.connection is None and now - session.left_at > RESUME_SECONDS:
                del self._sessions[session.id]
                continue
            number, count = session.shard
            if number == (int(guild.id) >> 22) % count if guild else number == 0:
                yield session

    def message(self, event: str, message: Message) -> None:
        """MESSAGE_CREATE or MESSAGE_UPDATE to whoever may see it, emptied for those without the content intent."""
        for session in self._hearing(message):
            body = self._message(session, message)
            session.dispatch(event, body)

    def message_gone(self, message: Message) -> None:
        guild = {"guild_id": message.channel.guild.id} if message.channel.guild else {}
        for session in self._hearing(message):
            session.dispatch("MESSAGE_DELETE", {"id": message.id, "channel_id": message.channel.id, **guild})

    def guild_event(self, event: str, guild: Guild, data: Json) -> None:
        """An event under the GUILDS intent, such as THREAD_CREATE."""
        if guild.bot_member:
            for session in self.sessions(guild):
                if session.intents & intents.GUILDS:
                    session.dispatch(event, data)

    def interaction(self, guild: Guild | None, data: Json) -> int:
        """INTERACTION_CREATE, which needs no intent; returns how many sessions it went to."""
        reached = list(self.sessions(guild if guild and guild.bot_member else None))
        for session in reached:
            session.dispatch("INTERACTION_CREATE", data)
        return len(reached)

    def _hearing(self, message: Message) -> Iterator[Session]:
        channel: Channel = message.channel
        if channel.guild and (not channel.guild.bot_member or not bot_may(self._world, channel, "view_channel")):
            return
        for session in self.sessions(channel.guild):
            if session.intents & intents.intent_for(message):
                yield session

    def _message(self, session: Session, message: Message) -> Json:
        everything = bool(session.intents & intents.MESSAGE_CONTENT)
        quoted = self._world.referenced(message)
        body = self._payloads.message(
            message,
            content=everything or intents.content_for_everyone(self._world, message),
            quoted_content=everything or (quoted is not None and intents.content_for_everyone(self._world, quoted)),
        )
        guild = message.channel.guild
        body["channel_type"] = message.channel.kind
        if guild is not None:
            body |= {"guild_id": guild.id, "member": self._payloads.member(guild, message.author)}
        return body

    # Steering from tests and the demo -----------------------------------------------------------------------

    @property
    def connected(self) -> list[Session]:
        return [session for session in self._sessions.values() if session.connection is not None]

    async def wait_connected(self, count: int = 1, *, timeout: float = 20.0) -> None:
        """Wait until that many sessions are connected. Raises ``TimeoutError``."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: len(self.connected) >= count)

    def drop(self, code: int | None, *, resume: bool) -> None:
        """End every connection, without a close frame when ``code`` is None; ``resume`` False forgets the sessions."""
        for session in self.connected:
            connection = session.connection
            self._leave(session)
            if not resume:
                del self._sessions[session.id]
            if connection is not None:
                connection.cut() if code is None else connection.close(code)

    def stop(self) -> None:
        """Cut every connection: the stand-in goes away."""
        for connection in self._connections:
            connection.cut()

    def ask_reconnect(self) -> None:
        """RECONNECT to every connection, as before maintenance."""
        for session in self.connected:
            assert session.connection is not None
            session.connection.send({"op": RECONNECT, "d": None})

    def redeliver(self, event: str | None) -> int:
        """Dispatch the last event of a kind once more; returns how many sessions got it."""
        count = 0
        for session in self._sessions.values():
            last = session.last(event)
            if last is not None:
                session.dispatch(last["t"], last["d"])
                count += 1
        return count

    # One connection ---------------------------------------------------------------------------------------

    async def _serve(self, socket: WebSocket) -> None:
        await socket.accept()
        asked = socket.query_params
        try:
            compress = squeezer(asked.get("compress"))
        except ValueError:
            await socket.close(DECODE_ERROR)
            return
        if asked.get("v") != "10" or asked.get("encoding", "json") != "json":
            await socket.close(INVALID_VERSION)
            return
        connection = Connection(socket, compress)
        writer = asyncio.create_task(connection.write())
        self._connections.add(connection)
        connection.send({"op": HELLO, "d": {"heartbeat_interval": self.settings.heartbeat_ms}})
        session: Session | None = None
        sent: list[float] = []
        try:
            while True:
                message = await _receive(socket)
                sent = [at for at in sent if at > time.monotonic() - SENDS_SECONDS] + [time.monotonic()]
                if len(sent) > SENDS:
                    raise _Close(RATE_LIMITED)
                session = await self._handle(connection, session, message)
        except _Close as closing:
            connection.close(closing.code)
            with contextlib.suppress(WebSocketDisconnect):
                while True:
                    await socket.receive_text()
        except WebSocketDisconnect as gone:
            if gone.code in ENDING and session is not None:
                self._sessions.pop(session.id, None)
        except RuntimeError:  # starlette, when our own close got in first
            pass
        finally:
            writer.cancel()
            self._connections.discard(connection)
            if session is not None and session.connection is connection:
                self._leave(session)

    def _leave(self, session: Session) -> None:
        session.connection = None
        session.left_at = time.monotonic()

    async def _handle(self, connection: Connection, session: Session | None, message: Json) -> Session | None:
        op, data = message.get("op"), message.get("d")
        if op == HEARTBEAT:
            connection.send({"op": HEARTBEAT_ACK})
        elif op in (IDENTIFY, RESUME):
            if session is not None:
                raise _Close(ALREADY_AUTHENTICATED)
            if not isinstance(data, dict):
                raise _Close(DECODE_ERROR)
            found = self._identify(connection, data) if op == IDENTIFY else self._resume(connection, data)
            async with self._changed:
                self._changed.notify_all()
            return found
        elif session is None:
            raise _Close(NOT_AUTHENTICATED)
        elif op == REQUEST_MEMBERS:
            self._members(session, data or {})
        elif op not in (PRESENCE, VOICE):
            raise _Close(UNKNOWN_OPCODE)
        return session

    def _identify(self, connection: Connection, data: Json) -> Session | None:
        if data.get("token") != self.settings.token:
            raise _Close(AUTHENTICATION_FAILED)
        if not isinstance(data.get("properties"), dict):
            raise _Close(DECODE_ERROR)
        number, count = data.get("shard") or (0, 1)
        if not 0 <= number < count:
            raise _Close(INVALID_SHARD)
        asked = data.get("intents")
        if not isinstance(asked, int) or asked & ~intents.KNOWN:
            raise _Close(INVALID_INTENTS)
        if asked & self.settings.disallowed:
            raise _Close(DISALLOWED_INTENTS)
        line, now = number % self.settings.max_concurrency, time.monotonic()
        if now - self._identified_at.get(line, -self.settings.identify_seconds) < self.settings.identify_seconds:
            self.turned_away += 1
            connection.send({"op": INVALID_SESSION, "d": False})
            return None
        self._identified_at[line] = now
        self.identified += 1
        session = Session(connection, shard=(number, count), intents=asked)
        guilds = [g for g in self._world.guilds.values() if g.bot_member and (int(g.id) >> 22) % count == number]
        allowed = self.settings.message_content_allowed
        application = self._payloads.application(message_content_allowed=allowed)
        session.dispatch(
            "READY",
            {
                "v": 10,
                "user": self._payloads.me(),
                "guilds": [{"id": guild.id, "unavailable": True} for guild in guilds],
                "session_id": session.id,
                "resume_gateway_url": self.address,
                "shard": [number, count],
                "application": {"id": application["id"], "flags": application["flags"]},
                "session_type": "normal",
                "private_channels": [],
                "presences": [],
                "relationships": [],
                "geo_ordered_rtc_regions": [],
                "user_settings": {},
            },
        )
        self._sessions[session.id] = session
        if asked & intents.GUILDS:
            for guild in guilds:
                members = bool(asked & intents.GUILD_PRESENCES)
                session.dispatch("GUILD_CREATE", self._payloads.guild_create(guild, members=members))
        return session

    def _resume(self, connection: Connection, data: Json) -> Session | None:
        if data.get("token") != self.settings.token:
            raise _Close(AUTHENTICATION_FAILED)
        session = self._sessions.get(str(data.get("session_id")))
        gone = session is None or (session.connection is None and time.monotonic() - session.left_at > RESUME_SECONDS)
        if session is None or gone:
            connection.send({"op": INVALID_SESSION, "d": False})
            return None
        sequence = data.get("seq")
        if not isinstance(sequence, int) or sequence > session.sequence:
            raise _Close(INVALID_SEQUENCE)
        session.connection = connection
        session.replay(sequence)
        return session

    def _members(self, session: Session, data: Json) -> None:
        guild = next((g for g in self._world.guilds.values() if g.id == str(data.get("guild_id"))), None)
        if guild is None or not session.intents & intents.GUILD_MEMBERS:
            return
        people = [self._world.bot, *self._world.people.values()]
        chunk = {
            "guild_id": guild.id,
            "members": [self._payloads.member_with_user(guild, each) for each in people],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [],
        }
        session.dispatch("GUILD_MEMBERS_CHUNK", chunk | ({"nonce": data["nonce"]} if data.get("nonce") else {}))


async def _receive(socket: WebSocket) -> Json:
    try:
        text = await socket.receive_text()
    except KeyError as binary:  # starlette has no text in a binary frame
        raise _Close(DECODE_ERROR) from binary
    if len(text.encode()) > PAYLOAD_LIMIT:
        raise _Close(DECODE_ERROR)
    try:
        message = json.loads(text)
    except ValueError as broken:
        raise _Close(DECODE_ERROR) from broken
    if not isinstance(message, dict):
        raise _Close(DECODE_ERROR)
    return message
