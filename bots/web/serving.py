"""Run an ASGI app on a socket inside the running event loop, without touching the process's signals."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process belongs to whoever embeds us."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._leaving = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """uvicorn looks ten times a second whether it is to leave; this one is told."""
        tick = 0
        while not await self.on_tick(tick):
            tick += 10  # every tenth tick, a second, renews the Date header
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._leaving.wait()

    def leave(self) -> None:
        self.should_exit = True
        self._leaving.set()


@contextlib.asynccontextmanager
async def serve(
    app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0, stop_within: float = 1.0
) -> AsyncIterator[str]:
    """Serve ``app`` and yield its base address, such as ``http://127.0.0.1:41234``.

    ``port`` 0 lets the system choose. Raises ``OSError`` when the port is taken. On leaving, open
    connections get ``stop_within`` seconds, then are dropped.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP, or asyncio leaves Nagle's delay on: a body would wait 40 ms for its head to be acknowledged.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), port))
        listener.listen(2048)
        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="websockets-sansio",
                ws_ping_interval=None,
                timeout_graceful_shutdown=max(1, round(stop_within)),
                backlog=2048,
            )
        )
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:
                if running.done():
                    running.result()
                    raise OSError("the server stopped before it started")
                await asyncio.sleep(0.005)
            yield f"http://{host}:{listener.getsockname()[1]}"
        finally:
            server.leave()
            await running
