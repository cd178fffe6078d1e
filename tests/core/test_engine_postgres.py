"""Wake-ups between processes on one PostgreSQL: each engine here is what a process has, with connections of its own."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from core.engine import SWEEP, Embedded, Listener
from core.engine_postgres import GAP, LONG_SWEEP, Distributed
from core.orders import CLAIM_LEASE
from core.pgqueue import NAMES, Line, queries
from core.store.database import Database, parsed
from tests.databases import postgres_server, postgres_url  # noqa: F401  # fixtures are found by name
from tests.waiting import until

pytestmark = pytest.mark.postgres
#: Seconds a wake-up takes at most from one process to another, where the machine is free: the quickest of some counts.
SOON, TRIES = 0.3, 5
#: Seconds in which nothing comes any more that is sent at once.
LATER = 0.4
#: A worker in a process of its own: says when it can hear, and each time it is woken up.
WORKER = """
import asyncio, sys
from core.engine_postgres import Distributed
from core.store.database import Database, parsed

async def main():
    engine = Distributed(Database(parsed(sys.argv[1])).connect)
    async with engine.running(asyncio.Event(), works=True, shows=False):
        await engine.connected.wait()
        ear = engine.listener(works=True)
        while True:
            print("listening", flush=True)
            await ear.changed(timeout=60)

asyncio.run(main())
"""


class Process:
    """One process's engine, while it runs."""

    def __init__(self, url: str) -> None:
        self.engine = Distributed(Database(parsed(url)).connect)
        self.stopping = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self, *, works: bool = False, shows: bool = False) -> AsyncIterator["Process"]:
        async with self.engine.running(self.stopping, works=works, shows=shows):
            await self.engine.connected.wait()
            yield self

    def ear(self) -> Listener:
        """Hears wake-ups from now on."""
        return self.engine.listener(works=True)


async def waited(ear: Listener, *, at_most: float = 10.0) -> float:
    """Seconds until the next wake-up."""
    begun = time.monotonic()
    await ear.changed(timeout=at_most)
    return time.monotonic() - begun


async def quickest(says: Process, *hear: Process) -> float:
    """Seconds until all of them are woken up by one."""
    found: list[float] = []
    for _ in range(TRIES):
        ears = [process.ear() for process in hear]
        says.engine.wake()
        found.append(max(await asyncio.gather(*(waited(ear) for ear in ears))))
    return min(found)


@pytest.fixture
def operator(postgres_url: str) -> Iterator[psycopg.Connection]:  # noqa: F811
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


async def quiet(*processes: Process) -> None:
    """Until whoever was just connected has had its first look."""
    for process in processes:
        ear = process.ear()
        while await waited(ear, at_most=0.1) < 0.1:
            pass


async def test_a_request_taken_by_a_chat_program_wakes_a_worker_at_once(postgres_url: str) -> None:  # noqa: F811
    async with Process(postgres_url).running(shows=True) as front, Process(postgres_url).running(works=True) as worker:
        await quiet(front, worker)
        assert await quickest(front, worker) < SOON


async def test_a_result_wakes_every_chat_program_at_once_and_no_other_worker(postgres_url: str) -> None:  # noqa: F811
    async with contextlib.AsyncExitStack() as stack:
        fronts = [await stack.enter_async_context(Process(postgres_url).running(shows=True)) for _ in range(2)]
        workers = [await stack.enter_async_context(Process(postgres_url).running(works=True)) for _ in range(2)]
        await quiet(*fronts, *workers)
        other = workers[1].ear()
        assert await quickest(workers[0], *fronts) < SOON
        assert await waited(other, at_most=LATER) >= LATER


