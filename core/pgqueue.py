"""PgQueuer as it is used here: where its tables are, how they are made, and a driver that listens while it asks."""

import psycopg
from pgqueuer import PsycopgDriver, Queries
from pgqueuer.adapters.persistence.qb import (
    DBSettings,
    Durability,
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.ports.driver import NotifyCallback
from pgqueuer.types import Channel

#: All names are given: PgQueuer would read what is left out from the environment, even from a variable ``CHANNEL``.
#: Its own schema and channel keep it apart from our tables, and from another PgQueuer in the same database. Its jobs
#: are hints (:mod:`core.engine_postgres`), so they are not written to the server's log: after a crash of the server
#: the tables are empty, and that does no harm.
NAMES = DBSettings(
    prefix="",
    db_schema="imagine_jobs",
    channel=Channel("imagine_jobs"),
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
    durability=Durability.volatile,
    widen_id=True,
)


def schema() -> tuple[str, str]:
    """The statements that make PgQueuer's schema, and those that set how it is vacuumed, as its documentation
    ("Performance Tuning") advises for rows that come and go."""
    builder = QueryBuilderEnvironment(NAMES)
    return builder.build_install_query(), builder.build_optimize_autovacuum_query()


class Line(PsycopgDriver):
    """PgQueuer's driver on two connections of ours: psycopg lets nobody ask on the one that listens, and PgQueuer's
    own, which takes turns of up to a second, was seen to hold up a job for that long."""

    def __init__(self, asking: psycopg.AsyncConnection, listening: psycopg.AsyncConnection) -> None:
        """Both in autocommit; who made them closes them."""
        super().__init__(asking)
        self._ear = listening
        self._callbacks: dict[str, list[NotifyCallback]] = {}

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Have ``callback`` called for what :meth:`listen` hears on this channel."""
        self._callbacks.setdefault(channel, []).append(callback)

    async def remove_listener(self, channel: str, callback: NotifyCallback) -> None:
        self._callbacks[channel].remove(callback)

    async def tune_in(self, *channels: str) -> None:
        """From now on nothing said on these channels is missed. Raises psycopg.Error."""
        for channel in channels:
            await self._ear.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))

    async def listen(self) -> None:
        """Hand what is heard to the callbacks until cancelled. Raises psycopg.Error when the connection is lost."""
        async for note in self._ear.notifies():
            for callback in self._callbacks.get(note.channel, ()):
                callback(note.payload)


def queries(line: Line) -> Queries:
    """PgQueuer's questions under our names."""
    return Queries(
        line,
        qbe=QueryBuilderEnvironment(NAMES),
        qbq=QueryQueueBuilder(NAMES),
        qbs=QuerySchedulerBuilder(NAMES),
    )
