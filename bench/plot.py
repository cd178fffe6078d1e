"""The plot of the report: added time and CPU of ours and the floor, by requests at once."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

NAMES = {"telegram": "Telegram", "discord": "Discord"}
KINDS = (("p50", "added time, p50, s", 1000.0), ("p95", "added time, p95, s", 1000.0), ("cpu", "CPU a task, ms", 1.0))
COLOURS = {"floor": "#8a8f98", "ours": "#2f6fde"}


def draw(figures: dict[str, Any], path: Path) -> None:
    """Write an SVG with a row for each platform; the same figures give the same file."""
    mpl.rcParams["svg.hashsalt"] = "bench"
    figure = Figure(figsize=(11, 6), layout="constrained")
    every = figure.subplots(len(NAMES), len(KINDS), squeeze=False)
    for row, (platform, name) in zip(every, NAMES.items(), strict=True):
        rows = [each for each in figures["a"] if each["platform"] == platform]
        for axes, (kind, label, scale) in zip(row, KINDS, strict=True):
            places = range(len(rows))
            for shift, who in ((-0.2, "floor"), (0.2, "ours")):
                heights = [each[who][kind] / scale for each in rows]
                axes.bar([place + shift for place in places], heights, 0.38, color=COLOURS[who], label=who)
            axes.set_xticks(list(places), [str(each["count"]) for each in rows])
            axes.set_title(f"{name}: {label}", fontsize=10)
            axes.set_xlabel("requests at once", fontsize=9)
            axes.legend(fontsize=8, frameon=False)
            axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
