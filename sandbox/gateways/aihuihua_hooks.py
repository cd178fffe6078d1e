"""notifyHook: one unsigned post of the task when it has ended, and the ways it can disappoint (gateways §1.2)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx

from sandbox.gateways.aihuihua_tasks import HuihuaTask
from sandbox.gateways.shapes import Json

#: Seconds between looks at a clock that may be moved by hand.
_LOOK = 0.05
#: The id in a forged post; ids count up from a hundred and something.
UNKNOWN = "987654321"


class Hooks:
    """Posts to whoever asked.

    ``repeats``: posts of the end (0: never). ``early``: they come at half the time instead, the task still running.
    ``forged``: before them one for a task that does not exist.
    """

    def __init__(self, clock: Callable[[], float], tell: Callable[[], Awaitable[None]]) -> None:
        self.repeats = 1
        self.early = False
        self.forged = False
        self.sent: list[Json] = []  #: what was posted, and taken or refused
        self.refused: list[int] = []  #: statuses other than 2xx, which are only noted
        self._clock, self._tell = clock, tell
        self._posting: set[asyncio.Task[None]] = set()

    def follow(self, task: HuihuaTask, address: str, shown: Callable[[HuihuaTask, float], Awaitable[Json]]) -> None:
        """Post the end of a task that has begun to ``address`` (none for "", nor beyond this machine)."""
        if urlsplit(address).hostname in {"127.0.0.1", "localhost", "::1"}:
            posting = asyncio.create_task(self._post(task, address, shown))
            self._posting.add(posting)
            posting.add_done_callback(self._posting.discard)

    async def finish(self) -> None:
        """Stop posting."""
        for posting in list(self._posting):
            posting.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)

    async def _post(
        self, task: HuihuaTask, address: str, shown: Callable[[HuihuaTask, float], Awaitable[Json]]
    ) -> None:
        while (left := self._due(task) - self._clock()) > 0:  # noqa: ASYNC110  # a clock moved by hand tells nobody
            await asyncio.sleep(min(left, _LOOK))
        body = await shown(task, self._due(task))
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            if self.forged:
                unknown = int(UNKNOWN) if isinstance(body["id"], int) else UNKNOWN
                await self._send(client, address, {**body, "id": unknown})
            for _ in range(self.repeats):
                await self._send(client, address, body)

    def _due(self, task: HuihuaTask) -> float:
        # Read anew each time: a task whose pictures cannot be fetched ends before its time.
        return task.started_at + (task.takes or 0.0) * (0.5 if self.early else 1.0)

    async def _send(self, client: httpx.AsyncClient, address: str, body: Json) -> None:
        with contextlib.suppress(httpx.HTTPError):
            answer = await client.post(address, json=body)
            self.sent.append(body)
            if not answer.is_success:
                self.refused.append(answer.status_code)
            await self._tell()
