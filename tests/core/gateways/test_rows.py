"""Every row of the packaged catalogue makes pictures, against stand-ins that refuse whatever the contract does not
name."""

from dataclasses import replace

import pytest

from core.capabilities import TELLING
from core.download import Downloader
from core.gateway import Asks, Gateway
from core.gateways.aihubmix import Aihubmix
from core.masking import Masker
from core.pictures import inspect
from core.testing import ManualClock
from core.transport import Api
from core.types import Finished, InlinePicture, Operation, Pending
from core.videos import inspect_video
from sandbox.gateways import AihubmixSandbox, ApiyiSandbox, Shape
from sandbox.gateways.base import GatewaySandbox
from tests.core.gateways.calls import ROWS, a_call, an_input, ended, row

#: What takes pictures by public address only is tried with its stand-in's own tests; so are masks (test_masks), words
#: of ours (test_presets), and what new-api would let everybody wait for (test_apicore_midjourney).
TRIED = [model for model in ROWS if not model.can.by_link]
AT_ONCE = [model for model in TRIED if (model.gateway, model.route) != ("apicore", "midjourney")]
EVERYTHING = [
    (model.name, operation)
    for model in AT_ONCE
    for operation in sorted(model.can.operations - model.can.presets.keys() - {Operation.INPAINT})
]


async def pictures(finished: object, downloader: Downloader, gateway: str) -> list[bytes]:
    assert isinstance(finished, Finished), finished
    return [
        found.data if isinstance(found, InlinePicture) else await downloader.fetch(found.url, gateway=gateway)
        for found in finished.pictures
    ]


def test_the_first_row_can_be_everybodys_default() -> None:
    assert ROWS[0].gateway == "apiyi"
    assert {Operation.IMAGINE, Operation.EDIT} <= ROWS[0].can.operations
    assert len(ROWS) >= 12


@pytest.mark.parametrize(("name", "operation"), EVERYTHING)
async def test_a_row_makes_what_it_says_from_start_to_finish(
    name: str, operation: Operation, gateways: dict[str, Gateway], downloader: Downloader
) -> None:
    call = a_call(name, operation)
    gateway = gateways[call.model.gateway]
    finished = await ended(gateway, await gateway.start(call, key="t1.0"))
    made = await pictures(finished, downloader, gateway.name)
    if operation in TELLING:
        assert isinstance(finished, Finished)
        assert (len(made), bool(finished.texts)) == (0, True)
        return
    assert len(made) == call.model.can.makes.get(operation, 1)
    look = inspect_video if operation is Operation.ANIMATE else inspect
    assert all(look(picture).width > 0 for picture in made)


@pytest.mark.parametrize("name", [model.name for model in AT_ONCE])
async def test_every_ratio_of_a_row_is_taken_and_gives_that_shape(
    name: str, gateways: dict[str, Gateway], downloader: Downloader
) -> None:
    for ratio in row(name).can.ratios[::4]:
        call = a_call(name, ratio=ratio)
        gateway = gateways[call.model.gateway]
        made = await pictures(await ended(gateway, await gateway.start(call, key="k")), downloader, gateway.name)
        across, down = (int(part) for part in ratio.split(":"))
        seen = inspect(made[0])
        assert seen.width / seen.height == pytest.approx(across / down, rel=0.05)


@pytest.mark.parametrize("name", [model.name for model in TRIED if model.can.images_max])
async def test_as_many_inputs_as_a_row_allows_are_taken_in_their_order(
    name: str, gateways: dict[str, Gateway], hosts: dict[str, GatewaySandbox]
) -> None:
    most = row(name).can.images_max
    inputs = tuple(an_input(200 + 16 * place, 120) for place in range(most))
    call = a_call(name, Operation.EDIT, images=inputs)
    await gateways[call.model.gateway].start(call, key="k")
    [order] = hosts[call.model.gateway].orders
    got = [inspect(picture) for picture in order.pictures]
    assert [seen.width for seen in got] == sorted(seen.width for seen in got)
    assert len(got) == most
    assert all(seen.width % row(name).can.image_multiple == 0 for seen in got)


