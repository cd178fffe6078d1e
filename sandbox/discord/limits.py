"""Rate limits: a window per route and channel, the global 50 a second, and the headers that tell of them.

Sources: Discord "Rate Limits" (headers, 429 body, 50 requests per second globally, interaction endpoints not
counted). The numbers per route are not published; these are what the real service was seen to send.
"""

import asyncio
import hashlib
import math
import time
from dataclasses import dataclass

from sandbox.discord.errors import ApiError

#: Requests per second over all routes.
GLOBAL_LIMIT = 50
#: route: (requests, seconds of the window)
WINDOWS: dict[str, tuple[int, float]] = {
    "POST /channels/{channel_id}/messages": (5, 5.0),
    "PATCH /channels/{channel_id}/messages/{message_id}": (5, 5.0),
    "DELETE /channels/{channel_id}/messages/{message_id}": (5, 1.0),
    "POST /channels/{channel_id}/typing": (5, 5.0),
    "POST /webhooks/{webhook_id}/{webhook_token}": (5, 2.0),
    "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original": (5, 2.0),
    "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}": (5, 2.0),
}
#: Every other route.
OTHERS = (50, 1.0)


@dataclass
class _Window:
    ends: float
    left: int


class Limiter:
    """Admits a request or refuses it with 429. Time is the event loop's, so that a test's clock does not bend it."""

    def __init__(self) -> None:
        self.windows = dict(WINDOWS)
        self.global_limit = GLOBAL_LIMIT
        self._open: dict[tuple[str, str], _Window] = {}
        self._all = _Window(0.0, 0)

    def set(self, route: str, requests: int, seconds: float) -> None:
        """Another window for a route, such as ``"POST /channels/{channel_id}/messages"``."""
        self.windows[route] = (requests, seconds)
        self._open = {key: window for key, window in self._open.items() if key[0] != route}

    def admit(self, route: str, major: str, *, counted_globally: bool) -> dict[str, str]:
        """The headers for the answer. Raises the 429 as an :class:`ApiError`."""
        now = asyncio.get_running_loop().time()
        if counted_globally:
            if now >= self._all.ends:
                self._all = _Window(now + 1.0, self.global_limit)
            if self._all.left <= 0:
                raise too_many(self._all.ends - now, scope="global")
            self._all.left -= 1
        if route.startswith("POST /interactions/"):
            return {}
        limit, seconds = self.windows.get(route, OTHERS)
        window = self._open.get((route, major))
        if window is None or now >= window.ends:
            window = self._open[route, major] = _Window(now + seconds, limit)
        headers = {
            "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:32],
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Reset-After": f"{window.ends - now:.3f}",
            "X-RateLimit-Reset": f"{time.time() + window.ends - now:.3f}",
        }
        if window.left <= 0:
            raise too_many(window.ends - now, scope="user", headers=headers | {"X-RateLimit-Remaining": "0"})
        window.left -= 1
        return headers | {"X-RateLimit-Remaining": str(window.left)}


def too_many(after: float, *, scope: str, headers: dict[str, str] | None = None) -> ApiError:
    """The 429 answer; ``after`` in seconds."""
    everywhere = scope == "global"
    return ApiError(
        429,
        0,
        "You are being rate limited.",
        headers={
            **(headers or {}),
            "Retry-After": str(math.ceil(after)),
            "X-RateLimit-Scope": scope,
            **({"X-RateLimit-Global": "true"} if everywhere else {}),
        },
        extra={"retry_after": round(after, 3), "global": everywhere},
    )
