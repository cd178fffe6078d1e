"""What a call chooses arrives: ratios, pictures in their order, seeds, several at once; that every row does what it
says is in ``test_conformance``."""

from dataclasses import replace

import pytest

from core.gateway import Asks, Call
from core.gateways.aihubmix import Aihubmix
from core.masking import Masker
from core.pictures import inspect
from core.transport import Api
from core.types import Finished, Operation, Pending
from sandbox.gateways import AihubmixSandbox
from tests.core.gateways.calls import ROWS, a_call, an_input, row
from tests.core.gateways.everywhere import Everywhere, everywhere

pytestmark = pytest.mark.asyncio(loop_scope="module")
__all__ = ["everywhere"]  # found by name

#: What takes pictures by public address only is tried with its stand-in's own tests; what new-api would let everybody
#: wait for is too (test_apicore_midjourney).
TRIED = [model for model in ROWS if not model.can.by_link]
AT_ONCE = [model for model in TRIED if (model.gateway, model.route) != ("apicore", "midjourney")]


async def made(everywhere: Everywhere, call: Call) -> list[bytes]:
    """What an order brings, from its start to its end."""
    gateway = everywhere.gateways[call.model.gateway]
    finished = await everywhere.ended(gateway, await gateway.start(call, key="k"))
    assert isinstance(finished, Finished)
    return [await everywhere.fetched(gateway.name, found) for found in finished.pictures]


async def test_the_first_row_can_be_everybodys_default() -> None:
    assert ROWS[0].gateway == "apiyi"
    assert {Operation.IMAGINE, Operation.EDIT} <= ROWS[0].can.operations
    assert len(ROWS) >= 12


@pytest.mark.parametrize("name", [model.name for model in AT_ONCE])
async def test_every_ratio_of_a_row_is_taken_and_gives_that_shape(name: str, everywhere: Everywhere) -> None:
    for ratio in row(name).can.ratios[1::6]:
        across, down = (int(part) for part in ratio.split(":"))
        seen = inspect((await made(everywhere, a_call(name, ratio=ratio)))[0])
        assert seen.width / seen.height == pytest.approx(across / down, rel=0.05)


@pytest.mark.parametrize("name", [model.name for model in TRIED if model.can.images_max])
async def test_as_many_inputs_as_a_row_allows_are_taken_in_their_order(name: str, everywhere: Everywhere) -> None:
    most = row(name).can.images_max
    inputs = tuple(an_input(200 + 16 * place, 120) for place in range(most))
    call = a_call(name, Operation.EDIT, images=inputs)
    before = len(everywhere.hosts[call.model.gateway].orders)
    await everywhere.gateways[call.model.gateway].start(call, key="k")
    [order] = everywhere.hosts[call.model.gateway].orders[before:]
    got = [inspect(picture) for picture in order.pictures]
    assert [seen.width for seen in got] == sorted(seen.width for seen in got)
    assert len(got) == most
    assert all(seen.width % row(name).can.image_multiple == 0 for seen in got)


@pytest.mark.parametrize("name", [model.name for model in TRIED if model.can.seed_max])
async def test_the_seed_arrives_and_no_seed_sends_none(name: str, everywhere: Everywhere) -> None:
    gateway, orders = everywhere.gateways[row(name).gateway], everywhere.hosts[row(name).gateway].orders
    await gateway.start(a_call(name, seed=4711), key="k")
    await gateway.start(a_call(name, seed=None), key="k")
    first, second = orders[-2:]
    assert first.seed == 4711
    assert "seed" not in str(second.fields)


async def test_several_pictures_of_one_call_come_together(everywhere: Everywhere) -> None:
    assert len(await made(everywhere, a_call("hub-gpt-image-1", count=3))) == 3


async def test_a_tolerance_beyond_what_the_family_takes_is_lowered_to_it(
    everywhere: Everywhere,
) -> None:
    sent = []
    for call in (a_call("flux-2-pro"), a_call("flux-kontext-max", Operation.EDIT)):
        bold = replace(call.model, fields={**call.model.fields, "safety_tolerance": 6})
        await everywhere.gateways["apiyi"].start(replace(call, model=bold), key="k")
        sent.append(everywhere.hosts["apiyi"].orders[-1].fields["safety_tolerance"])
    assert sent == [5, 2]


async def test_many_tickets_are_answered_each_for_itself(
    everywhere: Everywhere,
) -> None:
    gateway = everywhere.gateways["aihubmix"]
    assert isinstance(gateway, Asks)
    tickets = []
    for seed in range(12):
        outcome = await gateway.start(a_call("hub-flux-kontext-pro", seed=seed), key="k")
        assert isinstance(outcome, Pending)
        tickets.append(outcome.ticket)
    everywhere.hosts["aihubmix"].fail_next("server_500", at="task", times=3)
    answers = await gateway.ask(tickets)
    finished = {ticket: outcome.seed for ticket, outcome in answers.items() if isinstance(outcome, Finished)}
    assert len(answers) == 12
    assert len(finished) == 9
    assert all(seed == tickets.index(ticket) for ticket, seed in finished.items())


async def test_a_task_is_pending_until_it_is_ready_and_its_polling_address_is_never_visited(
    everywhere: Everywhere,
) -> None:
    host, clock = everywhere.hosts["aihubmix"], everywhere.clock
    assert isinstance(host, AihubmixSandbox)
    host.seconds = 9.0
    submits, tasks = (Api(base, key=host.default_key, masker=Masker()) for base in (host.base_url, host.tasks_url))
    gateway = Aihubmix(submits, tasks=tasks, clock=lambda: clock().timestamp())
    started = await gateway.start(a_call("hub-flux-kontext-max"), key="k")
    assert isinstance(started, Pending)
    for _ in range(3):
        assert (await gateway.ask([started.ticket]))[started.ticket] == Pending(started.ticket, 2.0)
        clock.advance(2.9)
    clock.advance(1)
    assert isinstance((await gateway.ask([started.ticket]))[started.ticket], Finished)
    assert host.bfl_requests == []
    host.seconds = 0.0
    await gateway.close()
