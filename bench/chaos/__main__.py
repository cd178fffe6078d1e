"""``python -m bench.chaos``: see :mod:`bench.chaos`. Exit code 1 if anything was lost or done twice."""

import argparse
import asyncio
import contextlib
import json
import random
import secrets
import sys
import tempfile
from pathlib import Path

from bench.chaos.running import Run, run
from bench.soak.running import main as soak


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--mode", choices=["embedded", "scale", "both"], default="both")
    parser.add_argument("--tasks", type=int, default=500, help="requests that are to be accepted, in each mode")
    parser.add_argument("--seed", type=int, default=None, help="of people's wishes and of the kills")
    parser.add_argument("--kills-every", type=float, nargs=2, default=(3.0, 12.0), metavar=("LOW", "HIGH"))
    parser.add_argument("--people", type=int, default=12, help="in each chat; each waits for one request at a time")
    parser.add_argument("--seconds", type=float, nargs=2, default=(0.5, 6.0), metavar=("LOW", "HIGH"))
    parser.add_argument("--within", type=float, default=45.0, help="minutes for each mode, to the end of all tasks")
    parser.add_argument("--hasty", action="store_true", help="shorter leases between workers than the real ones")
    parser.add_argument("--soak", type=float, default=30.0, help="minutes of bench.soak afterwards; 0: none")
    parser.add_argument("--json", type=Path, default=None, help="write the figures there too")
    parser.add_argument("--keep", type=Path, default=None, help="a folder for databases and logs")
    given = parser.parse_args()
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    reports = []
    for mode in ("embedded", "scale") if given.mode == "both" else (given.mode,):
        print(f"{mode}: {given.tasks} requests, --seed {seed}", flush=True)
        with contextlib.ExitStack() as stack:
            if given.keep is None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imagine-chaos-")))
            else:
                folder = given.keep / mode
            report = asyncio.run(
                run(
                    folder,
                    Run(
                        mode=mode,
                        tasks=given.tasks,
                        random=random.Random(f"{seed} {mode}"),
                        people=given.people,
                        kills_every=tuple(given.kills_every),
                        seconds=tuple(given.seconds),
                        within=given.within * 60,
                        hasty=given.hasty,
                    ),
                    print,
                )
            )
        reports.append(report)
        print(report.table(), flush=True)
    if given.json is not None:
        given.json.write_text(json.dumps([report.document(seed) for report in reports], indent=1), "utf-8")
    is_off = any(report.is_off for report in reports)
    if given.soak and not soak(given.soak):
        is_off = True
    sys.exit(1 if is_off else 0)


if __name__ == "__main__":
    main()
