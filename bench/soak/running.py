"""Runs the soak: stand-ins, a seeded database, the bots, and somebody who looks at them every few seconds."""

import asyncio
import contextlib
import json
import os
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from bench.soak.figures import GROWTH, LAG_P99, LEAST_LEFT, Sample, Second, Verdict, judged, percentile
from bench.soak.seeding import seed
from core.clock import utc_now

CHECKOUT = Path(__file__).parents[2]
ORDERS = 10_000
#: Seconds between two looks; how long the bots may take to put the orders on the screen, and how long without another
#: one in a hundred until no more are expected.
LOOK_EVERY, WARM_WITHIN, STILL_FOR = 2.0, 900.0, 30.0
#: Bytes of a line from the stand-ins: the first one carries thousands of tickets.
LINE = 16 * 1024 * 1024

out = Console(soft_wrap=True, highlight=False)


def main(minutes: float, *, orders: int = ORDERS, json_to: Path | None = None, folder: Path | None = None) -> bool:
    """Soak for ``minutes``, print what came of it; whether every goal was met. Not from within a running loop."""
    return asyncio.run(soaked(minutes, orders=orders, json_to=json_to, folder=folder))


async def soaked(minutes: float, *, orders: int, json_to: Path | None = None, folder: Path | None = None) -> bool:
    """The same for who has a loop already."""
    async with contextlib.AsyncExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imagine-soak-")))
        folder.mkdir(parents=True, exist_ok=True)
        soak = await stack.enter_async_context(started(folder, orders))
        await soak.warm()
        await soak.look(minutes * 60)
    return soak.tell(json_to)


