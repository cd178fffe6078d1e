"""Request → hold → gateway → media → outbox → handed over → settled, with every detour."""

from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import utc_now
from core.errors import (
    ChatBusy,
    ChatGone,
    CreditsUsedUp,
    GatewayBusy,
    GatewayDown,
    GatewayError,
    GatewaySilent,
    NotYours,
    PictureGone,
    PictureUnreachable,
    PromptRefused,
    TooLate,
)
from core.quota import Limits
from core.testing import ScriptedFront, ScriptedGateway
from core.types import (
    DeliveryState,
    Failed,
    Finished,
    FrontFile,
    InlinePicture,
    Pending,
    RemotePicture,
    Stage,
    Ticket,
)
from tests.core.build import a_model, a_request
from tests.core.facts import delivery_is, used
from tests.core.world import ANA, BEN, ScriptedLinks, core_world, edit_of, png
from tests.waiting import until

RED, BLUE = InlinePicture(png("red")), InlinePicture(png("blue"))
LINK = "https://delivery.example/1.png"


def test_png_helper_makes_different_pictures() -> None:
    assert png("red") != png("blue")


async def test_a_synchronous_picture_is_made_kept_handed_over_and_settled(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,), seed=9)])
    async with core_world(tmp_path, [gateway], models=[a_model(credits=3)]) as world, world.alive():
        task = await world.ask(a_request("a red fox", seed=4, ratio="16:9"))
        await world.front.until_handed(1)
    (view, pictures, attempt) = world.front.handed[0]
    assert (view.task_id, view.stage, view.credits, view.seeds, attempt) == (task.id, Stage.DONE, 3, (9,), 1)
    assert [picture.data for picture in pictures] == [png("red")]
    (key, call) = gateway.calls[0]
    assert (key, call.prompt, call.seed, call.ratio) == (f"{task.id}.1", "a red fox", 4, "16:9")


async def test_credits_are_held_while_it_runs_and_used_once_it_is_posted(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    gateway.open.clear()
    async with core_world(tmp_path, [gateway], models=[a_model(credits=3)]) as world:
        async with world.alive():
            task = await world.ask()
            await gateway.started.wait()
            assert await used(world) == (0, 3)
            gateway.open.set()
            await world.front.until_handed(1)
        assert await used(world) == (3, 0)
        assert (await world.store.task(task.id)).delivery is DeliveryState.DELIVERED


async def test_a_task_id_is_asked_about_until_its_link_comes_and_is_fetched(tmp_path: Path) -> None:
    ticket = Ticket("alpha", "77")
    gateway = ScriptedGateway(
        "alpha",
        [Pending(ticket, 0.01)],
        [Pending(ticket, 0.01, 0.5), GatewayDown(), Pending(ticket, 0.01), Finished((RemotePicture(LINK),))],
    )
    links = ScriptedLinks({LINK: [png("blue")]})
    async with core_world(tmp_path, [gateway], links=links) as world, world.alive():
        await world.ask()
        await world.front.until_handed(1, timeout=20)
    assert [picture.data for picture in world.front.handed[0][1]] == [png("blue")]
    assert len(gateway.calls) == 1
    assert gateway.questions == [(ticket,)] * 4


async def test_a_link_that_does_not_answer_is_tried_again_and_never_ordered_again(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RemotePicture(LINK),))])
    links = ScriptedLinks({LINK: [PictureUnreachable(), png()]})
    async with core_world(tmp_path, [gateway], links=links) as world, world.alive():
        await world.ask()
        await world.front.until_handed(1)
    assert (len(gateway.calls), len(links.fetched)) == (1, 2)


@pytest.mark.parametrize("error", [PromptRefused(), GatewaySilent(), PictureGone()], ids=lambda e: type(e).__name__)
async def test_a_failure_is_told_and_the_credits_come_back(tmp_path: Path, error: GatewayError) -> None:
    gateway = ScriptedGateway("alpha", [error])
    async with core_world(tmp_path, [gateway]) as world:
        async with world.alive():
            await world.ask()
            await world.front.until_handed(1)
        assert await used(world) == (0, 0)
    (view, pictures, _) = world.front.handed[0]
    assert (view.stage, pictures, len(gateway.calls)) == (Stage.FAILED, (), 1)
    assert view.failure is not None
    assert view.failure.key == error.key


async def test_a_picture_that_is_none_fails_and_is_not_ordered_again(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((InlinePicture(b"<html>nice try</html>"),))])
    async with core_world(tmp_path, [gateway]) as world, world.alive():
        await world.ask()
        await world.front.until_handed(1)
    assert world.front.handed[0][0].failure is not None
    assert world.front.handed[0][0].failure.key == "error.picture_broken"
    assert len(gateway.calls) == 1


