"""aihuihua's tasks by id: its workers, the pictures they fetch, and what they make of them."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Sequence

from sandbox.gateways import references
from sandbox.gateways.aihuihua_pictures import filmed, painted
from sandbox.gateways.aihuihua_tasks import LIFETIME, HuihuaTask, four_prompts
from sandbox.gateways.delivery import Delivery
from sandbox.gateways.faults import DOWNLOADS, PICTURES, Fault
from sandbox.gateways.fields import like
from sandbox.gateways.midjourney_pictures import preview
from sandbox.gateways.midjourney_tasks import parameters
from sandbox.gateways.refusals import Refusal
from sandbox.gateways.shapes import Json

#: 5 MB is said of Flux image2Image only, and held against every picture here. Nothing is said of pixels.
LIMITS = references.Limits(bytes=5 * 1024 * 1024, pixels=40_000_000, side=1)
#: Faults of a submit whose task fails later, by what the task says then.
FAILS = {
    Fault.TASK_ERROR: "生成失败,请稍后重试",
    Fault.MODERATED_REQUEST: "提示词包含敏感词",
    Fault.MODERATED_CONTENT: "图片内容违规",
}


class Book:
    """All tasks. ``concurrent`` are worked on at once."""

    def __init__(
        self,
        clock: Callable[[], float],
        delivery: Delivery,
        tell: Callable[[], Awaitable[None]],
        *,
        concurrent: int,
        area: int,
    ) -> None:
        self.tasks: dict[str, HuihuaTask] = {}
        self._clock, self._delivery, self._tell = clock, delivery, tell
        self._area = area
        self._free_at = [0.0] * concurrent
        self._ids = itertools.count(123)
        self._painting = asyncio.Lock()
        self._fetching: set[asyncio.Task[None]] = set()

    def find(self, name: str, key: str) -> HuihuaTask | None:
        """A key's own task, unless it is older than ten days."""
        task = self.tasks.get(name)
        if task is None or task.order.key != key or task.fault is Fault.TASK_NOT_FOUND:
            return None
        return task if self._clock() < task.submitted_at + LIFETIME else None

    def unfinished(self, key: str) -> int:
        now = self._clock()
        return sum(task.order.key == key and task.unfinished(now) for task in self.tasks.values())

    def new_id(self) -> str:
        """As the samples are: a small number in a string. None is given twice."""
        return str(next(self._ids))

    def write(self, task: HuihuaTask) -> HuihuaTask:
        self.tasks[task.id] = task
        return task

    def begin(self, task: HuihuaTask, addresses: Sequence[str], seconds: float | tuple[float, float]) -> int:
        """Give it the first free worker, for ``seconds``, and fetch its pictures; returns how many wait before it."""
        now = self._clock()
        ahead = sum(other.takes is not None and other.started_at > now for other in self.tasks.values())
        worker = self._free_at.index(min(self._free_at))
        low, high = seconds if isinstance(seconds, tuple) else (seconds, seconds)
        task.started_at = max(now, self._free_at[worker])
        task.takes = low + (high - low) * random.Random(f"{task.prompt}\0{task.order.seed}").random()
        self._free_at[worker] = task.started_at + task.takes
        if addresses:
            task.fetching = asyncio.create_task(self._fetch(task, addresses))
            self._fetching.add(task.fetching)
            task.fetching.add_done_callback(self._fetching.discard)
        return ahead

    async def shown(self, task: HuihuaTask, at: float) -> Json:
        """The task as the default dialect tells it at a time; a task cannot end before its pictures are fetched."""
        if task.fetching is not None and task.ends_at is not None and at >= task.ends_at:
            await asyncio.wait([task.fetching])
        previewed = task.status(at) == "IN_PROGRESS" and not task.is_video and task.fetching is None
        if task.makes_a_picture and (previewed or task.status(at) == "SUCCESS"):
            await self.finish(task)
        return task.told(at)

    async def finish(self, task: HuihuaTask) -> bytes:
        """Make the result once, and keep it where it can be downloaded for ten days."""
        async with self._painting:
            if not task.result:
                if task.is_video:
                    task.result, task.mime = await asyncio.to_thread(filmed, task), "video/mp4"
                else:
                    task.result = await asyncio.to_thread(painted, task)
                    small = await asyncio.to_thread(preview, task.result)
                    task.preview_url = await self._kept(task, small, "webp", "image/webp", None)
                spoilt = task.fault if task.fault in PICTURES or task.fault in DOWNLOADS else None
                suffix = task.mime.partition("/")[2]
                task.image_url = await self._kept(task, task.result, suffix, task.mime, spoilt)
        return task.result

    async def stop(self) -> None:
        """Fetch nothing more."""
        for fetching in list(self._fetching):
            fetching.cancel()
        await asyncio.gather(*self._fetching, return_exceptions=True)

    async def _fetch(self, task: HuihuaTask, addresses: Sequence[str]) -> None:
        try:
            fetched = [await references.picture(address, LIMITS, _complaint) for address in addresses]
        except Refusal as refusal:
            # It ends at once.
            task.fail_reason, task.order.charged = str(refusal.body), False
            task.started_at, task.takes = min(task.started_at, self._clock()), 0.0
        else:
            task.order.pictures = tuple(fetched)
            if task.action == "FLUX_IMAGE2IMAGE":
                task.size = like(*references.size(fetched[0]), self._area)
            if task.action == "DESCRIBE":
                task.words = await asyncio.to_thread(four_prompts, fetched)
        task.fetching = None
        await self._tell()

    async def _kept(self, task: HuihuaTask, data: bytes, suffix: str, mime: str, fault: Fault | None) -> str:
        return await self._delivery.keep(
            data,
            path=f"/cn_comfy/{task.id}/{task.grid}.{suffix}",
            mime=mime,
            model=task.order.model,
            until=task.submitted_at + LIFETIME,
            fault=fault,
        )


def rolled_or(prompt: str) -> int:
    """The seed that ``--seed`` asks for, or any."""
    wanted = parameters(prompt).get("seed", "")
    return int(wanted) if wanted.isdecimal() else random.randrange(2**31)


def _complaint(message: str) -> Refusal:
    return Refusal(200, message)