@pytest.mark.parametrize("name", [model.name for model in TRIED if model.can.seed_max])
async def test_the_seed_arrives_and_no_seed_sends_none(
    name: str, gateways: dict[str, Gateway], hosts: dict[str, GatewaySandbox]
) -> None:
    gateway = gateways[row(name).gateway]
    await gateway.start(a_call(name, seed=4711), key="k")
    await gateway.start(a_call(name, seed=None), key="k")
    first, second = hosts[row(name).gateway].orders
    assert first.seed == 4711
    assert "seed" not in str(second.fields)


async def test_several_pictures_of_one_call_come_together(gateways: dict[str, Gateway]) -> None:
    finished = await gateways["aihubmix"].start(a_call("hub-gpt-image-1", count=3), key="k")
    assert isinstance(finished, Finished)
    assert len(finished.pictures) == 3


async def test_fewer_pictures_than_asked_for_are_what_they_are(
    gateways: dict[str, Gateway], aihubmix_host: AihubmixSandbox
) -> None:
    aihubmix_host.fail_next("fewer_pictures")
    finished = await gateways["aihubmix"].start(a_call("hub-gpt-image-1", count=3), key="k")
    assert isinstance(finished, Finished)
    assert len(finished.pictures) == 2


@pytest.mark.parametrize("shape", [shape for shape in Shape if shape is not Shape.TASK])
async def test_every_shape_of_aihubmix_is_read(
    shape: Shape, gateways: dict[str, Gateway], aihubmix_host: AihubmixSandbox, downloader: Downloader
) -> None:
    call = a_call("hub-gpt-image-1")
    aihubmix_host.shapes[call.model.wire] = shape
    made = await pictures(await gateways["aihubmix"].start(call, key="k"), downloader, "aihubmix")
    assert [inspect(data).mime for data in made] == ["image/png"]


async def test_a_tolerance_beyond_what_the_family_takes_is_lowered_to_it(
    gateways: dict[str, Gateway], apiyi_host: ApiyiSandbox
) -> None:
    sent = []
    for call in (a_call("flux-2-pro"), a_call("flux-kontext-max", Operation.EDIT)):
        bold = replace(call.model, fields={**call.model.fields, "safety_tolerance": 6})
        await gateways["apiyi"].start(replace(call, model=bold), key="k")
        sent.append(apiyi_host.orders[-1].fields["safety_tolerance"])
    assert sent == [5, 2]


async def test_many_tickets_are_answered_each_for_itself(
    gateways: dict[str, Gateway], aihubmix_host: AihubmixSandbox
) -> None:
    gateway = gateways["aihubmix"]
    assert isinstance(gateway, Asks)
    tickets = []
    for seed in range(25):
        outcome = await gateway.start(a_call("hub-flux-kontext-pro", seed=seed), key="k")
        assert isinstance(outcome, Pending)
        tickets.append(outcome.ticket)
    aihubmix_host.fail_next("server_500", at="task", times=3)
    answers = await gateway.ask(tickets)
    finished = {ticket: outcome.seed for ticket, outcome in answers.items() if isinstance(outcome, Finished)}
    assert len(answers) == 25
    assert len(finished) == 22
    assert all(seed == tickets.index(ticket) for ticket, seed in finished.items())


async def test_a_task_is_pending_until_it_is_ready_and_its_polling_address_is_never_visited(
    clock: ManualClock, aihubmix_host: AihubmixSandbox
) -> None:
    aihubmix_host.seconds = 9.0
    submits, tasks = (
        Api(base, key=aihubmix_host.default_key, masker=Masker())
        for base in (aihubmix_host.base_url, aihubmix_host.tasks_url)
    )
    gateway = Aihubmix(submits, tasks=tasks, clock=lambda: clock().timestamp())
    started = await gateway.start(a_call("hub-flux-kontext-max"), key="k")
    assert isinstance(started, Pending)
    for _ in range(3):
        assert (await gateway.ask([started.ticket]))[started.ticket] == Pending(started.ticket, 2.0)
        clock.advance(2.9)
    clock.advance(1)
    assert isinstance((await gateway.ask([started.ticket]))[started.ticket], Finished)
    assert aihubmix_host.bfl_requests == []
    await gateway.close()
