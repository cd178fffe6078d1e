"""(a) What we add to a picture's time and CPU, beside the floor; (e) how soon Discord hears from us in a burst."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from statistics import median
from typing import Any

from bench.processes import Peers, Program, bots, floor, peers
from bench.soak.figures import percentile
from bench.stolen import STOLEN, Stolen

PLATFORMS = ("telegram", "discord")
#: Requests at once, and how often each is repeated.
SIZES = {1: 5, 20: 3, 100: 3, 500: 1}
QUICK_SIZES = {1: 1, 20: 1, 100: 1}
#: Asked first, not counted: imports, connections, caches.
WARM_UP = 20
#: Seconds the gateway's stand-in takes for a picture; subtracted from every time.
SECONDS = 2.0
#: A burst during which the host gave more than STOLEN to others is measured again, so often at most, after so many
#: seconds: the more of our own work there is, the more it would count.
TRIES, PAUSE = 4, 5.0
#: (e): interactions at once, and how often.
ACKS, ACK_REPEATS = 200, 3

Json = dict[str, Any]


async def added(folder: Path, *, quick: bool) -> list[Json]:
    """A row for each platform and number at once."""
    sizes = QUICK_SIZES if quick else SIZES
    rows = []
    for platform in PLATFORMS:
        async with peers(folder, seconds=SECONDS) as stand_ins:
            found = {}
            for name in ("floor", "ours"):
                where = folder / f"{platform}-{name}"
                async with _program(name, stand_ins, where, platform) as program:
                    found[name] = await _bursts(stand_ins, program, platform, sizes)
        rows += [
            {"platform": platform, "count": count, "floor": found["floor"][count], "ours": found["ours"][count]}
            for count in sizes
        ]
    return rows


def _program(name: str, stand_ins: Peers, folder: Path, platform: str) -> AbstractAsyncContextManager[Program]:
    if name == "floor":
        return floor(stand_ins, folder, platform=platform)
    return bots(stand_ins, folder, platform=platform)


async def _bursts(stand_ins: Peers, program: Program, platform: str, sizes: dict[int, int]) -> dict[int, Json]:
    await stand_ins.ask("burst", platform=platform, count=WARM_UP, prompt="a fox")
    found = {}
    for count, repeats in sizes.items():
        runs = []
        for _ in range(repeats):

            async def once(count: int = count) -> Json:
                before = program.cpu()
                burst = await stand_ins.ask("burst", platform=platform, count=count, prompt="a fox in the snow")
                return figures(burst, program.cpu() - before)

            runs.append(await undisturbed(once))
        found[count] = {name: median(run[name] for run in runs) for name in runs[0]}
        found[count]["late"] = sum(run["late"] for run in runs)
        found[count]["stolen"] = max(run["stolen"] for run in runs)
    return found


async def undisturbed(measure: Callable[[], Awaitable[Json]]) -> Json:
    """What ``measure`` finds, and as ``stolen`` the share of the machine's time that its host gave to others meanwhile:
    repeated, after a pause, while that is more than :data:`STOLEN`; of all tries the one with least."""
    best: Json = {"stolen": 2.0}
    for _ in range(TRIES):
        host = Stolen()
        found = await measure()
        stolen = host.share()
        best = min(best, {**found, "stolen": stolen}, key=lambda each: float(each["stolen"]))
        if stolen <= STOLEN:
            break
        await asyncio.sleep(PAUSE)
    return best


def figures(burst: Json, cpu: float) -> Json:
    """Milliseconds, the gateway's own time subtracted; ``cpu`` is per task, ``late`` those who got nothing in time.
    Raises RuntimeError where nobody got a picture."""
    took: Sequence[float] = burst["seconds"]
    if not took:
        raise RuntimeError("nobody got a picture")
    added_ms = [(seconds - SECONDS) * 1000 for seconds in took]
    return {
        "p50": percentile(added_ms, 0.5),
        "p95": percentile(added_ms, 0.95),
        "cpu": cpu / burst["asked"] * 1000,
        "late": burst["asked"] - len(took),
    }


async def acks(folder: Path, *, quick: bool) -> Json:
    """Milliseconds from each interaction to its acknowledgement, of ours and of the floor."""
    found: Json = {"count": ACKS}
    async with peers(folder, seconds=SECONDS) as stand_ins:
        for name in ("floor", "ours"):
            async with _program(name, stand_ins, folder / f"acks-{name}", "discord"):
                await stand_ins.ask("burst", platform="discord", count=WARM_UP, prompt="a fox")
                runs = []
                stolen = 0.0
                for _ in range(1 if quick else ACK_REPEATS):

                    async def once() -> Json:
                        found: Json = await stand_ins.ask(
                            "burst", platform="discord", count=ACKS, prompt="a fox in the snow"
                        )
                        return found

                    burst = await undisturbed(once)
                    stolen = max(stolen, burst["stolen"])
                    runs.append([seconds * 1000 for seconds in burst["acks"]])
                found[name] = {
                    "stolen": stolen,
                    "p50": median(percentile(run, 0.5) for run in runs),
                    "p99": median(percentile(run, 0.99) for run in runs),
                    "answered": min(len(run) for run in runs),
                }
    return found
