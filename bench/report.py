"""The report: text and tables from the figures, each goal with whether it was met and by how much it was missed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.latency import SECONDS
from bench.plot import draw

Json = dict[str, Any]

#: The goals.
FLOOR_RATIO, AT_ONCE = 1.5, 100
BYTES_AN_ORDER = 20_000
WRITES, CALLS = 8, {"telegram": 3, "discord": 4}
ACK_MS = 500
NAMES = {"telegram": "Telegram", "discord": "Discord"}

HEAD = """# The benchmark

Written by `make bench`; ratios count, for times depend on the machine. The stand-ins for Telegram, Discord and the
gateways run in a process of their own, the bots are real `imagine run` processes with an empty database each. The
stand-ins draw and recompress no pictures while we measure; every picture is another one (a PNG of 1024 x 1024). Limits
per person and rates of the platforms are lifted, but in (f). Times are taken at the stand-ins: from the moment a
request can be had to the moment the picture is taken, with the gateway's own time subtracted. Figures are medians of
several runs after a warm-up.
"""


@dataclass(frozen=True)
class Goal:
    name: str
    goal: str
    found: str
    met: bool


def write(figures: Json, folder: Path, notes: str) -> list[str]:
    """Write ``report.md`` and ``plot.svg`` into ``folder``; the names of the goals that were missed."""
    goals: list[Goal] = []
    parts = [HEAD, _machine(figures["machine"])]
    sections: Mapping[str, Callable[[Any, list[Goal]], str]] = {
        "a": _latency,
        "b": _memory,
        "c": _counts,
        "d": _engines,
        "e": _acks,
        "f": _crowd,
    }
    told = [section(figures[name], goals) for name, section in sections.items() if name in figures]
    summary = _table(
        ("goal", "wanted", "found", ""),
        ([goal.name, goal.goal, goal.found, "met" if goal.met else "**missed**"] for goal in goals),
    )
    parts += ["## Goals", summary]
    if notes:
        parts += ["## Why", notes.strip()]
    if "a" in figures:
        draw(figures, folder / "plot.svg")
        parts.append("![Added time and CPU beside the floor](plot.svg)")
    (folder / "report.md").write_text("\n\n".join(part.strip() for part in [*parts, *told]) + "\n", "utf-8")
    return [goal.name for goal in goals if not goal.met]


def _machine(about: Json) -> str:
    libraries = ", ".join(f"{name} {number}" for name, number in about["libraries"].items())
    trial = " **A quick trial: too few runs to go by.**" if about["quick"] else ""
    return f"{about['cores']} cores, Python {about['python']}, {libraries}; load at the end {about['load']}.{trial}"


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _ratio(ours: float, floor: float) -> str:
    return f"{ours / floor:.2f}"


def _latency(rows: list[Json], goals: list[Goal]) -> str:
    cells = []
    for row in rows:
        ours, floor = row["ours"], row["floor"]
        ratios = {name: ours[name] / floor[name] for name in ("p50", "p95", "cpu")}
        waited = {name: (ours[name] + SECONDS * 1000) / (floor[name] + SECONDS * 1000) for name in ("p50", "p95")}
        cells.append(
            [
                NAMES[row["platform"]],
                row["count"],
                *(f"{floor[name]:.0f} → {ours[name]:.0f}" for name in ("p50", "p95")),
                f"{ratios['p50']:.2f}",
                f"{ratios['p95']:.2f}",
                f"{waited['p50']:.2f}",
                f"{waited['p95']:.2f}",
                f"{floor['cpu']:.1f} → {ours['cpu']:.1f}",
                f"{ratios['cpu']:.2f}",
            ]
        )
        if row["count"] == AT_ONCE:
            goals += [
                Goal(
                    f"(a) {what} at {AT_ONCE} at once, {NAMES[row['platform']]}, {name}",
                    f"≤ {FLOOR_RATIO} x floor",
                    f"{found[name]:.2f} x",
                    found[name] <= FLOOR_RATIO,
                )
                for what, found in (
                    (f"time to the picture, {SECONDS:.0f} s of it the gateway's,", waited),
                    ("added time", ratios),
                )
                for name in ("p50", "p95")
            ]
    late = sum(row["ours"]["late"] for row in rows)
    goals.append(Goal("(a) requests without a picture in time", "0", f"{late}", late == 0))
    stolen = max(row[who].get("stolen", 0.0) for row in rows for who in ("floor", "ours"))
    head = (
        *("", "at once", "added p50, ms", "added p95, ms", "p50 ratio", "p95 ratio"),
        *("p50 ratio with the gateway's time", "p95", "CPU a task, ms", "CPU ratio"),
    )
    return f"""## (a) Beside the floor

The floor (`bench/floor.py`) is a bare script with the same libraries: it takes the command, calls the same gateway,
fetches the picture and posts it, and has no store, no limits, no credits and no progress. Cells are floor → ours. The
goal is held against p50 and p95: of the time that people wait with a gateway that takes {SECONDS:.0f} s and, which is
stricter, of what is added to the gateway's time. {_disturbed(stolen)}

