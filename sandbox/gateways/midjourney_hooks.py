"""notifyHook: the whole task, posted at every change, unsigned and never again."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx

from sandbox.gateways.midjourney_tasks import Task
from sandbox.gateways.shapes import Json

#: Shares of a task's time at which something has changed.
_CHANGES = (0.0, 0.2, 0.6, 1.0)


class Hooks:
    """Posts to whoever asked. ``repeats``: posts of each change; ``backwards``: the last change first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.repeats = 1
        self.backwards = False
        self.refused: list[int] = []  #: statuses other than 2xx, which are only noted
        self._clock = clock
        self._posting: set[asyncio.Task[None]] = set()

    def follow(self, task: Task, address: str, shown: Callable[[Task, float], Awaitable[Json]]) -> None:
        """Post the changes of a scheduled task to ``address`` (none for "", nor beyond this machine)."""
        if urlsplit(address).hostname in {"127.0.0.1", "localhost", "::1"}:
            posting = asyncio.create_task(self._post(task, address, shown))
            self._posting.add(posting)
            posting.add_done_callback(self._posting.discard)

    async def _post(self, task: Task, address: str, shown: Callable[[Task, float], Awaitable[Json]]) -> None:
        takes = task.takes or 0.0
        changes = [task.started_at + share * takes for share in _CHANGES]
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            for at in reversed(changes) if self.backwards else changes:
                await asyncio.sleep(0 if self.backwards else max(0.0, min(takes, at - self._clock())))
                for _ in range(self.repeats):
                    with contextlib.suppress(httpx.HTTPError):
                        answer = await client.post(address, json=await shown(task, at))
                        if not answer.is_success:
                            self.refused.append(answer.status_code)

    async def finish(self) -> None:
        """Stop posting."""
        for posting in list(self._posting):
            posting.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)
