"""One PostgreSQL, a chat program and two workers in processes of their own: kill -9 of a worker with work in hand."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.databases import postgres_server, postgres_url  # noqa: F401  # fixtures are found by name
from tests.e2e.test_kill import ACCOUNTS, CONNECTION, TASKS, asked_about, imagine, pictures, price, settled, told
from tests.e2e.town import Bots, Town, town
from tests.waiting import until

pytestmark = pytest.mark.postgres
HASTY = "tests.e2e.hasty"


@contextlib.asynccontextmanager
async def scaled(folder: Path, url: str) -> AsyncIterator[tuple[Town, list[Bots]]]:
    """A chat program that runs, and two workers that do not yet."""
    async with town(folder, apiyi_seconds=60.0, aihubmix_seconds=4.0, settings={"DATABASE_URL": url}) as place:
        workers = [Bots(place.bots.environment, folder, folder / f"worker-{name}.log", HASTY) for name in "12"]
        try:
            await place.bots.start("run", "--part", "telegram")
            yield place, workers
        finally:
            for worker in workers:
                if worker.process is not None and worker.process.returncode is None:
                    await worker.killed()


async def test_what_a_killed_worker_had_in_hand_another_one_finishes_or_tells_and_refunds(
    tmp_path: Path,
    postgres_url: str,  # noqa: F811
) -> None:
    async with scaled(tmp_path, postgres_url) as (place, (first, second)):
        await first.start("run", "--part", "worker")
        await imagine(place, "telegram", "a paid fox", CONNECTION)
        await imagine(place, "telegram", "a slow fox", TASKS)
        await place.apiyi.until(lambda: bool(place.apiyi.orders), timeout=60)
        await until(lambda: asked_about(place), timeout=60)
        await second.start("run", "--part", "worker")
        await until(lambda: "starting" in second.said(), timeout=60)
        await first.killed()
        # The question is asked by the other one; the call, which only its connection could answer, is over.
        await until(lambda: pictures(place, "telegram"), timeout=60)
        await until(lambda: told(place, "telegram"), timeout=60)
        await until(lambda: settled(place, "telegram", price(TASKS)), timeout=60)
        assert (len(pictures(place, "telegram")), len(told(place, "telegram"))) == (1, 1)
        assert (len(place.apiyi.orders), len(place.aihubmix.orders)) == (1, 1)
        assert await place.unfinished(ACCOUNTS["telegram"]) == []
        for process in (place.bots, second):
            process.ask_to_stop()
        assert [await place.bots.ended(), await second.ended()] == [0, 0]
        assert "Traceback" not in place.bots.said() + second.said()
