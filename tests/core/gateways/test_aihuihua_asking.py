"""aihuihua: what a submit is answered with, call-backs, and how seldom it is asked."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.errors import (
    CallbackRefused,
    Charged,
    GatewayBusy,
    GatewayGaveUp,
    KeyRejected,
    OrderInvalid,
    PromptRefused,
)
from core.gateway import Acts, Asks, Hears, Seeds
from core.gateways import concurrency
from core.gateways.aihuihua import AFTER_SILENCE, ASK_IN, SILENCE, Aihuihua
from core.gateways.aihuihua_routes import TASKS
from core.masking import Masker
from core.settings import Settings
from core.transport import Api
from core.types import Failed, Finished, Operation, Outcome, Pending, Ticket
from sandbox.gateways.aihuihua_dialect import DIALECTS, Dialect
from sandbox.gateways.aihuihua_hooks import UNKNOWN as NOBODY
from sandbox.serving import serve
from tests.core.gateways.aihuihua import Place, made, place, started
from tests.core.gateways.calls import a_call, row

pytestmark = pytest.mark.asyncio(loop_scope="module")
NO, UNKNOWN = Charged.NO, Charged.UNKNOWN


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everywhere(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with place(tmp_path_factory.mktemp("media"), unfinished=999, concurrent=99, closed=False) as found:
        yield found


@pytest.fixture
def at(everywhere: Place) -> Iterator[Place]:
    """The same place for all tests, as each one finds it."""
    host = everywhere.host
    yield everywhere
    host.seconds, host.unfinished, host.text_codes, host.dialect = 0.0, 999, False, Dialect()
    host.keys, host.closed = {host.default_key}, False
    host.hooks.repeats, host.hooks.early, host.hooks.forged = 1, False, False
    everywhere.clock.advance(3600)


async def asked(gateway: Asks, ticket: Ticket) -> Outcome:
    return (await gateway.ask([ticket]))[ticket]


async def test_it_is_asked_acts_and_hears_and_tells_no_seed() -> None:
    gateway = Aihuihua(Api("http://127.0.0.1:9", key="", masker=Masker()), masker=Masker())
    kinds: list[Any] = [Asks, Acts, Hears, Seeds]
    assert [isinstance(gateway, kind) for kind in kinds] == [True, True, True, False]
    await gateway.close()


async def test_no_more_orders_are_out_than_an_account_may_have_unfinished() -> None:
    assert concurrency(Settings())["aihuihua"] == 5


# -- submits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text_codes", [False, True])
async def test_a_full_queue_and_a_refused_prompt_are_told_apart_whether_codes_are_numbers_or_texts(
    text_codes: bool, at: Place
) -> None:
    at.host.text_codes, at.host.seconds, at.host.unfinished = text_codes, 100.0, 2
    tickets = [await started(at.polled, "hui-flux") for _ in range(2)]
    assert len(set(tickets)) == 2
    before = len(at.host.orders)
    for prompt, kind in (("fox", GatewayBusy), ("gore everywhere", PromptRefused)):
        with pytest.raises(kind) as caught:
            await started(at.polled, "hui-flux", prompt=prompt)
        assert caught.value.charged is NO
    assert len(at.host.orders) == before


async def test_what_waits_for_a_worker_was_accepted(tmp_path: Path) -> None:
    async with place(tmp_path, seconds=100.0, concurrent=1) as at:
        tickets = [await started(at.polled, "hui-flux", prompt=f"fox {number}") for number in range(2)]
        outcome = await asked(at.polled, tickets[-1])
    assert isinstance(outcome, Pending)
    assert json.loads(outcome.answer)["status"] == "NOT_START"


async def test_what_the_vendor_has_closed_is_refused(at: Place) -> None:
    at.host.closed = True
    with pytest.raises(KeyRejected):
        await started(at.polled, "hui-video", Operation.ANIMATE, images=(), ratio="1:1")
    closed = {operation for name in ("hui-restyle", "hui-faceswap", "hui-video") for operation in row(name).off}
    assert closed == {Operation.RESTYLE, Operation.FACESWAP, Operation.ANIMATE}
    assert not any(row(name).can.operations for name in ("hui-restyle", "hui-faceswap", "hui-video"))


# -- tasks, in every spelling ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DIALECTS)
async def test_tasks_are_read_in_every_spelling(name: str, at: Place) -> None:
    at.host.dialect = DIALECTS[name]
    grid, finished = await made(at.polled, "hui-midjourney")
    assert len(finished.pictures) == 4
    assert [offer.index for offer in finished.offers] == [0, 1, 2, 3, None, 0, 1, 2, 3]
    assert len((await made(at.polled, "hui-cutout", Operation.CUTOUT))[1].pictures) == 1
    assert len((await made(at.polled, "hui-midjourney", Operation.DESCRIBE))[1].texts) == 4
    _, film = await made(at.polled, "hui-video", Operation.ANIMATE, images=(), ratio="1:1")
    assert ".mp4" in str(film.pictures[0])
    for fault, kind in (("moderated_request", PromptRefused), ("task_error", GatewayGaveUp)):
        at.host.fail_next(fault)
        failed = await asked(at.polled, await started(at.polled, "hui-flux"))
        assert isinstance(failed, Failed)
        assert (type(failed.error), failed.error.charged) == (kind, UNKNOWN)
    at.host.fail_next("unknown_status")
    assert isinstance(await asked(at.polled, await started(at.polled, "hui-flux")), Pending)
    at.host.seconds = 100.0
    ticket = await started(at.polled, "hui-flux")
    at.clock.advance(50)
    pending = await asked(at.polled, ticket)
    assert isinstance(pending, Pending)
    assert (pending.progress, pending.together) == (0.5, True), "a preview is no result"
    assert isinstance(await asked(at.polled, grid), Finished), "whoever asks again is told the same"


def naming(at: Place, ticket: str) -> list[bytes]:
    """The call-backs about a ticket."""
    return [body for body in at.heard if ticket.partition("@")[0] in at.hooked.hear({}, body)]


# -- call-backs -----------------------------------------------------------------------------------------------------


async def test_with_a_call_back_address_every_submit_names_it_and_is_left_alone_for_five_minutes(at: Place) -> None:
    at.host.seconds = 30.0
    outcome = await at.hooked.start(a_call("hui-flux"), key="k")
    assert isinstance(outcome, Pending)
    assert (outcome.ask_in, outcome.together) == (SILENCE, False)
    assert at.host.orders[-1].fields["notifyHook"] == at.publisher.links.hook("aihuihua")
    at.clock.advance(30)
    await at.host.until(lambda: bool(naming(at, outcome.ticket.id)))
    assert isinstance(await asked(at.hooked, outcome.ticket), Finished)


async def test_a_call_back_is_believed_for_nothing_but_the_id(at: Place) -> None:
    at.host.seconds, at.host.hooks.early, at.host.hooks.forged, at.host.hooks.repeats = 30.0, True, True, 2
    ticket = await started(at.hooked, "hui-flux")
    at.clock.advance(15)
    await at.host.until(lambda: len(naming(at, ticket.id)) == 2)
    assert len(naming(at, NOBODY)) == 1
    made_up = {"id": ticket.id.partition("@")[0], "status": "SUCCESS", "imageUrl": "http://evil.example/x.png"}
    assert ticket.id.partition("@")[0] in at.hooked.hear({}, json.dumps(made_up).encode())
    pending = await asked(at.hooked, ticket)
    assert isinstance(pending, Pending)
    assert pending.ask_in == AFTER_SILENCE


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"id=1", b'{"status": "SUCCESS"}', b"\xff", b"[" * 90_000])
async def test_a_body_without_an_id_is_refused(body: bytes, at: Place) -> None:
    with pytest.raises(CallbackRefused):
        at.hooked.hear({"content-type": "application/json"}, body)


async def test_a_forged_list_names_no_more_tasks_than_a_question_takes(at: Place) -> None:
    body = json.dumps([{"id": number, "status": "SUCCESS"} for number in range(500)]).encode()
    heard = at.hooked.hear({}, body)
    assert len({ticket.partition("@")[0] for ticket in heard}) == 20


# -- questions ------------------------------------------------------------------------------------------------------


async def test_without_an_address_tasks_are_asked_about_together_every_quarter_of_a_minute(at: Place) -> None:
    at.host.seconds = 30.0
    outcome = await at.polled.start(a_call("hui-flux"), key="k")
    assert isinstance(outcome, Pending)
    assert (outcome.ask_in, outcome.together) == (ASK_IN, True)
    assert "notifyHook" not in at.host.orders[-1].fields
    pending = await asked(at.polled, outcome.ticket)
    assert isinstance(pending, Pending)
    assert (pending.ask_in, pending.together) == (ASK_IN, True)


async def test_forty_five_tasks_are_three_questions_and_what_is_unknown_waits_its_turn(at: Place) -> None:
    tickets = [await started(at.polled, "hui-flux", prompt=f"fox {number}") for number in range(3)]
    strangers = [Ticket("aihuihua", f"{number}@grid", "hui-flux") for number in range(900_000, 900_042)]
    before, named = at.host.polls, len(at.host.polled_ids)
    answers = await at.polled.ask([*strangers[:21], *tickets, *strangers[21:]])
    assert (at.host.polls - before, len(at.host.polled_ids) - named) == (3, 45)
    assert answers.keys() == {*tickets, *strangers}
    for ticket in tickets:
        finished = answers[ticket]
        assert isinstance(finished, Finished)
        assert f"/{ticket.id.partition('@')[0]}/" in str(finished.pictures[0])
    for stranger in strangers:
        left_out = answers[stranger]
        assert isinstance(left_out, Failed)
        assert (left_out.error.transient, left_out.error.charged) == (True, NO)
        assert left_out.error.retry_after == ASK_IN, "sooner would be often"
    assert at.host.requests[-1].path == "/api/v2/task/list/"


async def test_the_doctor_learns_whether_the_key_works_and_orders_nothing(at: Place) -> None:
    before = len(at.host.orders)
    assert await at.polled.check() == "answers, takes the key"
    at.host.keys = {"1_another"}
    with pytest.raises(KeyRejected):
        await at.polled.check()
    assert len(at.host.orders) == before


async def test_no_address_of_ours_is_in_what_is_kept_or_logged(at: Place) -> None:
    links = at.publisher.links
    mine, hook = f"{links.public}/media/abc-1-{'a' * 32}.png", links.hook("aihuihua")
    told = {"id": 7, "status": "IN_PROGRESS", "notifyHook": hook, "prompt": f"{mine} fox", "imgUrl": mine}

    async def tasks(_: Request) -> Response:
        return JSONResponse([told])

    async def submit(_: Request) -> Response:
        bad = json.dumps({"code": 4, "description": f"bad notifyHook {hook}, bad picture {mine}"})
        return Response(bad.replace("/", "\\/"), 400, media_type="application/json")  # as PHP writes it

    routes = [Route(TASKS, tasks, methods=["POST"]), Route("/{path:path}", submit, methods=["POST"])]
    async with serve(Starlette(routes=routes)) as base:
        api = Api(base, key="1_abcdef", masker=Masker())
        gateway = Aihuihua(api, masker=Masker(), hook=hook, publisher=at.publisher)
        pending = await asked(gateway, Ticket("aihuihua", "7", "hui-flux"))
        with pytest.raises(OrderInvalid) as caught:
            await started(gateway, "hui-flux")
        await gateway.close()
    assert isinstance(pending, Pending)
    for text in (pending.answer, caught.value.detail, str(caught.value)):
        assert "***" in text
        assert hook.rpartition("/")[2] not in text
        assert "a" * 32 not in text
    assert json.loads(pending.answer)["prompt"] == "*** fox"
