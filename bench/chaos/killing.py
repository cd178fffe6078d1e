"""The processes of the bots, killed at random moments and at chosen ones, and started again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bench.chaos.asking import People
from bench.chaos.place import Place
from bench.chaos.rows import Rows
from sandbox.chat import Event, Feed, Post
from tests.e2e.town import Bots

#: What each process runs: all in one, or five.
EMBEDDED: Mapping[str, tuple[str, ...]] = {"bots": ("run",)}
SCALE: Mapping[str, tuple[str, ...]] = {
    "worker-1": ("run", "--part", "worker"),
    "worker-2": ("run", "--part", "worker"),
    "telegram": ("run", "--part", "telegram"),
    "discord": ("run", "--part", "discord"),
    "web": ("run", "--part", "web"),
}
#: What each process says in its log when it begins to work.
_STARTED = b"starting"
#: Seconds a start may take on a busy machine.
_START_WITHIN = 120.0
#: Seconds to wait for a chosen moment; then any will do.
_MOMENT_WITHIN = 15.0
#: Moments, and how often each is chosen.
_MOMENTS = {"whenever": 4, "starting": 1, "request": 2, "submit": 3, "download": 2, "post": 4}


@dataclass(frozen=True)
class Kill:
    """One kill. ``starting`` and ``unsaid``: orders whose call may have been out, tasks without their last word."""

    name: str
    moment: str
    began: float  #: seconds since 1970: when the process that was killed had been started
    at: float
    starting: frozenset[str]
    unsaid: frozenset[str]


@dataclass
class Killer:
    """Kills one of ``parts`` every ``every`` seconds, a range. ``program``: the module that is run."""

    place: Place
    people: People
    rows: Rows
    random: random.Random
    parts: Mapping[str, tuple[str, ...]]
    every: tuple[float, float]
    most: int | None = None  #: kills
    program: str = "bots"
    kills: list[Kill] = field(default_factory=list)
    ended_alone: list[str] = field(default_factory=list)  #: processes that ended without having been killed

    def __post_init__(self) -> None:
        folder = self.place.folder
        self.processes = {
            name: Bots(self.place.environment, folder, folder / f"{name}.log", self.program) for name in self.parts
        }
        self._began = dict.fromkeys(self.parts, 0.0)
        self._starting: dict[str, int] = {}  # where in the log the current life begins

    async def start_all(self) -> None:
        for name in self.parts:
            await self._start(name)
        for name in self.parts:
            await self._is_started(name)
        async with asyncio.timeout(_START_WITHIN):
            # From now on there is somebody to ask, and commands to do it with.
            while not (  # noqa: ASYNC110  # other processes make it true
                self.place.telegram.called("setMyCommands") and self.place.discord.gateway.connected
            ):
                await asyncio.sleep(0.1)

    async def end_all(self) -> None:
        for bots in self.processes.values():
            if bots.process is not None and bots.process.returncode is None:
                await bots.killed()

    async def run(self, stopping: asyncio.Event) -> None:
        """Until ``stopping``; everything runs when it returns."""
        while not stopping.is_set() and (self.most is None or len(self.kills) < self.most):
            moment = self.random.choices(list(_MOMENTS), list(_MOMENTS.values()))[0]
            if moment == "starting":
                # The one that has just been started again, in the middle of it.
                name = self.kills[-1].name if self.kills else self.random.choice(list(self.parts))
                await self._kill(name, moment, after=0.0)
                await self._again(name)
                await self._kill(name, moment, after=self.random.uniform(0.1, 2.0))
            else:
                await _or_stopped(stopping, asyncio.sleep(self.random.uniform(*self.every)))
                name = await self._chosen(moment, stopping)
                if stopping.is_set():
                    return
                await self._kill(name, moment, after=self.random.choice([0.0, 0.0, self.random.uniform(0, 0.2)]))
            await self._again(name)
            if len(self.parts) == 1:
                # Of several the next one may die while this one still starts.
                await self._is_started(name)
            await self.look_after()

    async def look_after(self) -> None:
        """Start again what has ended by itself, and remember it."""
        for name, bots in self.processes.items():
            if bots.process is not None and bots.process.returncode is not None:
                self.ended_alone.append(f"{name} ({bots.process.returncode}): {bots.said()[-600:]}")
                await self._start(name)

    async def _chosen(self, moment: str, stopping: asyncio.Event) -> str:
        """Wait for the moment, and say which process is in it."""
        happened: dict[str, tuple[Callable[[], Awaitable[object]], tuple[str, ...]]] = {
            "request": (self._a_request, ("telegram", "discord")),
            "submit": (self._a_submit, ("worker-1", "worker-2")),
            "download": (self._a_download, ("worker-1", "worker-2")),
        }
        who = tuple(self.parts)
        if moment == "post":
            chat = self.random.choice(("telegram", "discord"))
            await _or_stopped(stopping, _a_post(getattr(self.place, chat).feed))
            who = (chat,)
        elif moment in happened:
            wait, who = happened[moment]
            await _or_stopped(stopping, wait())
        fitting = [name for name in who if name in self.parts]
        return self.random.choice(fitting or list(self.parts))

    async def _a_request(self) -> None:
        self.people.spoke.clear()
        await self.people.spoke.wait()

    async def _a_submit(self) -> None:
        gateway = self.random.choice(list(self.place.gateways.values()))
        known = len(gateway.orders)
        await gateway.until(lambda: len(gateway.orders) > known, timeout=_MOMENT_WITHIN)

    async def _a_download(self) -> None:
        gateway = self.random.choice(list(self.place.gateways.values()))
        known = len(gateway.deliveries)
        await gateway.until(lambda: len(gateway.deliveries) > known, timeout=_MOMENT_WITHIN)

    async def _kill(self, name: str, moment: str, *, after: float) -> None:
        if after:
            await asyncio.sleep(after)
        bots = self.processes[name]
        at = time.time()
        bots.kill()
        await bots.ended(within=_START_WITHIN)
        starting, unsaid = await self.rows.open_now()
        self.kills.append(Kill(name, moment, self._began[name], at, starting, unsaid))

    async def _again(self, name: str) -> None:
        await asyncio.sleep(self.random.uniform(0, 1.5))
        await self._start(name)

    async def _start(self, name: str) -> None:
        bots = self.processes[name]
        self._starting[name] = bots.log.stat().st_size if bots.log.exists() else 0
        self._began[name] = time.time()
        await bots.start(*self.parts[name])

    async def _is_started(self, name: str) -> None:
        """Raises TimeoutError; one that ended by itself is not waited for."""
        bots = self.processes[name]
        async with asyncio.timeout(_START_WITHIN):
            while _STARTED not in bots.log.read_bytes()[self._starting[name] :]:
                if bots.process is None or bots.process.returncode is not None:
                    return
                await asyncio.sleep(0.1)


async def _a_post(feed: Feed) -> None:
    """Until the chat has accepted a picture of the bots."""

    def is_it(event: Event) -> bool:
        return isinstance(event, Post) and event.author == "bot" and bool(event.attachments)

    await feed.wait_for(is_it, timeout=_MOMENT_WITHIN, since=len(feed.events))


async def _or_stopped(stopping: asyncio.Event, waiting: Awaitable[object]) -> None:
    """Wait for it, but not beyond ``stopping`` nor for ever."""
    wait, stop = asyncio.ensure_future(waiting), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({wait, stop}, return_when=asyncio.FIRST_COMPLETED, timeout=_MOMENT_WITHIN)
    finally:
        for each in (wait, stop):
            each.cancel()
        await asyncio.gather(wait, stop, return_exceptions=True)
