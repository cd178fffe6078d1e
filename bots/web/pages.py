"""What the web part answers: is the process alive, and can it do its work?"""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

#: Names a check; empty text means fine, else what is wrong.
Checks = dict[str, Callable[[], Awaitable[str]]]


def web_app(checks: Checks) -> Starlette:
    """``/healthz``: 200 as long as the event loop turns. ``/readyz``: 200 when every check is fine, else 503."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        found = {name: await check() for name, check in checks.items()}
        ready = not any(found.values())
        return JSONResponse(
            {
                "status": "ok" if ready else "not ready",
                "checks": {name: wrong or "ok" for name, wrong in found.items()},
            },
            status_code=200 if ready else 503,
        )

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz)])
