"""Every gateway × every failure that its stand-in can play, on a submit, on a question and on a download: the right
error, which never calls an order free that was charged, and never tells the key."""

import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import pytest_asyncio

from core import transport
from core.download import Downloader
from core.errors import AnswerUnreadable, GatewayError, ImagineError, ModelGone, OrderInvalid
from core.gateway import Acts, Asks, Call, Gateway
from core.gateways import REGISTRY
from core.gateways.aihuihua import AFTER_SILENCE
from core.pictures import inspect
from core.types import Failed, Finished, Follow, InlinePicture, Operation, Outcome, Pending, RemotePicture, Ticket
from sandbox.gateways import Fault
from sandbox.gateways.base import GatewaySandbox
from sandbox.gateways.faults import Faults
from tests.core.gateways.calls import a_call, row
from tests.core.gateways.everywhere import PACE, Everywhere, everywhere
from tests.core.gateways.failures import (
    CODES,
    FETCHES,
    IGNORED,
    NO,
    QUESTIONS,
    REFUSED,
    SUBMITS,
    TRANSIENT,
    WAYS,
    YES,
    Ending,
    Way,
    When,
    fetch_error,
)
from tests.core.gateways.host import Host, hosting

pytestmark = pytest.mark.asyncio(loop_scope="module")
__all__ = ["everywhere"]  # found by name

ON_SUBMITS = [(name, fault) for name, way in WAYS.items() for fault in sorted(SUBMITS[way])]
ON_QUESTIONS = [(name, fault) for name, way in WAYS.items() if way in QUESTIONS for fault in sorted(QUESTIONS[way])]
#: A row of each gateway whose results have links to the host for downloads.
LINKED = ["flux-2-klein-4b", "hub-flux-kontext-pro", "apicore-flux-kontext-pro", "dall-e-3", "midjourney", "hui-flux"]
STEPPING = {"apicore-midjourney": Way.WIRE, "midjourney": Way.WIRE, "hui-midjourney": Way.HUIHUA}


async def test_no_gateway_of_the_registry_is_left_out() -> None:
    assert {row(name).gateway for name in WAYS} == set(REGISTRY)
    assert {row(name).gateway for name in LINKED} == set(REGISTRY)


async def test_every_gateway_that_is_asked_or_acts_is_asked_and_acts_here(everywhere: Everywhere) -> None:
    asks = {name for name, gateway in everywhere.gateways.items() if isinstance(gateway, Asks)}
    assert {row(name).gateway for name, _ in ON_QUESTIONS} == asks
    acts = {name for name, gateway in everywhere.gateways.items() if isinstance(gateway, Acts)}
    assert {row(name).gateway for name in STEPPING} == acts


def allowed(stage: str) -> set[Fault]:
    """What can be planned for a stage."""
    found = set()
    for fault in Fault:
        try:
            Faults().plan(fault, times=1, model=None, at=stage)
        except ValueError:
            continue
        found.add(fault)
    return found


@pytest.mark.parametrize("way", Way)
async def test_no_fault_of_the_stand_ins_is_left_out(way: Way) -> None:
    assert way in WAYS.values()
    assert SUBMITS[way].keys() | IGNORED.get(way, frozenset()) == set(Fault) == allowed("submit")
    assert way not in QUESTIONS or QUESTIONS[way].keys() == allowed("task")
    assert FETCHES.keys() == allowed("download")


@contextmanager
def free_of_charge_if_said(host: GatewaySandbox) -> Iterator[list[GatewayError]]:
    """What is put into the list is checked against what the stand-in has taken and charged meanwhile."""
    before = len(host.orders)
    errors: list[GatewayError] = []
    yield errors
    for error in errors:
        if error.charged is NO:
            assert not any(order.charged for order in host.orders[before:])
        told = "".join(traceback.format_exception(error)) + f"{error.detail}{error.params}"
        assert host.default_key not in told


def ordered(name: str, fault: Fault | None = None) -> Call:
    call = a_call(name, count=2 if WAYS.get(name) is Way.INLINE else 1)
    return replace(call, model=replace(call.model, timeout=0.2)) if fault is Fault.HANG else call