{_table(head, cells)}"""


def _disturbed(stolen: float) -> str:
    return (
        "Bursts during which the machine's host gave more than 5 % of its time to others are measured again, up to "
        f"four times; of those that count it took {stolen:.0%} at most."
    )


def _memory(found: Json, goals: list[Goal]) -> str:
    each = found["each"]
    goals.append(
        Goal(
            f"(b) memory of a waiting order, {found['orders']} waiting",
            f"≤ {BYTES_AN_ORDER / 1000:.0f} KB",
            f"{each / 1000:.1f} KB",
            each <= BYTES_AN_ORDER,
        )
    )
    shown = "" if found["on_screen"] else " Not all of them had been shown to people by then."
    idle, full, peak = (f"{found[name] / 1e6:.0f} MB" for name in ("idle", "full", "peak"))
    return f"""## (b) Memory

One process on SQLite, with both chat programs, worker and web part. Half of the orders wait at a gateway that is
polled, half behind it. Resident memory: {idle} with two orders, {full} with {found["orders"]} ({peak} at most),
which is {each / 1000:.1f} KB an order.{shown}"""


def _counts(rows: list[Json], goals: list[Goal]) -> str:
    for row in rows:
        limit = CALLS[row["platform"]]
        name = f"{NAMES[row['platform']]}, {row['style']}"
        goals += [
            Goal(f"(c) writes a task: {name}", f"≤ {WRITES}", f"{row['writes']:.1f}", row["writes"] <= WRITES),
            Goal(f"(c) platform calls a task: {name}", f"≤ {limit}", f"{row['calls']:.1f}", row["calls"] <= limit),
        ]
    cells = [
        [
            NAMES[row["platform"]],
            row["style"],
            f"{row['slowest']:.1f}",
            f"{row['writes']:.1f}",
            f"{row['changes']:.1f}",
            f"{row['transactions']:.1f}",
            f"{row['statements']:.1f}",
            _by_name(row["gateway"]),
            f"{row['calls']:.1f}: {_by_name(row['by_call'])}",
        ]
        for row in rows
    ]
    head = (
        "",
        "gateway",
        "slowest, s",
        "writes",
        "changing statements",
        "transactions",
        "statements",
        "gateway requests",
        "platform calls",
    )
    return f"""## (c) What a task costs

Per task, on SQLite; "writes" are transactions that changed something, and all that the process did meanwhile is
counted in.

{_table(head, cells)}"""


def _by_name(numbers: Json) -> str:
    return ", ".join(f"{number:.1f} {name}" for name, number in sorted(numbers.items()) if number)


def _engines(rows: list[Json], goals: list[Goal]) -> str:
    first = rows[0]
    late = sum(row["late"] for row in rows)
    goals.append(Goal("(d) requests without a picture in time", "0", f"{late}", late == 0))
    cells = [
        [
            row["name"],
            f"{row['rate']:.1f}",
            _ratio(row["rate"], first["rate"]),
            f"{row['p50']:.0f}",
            f"{row['p95']:.0f}",
            f"{row['cpu']:.1f}",
            f"{row['server_cpu']:.1f}",
        ]
        for row in rows
    ]
    head = ("", "tasks/s", "beside SQLite", "p50, ms", "p95, ms", "CPU a task, ms", "and of the database's, ms")
    return f"""## (d) One file, or a database and workers

{first["count"]} requests at once on Telegram. On PostgreSQL one process speaks with Telegram and each worker is a
process of its own; SQLite and PostgreSQL wait for the disk at every commit. All of it, the stand-ins too, shares the
cores of one machine.

{_table(head, cells)}"""


def _acks(found: Json, goals: list[Goal]) -> str:
    ours, floor = found["ours"], found["floor"]
    goals.append(
        Goal(
            f"(e) Discord's acknowledgement, {found['count']} at once, p99",
            f"≤ {ACK_MS} ms",
            f"{ours['p99']:.0f} ms",
            ours["p99"] <= ACK_MS and ours["answered"] == found["count"],
        )
    )
    cells = [
        [name, f"{row['p50']:.0f}", f"{row['p99']:.0f}", f"{row['answered']} of {found['count']}"]
        for name, row in (("floor", floor), ("ours", ours))
    ]
    return f"""## (e) Acknowledgements on Discord

From the interaction to the arrival of its first answer. Ours goes out when the task is stored, the floor's at once.

{_table(("", "p50, ms", "p99, ms", "answered"), cells)}"""


def _crowd(found: Json, goals: list[Goal]) -> str:
    last = found["results"][-1] if found["results"] else float("inf")
    all_there = found["answered"] == found["asked"]
    goals.append(
        Goal(
            f"(f) {found['asked']} at once in one group: results posted",
            f"{found['asked']}, none twice",
            f"{found['answered']}, {len(found['results']) - found['answered']} twice",
            all_there and len(found["results"]) == found["answered"],
        )
    )
    goals.append(
        Goal(
            "(f) the last result, beside the earliest that the platform allows",
            f"≤ {found['ideal'] + 5:.0f} s",
            f"{last:.1f} s",
            all_there and last <= found["ideal"] + 5,
        )
    )
    written = sum(found["calls"].values())
    calls = ", ".join(f"{number} {name}" for name, number in sorted(found["calls"].items()))
    first = min(found["results"], default=float("inf"))
    return f"""## (f) Fifteen at once in one group

With Telegram's 20 messages a minute in force, edits counted; a picture takes {found["seconds"]:.0f} s.
{found["answered"]} of {found["asked"]} results were posted, the first after {first:.1f} s and the last after
{last:.1f} s. If each cost one message, the last could be there after {found["ideal"]:.0f} s (5 s more are allowed for
our own work). {written} messages and edits were written in all ({calls}), of which the last could be taken after
{found["earliest"]:.0f} s; {found["refused"]} calls were refused with 429."""
