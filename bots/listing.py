"""``imagine models``: the catalogue, one model a line."""

from collections.abc import Sequence
from typing import Any

from core.catalogue import Listed


def as_rows(listed: Sequence[Listed]) -> list[dict[str, Any]]:
    """For machines; the keys are part of the interface."""
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
        }
        for row in listed
    ]


def as_lines(listed: Sequence[Listed]) -> list[str]:
    """Aligned columns: name, gateway, wire id, what it can do, credits, usable or why not."""
    table = [
        (
            row.model.name,
            row.model.gateway,
            row.model.wire,
            _can(row),
            f"{row.model.credits} credit{'' if row.model.credits == 1 else 's'}",
            f"off: {row.why_not}" if row.why_not else "usable",
        )
        for row in listed
    ]
    widths = [max(len(line[column]) for line in table) for column in range(6)] if table else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]


def _can(row: Listed) -> str:
    can = row.model.can
    words = [operation.value for operation in sorted(can.operations, reverse=True)]
    if can.images_max > 1:
        words.append(f"{can.images_max} inputs")
    return "+".join(words[:2]) + "".join(f", {word}" for word in words[2:])
