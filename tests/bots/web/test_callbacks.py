"""Gateways call back over a real socket: what waits is asked about at once, and nothing else can be brought about."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from structlog.testing import capture_logs

from bots.web import callbacks
from bots.web.pages import Public, web_app
from bots.web.serving import serve
from core.clock import utc_now
from core.links import Links
from core.orders import after
from core.testing import ManualClock, ScriptedCaller, ScriptedGateway
from core.types import Finished, InlinePicture, OrderState, Pending, Stage, Task, Ticket
from tests.core.build import a_model
from tests.core.facts import state_is
from tests.core.world import CoreWorld, core_world, png
from tests.waiting import until

RED = Finished((InlinePicture(png("red")),))
#: Nobody asks of his own accord within a test.
LATER = 300.0


@dataclass
class Door:
    """The web part before a core world, and the address its gateways were told."""

    world: CoreWorld
    links: Links
    http: httpx.AsyncClient
    woken: list[datetime]  #: when the loops were woken by a call-back

    async def call(
        self, ticket: str = "77", *, gateway: str = "alpha", body: bytes | None = None, **headers: str
    ) -> httpx.Response:
        path = urlsplit(self.links.hook(gateway)).path
        content = json.dumps({"id": ticket, "status": "SUCCESS"}).encode() if body is None else body
        return await self.http.post(path, content=content, headers=headers)

    async def due(self, task: Task) -> datetime:
        return (await self.world.store.orders(task.id))[0].due


@contextlib.asynccontextmanager
async def door(
    folder: Path, *gateways: ScriptedGateway, clock: Callable[[], datetime] = utc_now
) -> AsyncIterator[Door]:
    models = [a_model(f"{gateway.name}-1", gateway=gateway.name) for gateway in gateways]
    async with core_world(folder, gateways, models=models) as world:
        links = Links("https://bots.example.org", await world.store.secret("links"), clock)
        by_name = {gateway.name: gateway for gateway in gateways}
        woken: list[datetime] = []

        def wake() -> None:
            woken.append(utc_now())
            world.wake()

        app = web_app({}, Public(links, by_name, world.store, world.media, wake))
        async with serve(app) as base, httpx.AsyncClient(base_url=base) as http:
            yield Door(world, links, http, woken)


def caller(*answers: Finished | Pending, name: str = "alpha", ticket: str = "77", secret: str = "") -> ScriptedCaller:
    return ScriptedCaller(name, [Pending(Ticket(name, ticket), LATER)], answers or [RED], secret=secret)


async def waiting(world: CoreWorld) -> Task:
    """A request whose order the gateway has taken."""
    task = await world.ask()
    await until(lambda: state_is(world, task, OrderState.WAITING))
    return task


async def test_an_order_finishes_with_the_first_question_asked_right_after_the_call_back(tmp_path: Path) -> None:
    gateway = caller()
    async with door(tmp_path, gateway) as at, at.world.alive():
        task = await waiting(at.world)
        assert (len(gateway.questions), await at.due(task) > utc_now() + timedelta(seconds=200)) == (0, True)
        answer = await at.call()
        assert len(at.woken) == 1
        await at.world.front.until_handed(1)
    assert (answer.status_code, answer.content) == (204, b"")
    assert at.world.front.handed[0][0].stage is Stage.DONE
    assert gateway.questions == [(Ticket("alpha", "77"),)]


async def test_forged_and_doubled_call_backs_cost_one_question_and_make_one_picture(tmp_path: Path) -> None:
    gateway, other = caller(), caller(name="beta")
    async with door(tmp_path, gateway, other) as at, at.world.alive():
        await waiting(at.world)
        unknown = [await at.call(ticket) for ticket in ("78", "77 ", "", "7" * 5000, "7\0")]
        elsewhere = await at.call(gateway="beta")
        lied = await at.call(body=b'{"id": "0", "imageUrl": "https://evil.example/1.png", "ids": ["77"]}')
        assert [answer.status_code for answer in (*unknown, elsewhere, lied)] == [204] * 7
        assert (gateway.questions, at.woken) == ([], [])
        doubled = await asyncio.gather(*(at.call() for _ in range(20)))
        await at.world.front.until_handed(1)
        late = await at.call()
        assert await at.world.store.waiting_due(utc_now() + timedelta(days=1), 10) == []
    assert {answer.status_code for answer in (*doubled, late)} == {204}
    assert (len(gateway.questions), len(at.world.front.handed), other.questions) == (1, 1, [])


async def test_a_stranger_finds_nothing_there(tmp_path: Path) -> None:
    deaf = ScriptedGateway("deaf", [RED])
    async with door(tmp_path, caller(), deaf) as at:
        ours, others = (urlsplit(at.links.hook(name)).path for name in ("alpha", "deaf"))
        strange = replace(at.links, secret="00" * 32).hook("alpha")
        wrong = [
            ours[:-1] + ("0" if ours[-1] != "0" else "1"),
            urlsplit(strange).path,
            "/callbacks/alpha/" + others.rpartition("/")[2],
            "/callbacks/gamma/" + ours.rpartition("/")[2],
            urlsplit(at.links.hook("gamma")).path,
            others,
            "/callbacks/alpha",
            "/callbacks/",
            "/callbacks/alpha/%00",
            "/callbacks/alpha/%C3%A9",
        ]
        answers = [await at.http.post(path, content=b'{"id": "77"}') for path in wrong]
        assert [(answer.status_code, answer.text) for answer in answers] == [(404, "Not Found")] * len(wrong)
        assert (await at.http.get(ours)).status_code == 405


async def test_a_signature_is_checked_where_there_is_one(tmp_path: Path) -> None:
    gateway = caller(secret="a-secret-of-ours")
    body = b'{"id": "77"}'
    right = hmac.new(b"a-secret-of-ours", body, hashlib.sha256).hexdigest()
    async with door(tmp_path, gateway) as at:
        signed = await at.call(body=body, **{"X-BFL-Signature": f"sha256={right}"})
        forged = await at.call(body=body, **{"X-BFL-Signature": "sha256=" + "0" * 64})
        bare = await at.call(body=body)
    assert [answer.status_code for answer in (signed, forged, bare)] == [204, 403, 204]
    assert gateway.heard == ["77", "77"]


async def test_neither_the_secret_in_the_path_nor_a_refused_body_is_written_down(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="uvicorn")
    async with door(tmp_path, caller(secret="a-secret-of-ours")) as at:
        with capture_logs() as lines:
            refused = await at.call(body=b'{"key": "sk-very-secret"}', **{"X-Signature": "f" * 64})
            broken = await at.call(body=b"sk-very-secret")
            await at.call()
            await at.http.post(urlsplit(at.links.hook("alpha")).path + "0")
        told = f"{lines} {caplog.text}"
        assert (refused.status_code, broken.status_code) == (403, 403)
        assert [line["event"] for line in lines] == ["a call-back is refused"] * 2
        assert "the signature is wrong" in lines[0]["why"]
        assert [secret for secret in (*at.links.secrets("alpha"), "very-secret") if secret in told] == []


async def test_a_body_of_a_megabyte_is_heard_and_a_larger_one_is_not_read(tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 100_000

    gateway = caller()
    async with door(tmp_path, gateway) as at:
        path = urlsplit(at.links.hook("alpha")).path
        fits = await at.call(body=b'{"id": "77"}'.ljust(callbacks.MAX_BODY))
        told = await at.call(body=b'{"id": "77"}'.ljust(callbacks.MAX_BODY + 1))
        untold = await at.http.post(path, content=pieces())
    assert [answer.status_code for answer in (fits, told, untold)] == [204, 413, 413]
    assert gateway.heard == ["77"]


async def test_a_body_that_does_not_arrive_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bots.posted.WITHIN", 0.1)
    async with door(tmp_path, caller()) as at:
        path = urlsplit(at.links.hook("alpha")).path
        reader, writer = await asyncio.open_connection(at.http.base_url.host, at.http.base_url.port)
        writer.write(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 408")
        writer.close()
        assert (await at.call()).status_code == 204


class Broken(ScriptedCaller):
    """Its module has a bug."""

    def hear(self, headers: Mapping[str, str], body: bytes) -> Sequence[str]:
        raise RuntimeError("a bug")


async def test_a_gateway_module_that_fails_is_logged_and_takes_nothing_down(tmp_path: Path) -> None:
    async with door(tmp_path, Broken("alpha", [RED])) as at:
        with capture_logs() as lines:
            assert (await at.call()).status_code == 500
        assert [line["event"] for line in lines] == ["a gateway module failed while hearing"]
        assert (await at.http.get("/healthz")).status_code == 200


async def test_while_the_database_is_away_a_call_back_is_asked_to_come_again(tmp_path: Path) -> None:
    async with door(tmp_path, caller()) as at:
        await at.world.store.close()
        for path in tmp_path.glob("imagine.db*"):
            path.unlink()
        (tmp_path / "imagine.db").mkdir()
        assert (await at.call()).status_code == 503


async def test_a_ticket_is_asked_about_every_five_seconds_at_most_and_the_last_call_back_counts(
    tmp_path: Path,
) -> None:
    clock = ManualClock(utc_now())
    async with door(tmp_path, caller(), clock=clock) as at:
        async with at.world.alive():
            task = await waiting(at.world)
        begun = clock()

        async def due_after(seconds: float) -> float:
            """Seconds from the beginning at which it is asked after a call-back at ``seconds``."""
            clock.now = begun + timedelta(seconds=seconds)
            assert (await at.call()).status_code == 204
            return ((await at.due(task)) - begun).total_seconds()

        async def put_off() -> None:
            """It was asked, and is not done: asked again much later."""
            (was,) = await at.world.store.orders(task.id)
            asked = after(was, Pending(Ticket("alpha", "77"), LATER), clock())
            assert await at.world.store.apply(was, asked, clock())

        assert await due_after(0) == 0
        await put_off()
        assert [await due_after(seconds) for seconds in (1, 2, 4.9)] == [5, 5, 5]
        await put_off()
        assert [await due_after(seconds) for seconds in (6, 9)] == [10, 10]
        await put_off()
        assert await due_after(60) == 60


async def test_a_flood_of_invented_tickets_is_let_pass_and_forgotten_after_five_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "MOST", 3)
    clock = ManualClock(utc_now())
    async with door(tmp_path, caller(), clock=clock) as at:
        async with at.world.alive():
            task = await waiting(at.world)
        was = await at.due(task)
        flood = [await at.call(f"invented-{number}") for number in range(5)]
        assert {answer.status_code for answer in (*flood, await at.call())} == {204}
        assert await at.due(task) == was
        clock.advance(5)
        assert (await at.call()).status_code == 204
        assert await at.due(task) == clock()
