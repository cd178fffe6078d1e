"""Only this page may drive the demo: a page from the web that is open in the same browser may not."""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

#: Nothing from elsewhere is loaded; pictures and videos come from the stand-ins' own loopback ports.
POLICY = (
    "default-src 'self'; img-src 'self' blob: http://127.0.0.1:*; media-src http://127.0.0.1:*; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'"
)
_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
_READING = ("GET", "HEAD")


class Guard:
    """Refuses requests for another host (a name rebound to this machine), and acts whose Origin is not this page.

    ``port`` tells where the page is served, once it is.
    """

    def __init__(self, app: ASGIApp, port: Callable[[], int]) -> None:
        self._app = app
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if not self._is_ours(scope):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await PlainTextResponse("This page is only for the machine it runs on.\n", 403)(scope, receive, send)
            return

        async def with_headers(message: "dict[str, object]") -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*list(message.get("headers") or ()), *_HEADERS]  # type: ignore[call-overload]
            await send(message)

        await self._app(scope, receive, with_headers)  # type: ignore[arg-type]

    def _is_ours(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host not in {f"{name}:{self._port()}" for name in ("127.0.0.1", "localhost")}:
            return False
        origin = headers.get("origin")
        reading = scope["type"] == "http" and scope["method"] in _READING
        return origin == f"http://{host}" or (reading and origin is None)
