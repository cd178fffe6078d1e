"""``imagine models``: the catalogue, one model a line."""

from collections.abc import Collection, Sequence
from typing import Any

from core.catalogue import Listed
from core.types import Operation


def as_rows(listed: Sequence[Listed], verified: Collection[str] = ()) -> list[dict[str, Any]]:
    """For machines; the keys are part of the interface. ``verified``: models that have succeeded once."""
    return [
        {
            "name": row.model.name,
            "gateway": row.model.gateway,
            "wire": row.model.wire,
            "operations": sorted(operation.value for operation in row.model.can.operations),
            "images_max": row.model.can.images_max,
            "ratios": list(row.model.can.ratios),
            "seed": row.model.can.seed_max is not None,
            "credits": row.model.credits,
            "usable": not row.why_not,
            "why_not": row.why_not,
            "off": {operation.value: why for operation, why in row.off.items()},
            "fallbacks": list(row.model.fallbacks),
            "verified": not row.model.unverified or row.model.name in verified,
        }
        for row in listed
    ]


def as_lines(listed: Sequence[Listed], verified: Collection[str] = ()) -> list[str]:
    """Aligned columns: name, gateway, wire id, what it can do, credits, usable or why not (as a whole, or single
    operations). ``verified``: models that have succeeded once."""
    table = [
        (
            row.model.name,
            row.model.gateway,
            row.model.wire,
            _can(row),
            f"{row.model.credits} credit{'' if row.model.credits == 1 else 's'}",
            _state(row, verified),
        )
        for row in listed
    ]
    widths = [max(len(line[column]) for line in table) for column in range(6)] if table else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]


def _can(row: Listed) -> str:
    can = row.model.can
    words = "+".join(operation.value for operation in Operation if operation in can.operations)
    return f"{words}, {can.images_max} inputs" if can.images_max > 1 else words


def _state(row: Listed, verified: Collection[str]) -> str:
    if row.why_not:
        return f"off: {row.why_not}"
    state = "usable"
    if row.model.unverified and row.model.name not in verified:
        state += ", unverified until its first success"
    return state + "".join(f"; {operation.value} is off: {why}" for operation, why in row.off.items())
