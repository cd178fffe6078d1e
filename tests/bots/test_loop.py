"""The event loop of the bots' processes."""

import asyncio
import sys

from bots.loop import run


async def _which() -> str:
    return type(asyncio.get_running_loop()).__module__.split(".")[0]


def test_the_bots_run_on_uvloop_where_it_exists() -> None:
    assert run(_which()) == ("asyncio" if sys.platform == "win32" else "uvloop")
