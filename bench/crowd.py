"""(f) Fifteen people ask at once in one Telegram group, with the platform's twenty messages a minute in force."""

from pathlib import Path
from typing import Any

from bench.processes import bots, peers
from sandbox.telegram.rates import Rates

#: Seconds a picture takes.
SECONDS = 5.0

Json = dict[str, Any]


async def crowded(folder: Path) -> Json:
    """When each result came, in seconds since the first request, and when Telegram could have taken the last."""
    async with peers(folder, seconds=SECONDS) as stand_ins:
        await stand_ins.ask("limits", on=True)
        settings = {"BENCH_LIMITS": "1"}
        async with bots(stand_ins, folder / "bots", platform="telegram", settings=settings):
            found: Json = await stand_ins.ask("crowd", prompt="a fox in the snow")
    written = len(found["written"])
    return {**found, "seconds": SECONDS, "ideal": earliest(found["asked"]), "earliest": earliest(written)}


def earliest(messages: int) -> float:
    """Seconds since the first request at which the last of so many messages can be taken, one of them a result."""
    rates = Rates()
    return max(SECONDS, (messages - 1) // rates.group * rates.group_seconds)
