"""midjourney-proxy's book of tasks: its queue, its workers, and what it shows of a task."""

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.gateways.delivery import Delivery
from sandbox.gateways.midjourney_pictures import painted, preview
from sandbox.gateways.midjourney_tasks import Task, parameters
from sandbox.gateways.records import Order
from sandbox.gateways.shapes import Json
from sandbox.pictures import clip

#: Seconds that a link works; Discord's signed links live a day.
LIFETIME = 86_400.0
#: Seconds between new-api's looks at the proxy behind it.
REFRESH = 15.0
#: What MJT and new-api call actions of ours.
_MJT = {"ENLARGE": "ACTION", "ZOOM": "ACTION", "ANIMATE": "ACTION"}
_NEW_API = {"ENLARGE": "UPSCALE"}


@dataclass(frozen=True)
class Wish:
    """A checked submit."""

    key: str
    action: str
    prompt: str
    fields: Mapping[str, object]  #: as sent, without the pictures
    bot: str = "MID_JOURNEY"
    state: str = ""
    hook: str = ""
    parent: Task | None = None
    index: int = 0
    size: tuple[int, int] = (1024, 1024)
    words: str = ""
    films: int = 1
    pictures: tuple[bytes, ...] = field(default=(), repr=False)

    def seed(self) -> int:
        """As asked for with ``--seed``, as the parent's, or rolled."""
        if self.parent is not None and self.action != "REROLL":
            return self.parent.order.seed + (0 if self.action == "UPSCALE" else 100 + self.index)
        wanted = parameters(self.prompt).get("seed", "")
        return int(wanted) if wanted.isdecimal() and self.action != "REROLL" else random.randrange(2**31)


class Book:
    """All tasks by id. ``concurrent`` are worked on at once, ``queue`` more may wait."""

    def __init__(self, clock: Callable[[], float], delivery: Delivery, *, concurrent: int, queue: int) -> None:
        self.tasks: dict[str, Task] = {}
        self._clock, self._delivery, self._queue = clock, delivery, queue
        self._free_at = [0.0] * concurrent
        self._painting = asyncio.Lock()
        self._seen: dict[str, tuple[float, Json]] = {}  # new-api: when it last looked, and what it saw

    def waiting(self) -> int:
        """Tasks that nobody works on yet."""
        now = self._clock()
        return sum(task.takes is not None and task.started_at > now for task in self.tasks.values())

    def is_full(self) -> bool:
        return self.waiting() >= self._queue

    def write(self, wish: Wish, number: int) -> Task:
        """Take a wish up as the order of that number; it stands still until it is scheduled."""
        now = self._clock()
        order = Order(
            number=number,
            at=now,
            key=wish.key,
            model=wish.bot,
            prompt=wish.prompt,
            seed=wish.seed(),
            fields=wish.fields,
            pictures=wish.pictures,
        )
        task = Task(
            id=self.new_id(),
            action=wish.action,
            order=order,
            prompt=wish.prompt,
            submitted_at=now,
            state=wish.state,
            hook=wish.hook,
            parent=wish.parent,
            index=wish.index,
            pictures=wish.pictures,
            size=wish.size,
            words=wish.words,
            films=wish.films,
        )
        self.tasks[task.id] = task
        return task

    def schedule(self, task: Task, seconds: float | tuple[float, float]) -> int:
        """Give it the first free worker, for ``seconds``; returns how many tasks wait before it."""
        ahead, now = self.waiting(), self._clock()
        worker = self._free_at.index(min(self._free_at))
        low, high = seconds if isinstance(seconds, tuple) else (seconds, seconds)
        task.started_at = max(now, self._free_at[worker])
        task.takes = low + (high - low) * random.Random(f"{task.prompt}\0{task.order.seed}").random()
        self._free_at[worker] = task.ends_at or now
        return ahead

    async def shown(self, task: Task, at: float) -> Json:
        """The task as JSON at a time, its picture painted when it is needed."""
        told = await self._told(task, at)
        return {**told, "action": _MJT.get(task.action, task.action)}

    async def _told(self, task: Task, at: float) -> Json:
        if task.is_film:
            return await self._film(task, at)
        if task.status(at) in ("IN_PROGRESS", "SUCCESS") and task.makes_a_picture:
            async with self._painting:
                if not task.image_url:
                    data = await asyncio.to_thread(painted, task)
                    task.preview_url = await self._kept(task, await asyncio.to_thread(preview, data), "webp")
                    task.image_url = await self._kept(task, data, "png")
        return task.shown(at)

    async def _film(self, task: Task, at: float) -> Json:
        """Films come under names of their own; there is no preview."""
        if task.status(at) != "SUCCESS":
            return {**task.shown(at), "imageUrl": None}
        async with self._painting:
            if not task.film_urls:
                films = [clip(ratio="1:1", note=f"{task.id} {number}") for number in range(task.films)]
                task.film_urls = tuple([await self._kept(task, film, "mp4") for film in films])
        urls = [{"url": url, "thumbnail": None} for url in task.film_urls]
        return {**task.shown(at), "imageUrl": None, "videoUrl": task.film_urls[0], "videoUrls": urls}

    async def shown_by_new_api(self, task: Task, address: str) -> Json:
        """The same as new-api last saw it, with links to its own ``address``."""
        now = self._clock()
        looked, seen = self._seen.get(task.id, (task.submitted_at, None))
        if now - looked < REFRESH and seen is None:
            fresh = {"status": "", "progress": "0%", "buttons": None, "action": _NEW_API.get(task.action, task.action)}
            return task.shown(task.submitted_at - 1) | fresh
        if seen is None or (now - looked >= REFRESH and seen["status"] not in ("SUCCESS", "FAILURE")):
            seen = await self._told(task, now) | {"action": _NEW_API.get(task.action, task.action)}
            if seen["imageUrl"]:
                rand = "" if seen["status"] == "SUCCESS" else f"?rand={time.time_ns()}"
                seen["imageUrl"] = f"{address}/mj/image/{task.id}{rand}"
            if seen["status"] == "FAILURE":
                seen["progress"] = "100%"
            self._seen[task.id] = (now, seen)
        return seen

    def new_id(self) -> str:
        """As MJP makes them: the time in milliseconds and three digits; only here never the same twice, since a test's
        clock may stand still."""
        while (name := f"{int(self._clock() * 1000)}{random.randrange(1000):03d}") in self.tasks:
            pass
        return name

    async def _kept(self, task: Task, data: bytes, suffix: str) -> str:
        return await self._delivery.keep(
            data,
            path=f"/attachments/1118138338562560102/{task.id}/{secrets.token_hex(4)}_{task.grid}.{suffix}",
            mime="video/mp4" if suffix == "mp4" else f"image/{suffix}",
            model=task.order.model,
            until=self._clock() + LIFETIME,
            fault=None,
        )
