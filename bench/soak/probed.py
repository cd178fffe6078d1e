"""``imagine`` with a probe inside: how late its timers fire, and what it writes. A line of JSON to SOAK_PROBE a second.

A standstill of n intervals counts as n late timers, of n, n - 1, … intervals: everybody who came meanwhile waited.
``own`` is as much of a lag as this process worked meanwhile: on a busy machine the rest was waiting for a processor.
``stolen`` is the share of the line's time that a virtual machine's host gave to others.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TextIO

from sqlalchemy import Connection, Engine, event

from bench.stolen import Stolen
from bots import loop as bots_loop
from bots.cli import main

#: Seconds between two timers, and lines to the file.
INTERVAL, LINE_EVERY = 0.05, 1.0
_WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")


class Probe:
    """One per process; its callback is a timer of the loop's own."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lags: list[float] = []
        self._own: list[float] = []
        self._worked = 0.0
        self._host = Stolen()
        self._writes = self._statements = 0

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        event.listen(Engine, "before_cursor_execute", self._statement)
        event.listen(Engine, "commit", self._commit)
        # The clock itself: a loop looks at it once a turn, or after it.
        now = time.monotonic()
        self._loop, self._due, self._line_at = loop, now + INTERVAL, now + LINE_EVERY
        loop.call_later(INTERVAL, self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        lag, worked = now - self._due, time.process_time()
        own = min(lag, worked - self._worked)
        self._worked = worked
        for late, into in ((lag, self._lags), (own, self._own)):
            into.extend(round((late - passed * INTERVAL) * 1000, 2) for passed in range(int(late / INTERVAL) + 1))
        # As many of both, so that they are shares of the same time.
        self._own.extend([0.0] * (int(lag / INTERVAL) - int(own / INTERVAL)))
        if now >= self._line_at:
            self._line_at = now + LINE_EVERY
            line = {"lags": self._lags, "own": self._own, "writes": self._writes, "statements": self._statements}
            self._out.write(json.dumps({**line, "stolen": self._host.share()}) + "\n")
            self._lags, self._own = [], []
        self._due = now + INTERVAL
        self._loop.call_later(INTERVAL, self._tick)

    def _statement(self, connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        self._statements += 1
        if statement.startswith(_WRITES):
            connection.info["wrote"] = True

    def _commit(self, connection: Connection) -> None:
        self._writes += bool(connection.info.pop("wrote", False))


def watched(make: Callable[[], asyncio.AbstractEventLoop], probe: Probe) -> Callable[[], asyncio.AbstractEventLoop]:
    """The same loop, with the probe in it."""

    def new_loop() -> asyncio.AbstractEventLoop:
        loop = make()
        probe.watch(loop)
        return loop

    return new_loop


if __name__ == "__main__":
    with open(os.environ["SOAK_PROBE"], "a", buffering=1, encoding="utf-8") as out:
        bots_loop.loop_factory = partial(watched, bots_loop.loop_factory() or asyncio.new_event_loop, Probe(out))
        main()
