"""A gateway client on the bare WebSocket, for what discord.py would never do."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection

from sandbox.discord import DiscordSandbox


class Wire:
    def __init__(self, sandbox: DiscordSandbox, socket: ClientConnection) -> None:
        self.sandbox = sandbox
        self.socket = socket

    async def send(self, op: int, data: Any) -> None:
        await self.socket.send(json.dumps({"op": op, "d": data}))

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            message: dict[str, Any] = json.loads(await self.socket.recv())
            return message

    async def event(self, name: str) -> dict[str, Any]:
        """The data of the next event of a kind; others are passed over."""
        while True:
            message = await self.receive()
            if message["op"] == 0 and message["t"] == name:
                data: dict[str, Any] = message["d"]
                return data

    async def identify(self, **changes: Any) -> None:
        properties = {"os": "linux", "browser": "test", "device": "test"}
        data = {"token": self.sandbox.token, "intents": 1 | 1 << 9 | 1 << 15, "properties": properties}
        await self.send(2, data | changes)

    async def close_code(self) -> int | None:
        """The code the other side closes with."""
        async with asyncio.timeout(10):
            with contextlib.suppress(websockets.ConnectionClosed):
                while True:
                    await self.socket.recv()
        return self.socket.close_code


@contextlib.asynccontextmanager
async def wire(sandbox: DiscordSandbox, query: str = "v=10&encoding=json") -> AsyncIterator[Wire]:
    async with websockets.connect(f"{sandbox.gateway_url}?{query}", proxy=None) as socket:
        client = Wire(sandbox, socket)
        yield client


@contextlib.asynccontextmanager
async def listening(sandbox: DiscordSandbox, **identify: Any) -> AsyncIterator[Wire]:
    """A client that is past READY."""
    async with wire(sandbox) as client:
        assert (await client.receive())["op"] == 10
        await client.identify(**identify)
        await client.event("READY")
        yield client
