"""Calls for tests: the packaged rows, and pictures that are not what wires want."""

import asyncio
import io
from functools import cache
from typing import Any

from PIL import Image

from core.gateway import Asks, Call, Gateway, InputImage, Model
from core.rows import read
from core.settings import PACKAGED_MODELS
from core.types import Operation, Outcome, Pending

#: Every row of the packaged catalogue.
ROWS = read(PACKAGED_MODELS)


def row(name: str) -> Model:
    return next(model for model in ROWS if model.name == name)


@cache
def photo(width: int = 333, height: int = 217) -> bytes:
    """A JPEG whose sides are no multiples of anything."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, "JPEG")
    return out.getvalue()


def an_input(width: int = 333, height: int = 217) -> InputImage:
    return InputImage(photo(width, height), "image/jpeg", width, height)


def a_call(name: str, operation: Operation | None = None, **changes: Any) -> Call:
    """A call as the tracker makes it: with a seed and a ratio where the model takes them; words only, if it can; with
    as many pictures as the operation needs."""
    model = row(name)
    operation = operation or (Operation.IMAGINE if Operation.IMAGINE in model.can.operations else Operation.EDIT)
    needs = model.can.needs(operation)
    given: dict[str, Any] = {
        "prompt": "a red fox in the snow",
        "ratio": model.can.ratios[1] if model.can.ratios else None,
        "seed": 42 if model.can.seed_max else None,
        "images": (an_input(),) * min(2 if operation is Operation.EDIT else needs.fewest, needs.most),
    }
    return Call(model, operation, **given | changes)


async def ended(gateway: Gateway, outcome: Outcome) -> Outcome:
    """Ask until the order is no longer pending; the stand-ins' pictures take no time."""
    async with asyncio.timeout(20):
        while isinstance(outcome, Pending):
            assert isinstance(gateway, Asks)
            outcome = (await gateway.ask([outcome.ticket]))[outcome.ticket]
    return outcome
