"""What is gone for a while (a disk, a lock, a gateway) costs nobody a picture: it is waited for, and said."""

import asyncio
import contextlib
import math
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from core.errors import ChatBusy, GatewayUnreachable, PictureUnreachable, StoreDown
from core.gateway import Call
from core.intake import TRIES
from core.loops import Crew
from core.orders import MAX_SUBMITS
from core.testing import ManualClock, ScriptedFront, ScriptedGateway
from core.types import (
    Address,
    DeliveryState,
    Finished,
    InlinePicture,
    MediaRef,
    OrderState,
    Outcome,
    Pending,
    RemotePicture,
    Stage,
    Task,
    Ticket,
    View,
)
from tests.core.build import a_request
from tests.core.facts import state_is, used
from tests.core.world import ANA, CoreWorld, ScriptedLinks, core_world, edit_of, png
from tests.waiting import until

RED = InlinePicture(png("red"))
TICKET, LINK = Ticket("alpha", "77"), "https://delivery.example/1.png"
IN_HAND = "what is in hand cannot be stored: it stays in memory and is tried again"


def times(lines: list[EventDict], event: str) -> int:
    return sum(line["event"] == event for line in lines)


async def pages(world: CoreWorld, most: int | None) -> None:
    """SQLite's own "disk full": no page more than there are, or as many as you like."""
    database = world.store._database
    if most is None:
        most = 2**30
    await database.write(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={most}").scalar())


@contextlib.asynccontextmanager
async def disk_full(world: CoreWorld) -> AsyncIterator[None]:
    await pages(world, 1)  # SQLite makes it as many as there are
    try:
        yield
    finally:
        await pages(world, None)


@contextlib.contextmanager
def media_gone(folder: Path) -> Iterator[None]:
    """Nothing can be written to or read from the media folder: a file is in its place."""
    media, aside = folder / "media", folder / "aside"
    media.rename(aside)
    media.write_text("no folder")
    try:
        yield
    finally:
        media.unlink()
        aside.rename(media)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Somebody else works on the database, and does not come to an end."""
    other = sqlite3.connect(folder / "imagine.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


async def test_a_request_that_finds_the_disk_full_holds_nothing_and_is_taken_when_it_comes_again(
    tmp_path: Path,
) -> None:
    async with core_world(tmp_path, [ScriptedGateway("alpha", [Finished((RED,))])]) as world:
        request, stored = a_request("a fox " * 300, model=None), 0
        async with disk_full(world):
            with contextlib.suppress(StoreDown):
                while stored < 40:
                    await world.ask(request, event=f"scripted:{stored}")
                    stored += 1
            with pytest.raises(StoreDown, match="full"):
                await world.ask(request, event=f"scripted:{stored}")
            assert await used(world) == (0, stored)
        task = await world.ask(request, event=f"scripted:{stored}")
        assert (await world.ask(request, event=f"scripted:{stored}")).id == task.id
        assert await used(world) == (0, stored + 1)


async def test_an_answer_that_finds_the_disk_full_is_kept_in_hand_until_it_can_be_stored(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,), answer="{}" * 50_000)])
    gateway.open.clear()
    with capture_logs() as lines:
        async with core_world(tmp_path, [gateway]) as world:
            async with world.alive(grace=5):
                await world.ask()
                await gateway.started.wait()
                async with disk_full(world):
                    gateway.open.set()
                    await until(lambda: times(lines, IN_HAND) > 1)
                await world.front.until_handed(1)
            assert await used(world) == (1, 0)
    assert (world.front.handed[0][0].stage, len(gateway.calls)) == (Stage.DONE, 1)


@pytest.mark.parametrize("picture", [RED, RemotePicture(LINK)], ids=["in the answer", "behind a link"])
async def test_a_picture_that_finds_the_media_store_full_is_kept_in_hand_until_it_can_be_kept(
    tmp_path: Path, picture: InlinePicture | RemotePicture
) -> None:
    gateway = ScriptedGateway("alpha", [Finished((picture,))])
    with capture_logs() as lines:
        async with core_world(tmp_path, [gateway], links=ScriptedLinks({LINK: [png("red")]})) as world:
            async with world.alive(grace=5):
                with media_gone(tmp_path):
                    await world.ask()
                    await until(lambda: times(lines, IN_HAND) > 1)
                await world.front.until_handed(1)
            assert await used(world) == (1, 0)
    assert [made.data for made in world.front.handed[0][1]] == [png("red")]
    assert len(gateway.calls) == 1


async def test_an_order_whose_picture_our_own_store_cannot_give_now_waits_however_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.orders.ASK_AGAIN_WITHIN", 0.01)
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    front = ScriptedFront(files={"one": png("blue")})
    with capture_logs() as lines:
        async with core_world(tmp_path, [gateway], front=front, room=0) as world, world.alive():
            task = await world.ask(edit_of("one"))
            await until(lambda: is_kept(world, task))
        async with core_world(tmp_path, [gateway], front=front) as world, world.alive():
            with media_gone(tmp_path):
                world.wake()
                await until(lambda: times(lines, "an order waits for our own store") > MAX_SUBMITS)
            await world.front.until_handed(1)
    assert (world.front.handed[0][0].stage, len(gateway.calls)) == (Stage.DONE, 1)


async def test_a_picture_from_the_chat_that_cannot_be_kept_now_is_fetched_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.orders.BACKOFF", (0.01,))
    monkeypatch.setattr("core.engine.SWEEP", 0.05)
    gateway, front = ScriptedGateway("alpha", [Finished((RED,))]), ScriptedFront(files={"one": png("blue")})
    with capture_logs() as lines:
        async with core_world(tmp_path, [gateway], front=front) as world, world.alive():
            with media_gone(tmp_path):
                await world.ask(edit_of("one"))
                await until(lambda: times(lines, "an input cannot be fetched yet") > TRIES)
            await world.front.until_handed(1)
    assert world.front.handed[0][0].stage is Stage.DONE


async def test_a_result_that_cannot_be_read_now_is_posted_when_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.orders.BACKOFF", (0.01,))
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    async with core_world(tmp_path, [gateway]) as world, world.alive():
        world.front.hand_errors.extend([ChatBusy(60)] * 5)
        task = await world.ask()
        await until(lambda: state_is(world, task, OrderState.FINISHED))
    with capture_logs() as lines:
        async with core_world(tmp_path, [gateway]) as world:
            with media_gone(tmp_path):
                async with world.alive():
                    await until(lambda: times(lines, "posting is put off") > 1)
            async with world.alive():
                await world.front.until_handed(1)
    assert world.front.handed[0][0].stage is Stage.DONE
    assert not any("exc_info" in line for line in lines)


@dataclass
class SlowFront(ScriptedFront):
    """One whose status is on the screen before anybody knows."""

    is_out: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def show(self, address: Address, view: View) -> Address:
        posted = await super().show(address, view)
        self.is_out.set()
        await self.answers.wait()
        return posted


async def test_a_status_that_was_posted_while_the_database_is_locked_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.store.database.BUSY_TIMEOUT", 0.1)
    gateway, front = ScriptedGateway("alpha", [Finished((RED,))]), SlowFront()
    gateway.open.clear()
    with capture_logs() as lines:
        async with core_world(tmp_path, [gateway], front=front) as world, world.alive(grace=5):
            task = await world.ask()
            await front.is_out.wait()
            with locked(tmp_path):
                front.answers.set()
                await until(lambda: times(lines, IN_HAND))

            async def is_known() -> bool:
                return "status" in (await world.store.task(task.id)).address.data

            await until(is_known)
            gateway.open.set()
            await front.until_handed(1)


async def test_a_job_that_the_database_fails_is_said_in_one_line() -> None:
    async def fails() -> None:
        raise StoreDown("gone")

    crew = Crew()
    with capture_logs() as lines:
        crew.start("a job", fails())
        await until(lambda: not len(crew))
    assert [(line["log_level"], line["reason"], "exc_info" in line) for line in lines] == [("warning", "gone", False)]


async def is_kept(world: CoreWorld, task: Task) -> bool:
    return isinstance((await world.store.task(task.id)).request.images[0], MediaRef)


async def test_a_database_that_another_process_has_locked_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.store.database.BUSY_TIMEOUT", 0.1)
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    gateway.open.clear()
    with capture_logs() as lines:
        async with core_world(tmp_path, [gateway]) as world:
            async with world.alive(grace=5):
                await world.ask()
                await gateway.started.wait()
                with locked(tmp_path):
                    gateway.open.set()
                    await until(lambda: times(lines, IN_HAND) > 1)
                    with pytest.raises(StoreDown, match="locked"):
                        await world.ask()
                await world.front.until_handed(1)
            assert await used(world) == (1, 0)
    assert len(gateway.calls) == 1
    assert not any("exc_info" in line or line["log_level"] == "error" for line in lines)


async def is_looked_after(world: CoreWorld, task: Task, clock: ManualClock) -> bool:
    (order,) = await world.store.orders(task.id)
    is_posted = (await world.store.task(task.id)).delivery is DeliveryState.DELIVERED
    return is_posted if order.state is OrderState.FINISHED else order.due > clock()


async def test_what_a_gateway_has_made_arrives_after_it_was_gone_for_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Time passes quickly here; nobody sets the clock.
    monkeypatch.setattr("core.loops.Steps.LEAST", math.inf)
    clock = ManualClock()
    gone = [GatewayUnreachable()] * 30
    gateway = ScriptedGateway(
        "alpha",
        [Pending(TICKET, 5.0)],
        [*gone, Pending(TICKET, 5.0), Finished((RemotePicture(LINK),))],
    )
    # Its host comes back later still.
    links = ScriptedLinks({LINK: [*[PictureUnreachable()] * 6, png("red")]})
    async with core_world(tmp_path, [gateway], links=links, clock=clock) as world:
        async with world.alive():
            task = await world.ask()
            begun = clock()
            while not world.front.handed:
                clock.advance(120)
                world.wake()
                await until(lambda: is_looked_after(world, task, clock))
        assert clock() - begun > timedelta(hours=1)
        assert await used(world) == (1, 0)
    assert (world.front.handed[0][0].stage, len(gateway.calls)) == (Stage.DONE, 1)


@pytest.mark.parametrize("people", [1, 4])
async def test_requests_that_wait_for_a_gateway_that_is_gone_for_an_hour_get_their_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, people: int
) -> None:
    monkeypatch.setattr("core.loops.Steps.LEAST", math.inf)
    clock = ManualClock()
    begun = clock()
    tries: list[float] = []

    class Away(ScriptedGateway):
        async def start(self, call: Call, *, key: str) -> Outcome:
            tries.append((clock() - begun).total_seconds())
            if clock() - begun < timedelta(hours=1):
                raise GatewayUnreachable
            return await super().start(call, key=key)

    gateway = Away("alpha", [Finished((InlinePicture(png(color)),)) for color in ("red", "blue", "green", "white")])
    async with core_world(tmp_path, [gateway], clock=clock) as world:
        async with world.alive():
            tasks = [await world.ask(who=replace(ANA, account=f"scripted:{number}")) for number in range(people)]
            while len(world.front.handed) < people:
                clock.advance(30)
                world.wake()
                for task in tasks:
                    await until(lambda task=task: is_looked_after(world, task, clock))  # type: ignore[misc]
        for number in range(people):
            usage = await world.client.usage(f"scripted:{number}")
            assert (usage.day_used, usage.day_held) == (1, 0)
    assert {handed[0].stage for handed in world.front.handed} == {Stage.DONE}
    assert Stage.RETRYING in {view.stage for view in world.front.shown}
    # It is left alone meanwhile, and heard of soon after it is back.
    assert len(tries) < 90
    assert (clock() - begun) < timedelta(hours=1, minutes=7)