async def first_answer(everywhere: Everywhere, gateway: Gateway, outcome: Outcome) -> Outcome:
    """To the first question, where there is one to ask."""
    if not isinstance(outcome, Pending):
        return outcome
    assert isinstance(gateway, Asks)
    everywhere.clock.advance(PACE)
    return (await gateway.ask([outcome.ticket]))[outcome.ticket]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def impatient() -> AsyncIterator[Downloader]:
    """Gives up after half a second."""
    made = Downloader(allow_hosts=["127.0.0.1"], limit=4_000_000, total=0.5)
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def patient() -> AsyncIterator[Downloader]:
    made = Downloader(allow_hosts=["127.0.0.1"], limit=4_000_000, total=20)
    yield made
    await made.close()


def same(error: Exception, ending: Ending) -> None:
    assert type(error) is ending.kind
    if isinstance(error, GatewayError):
        assert error.charged is (YES if ending.when is When.FETCH else ending.charged)
        assert error.transient is (type(error) in TRANSIENT)


@pytest.mark.parametrize(("name", "fault"), ON_SUBMITS)
async def test_a_fault_on_a_submit_becomes_what_it_is(
    name: str, fault: Fault, everywhere: Everywhere, patient: Downloader, impatient: Downloader
) -> None:
    ending = SUBMITS[WAYS[name]][fault]
    gateway, host = everywhere.gateways[row(name).gateway], everywhere.hosts[row(name).gateway]
    host.fail_next(fault)
    taken = len(host.orders)
    with free_of_charge_if_said(host) as errors:
        if ending.when is When.START:
            with pytest.raises(GatewayError) as caught:
                await gateway.start(ordered(name, fault), key="k")
            errors.append(caught.value)
            same(caught.value, ending)
            assert caught.value.retry_after == (2.0 if fault is Fault.RATE_429_AFTER else None)
            if caught.value.transient and caught.value.charged is NO:
                assert len(host.orders) == taken, "what may be sent again was never taken"
            return
        started = await gateway.start(ordered(name), key="k")
        outcome = await first_answer(everywhere, gateway, started)
        if isinstance(outcome, Failed):
            errors.append(outcome.error)
            assert ending.when is When.ASK
            same(outcome.error, ending)
            return
    if ending.when is When.NEVER:
        assert isinstance(started, Pending)
        assert isinstance(outcome, Pending)
        assert outcome.ticket == started.ticket
        return
    assert isinstance(outcome, Finished)
    if ending.when is When.NOT:
        assert len(outcome.pictures) == ending.made
        return
    assert ending.when is When.FETCH
    made = outcome.pictures[0]
    by = impatient if fault is Fault.SLOW_DOWNLOAD else patient
    with pytest.raises(ImagineError) as found_out:
        inspect(made.data if isinstance(made, InlinePicture) else await by.fetch(made.url, gateway=gateway.name))
    same(found_out.value, ending)
    assert host.strays == []


@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if way in IGNORED])
async def test_what_a_stand_in_does_not_play_does_no_harm(name: str, everywhere: Everywhere) -> None:
    gateway, host = everywhere.gateways[row(name).gateway], everywhere.hosts[row(name).gateway]
    for fault in IGNORED[WAYS[name]]:
        host.fail_next(fault)
        assert isinstance(
            await first_answer(everywhere, gateway, await gateway.start(ordered(name), key="k")), Finished
        )


