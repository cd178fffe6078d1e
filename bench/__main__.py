"""``python -m bench``: measure, and write ``bench/report.md``. See there for what is measured and how."""

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.counts import counted
from bench.crowd import crowded
from bench.engines import compared
from bench.latency import acks, added
from bench.memory import waiting
from bench.report import write

HERE = Path(__file__).parent
FIGURES = HERE / "figures.json"
LIBRARIES = ("python-telegram-bot", "discord.py", "httpx", "sqlalchemy")
#: Where a whole run leaves its files; a trial leaves the report as it is.
MEASUREMENTS: Mapping[str, tuple[str, Callable[[Path, bool], Awaitable[Any]]]] = {
    "a": ("latency and CPU beside the floor", lambda folder, quick: added(folder, quick=quick)),
    "b": ("memory of waiting orders", lambda folder, quick: waiting(folder, quick=quick)),
    "c": ("what a task costs", lambda folder, quick: counted(folder, quick=quick)),
    "d": ("SQLite and PostgreSQL", lambda folder, quick: compared(folder, quick=quick)),
    "e": ("acknowledgements on Discord", lambda folder, quick: acks(folder, quick=quick)),
    "f": ("fifteen at once in one group", lambda folder, quick: crowded(folder)),
}


async def measure(wanted: list[str], *, quick: bool, kept: dict[str, Any], file: Path) -> list[str]:
    """Keep what is found in ``kept`` and ``file``; what failed, after its reason was printed."""
    failed = []
    for name in wanted:
        told, measurement = MEASUREMENTS[name]
        began = time.monotonic()
        print(f"({name}) {told} …", end=" ", flush=True)
        with tempfile.TemporaryDirectory(prefix="imagine-bench-", ignore_cleanup_errors=True) as folder:
            try:
                kept[name] = await measurement(Path(folder), quick)
            except (RuntimeError, TimeoutError) as error:
                kept.pop(name, None)
                failed.append(name)
                print(f"failed: {error!r}", end=" ")
        kept["machine"] = {**machine(), "quick": quick}
        file.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
        print(f"{time.monotonic() - began:.0f} s", flush=True)
    return failed


def machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default=",".join(MEASUREMENTS), help="measurements, such as a,c")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller: for trying, not for figures")
    parser.add_argument("--render", action="store_true", help="write the report anew from the figures of the last run")
    parser.add_argument("--to", type=Path, default=HERE, help="the folder that report, plot and figures are written to")
    given = parser.parse_args()
    wanted = given.only.split(",")
    if unknown := set(wanted) - set(MEASUREMENTS):
        parser.error(f"there is no measurement {', '.join(sorted(unknown))}")
    given.to.mkdir(parents=True, exist_ok=True)
    figures_file = given.to / FIGURES.name
    kept = json.loads(figures_file.read_text("utf-8")) if figures_file.exists() else {}
    failed: list[str] = []
    if not given.render:
        failed = asyncio.run(measure(wanted, quick=given.quick, kept=kept, file=figures_file))
    notes = HERE / "notes.md"
    missed = write(kept, given.to, notes.read_text("utf-8") if notes.exists() else "")
    print(f"{given.to / 'report.md'} written;", f"missed: {'; '.join(missed)}" if missed else "every goal met")
    if failed:
        raise SystemExit(f"without {', '.join(failed)}, which failed")


if __name__ == "__main__":
    main()
