"""Several loopback hosts at once, each remembering what came in."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.gateways.line import Line
from sandbox.gateways.records import KEPT_BODY, Received
from sandbox.serving import serve


class Host:
    """An ASGI app in front of ``app`` that records each request.

    With ``slash_redirects`` a trailing slash is answered with 301, which makes a naive client turn its POST into a GET.
    ``tell`` is called after each record. ``scope["line"]`` is the request's ``Line``.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        received: list[Received],
        clock: Callable[[], float],
        stopping: asyncio.Event,
        tell: Callable[[], Awaitable[None]],
        slash_redirects: bool = False,
    ) -> None:
        self._app = app
        self._received = received
        self._clock = clock
        self._stopping = stopping
        self._tell = tell
        self._slash_redirects = slash_redirects

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line = Line(receive, self._stopping)
        body = await line.body()
        self._received.append(
            Received(
                at=self._clock(),
                method=scope["method"],
                path=scope["path"],
                query=scope["query_string"].decode("latin-1"),
                headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
                body=body[:KEPT_BODY],
                size=len(body),
            )
        )
        await self._tell()
        unread = [body]

        async def replay() -> Message:
            if unread:
                return {"type": "http.request", "body": unread.pop(), "more_body": False}
            await line.gone()
            return {"type": "http.disconnect"}

        if self._slash_redirects and scope["path"] != "/" and scope["path"].endswith("/"):
            await RedirectResponse(scope["path"].rstrip("/"), 301)(scope, replay, send)
            return
        await self._app({**scope, "line": line}, replay, send)


@contextlib.asynccontextmanager
async def serve_together(apps: Mapping[str, ASGIApp], *, ports: Mapping[str, int]) -> AsyncIterator[dict[str, str]]:
    """Serve every app on a port of its own (chosen by the system unless given) and yield the base addresses by name."""
    servers = {name: serve(app, port=ports.get(name, 0)) for name, app in apps.items()}
    opened = await asyncio.gather(*(server.__aenter__() for server in servers.values()), return_exceptions=True)
    bases = {name: base for name, base in zip(servers, opened, strict=True) if isinstance(base, str)}
    try:
        for outcome in opened:
            if isinstance(outcome, BaseException):
                raise outcome
        yield bases
    finally:
        await asyncio.gather(*(servers[name].__aexit__(None, None, None) for name in bases))