@pytest.mark.parametrize(("name", "fault"), ON_QUESTIONS)
async def test_a_fault_on_a_question_says_nothing_about_the_order_unless_it_is_the_tasks_own(
    name: str, fault: Fault, everywhere: Everywhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = QUESTIONS[WAYS[name]][fault]
    gateway, host = everywhere.gateways[row(name).gateway], everywhere.hosts[row(name).gateway]
    started = await gateway.start(ordered(name), key="k")
    if fault is Fault.HANG:
        monkeypatch.setattr(transport, "QUESTION", 0.2)
    host.fail_next(fault, at="task")
    with free_of_charge_if_said(host) as errors:
        outcome = await first_answer(everywhere, gateway, started)
        if isinstance(outcome, Failed):
            errors.append(outcome.error)
            assert ending.when is When.ASK
            same(outcome.error, ending)
            if ending.kind is not None and outcome.error.transient:
                pace = AFTER_SILENCE if WAYS[name] is Way.HUIHUA else None
                asked_for = 2.0 if fault is Fault.RATE_429_AFTER else None
                assert outcome.error.retry_after == (pace or asked_for)
        elif ending.when is When.NEVER:
            assert isinstance(outcome, Pending)
        else:
            assert isinstance(outcome, Finished)
            assert (ending.when, ending.made) == (When.NOT, len(outcome.pictures))
            return
    monkeypatch.undo()
    assert isinstance(await first_answer(everywhere, gateway, started), Finished), "the task itself is well"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def results() -> dict[str, tuple[float, RemotePicture]]:
    """A result of each row that has links, and when it was made."""
    return {}


async def linked(everywhere: Everywhere, results: dict[str, tuple[float, RemotePicture]], name: str) -> str:
    """The link of a result that has not expired yet; they live ten minutes at least."""
    now = everywhere.clock().timestamp()
    if name not in results or now - results[name][0] > 500:
        gateway = everywhere.gateways[row(name).gateway]
        finished = await everywhere.ended(gateway, await gateway.start(ordered(name), key="k"))
        assert isinstance(finished, Finished)
        assert isinstance(finished.pictures[0], RemotePicture)
        results[name] = everywhere.clock().timestamp(), finished.pictures[0]
    return results[name][1].url


#: Every fault with two of the gateways, and every gateway with some: their links are fetched by the same downloader.
FETCHED = [
    (LINKED[place % len(LINKED)], fault)
    for number, fault in enumerate(FETCHES)
    for place in (number, number + len(LINKED) // 2)
]


@pytest.mark.parametrize(("name", "fault"), FETCHED)
async def test_a_fault_on_a_download_is_told_apart_and_the_result_is_still_there(
    name: str,
    fault: Fault,
    everywhere: Everywhere,
    results: dict[str, tuple[float, RemotePicture]],
    patient: Downloader,
    impatient: Downloader,
) -> None:
    host, link = everywhere.hosts[row(name).gateway], await linked(everywhere, results, name)
    kind = fetch_error(fault, cut="#" in link)
    host.fail_next(fault, at="download")
    by = impatient if fault in (Fault.HANG, Fault.SLOW_DOWNLOAD) else patient
    with pytest.raises(kind) as caught:
        inspect(await by.fetch(link, gateway=row(name).gateway))
    same(caught.value, Ending(When.FETCH, kind))
    if isinstance(caught.value, GatewayError):
        assert caught.value.retry_after == (2.0 if fault is Fault.RATE_429_AFTER else None)
    if fault is Fault.HUGE_PICTURE:
        assert "10737418240 bytes" in str(caught.value), "what is announced is refused before it is read"
    assert host.strays == []
    assert inspect(await patient.fetch(link, gateway=row(name).gateway)).width > 0


# -- next steps -----------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def grids(everywhere: Everywhere) -> dict[str, Follow]:
    """For each row that has next steps, one that makes variations."""
    found = {}
    for name in STEPPING:
        gateway = everywhere.gateways[row(name).gateway]
        started = await gateway.start(a_call(name), key="k")
        assert isinstance(started, Pending)
        finished = await everywhere.ended(gateway, started)
        assert isinstance(finished, Finished)
        offer = next(offer for offer in finished.offers if offer.operation is Operation.VARY)
        found[name] = Follow(started.ticket, offer.token, offer.label)
    return found


@pytest.mark.parametrize("fault", REFUSED)
@pytest.mark.parametrize("name", STEPPING)
async def test_a_fault_on_a_next_step_is_the_same_error_as_on_a_submit(
    name: str, fault: Fault, everywhere: Everywhere, grids: dict[str, Follow]
) -> None:
    gateway, host = everywhere.gateways[row(name).gateway], everywhere.hosts[row(name).gateway]
    assert isinstance(gateway, Acts)
    call = replace(ordered(name, fault), operation=Operation.VARY, images=(), ratio=None, seed=None)
    host.fail_next(fault)
    with free_of_charge_if_said(host) as errors:
        with pytest.raises(GatewayError) as caught:
            await gateway.act(grids[name], call, key="k")
        errors.append(caught.value)
    kind, charged = REFUSED[fault]
    if kind is ModelGone and STEPPING[name] is Way.WIRE:
        kind = OrderInvalid  # the 404 is about the task that the button belongs to
    same(caught.value, Ending(When.START, kind, charged))


# -- what a host may say, which no stand-in does ---------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def liar() -> AsyncIterator[Host]:
    """Any gateway at all, which says what it is told to."""
    async with hosting() as host:
        yield host


@pytest.mark.parametrize(("name", "code"), [(name, code) for name, way in STEPPING.items() for code in CODES[way]])
async def test_a_code_means_the_same_on_a_submit_and_on_a_step(name: str, code: int, liar: Host) -> None:
    expected = CODES[STEPPING[name]][code]
    liar.says({"code": code, "description": "said", "result": "17", "properties": {}})
    gateway = liar.gateways[row(name).gateway]
    assert isinstance(gateway, Acts)
    step = replace(a_call(name), operation=Operation.VARY, images=(), ratio=None, seed=None)
    follow = Follow(Ticket(gateway.name, "16", name), "MJ::JOB::variation::1::x", "V1")
    for taking in (gateway.start(a_call(name), key="k"), gateway.act(follow, step, key="k")):
        if expected is None:
            taken = await taking
            assert isinstance(taken, Pending)
            assert taken.ticket.id.partition("@")[0] == "17"
            continue
        with pytest.raises(GatewayError) as caught:
            await taking
        same(caught.value, Ending(When.START, *expected))


REPEATED = {
    "refused": (401, {"error": {"message": "no such key: {key}", "code": "{key}"}, "description": "{key}"}),
    "a page": (502, "<html>{key}</html>"),
    "a code": (200, {"code": 9, "description": "{key}", "error": {"message": "{key}"}}),
    "another shape": (200, {"key": "{key}"}),
    "a redirect": (307, "to {key}"),
}


@pytest.mark.parametrize("said", REPEATED)
@pytest.mark.parametrize("name", [*WAYS, "hui-midjourney"])
async def test_a_key_that_an_answer_repeats_is_in_no_error(name: str, said: str, liar: Host) -> None:
    status, words = REPEATED[said]
    liar.says(words, status=status)
    with pytest.raises(GatewayError) as caught:
        await liar.gateways[row(name).gateway].start(ordered(name), key="k")
    assert caught.value.detail
    assert liar.key not in f"{caught.value}{caught.value.detail}{caught.value.params}"


@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if way in QUESTIONS])
async def test_a_key_that_a_task_repeats_is_in_no_error_and_in_nothing_that_is_kept(name: str, liar: Host) -> None:
    gateway = liar.gateways[row(name).gateway]
    assert isinstance(gateway, Asks)
    ticket = Ticket(gateway.name, "17@1" if WAYS[name] is Way.TASK else "17", name)
    for status in ("FAILURE", "Error", "SUCCESS", "Ready", "IN_PROGRESS"):
        told_by = dict.fromkeys(("failReason", "prompt", "detail", "description"), "{key}")
        task: dict[str, object] = {"id": "17", "status": status, "result": {}, **told_by}
        liar.says(task if WAYS[name] is Way.TASK else [task])
        told = (await gateway.ask([ticket]))[ticket]
        assert liar.key not in f"{told}{told.error.detail if isinstance(told, Failed) else ''}", status


async def test_a_submit_that_is_redirected_was_not_taken(liar: Host) -> None:
    liar.says("", status=308)
    for name in WAYS:
        with pytest.raises(AnswerUnreadable) as caught:
            await liar.gateways[row(name).gateway].start(ordered(name), key="k")
        assert caught.value.charged is NO
