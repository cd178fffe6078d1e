"""The disk is full, or the database is away: it is said, nothing is lost or doubled, and it goes on by itself."""

import asyncio
import contextlib
import resource
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from bots.words import Words
from core.types import Failure
from tests.databases import PostgresServer
from tests.e2e.test_kill import ACCOUNTS, CONNECTION, TASKS, imagine, pictures, price, settled
from tests.e2e.town import Bots, Town, town
from tests.waiting import until

SORRY = Words().error("en", Failure("error.store_down"))
IN_HAND = "what is in hand cannot be stored: it stays in memory and is tried again"


@dataclass
class Heard(Bots):
    """Bots whose log is no file, so that a full disk does not silence them."""

    printed: bytearray = field(default_factory=bytearray)
    _hearing: asyncio.Task[None] | None = None

    async def start(self, *arguments: str, **changes: str) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self.program,
            *arguments,
            cwd=self.folder,
            env={**self.environment, **changes},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._hearing = asyncio.create_task(self._hear(self.process.stdout))

    async def _hear(self, out: asyncio.StreamReader | None) -> None:
        while out is not None and (piece := await out.read(65_536)):
            self.printed += piece

    def said(self) -> str:
        return self.printed.decode("utf-8", "replace")

    @contextlib.contextmanager
    def disk_full(self) -> Iterator[None]:
        """Nothing this process writes reaches any file."""
        assert self.process is not None
        before = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            yield
        finally:
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, before)


@dataclass
class Watch:
    """Whoever looks at a process from outside."""

    port: int

    async def checks(self) -> dict[str, str]:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"http://127.0.0.1:{self.port}/readyz")
        checks: dict[str, str] = answer.json()["checks"]
        assert (answer.status_code == 200) == (set(checks.values()) == {"ok"})
        return checks

    async def is_well(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return set((await self.checks()).values()) == {"ok"}
        return False

    async def figures(self) -> list[str]:
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.get(f"http://127.0.0.1:{self.port}/metrics")).text.splitlines()


def a_watch() -> Watch:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return Watch(found.getsockname()[1])


def sorry(place: Town) -> int:
    return sum(post.text == SORRY for post in place.telegram.feed.posts(author="bot"))


async def all_paid(place: Town, credits: int) -> bool:
    return await settled(place, "telegram", credits)


async def test_a_full_disk_is_said_and_everything_asked_for_arrives_once_when_there_is_room(tmp_path: Path) -> None:
    watch = a_watch()
    async with town(tmp_path, apiyi_seconds=1.5, settings={"METRICS_LISTEN": f"127.0.0.1:{watch.port}"}) as place:
        bots = place.bots = Heard(place.bots.environment, tmp_path, tmp_path / "unused")
        await bots.start("run", "--part", "telegram", "--part", "worker")
        await imagine(place, "telegram", "a fox", CONNECTION)
        await place.apiyi.until(lambda: bool(place.apiyi.orders), timeout=30)
        with bots.disk_full():
            await imagine(place, "telegram", "a hare", CONNECTION)
            await until(lambda: sorry(place), timeout=30)
            await until(lambda: IN_HAND in bots.said(), timeout=30)
            assert "media store" in (await watch.checks())["media"]
        await until(lambda: len(pictures(place, "telegram")) == 2, timeout=40)
        await until(lambda: all_paid(place, 2 * price(CONNECTION)), timeout=20)
        assert (sorry(place), len(pictures(place, "telegram")), len(place.apiyi.orders)) == (1, 2, 2)
        assert await place.unfinished(ACCOUNTS["telegram"]) == []
        assert "Traceback" not in bots.said()


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """One that may be stopped: the suite's own is everybody's."""
    with tempfile.TemporaryDirectory(prefix="imagine-outage-", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(Path(folder))
        yield server
        server.close()


@contextlib.asynccontextmanager
async def away(server: PostgresServer) -> AsyncIterator[None]:
    await asyncio.to_thread(server.stop)
    try:
        yield
    finally:
        await asyncio.to_thread(server.start)


@pytest.mark.postgres
async def test_a_database_that_is_gone_for_a_while_costs_no_picture_in_any_hand(
    tmp_path: Path, server: PostgresServer
) -> None:
    settings: dict[str, Any] = {"DATABASE_URL": server.url(server.migrated())}
    watch = a_watch()
    async with town(tmp_path, apiyi_seconds=2.0, aihubmix_seconds=2.0, settings=settings) as place:
        worker = Bots(place.bots.environment, tmp_path, tmp_path / "worker.log")
        try:
            await worker.start("run", "--part", "worker", METRICS_LISTEN=f"127.0.0.1:{watch.port}")
            await place.bots.start("run", "--part", "telegram")
            await imagine(place, "telegram", "a fox", TASKS)
            await imagine(place, "telegram", "a hare", CONNECTION)
            await until(lambda: place.apiyi.orders and place.aihubmix.orders, timeout=60)
            async with away(server):
                await imagine(place, "telegram", "an owl", CONNECTION)
                await until(lambda: sorry(place), timeout=30)
                await until(lambda: IN_HAND in worker.said(), timeout=30)
                assert (await watch.checks())["database"] != "ok"
                assert "imagine_database_up 0.0" in await watch.figures()
            await until(lambda: len(pictures(place, "telegram")) == 3, timeout=60)
            await until(lambda: all_paid(place, price(TASKS) + 2 * price(CONNECTION)), timeout=30)
            assert (sorry(place), len(pictures(place, "telegram"))) == (1, 3)
            assert (len(place.apiyi.orders), len(place.aihubmix.orders)) == (2, 1)
            assert await place.unfinished(ACCOUNTS["telegram"]) == []
            await until(watch.is_well, timeout=40)
            assert "Traceback" not in place.bots.said() + worker.said()
        finally:
            if worker.process is not None and worker.process.returncode is None:
                await worker.killed()
