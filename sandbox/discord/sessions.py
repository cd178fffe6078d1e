"""Gateway sessions: numbered events, kept for a while so that a dropped connection can resume."""

import asyncio
import json
import secrets
import zlib
from collections import deque
from importlib import import_module
from typing import Any, Protocol

from starlette.types import Scope
from starlette.websockets import WebSocket

Json = dict[str, Any]

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME = 0, 1, 2, 3, 4, 6
RECONNECT, REQUEST_MEMBERS, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 7, 8, 9, 10, 11
#: Events kept for a resume; Discord names no number.
KEPT = 5000


class Squeezer(Protocol):
    def __call__(self, data: bytes) -> bytes: ...


def squeezer(name: str | None) -> Squeezer | None:
    """The transport compression a connection asked for, one stream for its whole life; None sends text.

    ``zlib-stream`` ends each message with a sync flush; ``zstd-stream`` needs Python 3.14's ``compression.zstd``,
    which is also what lets discord.py ask for it. Raises ``ValueError`` for anything else.
    """
    if name is None:
        return None
    if name == "zlib-stream":
        stream = zlib.compressobj()
        return lambda data: stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)
    if name == "zstd-stream":
        try:
            zstd: Any = import_module("compression.zstd")
        except ModuleNotFoundError as missing:
            raise ValueError(name) from missing
        frames = zstd.ZstdCompressor()

        def squeeze(data: bytes) -> bytes:
            squeezed: bytes = frames.compress(data, mode=frames.FLUSH_BLOCK)
            return squeezed

        return squeeze
    raise ValueError(name)


class Connection:
    """One WebSocket. Sending never waits: a writer task takes the messages in order."""

    def __init__(self, socket: WebSocket, compress: Squeezer | None) -> None:
        self._socket = socket
        self._compress = compress
        self._outbox: asyncio.Queue[Json | int] = asyncio.Queue()
        self.closing = False

    def send(self, payload: Json) -> None:
        self._outbox.put_nowait(payload)

    def close(self, code: int) -> None:
        """Close after what was sent before, with a close code of the gateway."""
        if not self.closing:
            self.closing = True
            self._outbox.put_nowait(code)

    def cut(self) -> None:
        """Drop the connection as a broken network does: no close frame, code 1006 at the other end."""
        self.closing = True
        transport = transport_of(self._socket.scope)
        if transport is not None:
            transport.abort()

    async def write(self) -> None:
        """The writer task."""
        while True:
            item = await self._outbox.get()
            if isinstance(item, int):
                await self._socket.close(item)
                return
            text = json.dumps(item, separators=(",", ":"))
            if self._compress is None:
                await self._socket.send_text(text)
            else:
                await self._socket.send_bytes(self._compress(text.encode()))


def transport_of(scope: Scope) -> asyncio.Transport | None:
    """The socket's transport, put into the scope by the stand-in's outermost layer."""
    transport: asyncio.Transport | None = scope.get("sandbox.transport")
    return transport


class Session:
    """What Discord remembers between IDENTIFY and the end of the time for a RESUME."""

    def __init__(self, connection: Connection, *, shard: tuple[int, int], intents: int) -> None:
        self.id = secrets.token_hex(16)
        self.connection: Connection | None = connection
        self.shard = shard
        self.intents = intents
        self.sequence = 0
        self.left_at = 0.0
        self._kept: deque[Json] = deque(maxlen=KEPT)

    def dispatch(self, event: str, data: Json) -> None:
        """Number an event, keep it, and send it when somebody listens."""
        self.sequence += 1
        payload = {"op": DISPATCH, "s": self.sequence, "t": event, "d": data}
        self._kept.append(payload)
        if self.connection is not None:
            self.connection.send(payload)

    def replay(self, after: int) -> None:
        """Send again what came after a sequence number, then say so."""
        assert self.connection is not None
        for payload in self._kept:
            if payload["s"] > after:
                self.connection.send(payload)
        self.dispatch("RESUMED", {})

    def last(self, event: str | None) -> Json | None:
        """The data of the newest event of a kind (or of any kind but the gateway's own)."""
        for payload in reversed(self._kept):
            if payload["t"] == event or (event is None and payload["t"] not in ("READY", "RESUMED")):
                return payload
        return None
