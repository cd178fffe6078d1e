"""More than pictures from words: texts, next steps, other gateways, rests, proofs; with the real store and loops."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.breaker import FAILURES
from core.errors import (
    BalanceEmpty,
    Charged,
    GatewayDown,
    GatewayError,
    GatewaySilent,
    ImageGone,
    PictureGone,
    PictureUnreachable,
    PromptRefused,
    TaskUnknown,
)
from core.testing import ScriptedGateway, ScriptedSeeds
from core.types import (
    Address,
    Finished,
    Follow,
    InlinePicture,
    Offer,
    Operation,
    Pending,
    RemotePicture,
    Stage,
    Task,
    Ticket,
)
from sandbox.pictures import clip
from tests.core.build import a_model, a_request
from tests.core.world import ANA, CoreWorld, ScriptedLinks, core_world, edit_of, png
from tests.waiting import until

EVERYTHING = frozenset(Operation)
TICKET = Ticket("alpha", "77", "fox-1")
U2 = Offer(Operation.UPSCALE, "JOB::upsample::2", "U2", 1)
REGION = Offer(Operation.INPAINT, "JOB::region", "Vary (Region)", 0)
RED, BLUE = InlinePicture(png("red")), InlinePicture(png("blue"))
HERE: dict[str, Any] = {"who": ANA, "address": Address("scripted", {"chat": 1})}


# -- words as results -------------------------------------------------------------------------------------------------


async def test_a_picture_becomes_words_and_each_of_them_can_be_painted(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished(texts=("a red fox", "a fox in snow")), Finished((RED,))])
    models = [a_model(operations=EVERYTHING, credits=3)]
    async with core_world(tmp_path, [gateway], models=models) as world, world.alive():
        world.front.files["photo"] = png("green")
        task = await world.ask(replace(edit_of("photo", prompt=""), operation=Operation.DESCRIBE))
        await world.front.until_handed(1)
        await world.client.imagine_text(task.id, 1, event="scripted:press", **HERE)
        await world.front.until_handed(2)
        with pytest.raises(TaskUnknown):
            await world.client.imagine_text(task.id, 2, event="scripted:other", **HERE)
    (view, pictures, _) = world.front.handed[0]
    assert (view.stage, view.texts, view.missing, pictures) == (Stage.DONE, ("a red fox", "a fox in snow"), 0, ())
    assert view.credits == 3
    assert (gateway.calls[1][1].operation, gateway.calls[1][1].prompt) == (Operation.IMAGINE, "a fox in snow")


async def test_the_shape_that_a_description_names_is_the_nearest_one_the_model_has(tmp_path: Path) -> None:
    texts = ("a red fox, f --ar 128:85 --v 7", "a fox --v 7 --raw", "a fox -- or two")
    gateway = ScriptedGateway("alpha", [Finished(texts=texts), *[Finished((RED,))] * 3])
    models = [a_model(operations=EVERYTHING, ratios=("1:1", "3:2", "16:9"))]
    async with core_world(tmp_path, [gateway], models=models) as world, world.alive():
        world.front.files["photo"] = png("green")
        task = await world.ask(replace(edit_of("photo", prompt=""), operation=Operation.DESCRIBE))
        await world.front.until_handed(1)
        for number in range(len(texts)):
            await world.client.imagine_text(task.id, number, event=f"scripted:{number}", **HERE)
            await world.front.until_handed(number + 2)
    painted = [(call.prompt, call.ratio) for _, call in gateway.calls[1:]]
    assert painted == [("a red fox, f", "3:2"), ("a fox", None), ("a fox -- or two", None)]


async def test_a_video_is_kept_and_handed_over_as_one_and_is_nothing_to_edit(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((InlinePicture(clip()),))])
    async with core_world(tmp_path, [gateway], models=[a_model(operations=EVERYTHING)]) as world, world.alive():
        task = await world.ask(a_request("waves", model=None, operation=Operation.ANIMATE))
        await world.front.until_handed(1)
        (_, (video,), _) = world.front.handed[0]
        with pytest.raises(ImageGone):
            await world.client.result(task.id, 0)
    assert (video.ref.mime, video.data, video.filename) == ("video/mp4", clip(), f"imagine-{task.id}.mp4")
    assert video.ref.width > 0


async def test_a_video_is_no_input(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [Finished((RED,))])
    async with core_world(tmp_path, [gateway]) as world, world.alive():
        world.front.files["clip"] = clip()
        await world.ask(edit_of("clip"))
        await world.front.until_handed(1)
    failure = world.front.handed[0][0].failure
    assert failure is not None
    assert (failure.kind, len(gateway.calls)) == ("ImageUnreadable", 0)


# -- next steps -------------------------------------------------------------------------------------------------------


async def test_a_step_is_taken_at_the_gateway_that_offered_it_for_its_own_price(tmp_path: Path) -> None:
    made = Finished((RED, BLUE), offers=(U2,))
    gateway = ScriptedGateway("alpha", [Pending(TICKET, 0.01), Finished((BLUE,))], [made])
    model = replace(a_model(credits=5, per_call=2), prices={Operation.UPSCALE: 1})
    async with core_world(tmp_path, [gateway], models=[model]) as world, world.alive():
        task = await world.ask(a_request(model=None, count=2))
        await world.front.until_handed(1)
        step = await world.client.follow(task.id, 0, event="scripted:press", **HERE)
        again = await world.client.follow(task.id, 0, event="scripted:press", **HERE)
        assert again.id == step.id
        await world.front.until_handed(2)
        with pytest.raises(TaskUnknown):
            await world.client.follow(task.id, 1, event="scripted:other", **HERE)
    assert [view.credits for view, _, _ in world.front.handed] == [10, 1]
    assert gateway.steps == [Follow(TICKET, U2.token, "U2")]
    assert gateway.calls[1][1].operation is Operation.UPSCALE


async def test_work_on_a_picture_takes_the_gateways_own_step_for_it_and_only_for_it(tmp_path: Path) -> None:
    made = Finished((RED, BLUE), offers=(U2,))
    gateway = ScriptedGateway("alpha", [Pending(TICKET, 0.01), Finished((RED,))], [made])
    models = [a_model(operations=EVERYTHING, per_call=2)]
    async with core_world(tmp_path, [gateway], models=models) as world, world.alive():
        task = await world.ask(a_request(model=None, count=2))
        await world.front.until_handed(1)
        larger = a_request("", model=None, operation=Operation.UPSCALE)
        for number, index in enumerate((1, 0), start=2):
            await world.client.work_on(task.id, index, larger, event=f"scripted:{index}", **HERE)
            await world.front.until_handed(number)
    assert [step.label for step in gateway.steps] == ["U2"]
    assert [len(call.images) for _, call in gateway.calls] == [0, 0, 1]


async def test_a_part_is_repainted_by_the_gateways_own_step_with_the_mask_at_hand(tmp_path: Path) -> None:
    made = Finished((RED,), offers=(REGION,))
    gateway = ScriptedGateway("alpha", [Pending(TICKET, 0.01), Finished((BLUE,))], [made])
    models = [a_model(inputs={Operation.INPAINT: (0, 0)})]  # of its own results only
    async with core_world(tmp_path, [gateway], models=models) as world, world.alive():
        task = await world.ask()
        await world.front.until_handed(1)
        world.front.files["marked"] = png("red", clear=(8, 8, 23, 23))
        mask = edit_of("marked").images[0]
        request = a_request("a hat", model=None, operation=Operation.INPAINT, mask=mask)
        await world.client.work_on(task.id, 0, request, event="scripted:1", **HERE)
        await world.front.until_handed(2)
    (_, call) = gateway.calls[1]
    assert (gateway.steps[0].token, call.prompt, call.mask is not None) == (REGION.token, "a hat", True)


async def test_a_button_hears_no_words_so_words_go_to_a_model_if_there_is_one(tmp_path: Path) -> None:
    vary = Offer(Operation.VARY, "JOB::variation::1", "V1", 0)
    for name, able, steps in (("with", EVERYTHING, 0), ("without", frozenset({Operation.IMAGINE}), 1)):
        gateway = ScriptedGateway(
            "alpha", [Pending(TICKET, 0.01), Finished((RED,))], [Finished((RED,), offers=(vary,))]
        )
        (tmp_path / name).mkdir()
        models = [a_model(operations=able)]
        async with core_world(tmp_path / name, [gateway], models=models) as world, world.alive():
            task = await world.ask()
            await world.front.until_handed(1)
            bluer = a_request("bluer", model=None, operation=Operation.VARY)
            await world.client.work_on(task.id, 0, bluer, event="scripted:1", **HERE)
            await world.front.until_handed(2)
        assert len(gateway.steps) == steps


async def test_a_step_on_a_whole_set_is_not_taken_for_one_of_its_pictures(tmp_path: Path) -> None:
    whole = Offer(Operation.CUTOUT, "JOB::cut", "自动抠图")
    made = Finished((RED, BLUE), offers=(whole,))
    gateway = ScriptedGateway("alpha", [Pending(TICKET, 0.01), Finished((RED,))], [made])
    models = [a_model(operations=EVERYTHING, per_call=2)]
    async with core_world(tmp_path, [gateway], models=models) as world, world.alive():
        task = await world.ask(a_request(model=None, count=2))
        await world.front.until_handed(1)
        cut = a_request("", model=None, operation=Operation.CUTOUT)
        await world.client.work_on(task.id, 0, cut, event="scripted:1", **HERE)
        await world.front.until_handed(2)
    assert gateway.steps == []


async def test_what_was_fetched_stays_when_another_link_dies(tmp_path: Path) -> None:
    first, second = "https://a/1", "https://a/2"
    links = ScriptedLinks({first: [png("red"), PictureGone()], second: [PictureUnreachable(), PictureGone()]})
    gateway = ScriptedGateway("alpha", [Finished((RemotePicture(first), RemotePicture(second)))])
    models = [a_model(per_call=2, credits=1)]
    async with core_world(tmp_path, [gateway], models=models, links=links) as world, world.alive():
        await world.ask(a_request(model=None, count=2))
        await world.front.until_handed(1)
    (view, pictures, _) = world.front.handed[0]
    assert [picture.data for picture in pictures] == [png("red")]
    assert (view.missing, view.credits, links.fetched.count(first)) == (1, 1, 1)


# -- several gateways -------------------------------------------------------------------------------------------------

FIRST = replace(a_model("first", credits=3), fallbacks=("second",))
SECOND = a_model("second", gateway="beta", credits=9)


@pytest.mark.parametrize("trouble", [GatewayDown(), BalanceEmpty(), GatewayDown(retry_after=300.0)])
async def test_what_one_gateway_has_not_taken_the_next_one_makes_for_the_same_price(
    tmp_path: Path, trouble: GatewayError
) -> None:
    alpha, beta = ScriptedGateway("alpha", [trouble]), ScriptedGateway("beta", [Finished((RED,))])
    async with core_world(tmp_path, [alpha, beta], models=[FIRST, SECOND]) as world, world.alive():
        await world.ask(a_request(model="first", ratio="16:9"))
        await world.front.until_handed(1)
    assert (len(alpha.calls), len(beta.calls), world.front.handed[0][0].credits) == (1, 1, 3)
    assert (beta.calls[0][1].model.name, beta.calls[0][1].ratio) == ("second", "16:9")


@pytest.mark.parametrize("trouble", [GatewaySilent(), GatewayDown(charged=Charged.UNKNOWN), PromptRefused()])
async def test_what_may_have_been_paid_or_was_refused_goes_nowhere_else(tmp_path: Path, trouble: GatewayError) -> None:
    alpha, beta = ScriptedGateway("alpha", [trouble]), ScriptedGateway("beta", [Finished((RED,))])
    async with core_world(tmp_path, [alpha, beta], models=[FIRST, SECOND]) as world, world.alive():
        await world.ask(a_request(model="first"))
        await world.front.until_handed(1)
    assert (len(alpha.calls), len(beta.calls)) == (1, 0)
    assert world.front.handed[0][0].stage is Stage.FAILED


async def test_when_none_takes_it_the_first_is_asked_again(tmp_path: Path) -> None:
    alpha = ScriptedGateway("alpha", [GatewayDown(), Finished((RED,))])
    beta = ScriptedGateway("beta", [GatewayDown(retry_after=0.5)])
    async with core_world(tmp_path, [alpha, beta], models=[FIRST, SECOND]) as world, world.alive():
        await world.ask(a_request(model="first"))
        await world.front.until_handed(1)
    assert (len(alpha.calls), len(beta.calls), world.front.handed[0][0].stage) == (2, 1, Stage.DONE)


async def test_a_gateway_that_keeps_failing_is_left_alone_and_everybody_can_see_it(tmp_path: Path) -> None:
    alpha, beta = ScriptedGateway("alpha", [BalanceEmpty()]), ScriptedGateway("beta", [Finished((RED,))])
    async with core_world(tmp_path, [alpha, beta], models=[FIRST, SECOND]) as world, world.alive():
        for number in range(1, FAILURES + 1):
            await world.ask(a_request(model="first"))
            await world.front.until_handed(number)
        await until(world.client.resting)
        assert {name: rest.why for name, rest in (await world.client.resting()).items()} == {"alpha": "BalanceEmpty"}
        named = await world.ask(a_request(model="first"))
        await world.front.until_handed(FAILURES + 1)
        unnamed = await world.ask(a_request(model=None))
        await world.front.until_handed(FAILURES + 2)
    assert len(alpha.calls) == FAILURES
    assert (named.request.model, unnamed.request.model) == ("first", "second")


# -- what is learned from a success -----------------------------------------------------------------------------------


async def test_a_model_is_unverified_until_its_first_success(tmp_path: Path) -> None:
    gateway = ScriptedGateway("alpha", [PromptRefused(), Finished((RED,))])
    async with core_world(tmp_path, [gateway], models=[replace(a_model(), unverified=True)]) as world, world.alive():
        await world.ask()
        await world.front.until_handed(1)
        assert await world.client.verified() == frozenset()
        await world.ask()
        await until(world.client.verified)
        assert await world.client.verified() == frozenset({"fox-1"})


async def test_a_seed_that_is_told_only_afterwards_is_kept(tmp_path: Path) -> None:
    gateway = ScriptedSeeds("alpha", [Pending(TICKET, 0.01)], [Finished((RED,))])

    async with core_world(tmp_path, [gateway], models=[a_model(seed_max=None)]) as world, world.alive():
        task = await world.ask()
        await until(lambda: _seeds_of(world, task))
        assert (await world.client.view(task.id)).seeds == (4242,)


async def _seeds_of(world: CoreWorld, task: Task) -> tuple[int, ...]:
    return (await world.client.view(task.id)).seeds