@dataclass
class Ends:
    """The stand-ins' process."""

    process: asyncio.subprocess.Process

    async def said(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        document: dict[str, Any] = json.loads(await self.process.stdout.readline())
        return document

    async def answer(self, word: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n".encode())
        return await self.said()


class Soak:
    """The bots at work, and all that was seen of them."""

    def __init__(self, folder: Path, orders: int, ends: Ends, process: asyncio.subprocess.Process) -> None:
        self._folder, self._orders, self._ends = folder, orders, ends
        self._process, self._watched = process, psutil.Process(process.pid)
        self._samples: list[Sample] = []
        self._probe: list[dict[str, Any]] = []
        self._before: dict[str, Any] = {}
        self._after: dict[str, Any] = {}

    async def warm(self) -> None:
        """Until every order is on the screen, or no more come: progress is dropped where a chat's budget is short."""
        began = fell_at = time.monotonic()
        fewest = self._orders + 1
        while (unseen := await asyncio.to_thread(_unseen, self._folder)) and time.monotonic() - began < WARM_WITHIN:
            self._alive()
            if unseen < fewest - self._orders // 100:
                fewest, fell_at = unseen, time.monotonic()
            elif time.monotonic() - fell_at > STILL_FOR:
                break
            await asyncio.sleep(LOOK_EVERY)
        out.print(f"{self._orders - unseen} orders on the screen after {time.monotonic() - began:.0f} s")

    async def look(self, seconds: float) -> None:
        """Let a person ask, and sample for ``seconds``."""
        probe = (self._folder / "probe.jsonl").open(encoding="utf-8")
        web = _web(self._folder)
        with probe:
            _lines(probe.read())
            self._before = await self._ends.answer("ask")
            began = time.monotonic()
            async with httpx.AsyncClient(base_url=web, timeout=30, trust_env=False) as client:
                while (at := time.monotonic() - began) < seconds:
                    self._alive()
                    self._samples.append(await self._sample(client, at))
                    await asyncio.sleep(LOOK_EVERY)
            self._probe = _lines(probe.read())
            self._after = await self._ends.answer("figures")

    async def _sample(self, client: httpx.AsyncClient, at: float) -> Sample:
        asked = time.perf_counter()
        (await client.get("/healthz")).raise_for_status()
        health = (time.perf_counter() - asked) * 1000
        spent = self._watched.cpu_times()
        return Sample(at, self._watched.memory_info().rss, spent.user + spent.system, health)

    def _alive(self) -> None:
        if self._process.returncode is not None:
            raise RuntimeError(f"the bots ended:\n{(self._folder / 'bots.log').read_text('utf-8')[-4000:]}")

    def tell(self, json_to: Path | None) -> bool:
        verdict = judged([Second(line["lags"], line["stolen"]) for line in self._probe], self._samples)
        happened = {name: self._after[name] - self._before[name] for name in self._after if name != "slowest"}
        lost = happened["lost"]
        own = [lag for line in self._probe for lag in line["own"]]
        figures = self._figures(verdict, happened, own)
        table = Table("figure", "value", "goal", title=f"{self._orders} waiting orders in one process")
        for name, value, goal in figures:
            table.add_row(name, value, goal)
        out.print(table)
        passed = verdict.passed and not lost
        out.print("passed" if passed else "MISSED")
        if json_to is not None:
            document = {
                "passed": passed,
                "verdict": asdict(verdict),
                "happened": happened,
                "figures": [list(figure) for figure in figures],
                "samples": [asdict(sample) for sample in self._samples],
            }
            json_to.write_text(json.dumps(document, indent=1), "utf-8")
        return passed

    def _figures(self, verdict: Verdict, happened: dict[str, Any], own: list[float]) -> list[tuple[str, str, str]]:
        first, last = self._samples[0], self._samples[-1]
        lags = [lag for line in self._probe for lag in line["lags"]]
        seconds = last.at - first.at
        health = [sample.health for sample in self._samples]
        wrote = [self._probe[-1][name] - self._probe[0][name] for name in ("writes", "statements")]
        answered = happened["answered"]
        return [
            ("minutes", f"{seconds / 60:.1f}", ""),
            ("loop lag p50, ms", f"{verdict.lag_p50:.1f}", ""),
            ("loop lag p99, ms", f"{verdict.lag_p99:.1f}", f"< {LAG_P99:.0f}"),
            ("loop lag max, ms", f"{verdict.lag_max:.0f}", ""),
            (
                "seconds that count: the host left them to us, %",
                f"{verdict.left * 100:.0f}",
                f"≥ {LEAST_LEFT * 100:.0f}",
            ),
            ("loop lag p99 of all seconds, ms", f"{percentile(lags, 0.99):.1f}", ""),
            ("of it its own work: p99 and max, ms", f"{percentile(own, 0.99):.1f} and {max(own, default=0):.0f}", ""),
            ("the machine's load, of so many processors", f"{os.getloadavg()[0]:.1f}, {os.cpu_count()}", ""),
            ("/healthz p50 and p99, ms", f"{percentile(health, 0.5):.1f} and {percentile(health, 0.99):.1f}", ""),
            ("memory at the start, MB", f"{verdict.rss_start:.1f}", ""),
            ("memory after 20 %, MB", f"{verdict.rss_settled:.1f}", ""),
            ("memory at the end, MB", f"{verdict.rss_end:.1f}", ""),
            ("memory's trend, KB a minute", f"{verdict.trend:+.0f}", ""),
            ("memory's growth, %", f"{verdict.growth * 100:+.2f}", f"< {GROWTH * 100:.0f}"),
            ("processor, % of a core", f"{(last.cpu - first.cpu) / seconds * 100:.0f}", ""),
            ("transactions that write, a second", f"{wrote[0] / seconds:.1f}", ""),
            ("statements, a second", f"{wrote[1] / seconds:.0f}", ""),
            ("requests at the polled gateway, a second", f"{happened['questions'] / seconds:.1f}", ""),
            ("calls to Telegram, a second", f"{happened['telegram'] / seconds:.1f}", ""),
            ("calls to Discord, a second", f"{happened['discord'] / seconds:.1f}", ""),
            (
                "requests meanwhile: asked, answered, lost",
                f"{happened['asked']}, {answered}, {happened['lost']}",
                "0 lost",
            ),
            ("seconds to a picture: mean, slowest", _times(happened, self._after), ""),
        ]


def _times(happened: dict[str, Any], after: dict[str, Any]) -> str:
    mean = happened["seconds"] / happened["answered"] if happened["answered"] else 0.0
    return f"{mean:.2f}, {after['slowest']:.2f}"


@contextlib.asynccontextmanager
async def started(folder: Path, orders: int) -> AsyncIterator[Soak]:
    """The stand-ins, the seeded database and the bots, which are stopped in order at the end."""
    began = time.monotonic()
    async with stand_ins(orders // 2) as ends:
        first = await ends.said()
        (folder / "data").mkdir(exist_ok=True)
        await seed(_database(folder), first["places"], first["tickets"], orders - orders // 2, utc_now())
        out.print(f"{orders} orders seeded after {time.monotonic() - began:.0f} s")
        process = await bots(folder, first["environment"])
        try:
            yield Soak(folder, orders, ends, process)
        finally:
            if process.returncode is None:
                process.terminate()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(20):
                        await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()


@contextlib.asynccontextmanager
async def stand_ins(grids: int) -> AsyncIterator[Ends]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.soak.ends", str(grids), stdin=pipe, stdout=pipe, cwd=CHECKOUT, limit=LINE
    )
    try:
        yield Ends(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def bots(folder: Path, ends: dict[str, str]) -> asyncio.subprocess.Process:
    """``imagine run`` with the probe inside; everything it prints goes to ``bots.log``."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(CHECKOUT),
        "WEB_LISTEN": "127.0.0.1:0",
        "USER_DAILY_CREDITS": "0",
        "USER_MONTHLY_CREDITS": "0",
        "USER_QUEUED": "100000",
        "STOP_GRACE": "5",
        "SOAK_PROBE": str(folder / "probe.jsonl"),
        **ends,
    }
    with (folder / "bots.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.soak.probed", "run", cwd=folder, env=environment, stdout=log, stderr=log
        )


def _database(folder: Path) -> Path:
    return folder / "data" / "imagine.db"


def _unseen(folder: Path) -> int:
    """Tasks that have not been on a screen yet."""
    with contextlib.closing(sqlite3.connect(f"file:{_database(folder)}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT count(*) FROM task WHERE shown_revision < 0").fetchone()[0])


def _web(folder: Path) -> str:
    """Where the bots' web part listens, as their log says. Raises RuntimeError."""
    found = re.search(r"web part.*?(http://[\d.]+:\d+)", (folder / "bots.log").read_text("utf-8"))
    if found is None:
        raise RuntimeError("the bots' log does not say where their web part is")
    return found[1]


def _lines(written: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.splitlines()]
