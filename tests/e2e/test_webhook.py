"""Telegram by webhook: two processes behind one address, one PostgreSQL, and kill -9 of one while updates arrive."""

import contextlib
import itertools
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bots.telegram.webhook import HEADER, PATH
from bots.web.serving import serve
from tests.databases import postgres_server, postgres_url  # noqa: F401  # fixtures are found by name
from tests.e2e.town import Bots, Town, town
from tests.waiting import until

pytestmark = pytest.mark.postgres
SECRET = "a-secret-of-the-webhook"
PEOPLE = ("ana", "ben", "chen", "dora")
EACH = 8


@dataclass
class Balancer:
    """Every request goes to the next process; where one cannot be reached, to the one after it.

    The answer to every ``loses``-th post is lost on its way back, so that Telegram repeats what has been stored.
    """

    http: httpx.AsyncClient
    loses: int = 5
    behind: list[str] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    turns: Any = field(default_factory=itertools.count)

    async def forward(self, request: Request) -> Response:
        body = await request.body()
        headers = {name: request.headers[name] for name in (HEADER, "content-type") if name in request.headers}
        for _ in self.behind:
            address = self.behind[next(self.turns) % len(self.behind)]
            try:
                answer = await self.http.request(
                    request.method, address + request.url.path, content=body, headers=headers
                )
            except httpx.ConnectError:
                continue
            except httpx.HTTPError:
                break
            self.answered[address] += answer.is_success
            if answer.is_success and self.answered.total() % self.loses == 0:
                break
            return Response(answer.content, answer.status_code)
        return Response(status_code=502)


@contextlib.asynccontextmanager
async def behind_one_address(folder: Path, url: str) -> AsyncIterator[tuple[Town, Balancer, list[Bots]]]:
    """Two processes with the telegram part, which hear what is posted to the balancer."""
    async with httpx.AsyncClient(trust_env=False) as http:
        balancer = Balancer(http)
        app = Starlette(routes=[Route("/{path:path}", balancer.forward, methods=["GET", "POST"])])
        async with serve(app) as address:
            unlimited = dict.fromkeys(("USER_DAILY_CREDITS", "USER_MONTHLY_CREDITS", "USER_QUEUED"), "0")
            settings = {
                **unlimited,
                "USER_QUEUED": "1000",
                "DATABASE_URL": url,
                "PUBLIC_URL": address,
                "TELEGRAM_WEBHOOK_SECRET": SECRET,
            }
            async with town(folder, settings=settings) as place:
                place.telegram.is_local = True
                other = Bots(place.bots.environment, folder, folder / "other.log")
                try:
                    for process in (place.bots, other):
                        await process.start("run", "--part", "telegram")
                    for process in (place.bots, other):
                        balancer.behind.append(await listening(process))
                    yield place, balancer, [place.bots, other]
                finally:
                    if other.process is not None and other.process.returncode is None:
                        await other.killed()


async def listening(process: Bots) -> str:
    """Where it answers."""
    await until(lambda: "the webhook is set" in process.said(), timeout=60)
    found = re.search(r"web part .*address=(\S+)", process.said())
    assert found is not None, process.said()
    return found[1]


async def prompts(place: Town, who: str) -> list[str]:
    tasks = await place.unfinished(f"telegram:{place.telegram.people[who].id}")
    return sorted(task.request.prompt for task in tasks)


async def test_nothing_is_lost_and_nothing_ordered_twice_when_one_of_two_processes_is_killed(
    tmp_path: Path,
    postgres_url: str,  # noqa: F811
) -> None:
    async with behind_one_address(tmp_path, postgres_url) as (place, balancer, (first, second)):
        answers = [await balancer.http.get(f"{balancer.behind[0]}{path}") for path in ("/healthz", "/readyz")]
        answers.append(await balancer.http.post(balancer.behind[0] + PATH))
        answers.append(await balancer.http.post(f"{balancer.behind[0]}/callbacks/apiyi/a-secret"))
        assert [answer.status_code for answer in answers] == [200, 200, 403, 404]
        for number in range(EACH):
            for who in PEOPLE:
                await place.telegram.say(who, f"private:{who}", f"/imagine fox {number}")
        await until(lambda: min(balancer.answered[address] for address in balancer.behind) >= EACH // 2)
        first.kill()
        assert place.telegram.pending_updates > 0
        await until(lambda: place.telegram.pending_updates == 0, timeout=60)
        foxes = [f"fox {number}" for number in range(EACH)]
        assert [await prompts(place, who) for who in PEOPLE] == [foxes] * len(PEOPLE)
        assert place.telegram.called("getUpdates") == []
        second.ask_to_stop()
        assert await second.ended() == 0
        assert place.telegram.called("deleteWebhook") == []
        said = first.said() + second.said()
        assert (SECRET in said, "Traceback" in said) == (False, False)
