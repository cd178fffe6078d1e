"""(b) What an order that waits costs in memory: the soak's world, with few orders and with many."""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

import psutil

from bench.soak import running
from bench.soak.seeding import seed
from core.clock import utc_now

ORDERS, QUICK_ORDERS = 10_000, 1_000
#: The small world it is compared with.
FEW = 2
#: Seconds after the last order was put on the screen, or at most so many seconds in all.
SETTLE, AT_MOST = 5.0, 75.0

Json = dict[str, Any]


async def waiting(folder: Path, *, quick: bool) -> Json:
    many = QUICK_ORDERS if quick else ORDERS
    few_bytes, _, _ = await _resident(folder / "few", FEW)
    many_bytes, peak, on_screen = await _resident(folder / "many", many)
    return {
        "orders": many,
        "idle": few_bytes,
        "full": many_bytes,
        "peak": peak,
        "each": (many_bytes - few_bytes) / (many - FEW),
        "on_screen": on_screen,
    }


async def _resident(folder: Path, orders: int) -> tuple[int, int, bool]:
    """Bytes in the end and at most of one process with so many unfinished orders (half of them waiting at a gateway
    that is polled, half behind it), and whether all of them were shown to people by then."""
    (folder / "data").mkdir(parents=True)
    async with running.stand_ins(orders // 2) as ends:
        first = await ends.said()
        await seed(running._database(folder), first["places"], first["tickets"], orders - orders // 2, utc_now())
        process = await running.bots(folder, first["environment"])
        seen, peak = psutil.Process(process.pid), 0
        try:
            began = time.monotonic()
            while (unseen := await asyncio.to_thread(running._unseen, folder)) and time.monotonic() - began < AT_MOST:
                peak = max(peak, int(seen.memory_info().rss))
                await asyncio.sleep(1.0)
            await asyncio.sleep(SETTLE)
            resident = int(seen.memory_info().rss)
            return resident, max(peak, resident), not unseen
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
