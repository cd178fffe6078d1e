"""What the bot has yet to hear: kept until it is confirmed, handed out by long polling or posted to a webhook."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.telegram.errors import OTHER_POLLER, WEBHOOK_ACTIVE, ApiError

#: Not sent unless asked for: core.telegram.org/bots/api#getupdates, ``allowed_updates``.
OPT_IN = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
#: The longest a long poll waits, in seconds (tdlib/telegram-bot-api, Client.cpp).
LONGEST_POLL = 50
#: Updates are kept a day: core.telegram.org/bots/api#getting-updates.
KEPT_SECONDS = 86_400.0


@dataclass(frozen=True)
class Pending:
    """An update that was not confirmed yet; after ``until`` (clock seconds) nobody gets it any more."""

    update: dict[str, Any]
    until: float

    @property
    def id(self) -> int:
        return int(self.update["update_id"])


@dataclass(frozen=True)
class Webhook:
    url: str
    secret_token: str | None
    max_connections: int


class Updates:
    """The queue of updates of one bot, in order of their ids. ``clock`` gives seconds.

    ``retry_seconds`` is the pause after a webhook's first failure; it doubles up to a minute.
    """

    def __init__(self, clock: Callable[[], float], *, first_id: int = 700_000_001, retry_seconds: float = 1.0) -> None:
        self._clock = clock
        self.retry_seconds = retry_seconds
        self.allowed: list[str] | None = None
        self.webhook: Webhook | None = None
        self.last_error: tuple[int, str] | None = None  #: Unix time and text of the webhook's last failure
        self.last: Pending | None = None  #: the newest update ever made
        self._next_id = first_id
        self._pending: list[Pending] = []
        self._again: list[Pending] = []
        self._changed = asyncio.Event()
        self._poll: asyncio.Future[None] | None = None
        self._pusher: asyncio.Task[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._again) + len(self._pending)

    def add(self, kind: str, value: dict[str, Any], *, seconds: float = KEPT_SECONDS) -> int | None:
        """Queue an update; its id, or ``None`` when the bot does not want that kind."""
        if (self.allowed is not None and kind not in self.allowed) or (self.allowed is None and kind in OPT_IN):
            return None
        pending = Pending({"update_id": self._next_id, kind: value}, self._clock() + seconds)
        self._next_id += 1
        self._pending.append(pending)
        self.last = pending
        self._changed.set()
        return pending.id

    def redeliver_last(self) -> None:
        """Hand the newest update out once more, confirmed or not. Raises ``RuntimeError`` when there was none."""
        if self.last is None:
            raise RuntimeError("no update was made yet")
        self._again.append(self.last)
        self._changed.set()

    async def get(
        self, *, offset: int, limit: int, timeout: int, allowed: Sequence[str] | None, gone: asyncio.Future[Any]
    ) -> list[dict[str, Any]]:
        """Answer a getUpdates call, at the latest after ``timeout`` seconds or when the caller is ``gone``.

        Raises :class:`ApiError` 409 with a webhook, and for this call when another one comes while it waits.
        """
        if self.webhook is not None:
            raise ApiError(409, f"Conflict: {WEBHOOK_ACTIVE}")
        if self._poll is not None and not self._poll.done():
            self._poll.set_exception(ApiError(409, f"Conflict: {OTHER_POLLER}"))
        if allowed is not None:
            self.allowed = list(allowed) or None
        self._confirm(offset)
        mine = self._poll = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(min(timeout, LONGEST_POLL)):
                while not (self._alive() or gone.done() or self._closed or timeout <= 0):
                    self._changed.clear()
                    changed = asyncio.ensure_future(self._changed.wait())
                    await asyncio.wait({changed, mine, gone}, return_when=asyncio.FIRST_COMPLETED)
                    changed.cancel()
                    if mine.done():
                        break
        except TimeoutError:
            pass
        finally:
            mine.cancel()
        if not mine.cancelled():
            mine.result()  # raises what ended this poll
        if gone.done():
            return []
        return [pending.update for pending in self._take(limit)]

    def set_webhook(self, webhook: Webhook | None, *, allowed: Sequence[str] | None, drop: bool) -> None:
        """Begin (or with ``None`` stop) to post updates."""
        self.webhook = webhook
        self.last_error = None
        if allowed is not None:
            self.allowed = list(allowed) or None
        if drop:
            self._pending.clear()
            self._again.clear()
        if self._pusher is not None:
            self._pusher.cancel()
            self._pusher = None
        if webhook is not None:
            if self._poll is not None and not self._poll.done():
                self._poll.set_exception(ApiError(409, "Conflict: terminated by setWebhook request"))
            self._pusher = asyncio.create_task(self._push(webhook))

    async def close(self) -> None:
        """End waiting polls and the webhook's task, for the end of the server."""
        self._closed = True
        self._changed.set()
        if self._pusher is not None:
            self._pusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pusher
            self._pusher = None

    def reopen(self) -> None:
        """Serve polls (and the webhook that was set) again after :meth:`close`."""
        self._closed = False
        if self.webhook is not None:
            self._pusher = asyncio.create_task(self._push(self.webhook))

    def _confirm(self, offset: int) -> None:
        if offset > 0:
            self._pending = [pending for pending in self._pending if pending.id >= offset]
        elif offset < 0:
            self._pending = self._pending[offset:]

    def _alive(self) -> bool:
        now = self._clock()
        self._pending = [pending for pending in self._pending if pending.until > now]
        return bool(self._again or self._pending)

    def _take(self, limit: int) -> list[Pending]:
        self._alive()
        again, self._again = self._again, []
        return [*again, *(pending for pending in self._pending if pending not in again)][:limit]

    async def _push(self, webhook: Webhook) -> None:
        """Post the updates one after another; what is not taken with a 2xx is posted again, ever later."""
        headers = {"Content-Type": "application/json"}
        if webhook.secret_token is not None:
            headers["X-Telegram-Bot-Api-Secret-Token"] = webhook.secret_token
        pause = self.retry_seconds
        async with httpx.AsyncClient(timeout=60.0, trust_env=False) as client:
            while True:
                if not self._alive():
                    self._changed.clear()
                    await self._changed.wait()
                    continue
                source = self._again or self._pending
                pending = source[0]
                problem = await _post(client, webhook.url, headers, pending.update)
                if problem is None:
                    pause = self.retry_seconds
                    self._again = [item for item in self._again if item is not pending]
                    self._pending = [item for item in self._pending if item is not pending]
                    continue
                self.last_error = (int(self._clock()), problem)
                await asyncio.sleep(pause)
                pause = min(60.0, pause * 2)


async def _post(client: httpx.AsyncClient, url: str, headers: dict[str, str], update: dict[str, Any]) -> str | None:
    """``None`` when the bot took it, else what Telegram shows as last_error_message."""
    try:
        answer = await client.post(url, json=update, headers=headers)
    except httpx.TimeoutException:
        return "Read timeout expired"
    except httpx.HTTPError:
        return "Connection refused"
    if answer.is_success:
        return None
    return f"Wrong response from the webhook: {answer.status_code} {answer.reason_phrase}"
