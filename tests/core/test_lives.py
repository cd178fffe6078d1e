"""One life after another: what a process leaves behind, the next one (or another worker) goes on with."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import utc_now
from core.errors import (
    ChatBusy,
    PictureUnreachable,
)
from core.testing import ScriptedFront, ScriptedGateway
from core.types import (
    DeliveryState,
    Finished,
    InlinePicture,
    OrderState,
    Pending,
    RemotePicture,
    Stage,
    Ticket,
)
from tests.core.build import a_model
from tests.core.facts import delivery_is, has_links, state_is, used
from tests.core.world import ScriptedLinks, core_world, edit_of, lease, png
from tests.waiting import until

RED, BLUE = InlinePicture(png("red")), InlinePicture(png("blue"))
LINK = "https://delivery.example/1.png"


async def test_what_was_queued_goes_on_in_the_next_life(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    async with core_world(tmp_path, [gateway]) as world:
        await world.ask()
    async with core_world(tmp_path, [gateway]) as world, world.alive():
        await world.front.until_handed(1)
    assert len(gateway.calls) == 1


async def test_a_call_that_was_out_is_told_and_refunded_and_never_repeated(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    gateway.open.clear()
    async with core_world(tmp_path, [gateway]) as world, world.alive(grace=0):
        await world.ask()
        await gateway.started.wait()
    gateway.open.set()
    async with core_world(tmp_path, [gateway]) as world:
        async with world.alive():
            await world.front.until_handed(1)
        assert await used(world) == (0, 0)
    failure = world.front.handed[0][0].failure
    assert failure is not None
    assert (failure.key, len(gateway.calls)) == ("error.interrupted", 1)


async def test_a_call_that_is_out_when_asked_to_stop_is_waited_for_and_posted(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    gateway.open.clear()
    async with core_world(tmp_path, [gateway]) as world:
        async with world.alive(grace=10):
            await world.ask()
            await gateway.started.wait()
            gateway.open.set()
        assert await used(world) == (1, 0)
    assert world.front.handed[0][0].stage is Stage.DONE


async def test_an_order_at_the_gateway_is_asked_about_by_the_next_life(tmp_path: Path) -> None:
    ticket = Ticket("alpha", "77")
    gateway = ScriptedGateway("alpha", [Pending(ticket, 0.0)], [Pending(ticket, 0.2)])
    async with core_world(tmp_path, [gateway]) as world:
        task = await world.ask()
        async with world.alive():
            await until(lambda: state_is(world, task, OrderState.WAITING))
    later = ScriptedGateway("alpha", [], [Finished((RED,))])
    async with core_world(tmp_path, [later]) as world, world.alive():
        await world.front.until_handed(1)
    assert (len(gateway.calls), later.calls) == (1, [])


async def test_a_made_picture_whose_link_was_stored_is_fetched_by_the_next_life(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RemotePicture(LINK),))])
    async with core_world(tmp_path, [gateway], links=ScriptedLinks({LINK: [PictureUnreachable()]})) as world:
        task = await world.ask()
        async with world.alive():
            await until(lambda: has_links(world, task))
    async with core_world(tmp_path, [gateway], links=ScriptedLinks({LINK: [png()]})) as world, world.alive():
        await world.front.until_handed(1)
    assert (len(gateway.calls), world.front.handed[0][0].stage) == (1, Stage.DONE)


async def test_a_finished_picture_that_was_not_posted_is_posted_by_the_next_life_and_settled_once(
    tmp_path: Path,
) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    async with core_world(tmp_path, [gateway]) as world:
        world.front.hand_errors.extend([ChatBusy(60)] * 5)
        task = await world.ask()
        async with world.alive():
            await until(lambda: state_is(world, task, OrderState.FINISHED))
    async with core_world(tmp_path, [gateway]) as world:
        async with world.alive():
            await world.front.until_handed(1)
        assert await used(world) == (1, 0)
    assert (len(gateway.calls), len(world.front.handed)) == (1, 1)


async def test_an_order_whose_gateway_was_switched_off_meanwhile_is_told_and_refunded(tmp_path: Path) -> None:
    async with core_world(tmp_path, [ScriptedGateway("alpha", [Finished((RED,))])]) as world:
        await world.ask()
    async with core_world(tmp_path, [], models=[a_model(gateway="alpha")]) as world:
        async with world.alive():
            await world.front.until_handed(1)
        assert await used(world) == (0, 0)
    failure = world.front.handed[0][0].failure
    assert failure is not None
    assert failure.key == "error.gateway_setup"


async def test_a_call_of_a_worker_that_died_is_found_by_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease(monkeypatch, 0.5)
    monkeypatch.setattr("core.engine.SWEEP", 0.1)
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    gateway.open.clear()
    async with core_world(tmp_path, [gateway]) as world, world.alive(grace=0):
        await world.ask()
        await gateway.started.wait()
    async with core_world(tmp_path, [gateway]) as world, world.alive(recover=False):
        await world.front.until_handed(1)
    failure = world.front.handed[0][0].failure
    assert failure is not None
    assert (failure.key, len(gateway.calls)) == ("error.interrupted", 1)


async def test_a_worker_that_lives_keeps_its_call_however_long_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease(monkeypatch, 1)
    monkeypatch.setattr("core.inhand.SIGN_OF_LIFE", 0.2)
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    gateway.open.clear()
    async with core_world(tmp_path, [gateway]) as world, core_world(tmp_path, [gateway]) as other:
        async with world.alive(grace=5), other.alive(recover=False):
            task = await world.ask()
            await gateway.started.wait()
            claimed = (await world.store.orders(task.id))[0].due

            async def is_long_past_its_first_lease() -> bool:
                return (await world.store.orders(task.id))[0].due > claimed + timedelta(seconds=2)

            await until(is_long_past_its_first_lease)
            gateway.open.set()
            await until(lambda: world.front.handed or other.front.handed)
        handed = [*world.front.handed, *other.front.handed]
        assert [view.stage for view, _, _ in handed] == [Stage.DONE]


async def test_the_only_worker_keeps_its_call_without_any_sign_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease(monkeypatch, 0.3)
    monkeypatch.setattr("core.inhand.SIGN_OF_LIFE", 0.1)
    monkeypatch.setattr("core.engine.SWEEP", 0.1)
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    gateway.open.clear()
    async with core_world(tmp_path, [gateway], alone=True) as world, world.alive(grace=5):
        task = await world.ask()
        await gateway.started.wait()
        claimed = (await world.store.orders(task.id))[0].due
        await until(lambda: utc_now() > claimed + timedelta(seconds=2))
        (order,) = await world.store.orders(task.id)
        assert (order.state, order.due) == (OrderState.STARTING, claimed)
        gateway.open.set()
        await world.front.until_handed(1)
    assert (world.front.handed[0][0].stage, len(gateway.calls)) == (Stage.DONE, 1)


async def test_a_worker_that_could_give_no_sign_of_life_is_heard_before_it_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.tracker.CLAIM_LEASE", timedelta(seconds=4))
    monkeypatch.setattr("core.inhand.SIGN_OF_LIFE", 1.0)
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    gateway.open.clear()
    async with core_world(tmp_path, [gateway]) as world, core_world(tmp_path, [gateway]) as other:
        async with world.alive(grace=5):
            task = await world.ask()
            await gateway.started.wait()
            (order,) = await world.store.orders(task.id)
            # As if the database had been away for an hour; the other worker comes first when it is back.
            long_ago = order.due - timedelta(hours=1)
            await other.store.still_in_hand({order.id: order.revision}, long_ago)
            async with other.alive(recover=False):

                async def a_sign_is_given() -> bool:
                    return (await world.store.orders(task.id))[0].due > long_ago

                await until(a_sign_is_given)
                gateway.open.set()
                await until(lambda: world.front.handed or other.front.handed)
        handed = [*world.front.handed, *other.front.handed]
        assert [view.stage for view, _, _ in handed] == [Stage.DONE]


async def test_a_picture_that_has_left_the_media_store_is_told_and_refunded(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    async with core_world(tmp_path, [gateway]) as world:
        world.front.hand_errors.extend([ChatBusy(60)] * 5)
        task = await world.ask()
        async with world.alive():
            await until(lambda: state_is(world, task, OrderState.FINISHED))
    shutil.rmtree(tmp_path / "media")
    async with core_world(tmp_path, [gateway]) as world:
        async with world.alive():
            await until(lambda: delivery_is(world, task, DeliveryState.UNDELIVERABLE))
        assert await used(world) == (0, 0)
    (view, pictures, _) = world.front.handed[0]
    assert (view.stage, pictures) == (Stage.FAILED, ())


async def test_a_chat_that_is_busy_with_an_input_for_ever_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.intake.PATIENCE", timedelta(seconds=0.5))
    front = ScriptedFront(fetch_error=ChatBusy(0.1))
    async with core_world(tmp_path, [ScriptedGateway("alpha", [Finished((RED,))])], front=front) as world:
        async with world.alive():
            await world.ask(edit_of("one"))
            await world.front.until_handed(1)
        assert await used(world) == (0, 0)
    assert world.front.handed[0][0].failure is not None
    assert world.front.handed[0][0].failure.key == "error.image_gone"
