"""``imagine`` as the benchmark runs it: our own limiter does not hold Telegram's rates, and counts are kept on request.

``python -m bench.counted run`` is ``imagine run``. With ``BENCH_COUNTS=FILE`` it counts what it asks of the database
through SQLAlchemy, and writes the counts into FILE at every SIGUSR1. ``BENCH_LIMITS=1`` keeps Telegram's rates.
"""

import json
import os
import signal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

import bots.telegram.budgets
from bots.cli import main

CHANGES = ("INSERT", "UPDATE", "DELETE")


class Counts:
    """What every engine of this process does from :meth:`begin` on."""

    def __init__(self) -> None:
        self.found = {"transactions": 0, "writes": 0, "statements": 0, "changes": 0}

    def begin(self, path: Path) -> None:
        event.listen(Engine, "after_cursor_execute", self._executed)
        event.listen(Engine, "commit", self._committed)
        event.listen(Engine, "rollback", self._rolled_back)

        def tell(*_: object) -> None:
            new = path.with_suffix(".new")
            new.write_text(json.dumps(self.found), "utf-8")
            new.rename(path)

        signal.signal(signal.SIGUSR1, tell)

    def _executed(self, connection: Connection, cursor: Any, statement: str, *_: object) -> None:
        word = statement.lstrip().partition(" ")[0].upper()
        if word in ("BEGIN", "PRAGMA"):
            return
        self.found["statements"] += 1
        # An UPDATE that finds nothing writes nothing.
        if word in CHANGES and cursor.rowcount != 0:
            self.found["changes"] += 1
            connection.info["writes"] = True

    def _committed(self, connection: Connection) -> None:
        self.found["transactions"] += 1
        self.found["writes"] += bool(connection.info.pop("writes", False))

    def _rolled_back(self, connection: Connection) -> None:
        connection.info.pop("writes", None)


if __name__ == "__main__":
    if not os.environ.get("BENCH_LIMITS"):
        bots.telegram.budgets.MESSAGES = bots.telegram.budgets.GROUP_MESSAGES = 1_000_000
    if os.environ.get("BENCH_COUNTS"):
        Counts().begin(Path(os.environ["BENCH_COUNTS"]))
    main()
