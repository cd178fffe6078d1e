"""The client's connection, for what HTTP frameworks do not offer: notice a hang-up, hang up without an answer."""

import asyncio
from typing import Any, cast

from starlette.types import Receive


class Line:
    """One request's connection. ``stopping`` is set when the stand-in shuts down, so that nobody waits for ever."""

    def __init__(self, receive: Receive, stopping: asyncio.Event) -> None:
        self._receive = receive
        self._stopping = stopping

    async def body(self) -> bytes:
        """The whole request body. Call it once, first."""
        parts = []
        while True:
            message = await self._receive()
            parts.append(cast(bytes, message.get("body", b"")))
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return b"".join(parts)

    async def gone(self) -> None:
        """Return when the client has hung up (or the answer is complete)."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def stays(self, seconds: float | None) -> bool:
        """Let ``seconds`` pass (None: all the time there is); False as soon as client or stand-in goes away."""
        if seconds == 0:
            return True
        ends = [asyncio.ensure_future(self.gone()), asyncio.ensure_future(self._stopping.wait())]
        try:
            done, _ = await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        return not done

    async def cut(self) -> None:
        """Close the connection once what was written has left, and return when the server has noticed."""
        # ASGI has no word for this; uvicorn's receive belongs to the object that holds the transport.
        cast(Any, self._receive).__self__.transport.close()
        await self.gone()