async def test_a_busy_gateway_that_took_nothing_gets_the_order_again(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [GatewayBusy(retry_after=0.5), Finished((RED,))])
    async with core_world(tmp_path, [gateway]) as world, world.alive():
        await world.ask()
        await world.front.until_handed(1)
    assert (len(gateway.calls), world.front.handed[0][0].stage) == (2, Stage.DONE)


async def test_an_outcome_that_failed_counts_as_one_raised(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Failed(PromptRefused())])
    async with core_world(tmp_path, [gateway]) as world, world.alive():
        await world.ask()
        await world.front.until_handed(1)
    assert world.front.handed[0][0].stage is Stage.FAILED


async def test_a_count_is_split_and_only_what_came_is_paid_for(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED, BLUE)), PromptRefused()])
    models = [a_model(credits=2, per_call=2)]
    async with core_world(tmp_path, [gateway], models=models, room=1) as world:
        async with world.alive():
            await world.ask(a_request(count=3, seed=5))
            await world.front.until_handed(1)
        assert await used(world) == (4, 0)
    (view, pictures, _) = world.front.handed[0]
    assert (view.stage, view.missing, view.credits, len(pictures)) == (Stage.DONE, 1, 4, 2)
    assert sorted((call.count, call.seed) for _, call in gateway.calls) == [(1, 6), (2, 5)]


