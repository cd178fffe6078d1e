"""One run: people ask, processes die and rise, everything comes to its end, and then it is counted."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.chaos.asking import People
from bench.chaos.figures import Figure, figures, gathered, kills_in_words
from bench.chaos.killing import EMBEDDED, SCALE, Kill, Killer
from bench.chaos.place import postgres, settled_in
from bench.chaos.rows import Rows

#: Seconds between two lines about how it goes.
_TELL_EVERY = 30.0


@dataclass(frozen=True)
class Run:
    """``kills_every`` and ``seconds`` (a picture takes) are ranges; ``within`` ends it whatever is unfinished;
    ``aftermath``: for what follows a last word, such as buttons below an album. All in seconds."""

    mode: str  #: "embedded" or "scale"
    tasks: int
    random: random.Random
    people: int = 12
    kills_every: tuple[float, float] = (3.0, 12.0)
    seconds: tuple[float, float] = (0.5, 6.0)
    within: float = 2700.0
    aftermath: float = 8.0
    hasty: bool = False
    kinds: Sequence[str] | None = None
    most_kills: int | None = None


@dataclass(frozen=True)
class Report:
    mode: str
    figures: Sequence[Figure]
    kills: Sequence[Kill]
    seconds: float

    @property
    def is_off(self) -> bool:
        return any(figure.is_off for figure in self.figures)

    def value(self, name: str) -> int:
        """Raises StopIteration for a figure there is not."""
        return next(figure.value for figure in self.figures if figure.name == name)

    def table(self) -> str:
        """The figures with what they must be, those that are off with their cases."""
        width = max(len(figure.name) for figure in self.figures)
        lines = [f"{self.mode}: {kills_in_words(self.kills)}, {self.seconds:.0f} s"]
        for figure in self.figures:
            bound = "" if figure.most is None else "  OFF: at most 0" if figure.is_off else "  ok"
            lines.append(f"  {figure.name:<{width}}  {figure.value:>6}{bound}")
            lines += [f"      {case}" for case in figure.cases[:20]]
        return "\n".join(lines)

    def document(self, seed: int) -> dict[str, Any]:
        """The same for machines."""
        return {
            "mode": self.mode,
            "seed": seed,
            "seconds": round(self.seconds, 1),
            "kills": [{"process": kill.name, "moment": kill.moment, "at": kill.at} for kill in self.kills],
            "figures": {figure.name: figure.value for figure in self.figures},
            "off": {figure.name: list(figure.cases) for figure in self.figures if figure.is_off},
        }


async def run(folder: Path, wanted: Run, tell: Callable[[str], None] = lambda line: None) -> Report:
    """Everything of one mode, in ``folder``."""
    began = time.monotonic()
    with _database(wanted.mode, folder) as database:
        rows = Rows(database)
        try:
            async with settled_in(folder, database=database, people=wanted.people, seconds=wanted.seconds) as place:
                people = People(place, rows, wanted.random, wanted.tasks, wanted.kinds)
                parts = EMBEDDED if wanted.mode == "embedded" else SCALE
                program = "tests.e2e.hasty" if wanted.hasty else "bots"
                killer = Killer(
                    place, people, rows, wanted.random, parts, wanted.kills_every, wanted.most_kills, program
                )
                try:
                    await _live_and_die(wanted, people, killer, tell)
                    await asyncio.sleep(wanted.aftermath)
                    found = figures(await gathered(place, people, killer, rows))
                finally:
                    await killer.end_all()
        finally:
            await rows.close()
    return Report(wanted.mode, found, killer.kills, time.monotonic() - began)


@contextlib.contextmanager
def _database(mode: str, folder: Path) -> Iterator[str]:
    folder.mkdir(parents=True, exist_ok=True)
    if mode == "embedded":
        yield f"sqlite+aiosqlite:///{folder}/imagine.db"
        return
    with postgres(folder) as url:
        yield url


async def _live_and_die(wanted: Run, people: People, killer: Killer, tell: Callable[[str], None]) -> None:
    """Until all tasks have ended, or the time is up."""
    stopping = asyncio.Event()
    await killer.start_all()
    beside = [asyncio.create_task(people.watch()), asyncio.create_task(_tell(people, killer, tell))]
    killing = asyncio.create_task(killer.run(stopping))
    living = asyncio.create_task(people.live(wanted.people))
    living.add_done_callback(lambda _: stopping.set())
    limit = asyncio.timeout(wanted.within)
    try:
        async with limit:
            await _unless_one_fails(living, killing, *beside, until={living, killing})
            while people.is_waiting:
                await killer.look_after()
                await asyncio.sleep(0.5)
    except TimeoutError:
        if not limit.expired():
            raise
        tell(f"the time is up: {people.unfinished} tasks are unfinished")
    finally:
        for task in (living, killing, *beside):
            task.cancel()
        await asyncio.gather(living, killing, *beside, return_exceptions=True)


async def _unless_one_fails(*tasks: asyncio.Task[None], until: set[asyncio.Task[None]]) -> None:
    """Wait for those of ``until``. Raises what any of ``tasks`` fails with."""
    while not all(task.done() for task in until):
        done, _ = await asyncio.wait(tasks, timeout=0.5, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()


async def _tell(people: People, killer: Killer, tell: Callable[[str], None]) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(_TELL_EVERY)
        stored, open_ = len(people.states), people.unfinished
        tell(f"  {time.monotonic() - began:5.0f} s: {stored} tasks, {open_} unfinished, {len(killer.kills)} kills")
