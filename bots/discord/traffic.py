"""The one gate that every call to Discord's API passes: refusals are counted there, and calls held back before
Discord bans this address.

It is aiohttp's tracing, which discord.py hands through: calls with the bot's token and calls with an interaction's
token alike go out through one session. What a hook raises, the caller gets, without discord.py's own waiting.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from types import SimpleNamespace

import aiohttp
import discord
import structlog

from bots.discord.address import NAME
from bots.discord.recent import Recent
from bots.discord.window import Window

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: 10,000 invalid requests (401, 403, and 429 but for the scope "shared") in ten minutes ban an address
#: (topics/rate-limits, "Invalid Request Limit Aka Cloudflare Bans").
BAN, BAN_SECONDS = 10_000, 600.0
#: From so many on, progress is no longer shown; and from so many on, nothing leaves but the first answers to
#: interactions: people can see those fail, and they cannot come later.
DROP_FROM, WAIT_FROM = 2_000, 8_000
#: Seconds a call may be held back by rate limits before it fails instead (discord.py's smallest).
RATE_LIMIT_PATIENCE = 30.0
#: Seconds to wait after a 429 that names none.
AFTER_429 = 5.0
_EVERYTHING = "*"


class Droppable:
    """A call (or one after another for the same purpose) that is given up sooner than waited for."""

    def __init__(self) -> None:
        self.is_out = False  #: on its way; what becomes of it is for Discord to say
        self.taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()  #: Discord has done it

    @property
    def is_held_back(self) -> bool:
        """It is still in discord.py's line: nobody has heard of it."""
        return not self.is_out and not self.taken.done()


_droppable: ContextVar[Droppable | None] = ContextVar("droppable", default=None)


@contextlib.contextmanager
def dropping(call: Droppable) -> Iterator[None]:
    """What is called within belongs to ``call``: a 429 or a failure of Discord's raises at once."""
    token = _droppable.set(call)
    try:
        yield
    finally:
        _droppable.reset(token)


class Traffic:
    """One per front; outlives the connections. The hooks raise :class:`discord.RateLimited` for a call that has to
    wait longer than it can, and :class:`discord.DiscordServerError`."""

    def __init__(
        self,
        limited: Callable[[str], None],
        *,
        share: float = 1.0,
        drop_from: int = DROP_FROM,
        wait_from: int = WAIT_FROM,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``limited`` is told of every 429. ``share``: this process's part of what the address may do."""
        self._limited, self._clock = limited, clock
        self._drop_from, self._wait_from = (max(1, int(limit * share)) for limit in (drop_from, wait_from))
        self.refused = Window(BAN_SECONDS, BAN, clock)
        self._held: Recent[str, float] = Recent(2_000)  # until when, by bucket

    def trace(self) -> aiohttp.TraceConfig:
        """The hooks, for one client."""
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._leaves)
        trace.on_request_end.append(self._answered)
        trace.on_request_exception.append(self._lost)
        return trace

    async def _leaves(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, call: aiohttp.TraceRequestStartParams
    ) -> None:
        droppable, path = _droppable.get(), call.url.path
        if not _of_the_api(str(call.url)) or path.endswith("/callback"):
            return
        wait = self.refused.wait(self._wait_from)
        if droppable is not None:
            held = max(self._held.get(_EVERYTHING) or 0.0, self._held.get(_bucket(call.method, path)) or 0.0)
            wait = max(wait, self.refused.wait(self._drop_from), held - self._clock())
        if wait > 0:
            raise discord.RateLimited(wait)
        if droppable is not None:
            droppable.is_out = True

    async def _answered(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, call: aiohttp.TraceRequestEndParams
    ) -> None:
        droppable, status, headers = _droppable.get(), call.response.status, call.response.headers
        if not _of_the_api(str(call.url)):
            return
        if droppable is not None:
            droppable.is_out = False
        if status in (401, 403) or (status == 429 and headers.get("X-RateLimit-Scope") != "shared"):
            self._count()
        if status == 429:
            self._too_fast(call, droppable)
        elif droppable is not None and status >= 500:
            raise discord.DiscordServerError(call.response, None)
        elif droppable is not None and status < 300 and not droppable.taken.done():
            droppable.taken.set_result(None)

    async def _lost(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, _call: aiohttp.TraceRequestExceptionParams
    ) -> None:
        droppable = _droppable.get()
        if droppable is not None:
            droppable.is_out = False

    def _count(self) -> None:
        self.refused.add()
        if self.refused.count() in (self._drop_from, self._wait_from):
            log.warning("discord refuses many calls, fewer are made now", refused=self.refused.count(), minutes=10)

    def _too_fast(self, call: aiohttp.TraceRequestEndParams, droppable: Droppable | None) -> None:
        """Raises RateLimited where nobody waits so long."""
        self._limited(NAME)
        headers = call.response.headers
        after = _seconds(headers.get("Retry-After"))
        bucket = _EVERYTHING if "X-RateLimit-Global" in headers else _bucket(call.method, call.url.path)
        self._held.put(bucket, self._clock() + after)
        # For the bot's own calls discord.py asks the same; for those with an interaction's token it would wait.
        if droppable is not None or after > RATE_LIMIT_PATIENCE:
            raise discord.RateLimited(after)


def _of_the_api(url: str) -> bool:
    """Not so: the gateway, which the same session connects to."""
    return url.startswith(discord.http.Route.BASE)


def _bucket(method: str, path: str) -> str:
    """Limits are by route and channel or token: the same for all messages there."""
    return f"{method} {path.rpartition('/')[0]}"


def _seconds(retry_after: str | None) -> float:
    try:
        return float(retry_after or AFTER_429)
    except ValueError:
        return AFTER_429
