"""Wake-ups that cross processes, by PgQueuer on the same PostgreSQL.

Still hints: who looks finds in the rows what is to be done, and whose it is; a hint that is lost, late or doubled
does no harm. They travel two ways:

    a process without a worker  ──▶ PgQueuer's job "look" ──▶ exactly one worker, whichever is free
    a worker                    ──▶ NOTIFY imagine_shows  ──▶ every process that has a chat program
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import psycopg
import structlog
from pgqueuer import Job, PgQueuer
from pgqueuer.models import Schedule

from core.engine import SWEEP, Embedded
from core.pgqueue import NAMES, Line, queries

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: The job: "there may be something to take up".
LOOK = "look"
#: The channel on which workers say that there may be something to show.
SHOWS = "imagine_shows"
#: Seconds a worker sleeps at most while hints arrive: only what a process that died had in hand is found so late.
#: With core.orders.CLAIM_LEASE it makes up the time until such a call is taken over: less than 30 seconds.
LONG_SWEEP = 6.0
#: Seconds between two hints of one process: a burst of requests is one hint, not two hundred.
GAP = 0.05
#: Seconds until PgQueuer looks for jobs without being told, sees that its connection no longer hears anything, and
#: hands on a job whose worker has died with it.
PATIENCE = timedelta(seconds=10)
#: When the marks that PgQueuer leaves of every job, which nobody reads, are removed: on the hour, by one worker.
TIDYING = "0 * * * *"
#: Wait before a new connection, in seconds, doubled up to the second number.
AFTER_FAILURE = (0.2, 10.0)


class Distributed(Embedded):
    """All that :class:`Embedded` does within the process, and the same across processes while it is ``running``."""

    def __init__(self, connect: Callable[[], Awaitable[psycopg.AsyncConnection]]) -> None:
        """``connect`` makes a connection in autocommit. Raises psycopg.Error."""
        super().__init__()
        self._connect = connect
        self._name = secrets.token_hex(4)
        self._untold = asyncio.Event()
        #: Set while hints are sent and heard.
        self.connected = asyncio.Event()

    def wake(self) -> None:
        super().wake()
        self._untold.set()

    @property
    def sweep(self) -> float:
        return LONG_SWEEP if self.connected.is_set() else SWEEP

    @contextlib.asynccontextmanager
    async def running(self, stopping: asyncio.Event, *, works: bool, shows: bool) -> AsyncIterator[None]:
        """Send hints, and hear those that are for this process. A database that is away is waited for; the loops
        sweep meanwhile."""
        life = asyncio.create_task(self._live(stopping, works=works, shows=shows))
        try:
            yield
        finally:
            life.cancel()
            await asyncio.wait({life})

    async def _live(self, stopping: asyncio.Event, *, works: bool, shows: bool) -> None:
        pause = AFTER_FAILURE[0]
        clock = asyncio.get_running_loop().time
        while True:
            begun = clock()
            try:
                async with self._lines() as line:
                    await line.tune_in(*([NAMES.channel] if works else []), *([SHOWS] if shows else []))
                    self._connected(True)
                    log.info("wake-ups cross processes")
                    await self._serve(line, stopping, works=works, shows=shows)
            except Exception as error:  # noqa: BLE001 - whatever it was: the sweep does until the next try
                if clock() - begun > AFTER_FAILURE[1]:
                    pause = AFTER_FAILURE[0]
                log.warning("wake-ups do not cross processes", reason=_reason(error), again_in=pause)
            finally:
                self._connected(False)
            await asyncio.sleep(pause)
            pause = min(pause * 2, AFTER_FAILURE[1])

    def _connected(self, yes: bool) -> None:
        """Either way each loop looks now: what was said meanwhile was not heard, or how long it may sleep changed."""
        if yes:
            self.connected.set()
        else:
            self.connected.clear()
        super().wake()

    @contextlib.asynccontextmanager
    async def _lines(self) -> AsyncIterator[Line]:
        async with await self._connect() as asking, await self._connect() as listening:
            yield Line(asking, listening)

    async def _serve(self, line: Line, stopping: asyncio.Event, *, works: bool, shows: bool) -> None:
        """Until the connection is lost, which it raises."""
        if shows:
            await line.add_listener(SHOWS, self._heard)
        async with asyncio.TaskGroup() as group:
            group.create_task(line.listen())
            group.create_task(self._tell(line, works=works))
            if works:
                group.create_task(self._take(line, stopping))

    def _heard(self, payload: str | bytes | bytearray) -> None:
        if payload != self._name:
            super().wake()

    async def _tell(self, line: Line, *, works: bool) -> None:
        ask = queries(line)
        while True:
            await self._untold.wait()
            self._untold.clear()
            try:
                if works:
                    await line.notify(SHOWS, self._name)
                else:
                    await ask.enqueue(LOOK, None)
            except BaseException:
                self._untold.set()
                raise
            await asyncio.sleep(GAP)

    async def _take(self, line: Line, stopping: asyncio.Event) -> None:
        """Take jobs until ``stopping``: from then on this process takes nothing up, another one should."""
        ask = queries(line)
        jobs = PgQueuer(line, channel=NAMES.channel, queries=ask)

        @jobs.entrypoint(LOOK)
        async def look(_job: Job) -> None:
            super(Distributed, self).wake()

        @jobs.schedule("tidy", TIDYING)
        async def tidy(_schedule: Schedule) -> None:
            await ask.clear_queue_log(LOOK)

        async def stop() -> None:
            await stopping.wait()
            jobs.shutdown.set()

        stopper = asyncio.create_task(stop())
        try:
            await jobs.run(
                dequeue_timeout=PATIENCE,
                heartbeat_timeout=PATIENCE,
                shutdown_on_listener_failure=True,
                log_aggregation_interval=timedelta(0),
            )
        finally:
            stopper.cancel()


def _reason(error: BaseException) -> str:
    """The first of what went wrong together, in one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}".splitlines()[0]
