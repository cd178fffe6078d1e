"""The short version of ``make chaos``: a dozen requests to gateways of every kind, and kill -9 at random meanwhile."""

import random

import pytest
import pytest_asyncio

from bench.chaos.running import Report, Run, run

TASKS = 12
#: A busy machine takes long to start a process.
pytestmark = pytest.mark.timeout(300)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    wanted = Run(
        mode="embedded",
        tasks=TASKS,
        random=random.Random(4),
        people=6,
        kills_every=(0.5, 2.5),
        seconds=(0.2, 1.5),
        within=200.0,
        aftermath=0.5,
        most_kills=2,
        kinds=(
            "link in the answer",
            "picture in the answer",
            "several calls",
            "a task",
            "a grid, called back",
            "a photo edited",
        ),
    )
    return await run(tmp_path_factory.mktemp("chaos"), wanted)


def off(report: Report) -> list[tuple[str, list[str]]]:
    return [(figure.name, list(figure.cases)) for figure in report.figures if figure.is_off]


async def test_whatever_is_killed_every_accepted_request_ends_in_pictures_or_a_told_failure(report: Report) -> None:
    assert off(report) == [], report.table()
    assert len(report.kills) >= 1
    assert report.value("requests accepted (tasks)") >= TASKS
    assert report.value("tasks that ended with all pictures") >= 1