async def test_a_fewer_pictures_than_ordered_cost_less(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    async with core_world(tmp_path, [gateway], models=[a_model(credits=2, per_call=4)]) as world:
        async with world.alive():
            await world.ask(a_request(count=4))
            await world.front.until_handed(1)
        assert await used(world) == (2, 0)
    assert world.front.handed[0][0].missing == 3


async def test_pictures_from_the_chat_are_fetched_before_the_call(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    front = ScriptedFront(files={"one": png("green"), "two": png("white")})
    async with core_world(tmp_path, [gateway], front=front) as world, world.alive():
        await world.ask(edit_of("one", "two"))
        await world.front.until_handed(1)
    assert [image.data for image in gateway.calls[0][1].images] == [png("green"), png("white")]


@pytest.mark.parametrize(
    ("files", "key"), [({}, "error.image_gone"), ({"one": b"no picture"}, "error.image_unreadable")]
)
async def test_an_input_that_cannot_be_had_fails_before_anything_leaves(
    tmp_path: Path, files: dict[str, bytes], key: str
) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    async with core_world(tmp_path, [gateway], front=ScriptedFront(files=files)) as world:
        async with world.alive():
            await world.ask(edit_of("one"))
            await world.front.until_handed(1)
        assert await used(world) == (0, 0)
    failure = world.front.handed[0][0].failure
    assert failure is not None
    assert (failure.key, gateway.calls) == (key, [])


async def test_an_album_larger_than_the_model_takes_is_refused_with_the_number(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    front = ScriptedFront(files={name: png() for name in "123"})
    async with core_world(tmp_path, [gateway], front=front) as world:
        await world.ask(edit_of("1", "2"), event="scripted:album")
        for _ in range(2):  # an update that is delivered twice adds its picture once
            assert await world.client.add_input("scripted:album", FrontFile("scripted", {"name": "3"}))
        async with world.alive():
            await world.front.until_handed(1)
    failure = world.front.handed[0][0].failure
    assert failure is not None
    assert failure.key == "error.too_many_images"
    assert (failure.params["given"], failure.params["limit"], gateway.calls) == (3, 2, [])


async def test_a_chat_that_is_busy_gets_the_result_later_and_it_is_not_made_again(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    async with core_world(tmp_path, [gateway]) as world:
        world.front.hand_errors.append(ChatBusy(0.2))
        async with world.alive():
            await world.ask()
            await world.front.until_handed(1)
        assert await used(world) == (1, 0)
    assert (len(gateway.calls), len(world.front.handed)) == (1, 1)


async def test_a_chat_that_is_gone_gets_its_credits_back(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    async with core_world(tmp_path, [gateway]) as world:
        world.front.hand_errors.append(ChatGone("blocked"))
        task = await world.ask()
        async with world.alive():
            await until(lambda: delivery_is(world, task, DeliveryState.UNDELIVERABLE))
        assert await used(world) == (0, 0)


async def test_a_picture_that_is_there_at_once_needs_no_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.delivery.FIRST_LOOK", 2.0)
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    async with core_world(tmp_path, [gateway]) as world, world.alive():
        await world.ask()
        await world.front.until_handed(1)
    assert world.front.shown == []


async def test_soon_after_the_request_one_status_is_all(tmp_path: Path) -> None:
    ticket = Ticket("alpha", "77")
    steps = [Pending(ticket, 0.05, share) for share in (0.1, 0.4, 0.7)]
    gateway = ScriptedGateway("alpha", [Pending(ticket, 0.05)], [*steps, Finished((RED,))])
    gateway.open.clear()
    async with core_world(tmp_path, [gateway], front=ScriptedFront(quiet=60.0)) as world, world.alive():
        task = await world.ask()
        await until(lambda: world.front.shown)
        later = utc_now() + timedelta(seconds=50)
        gateway.open.set()
        await until(lambda: len(gateway.questions) >= 2)
        assert not await world.store.outbox_due(("scripted",), later, 10, (), last_words=0), "nor is it looked at"
        await world.front.until_handed(1)
    assert [view.task_id for view in world.front.shown] == [task.id]


async def test_progress_that_cannot_be_shown_holds_nothing_up(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    async with core_world(tmp_path, [gateway]) as world:
        world.front.show_errors.extend([ChatGone("blocked"), ChatBusy(60)])
        async with world.alive():
            await world.ask()
            await world.front.until_handed(1)
    assert world.front.handed[0][0].stage is Stage.DONE


async def test_the_same_event_orders_nothing_twice(tmp_path: Path) -> None:
    async with core_world(tmp_path, [ScriptedGateway("alpha", [Finished((RED,))])]) as world:
        first = await world.ask(event="scripted:update:7")
        second = await world.ask(a_request("something else"), event="scripted:update:7")
        assert first.id == second.id
        assert await used(world) == (0, 1)


async def test_a_queued_task_can_be_taken_back_by_its_owner_only(tmp_path: Path) -> None:
    async with core_world(tmp_path, [ScriptedGateway("alpha", [Finished((RED,))])]) as world:
        task = await world.ask()
        with pytest.raises(NotYours):
            await world.client.cancel(task.id, account=BEN.account)
        await world.client.cancel(task.id, account=ANA.account)
        assert await used(world) == (0, 0)
        async with world.alive():
            await world.front.until_handed(1)
        assert world.front.handed[0][0].stage is Stage.CANCELLED


async def test_what_has_left_cannot_be_taken_back(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    gateway.open.clear()
    async with core_world(tmp_path, [gateway]) as world, world.alive():
        task = await world.ask()
        await gateway.started.wait()
        with pytest.raises(TooLate):
            await world.client.cancel(task.id, account=ANA.account)
        gateway.open.set()
        await world.front.until_handed(1)
        assert world.front.handed[0][0].stage is Stage.DONE


async def test_again_orders_the_same_words_with_another_seed_at_the_pressers_cost(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,)), Finished((BLUE,))])
    async with core_world(tmp_path, [gateway]) as world:
        async with world.alive():
            task = await world.ask(a_request("a fox", seed=5, ratio="16:9"))
            await world.front.until_handed(1)
            again = await world.client.again(task.id, who=BEN, address=task.address, event="scripted:press:1")
            await world.front.until_handed(2)
        assert (again.parent, again.request.prompt, again.request.ratio) == (task.id, "a fox", "16:9")
        assert again.request.seed != 5
        assert (await world.client.usage(BEN.account)).day_used == 1
        assert await used(world) == (1, 0)


async def test_an_edit_of_a_result_gets_the_original_bytes(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED, BLUE)), Finished((RED,))])
    async with core_world(tmp_path, [gateway], models=[a_model(per_call=2)]) as world, world.alive():
        task = await world.ask(a_request(count=2))
        await until(lambda: delivery_is(world, task, DeliveryState.DELIVERED))
        posted = await world.client.posted("scripted", f"{ANA.chat}:{task.id}-1")
        assert posted is not None
        await world.client.work_on(
            posted.task_id, posted.index, a_request("at night"), who=ANA, address=task.address, event="scripted:edit"
        )
        await world.front.until_handed(2)
    assert [image.data for image in gateway.calls[1][1].images] == [png("blue")]


async def test_limits_say_what_is_left(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    limits = Limits(user_day=3, user_month=0, unfinished=50)
    async with core_world(tmp_path, [gateway], models=[a_model(credits=2)], limits=limits) as world:
        await world.ask()
        with pytest.raises(CreditsUsedUp) as refused:
            await world.ask()
        assert (refused.value.params["left"], refused.value.params["cost"]) == (1, 2)
