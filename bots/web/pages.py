"""What the web part answers: is the process alive, and can it do its work? Where there is a public address, also
gateways that call back or fetch pictures."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bots.web.callbacks import CallBacks
from bots.web.media import media_route
from bots.web.readiness import Checks
from core.gateway import Gateway
from core.links import Links
from core.ports import MediaStore, Store


@dataclass(frozen=True)
class Public:
    """What gateways may reach of us."""

    links: Links
    gateways: Mapping[str, Gateway]
    store: Store
    media: MediaStore
    wake: Callable[[], None]

    def routes(self) -> list[Route]:
        calls = CallBacks(links=self.links, gateways=self.gateways, store=self.store, wake=self.wake)
        return [calls.route(), media_route(self.links, self.media)]


def web_app(checks: Checks, public: Public | None = None, more: Sequence[Route] = ()) -> Starlette:
    """``more``: routes of others, such as a chat program's webhook.

    ``/healthz``: 200 as long as the event loop turns, and with ``public`` who we are (``Links.instance``).
    ``/readyz``: 200 when every check is fine, else 503. With ``public`` also ``/callbacks/…`` and ``/media/…``."""
    alive = {"status": "ok"} if public is None else {"status": "ok", "instance": public.links.instance()}

    async def healthz(_request: Request) -> Response:
        return JSONResponse(alive)

    async def readyz(_request: Request) -> Response:
        found = dict(zip(checks, await asyncio.gather(*(check() for check in checks.values())), strict=True))
        ready = not any(found.values())
        return JSONResponse(
            {
                "status": "ok" if ready else "not ready",
                "checks": {name: wrong or "ok" for name, wrong in found.items()},
            },
            status_code=200 if ready else 503,
        )

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), *(public.routes() if public else ()), *more]
    app = Starlette(routes=routes)
    # Only addresses we gave out are answered, none that is like them.
    app.router.redirect_slashes = False
    return app
