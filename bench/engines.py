"""(d) One process on an SQLite file beside PostgreSQL with one, two and four workers."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil

from bench.latency import SECONDS, WARM_UP, figures
from bench.processes import UNLIMITED, Peers, Program, bots, peers, until
from tests.databases import PostgresServer

TASKS, QUICK_TASKS = 300, 60
WORKERS = (1, 2, 4)

Json = dict[str, Any]


async def compared(folder: Path, *, quick: bool) -> list[Json]:
    """A row for each arrangement; Telegram is the chat program."""
    count = QUICK_TASKS if quick else TASKS
    async with peers(folder, seconds=SECONDS) as stand_ins:
        async with bots(stand_ins, folder / "embedded", platform="telegram") as program:
            rows = [await _burst("one process, SQLite", stand_ins, [program], count)]
        async with _postgres() as server:
            for workers in WORKERS:
                name = f"PostgreSQL, 1 + {workers} processes"
                url = server.url(await asyncio.to_thread(server.migrated))
                async with _scaled(stand_ins, folder / f"scaled-{workers}", url, workers) as programs:
                    rows.append(await _burst(name, stand_ins, programs, count, server=_processes(server)))
    return rows


async def _burst(
    name: str, stand_ins: Peers, programs: list[Program], count: int, *, server: list[psutil.Process] | None = None
) -> Json:
    await stand_ins.ask("burst", platform="telegram", count=WARM_UP, prompt="a fox")
    before, stored = sum(program.cpu() for program in programs), _spent(server)
    burst = await stand_ins.ask("burst", platform="telegram", count=count, prompt="a fox in the snow")
    cpu = sum(program.cpu() for program in programs) - before
    return {
        "name": name,
        "count": count,
        "rate": count / burst["makespan"],
        "server_cpu": (_spent(server) - stored) / count * 1000,
        **figures(burst, cpu),
    }


@contextlib.asynccontextmanager
async def _scaled(stand_ins: Peers, folder: Path, url: str, workers: int) -> AsyncIterator[list[Program]]:
    settings = {"DATABASE_URL": url}
    async with contextlib.AsyncExitStack() as stack:
        front = await stack.enter_async_context(
            bots(stand_ins, folder, "telegram", platform="telegram", settings=settings)
        )
        programs = [front]
        environment = {**stand_ins.addresses, **UNLIMITED, **settings}
        for number in range(workers):
            arguments = ("bench.counted", "run", "--part", "worker")
            worker = await Program.start(*arguments, environment=environment, folder=folder, log=f"worker-{number}")
            stack.push_async_callback(worker.stop)
            programs.append(worker)
        await until(lambda: all("starting" in program.said() for program in programs), timeout=60)
        yield programs


@contextlib.asynccontextmanager
async def _postgres() -> AsyncIterator[PostgresServer]:
    """As an operator runs it: a commit waits for the disk."""
    with tempfile.TemporaryDirectory(prefix="imagine-bench-postgres-", ignore_cleanup_errors=True) as folder:
        server = await asyncio.to_thread(PostgresServer, Path(folder))
        try:
            server._administer("ALTER SYSTEM RESET ALL")
            server._administer("SELECT pg_reload_conf()")
            yield server
        finally:
            await asyncio.to_thread(server.close)


def _processes(server: PostgresServer) -> list[psutil.Process]:
    return [psutil.Process(server._server.get_pid())]


def _spent(server: list[psutil.Process] | None) -> float:
    """Seconds of CPU time of the database server; its processes for our connections are its children."""
    total = 0.0
    for process in [child for main in server or [] for child in (main, *main.children(recursive=True))]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total