async def test_a_request_wakes_exactly_one_of_the_workers(postgres_url: str) -> None:  # noqa: F811
    async with contextlib.AsyncExitStack() as stack:
        front = await stack.enter_async_context(Process(postgres_url).running(shows=True))
        workers = [await stack.enter_async_context(Process(postgres_url).running(works=True)) for _ in range(3)]
        await quiet(front, *workers)
        woken = [asyncio.create_task(waited(worker.ear())) for worker in workers]
        front.engine.wake()
        first, others = await asyncio.wait(woken, return_when=asyncio.FIRST_COMPLETED)
        late, asleep = await asyncio.wait(others, timeout=LATER)
        assert (len(first), len(late), len(asleep)) == (1, 0, 2)
        for each in asleep:
            each.cancel()


async def test_a_real_process_is_woken_up(postgres_url: str) -> None:  # noqa: F811
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, postgres_url, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    try:
        async with Process(postgres_url).running(shows=True) as front:
            await asyncio.wait_for(process.stdout.readline(), 30)
            times: list[float] = []
            for _ in range(TRIES):
                begun = time.monotonic()
                front.engine.wake()
                assert await asyncio.wait_for(process.stdout.readline(), 10) == b"listening\n"
                times.append(time.monotonic() - begun)
            assert min(times) < SOON
    finally:
        process.kill()
        await process.wait()


async def test_a_burst_of_requests_is_few_jobs(postgres_url: str, operator: psycopg.Connection) -> None:  # noqa: F811
    async with Process(postgres_url).running(shows=True) as front:
        begun = time.monotonic()
        for _ in range(100):
            front.engine.wake()
            await asyncio.sleep(0.002)
        await until(lambda: jobs(operator) > 0)
        assert jobs(operator) <= (time.monotonic() - begun) / GAP + 1


async def test_a_hint_for_which_there_is_no_worker_waits_for_one(
    postgres_url: str,  # noqa: F811
    operator: psycopg.Connection,
) -> None:
    async with Process(postgres_url).running(shows=True) as front:
        front.engine.wake()
        await until(lambda: jobs(operator) == 1)
    async with Process(postgres_url).running(works=True):
        await until(lambda: jobs(operator) == 0)


async def test_a_worker_that_was_told_to_stop_leaves_requests_to_others(postgres_url: str) -> None:  # noqa: F811
    async with contextlib.AsyncExitStack() as stack:
        front = await stack.enter_async_context(Process(postgres_url).running(shows=True))
        leaving = await stack.enter_async_context(Process(postgres_url).running(works=True))
        staying = await stack.enter_async_context(Process(postgres_url).running(works=True))
        await quiet(front, leaving, staying)
        leaving.stopping.set()
        left = leaving.ear()
        assert await quickest(front, staying) < SOON
        assert await waited(left, at_most=0.01) >= 0.01
        # What its last calls bring is still said.
        assert await quickest(leaving, front) < SOON


@pytest.mark.parametrize("works", [True, False], ids=["a worker's", "a chat program's"])
async def test_connections_that_were_cut_are_replaced_and_nothing_said_meanwhile_is_lost(
    postgres_url: str,  # noqa: F811
    operator: psycopg.Connection,
    works: bool,
) -> None:
    async with (
        Process(postgres_url).running(shows=True) as front,
        Process(postgres_url).running(works=True) as worker,
    ):
        heard, says = (worker, front) if works else (front, worker)
        await quiet(front, worker)
        cut = operator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert len(cut.fetchall()) == 4
        says.engine.wake()
        await until(lambda: not heard.engine.connected.is_set())
        # Whoever is cut off looks at once, sweeps as often as without PostgreSQL, and looks again when it is back.
        assert heard.engine.sweep == SWEEP
        await until(lambda: heard.engine.connected.is_set() and says.engine.connected.is_set())
        if works:
            await until(lambda: marks(operator) > 0)
        await quiet(front, worker)
        assert await quickest(says, heard) < SOON
        await until(lambda: jobs(operator) == 0)


