"""(c) What one task costs: writes to the database, requests to the gateway, calls to the platform."""

import asyncio
import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

from bench.processes import Program, bots, peers, until
from bench.soak.figures import percentile

#: A model for each way a gateway has to answer.
STYLES = {
    "sync, picture in the answer": "hub-gpt-image-1",
    "sync, link in the answer": "flux-2-pro",
    "task, asked about": "hub-flux-kontext-pro",
}
#: Seconds a picture takes, so that a task ends within ten also where it is asked about every five; tasks, and seconds
#: between two, so that they hardly overlap.
SECONDS, TASKS, EVERY = 4.0, 6, 1.5

Json = dict[str, Any]


async def counted(folder: Path, *, quick: bool) -> list[Json]:
    """A row for each style and platform; the platforms at the same time, in worlds of their own."""
    seconds = 1.0 if quick else SECONDS
    found = await asyncio.gather(*(_platform(folder / name, name, seconds) for name in ("telegram", "discord")))
    return [row for rows in found for row in rows]


async def _platform(folder: Path, platform: str, seconds: float) -> list[Json]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "counts.json"
    rows = []
    async with (
        peers(folder, seconds=seconds) as stand_ins,
        bots(stand_ins, folder / "bots", platform=platform, settings={"BENCH_COUNTS": str(path)}) as program,
    ):
        for style, model in STYLES.items():
            await stand_ins.ask("burst", platform=platform, count=1, prompt=f"a fox --model {model}")
            before = await _counts(program, path)
            burst = await stand_ins.ask(
                "burst", platform=platform, count=TASKS, prompt=f"a fox --model {model}", every=EVERY
            )
            spent = Counter(await _counts(program, path))
            spent.subtract(before)
            rows.append(
                {
                    "platform": platform,
                    "style": style,
                    "slowest": percentile(burst["seconds"], 1.0),
                    **{name: spent[name] / TASKS for name in ("writes", "transactions", "changes", "statements")},
                    "gateway": {name: number / TASKS for name, number in burst["gateway"].items()},
                    "calls": sum(burst["calls"].values()) / TASKS,
                    "by_call": {name: number / TASKS for name, number in burst["calls"].items()},
                }
            )
    return rows


async def _counts(program: Program, path: Path) -> dict[str, int]:
    path.unlink(missing_ok=True)
    program.process.send_signal(signal.SIGUSR1)
    await until(path.exists, timeout=10)
    found: dict[str, int] = json.loads(path.read_text("utf-8"))
    return found
