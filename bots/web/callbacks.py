"""Where gateways call back. A call-back is an early reminder of a question we would have asked anyway.

Nothing in it is believed but which tickets it is about: those are asked about at once. So a forged, doubled or late one
does no harm, and one that never comes costs time only.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bots.posted import body_of
from core.errors import CallbackRefused, StoreDown
from core.gateway import Gateway, Hears
from core.links import Links
from core.ports import Store

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Bytes of a call-back: a midjourney-proxy posts its whole task, which is some kilobytes.
MAX_BODY = 1_000_000
#: A ticket is asked about because of call-backs at most once in this time, however often it is named.
APART = timedelta(seconds=5)
#: Tickets named within ``APART`` that are remembered; above it nothing is hastened, and they are asked in their time.
MOST = 10_000
#: Tickets looked at in one call-back, and characters of an id.
MOST_IDS, LONGEST_ID = 100, 300
#: Characters of a refusal's reason in the log.
REASON = 200


class CallBacks:
    """``POST /callbacks/{gateway}/{secret}``: 204 when it was heard, whether or not it changed anything.

    404 for a wrong secret and for a gateway that does not call back; 403 for what the gateway's module refuses; 413
    above ``MAX_BODY``; 503 while the database is away, so that who repeats its call-backs does.
    """

    def __init__(
        self, *, links: Links, gateways: Mapping[str, Gateway], store: Store, wake: Callable[[], None]
    ) -> None:
        self._links, self._gateways, self._store, self._wake = links, gateways, store, wake
        self._pace = _Pace()

    def route(self) -> Route:
        return Route("/callbacks/{gateway}/{secret}", self._heard, methods=["POST"])

    async def _heard(self, request: Request) -> Response:
        name: str = request.path_params["gateway"]
        gateway = self._gateways.get(name)
        # The path has the secret in it: nothing here logs it, and uvicorn's access log is off.
        if not self._links.is_hook(name, request.path_params["secret"]) or not isinstance(gateway, Hears):
            return PlainTextResponse("Not Found", 404)
        body = await body_of(request, most=MAX_BODY)
        if isinstance(body, Response):
            return body
        try:
            tickets = gateway.hear(request.headers, body)
        except CallbackRefused as error:
            log.warning("a call-back is refused", gateway=name, why=error.reason[:REASON], size=len(body))
            return PlainTextResponse("Forbidden", 403)
        except Exception:
            log.exception("a gateway module failed while hearing", gateway=name)
            return PlainTextResponse("Internal Server Error", 500)
        try:
            await self._hasten(name, tickets)
        except StoreDown as error:
            log.warning("a call-back could not be stored", gateway=name, reason=str(error))
            return PlainTextResponse("Service Unavailable", 503)
        return Response(status_code=204)

    async def _hasten(self, gateway: str, tickets: Iterable[str]) -> None:
        now = self._links.clock()
        words = (ticket for ticket in dict.fromkeys(tickets) if 0 < len(ticket) <= LONGEST_ID)
        times: dict[datetime, list[str]] = {}
        for ticket in islice(words, MOST_IDS):
            at = self._pace.next((gateway, ticket), now)
            if at is not None:
                times.setdefault(at, []).append(ticket)
        hastened = 0
        for at, some in times.items():
            hastened += await self._store.hasten(gateway, some, at)
        if hastened:
            log.debug("called back", gateway=gateway, orders=hastened)
            self._wake()
            for at in times:
                if at > now:
                    asyncio.get_running_loop().call_later((at - now).total_seconds(), self._wake)


class _Pace:
    """When each ticket may be asked about next because of call-backs.

    One that is named again too soon is not forgotten but asked about ``APART`` after the last time: a gateway that
    tells of every step may tell of the last one a moment after the one before.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], datetime] = {}  # may lie ahead; in the order of the call-backs

    def next(self, ticket: tuple[str, str], now: datetime) -> datetime | None:
        """None: too much is named at once."""
        while self._last and (oldest := next(iter(self._last))) and self._last[oldest] + APART <= now:
            del self._last[oldest]
        last = self._last.pop(ticket, None)
        if last is None and len(self._last) >= MOST:
            return None
        at = now if last is None else last if last > now else max(now, last + APART)
        self._last[ticket] = at
        return at