async def test_a_variable_of_the_environment_gives_pgqueuer_no_other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHANNEL", "PGQUEUER_CHANNEL", "PGQUEUER_SCHEMA", "PGQUEUER_PREFIX", "QUEUE_TABLE"):
        monkeypatch.setenv(name, "other")
    there = "import core.pgqueue as it; print(it.NAMES.channel, it.NAMES.qualified.queue_table, end='')"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", there, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    said, _ = await process.communicate()
    assert said.decode() == f"{NAMES.channel} {NAMES.qualified.queue_table}"
    assert "other" not in said.decode()


async def test_a_server_that_is_away_is_waited_for(postgres_url: str) -> None:  # noqa: F811
    database, tries = Database(parsed(postgres_url)), 0

    async def connect() -> psycopg.AsyncConnection:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise psycopg.OperationalError("the database system is starting up")
        return await database.connect()

    engine = Distributed(connect)
    async with engine.running(asyncio.Event(), works=True, shows=False):
        assert engine.sweep == SWEEP
        await asyncio.wait_for(engine.connected.wait(), 5)
        assert engine.sweep == LONG_SWEEP


async def test_nothing_is_left_behind(postgres_url: str, operator: psycopg.Connection) -> None:  # noqa: F811
    begun = time.monotonic()
    async with Process(postgres_url).running(works=True, shows=True) as process:
        process.engine.wake()
    assert time.monotonic() - begun < 10
    await until(lambda: connections(operator) == 0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_process_that_works_and_shows_does_not_answer_itself(postgres_url: str) -> None:  # noqa: F811
    async with Process(postgres_url).running(works=True, shows=True) as process:
        await quiet(process)
        process.engine.wake()
        assert await waited(process.ear(), at_most=LATER) >= LATER


async def test_the_marks_of_past_jobs_can_be_removed(
    postgres_url: str,  # noqa: F811
    operator: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.engine_postgres.TIDYING", "* * * * * */1")  # the sixth field: every second
    async with Process(postgres_url).running(shows=True) as front, Process(postgres_url).running(works=True):
        front.engine.wake()
        await until(lambda: marks(operator) > 0)
        await until(lambda: marks(operator) == 0)


async def test_the_schema_is_what_the_installed_pgqueuer_wants(postgres_url: str) -> None:  # noqa: F811
    """Red after an update of PgQueuer that needs a migration of ours."""
    database = Database(parsed(postgres_url))
    async with await database.connect() as asking, await database.connect() as listening:
        plan = await queries(Line(asking, listening)).plan_upgrade()
    assert (plan.statements, plan.notes) == ((), ())


def test_a_call_of_a_killed_worker_is_taken_over_within_half_a_minute() -> None:
    assert CLAIM_LEASE + timedelta(seconds=LONG_SWEEP) < timedelta(seconds=30)


async def test_a_loop_that_only_its_own_process_can_run_sweeps_as_ever(postgres_url: str) -> None:  # noqa: F811
    async with Process(postgres_url).running(works=True, shows=True) as process:
        assert (process.engine.listener(works=True).sweep, process.engine.listener().sweep) == (LONG_SWEEP, SWEEP)
    assert process.engine.listener(works=True).sweep == SWEEP


async def test_one_process_alone_reaches_over_to_nobody() -> None:
    engine = Embedded()
    async with engine.running(asyncio.Event(), works=True, shows=True):
        ear = engine.listener(works=True)
        engine.wake()
        assert await waited(ear) < LATER
        assert ear.sweep == SWEEP


def jobs(operator: psycopg.Connection) -> int:
    return _count(operator, f"SELECT count(*) FROM {NAMES.qualified.queue_table}")


def marks(operator: psycopg.Connection) -> int:
    return _count(operator, f"SELECT count(*) FROM {NAMES.qualified.queue_table_log}")


def connections(operator: psycopg.Connection) -> int:
    return _count(
        operator,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )


def _count(operator: psycopg.Connection, query: str) -> int:
    row = operator.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])
