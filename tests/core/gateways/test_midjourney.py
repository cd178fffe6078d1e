"""midjourney-proxy, of one's own and behind new-api: codes, states, and whatever else they may say."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.download import Downloader
from core.errors import (
    Charged,
    GatewayBusy,
    GatewayGaveUp,
    KeyRejected,
    OrderInvalid,
    PromptRefused,
)
from core.gateway import Asks, Gateway
from core.gateways.midjourney import HOOKED_ASK_IN, SECRET_HEADER, MidjourneyProxy
from core.gateways.midjourney_answers import ASK_IN, REFRESH
from core.gateways.midjourney_wire import TASKS
from core.masking import Masker
from core.pictures import QUARTERS, inspect
from core.settings import Settings
from core.testing import ManualClock
from core.transport import Api
from core.types import Failed, Finished, Follow, Operation, Pending, RemotePicture, Ticket
from sandbox.gateways import MidjourneySandbox
from sandbox.serving import serve
from tests.core.gateways.calls import a_call, an_input, ended

NO, UNKNOWN = Charged.NO, Charged.UNKNOWN
GRID = "https://cdn.discordapp.com/attachments/1/2/grid.png?ex=6631&is=661e&hm=c5"
TICKET = Ticket("midjourney_proxy", "1725017986212425", "midjourney")


@pytest.fixture(name="settings")
def _settings(midjourney_host: MidjourneySandbox) -> Settings:
    """This gateway alone."""
    secret: Any = midjourney_host.default_key
    return Settings(midjourney_proxy_url=f"{midjourney_host.base_url}/mj", midjourney_proxy_secret=secret)


async def started(gateway: Gateway, **changes: Any) -> Ticket:
    outcome = await gateway.start(a_call("midjourney", **changes), key="k")
    assert isinstance(outcome, Pending)
    return outcome.ticket


async def asked(gateway: Gateway, ticket: Ticket) -> object:
    assert isinstance(gateway, Asks)
    return (await gateway.ask([ticket])).get(ticket)


# -- on the wire ----------------------------------------------------------------------------------------------------


async def test_what_is_chosen_stands_behind_the_words(
    gateways: dict[str, Gateway], midjourney_host: MidjourneySandbox
) -> None:
    call = a_call("niji", prompt=" a red\nfox ", ratio="16:9", seed=7, negative="snow,\nice")
    await gateways["midjourney_proxy"].start(call, key="k")
    assert midjourney_host.orders[0].fields == {
        "botType": "NIJI_JOURNEY",
        "prompt": "a red fox --no snow, ice --ar 16:9 --seed 7",
    }


async def test_pictures_to_work_on_go_along_in_their_order(
    gateways: dict[str, Gateway], midjourney_host: MidjourneySandbox
) -> None:
    images = (an_input(200, 100), an_input(100, 300))
    call = a_call("midjourney", Operation.EDIT, images=images, ratio=None, seed=None)
    await gateways["midjourney_proxy"].start(call, key="k")
    [order] = midjourney_host.orders
    assert order.pictures == tuple(image.data for image in images)
    assert order.prompt == call.prompt


async def test_a_grid_arrives_as_its_four_pictures_by_one_download(
    gateways: dict[str, Gateway], midjourney_host: MidjourneySandbox, downloader: Downloader
) -> None:
    gateway = gateways["midjourney_proxy"]
    finished = await ended(gateway, await gateway.start(a_call("midjourney", ratio="3:2"), key="k"))
    assert isinstance(finished, Finished)
    links = [picture.url for picture in finished.pictures if isinstance(picture, RemotePicture)]
    made = await asyncio.gather(*(downloader.fetch(link, gateway=gateway.name) for link in links))
    assert len(set(made)) == 4
    assert all(inspect(data).width / inspect(data).height == pytest.approx(1.5, rel=0.05) for data in made)
    [delivery] = midjourney_host.deliveries
    assert midjourney_host.default_key not in str(delivery)
    assert "mj-api-secret" not in delivery.headers


async def test_a_task_is_followed_through_its_states_and_a_preview_is_not_its_result(
    gateways: dict[str, Gateway], midjourney_host: MidjourneySandbox, clock: ManualClock
) -> None:
    midjourney_host.seconds = 100.0
    gateway = gateways["midjourney_proxy"]
    ticket = await started(gateway)
    assert await asked(gateway, ticket) == Pending(ticket, ASK_IN, 0.0, together=True)
    clock.advance(50)
    assert await asked(gateway, ticket) == Pending(ticket, ASK_IN, 0.5, together=True)
    task = midjourney_host.tasks[ticket.id]
    assert task.shown(clock().timestamp())["imageUrl"] == task.preview_url != ""
    clock.advance(50)
    finished = await asked(gateway, ticket)
    assert isinstance(finished, Finished)
    assert finished.pictures == tuple(RemotePicture(f"{task.image_url}#{quarter}") for quarter in QUARTERS)


async def test_what_waits_in_the_proxys_queue_was_accepted_and_a_full_queue_accepts_nothing(
    gateways: dict[str, Gateway], midjourney_host: MidjourneySandbox
) -> None:
    midjourney_host.seconds = 100.0
    gateway = gateways["midjourney_proxy"]
    tickets = [await started(gateway) for _ in range(13)]
    assert await asked(gateway, tickets[-1]) == Pending(tickets[-1], ASK_IN, together=True)
    with pytest.raises(GatewayBusy) as caught:
        await started(gateway)
    assert caught.value.charged is NO
    assert len(midjourney_host.orders) == 13


async def test_a_banned_prompt_is_refused_at_once_or_by_its_task(
    gateways: dict[str, Gateway], midjourney_host: MidjourneySandbox
) -> None:
    gateway = gateways["midjourney_proxy"]
    with pytest.raises(PromptRefused):
        await started(gateway, prompt="gore everywhere")
    for fault, kind in (("moderated_request", PromptRefused), ("task_error", GatewayGaveUp)):
        midjourney_host.fail_next(fault)
        failed = await asked(gateway, await started(gateway))
        assert isinstance(failed, Failed)
        assert (type(failed.error), failed.error.charged) == (kind, NO)


async def test_many_tasks_are_asked_about_twenty_at_a_time_and_matched_by_their_ids(
    gateways: dict[str, Gateway], midjourney_host: MidjourneySandbox
) -> None:
    gateway = gateways["midjourney_proxy"]
    assert isinstance(gateway, Asks)
    tickets = [await started(gateway, prompt=f"fox {number}") for number in range(3)]
    strangers = [replace(TICKET, id=f"{number}") for number in range(42)]
    before = len(midjourney_host.requests)
    answers = await gateway.ask([*strangers[:21], *tickets, *strangers[21:]])
    assert len(midjourney_host.requests) - before == 3
    assert answers.keys() == set(tickets), "what the proxy does not know is left out"
    for ticket in tickets:
        finished = answers[ticket]
        assert isinstance(finished, Finished)
        assert f"/{ticket.id}/" in str(finished.pictures[0])


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ([{"id": int(TICKET.id), "status": "SUBMITTED"}], Pending(TICKET, ASK_IN, together=True)),
        ([7, None, [], {}, {"id": "other", "status": "FAILURE"}, {"id": True}, {"id": 1e15}], None),
        ([], None),
        ({"code": 4, "description": "do_request_failed"}, Failed),
        ("", Failed),
        (None, Failed),
    ],
)
async def test_only_what_was_asked_about_is_taken_from_an_answer_and_no_list_is_no_answer(
    said: object, found: object
) -> None:
    async def answer(_: Request) -> Response:
        return JSONResponse(said)

    async with serve(Starlette(routes=[Route(TASKS, answer, methods=["POST"])])) as base:
        gateway = MidjourneyProxy(Api(base, key="", masker=Masker()))
        outcome = await asked(gateway, TICKET)
        await gateway.close()
    if isinstance(found, type):
        assert isinstance(outcome, Failed)
        assert (outcome.error.transient, outcome.error.charged) == (True, NO)
    else:
        assert outcome == found


async def test_the_doctor_learns_whether_the_secret_works(
    gateways: dict[str, Gateway], midjourney_host: MidjourneySandbox
) -> None:
    gateway = gateways["midjourney_proxy"]
    assert isinstance(gateway, MidjourneyProxy)
    assert await gateway.check() == "answers, takes the secret"
    midjourney_host.keys = {"another"}
    with pytest.raises(KeyRejected):
        await gateway.check()
    assert midjourney_host.orders == []


async def test_a_proxy_that_asks_for_no_secret_is_sent_none(midjourney_host: MidjourneySandbox) -> None:
    midjourney_host.keys = set()
    gateway = MidjourneyProxy(Api(midjourney_host.base_url, key="", masker=Masker(), key_header="mj-api-secret"))
    await started(gateway)
    assert not {"authorization", "mj-api-secret"} & midjourney_host.requests[-1].headers.keys()
    await gateway.close()


async def test_a_proxy_that_calls_back_is_told_where_and_asked_after_a_minute(
    midjourney_host: MidjourneySandbox,
) -> None:
    posts: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def hook(request: Request) -> Response:
        posts.put_nowait((dict(request.headers), await request.body()))
        return Response()

    async with serve(Starlette(routes=[Route("/hook", hook, methods=["POST"])])) as base:
        key = midjourney_host.default_key
        api = Api(midjourney_host.base_url, key=key, masker=Masker(), key_header=SECRET_HEADER)
        gateway = MidjourneyProxy(api, hook=f"{base}/hook")
        pending = await gateway.start(a_call("midjourney"), key="k")
        assert isinstance(pending, Pending)
        assert (pending.ask_in, pending.together) == (HOOKED_ASK_IN, True)
        async with asyncio.timeout(10):
            headers, body = await posts.get()
        assert gateway.hear(headers, body) == [pending.ticket.id]
        finished = await asked(gateway, pending.ticket)
        assert isinstance(finished, Finished)
        step = Follow(pending.ticket, finished.offers[0].token, "U1")
        await gateway.act(step, a_call("midjourney", Operation.UPSCALE, images=()), key="k")
        assert [order.fields["notifyHook"] for order in midjourney_host.orders] == [f"{base}/hook"] * 2
        await gateway.close()


# -- behind new-api -------------------------------------------------------------------------------------------------


@pytest.fixture
async def resold(clock: ManualClock) -> AsyncIterator[MidjourneySandbox]:
    async with MidjourneySandbox(clock=lambda: clock().timestamp(), area=256 * 256, new_api=True).running() as host:
        yield host


@pytest.fixture
async def reseller(resold: MidjourneySandbox) -> AsyncIterator[MidjourneyProxy]:
    gateway = MidjourneyProxy(Api(resold.base_url, key=resold.default_key, masker=Masker()))
    yield gateway
    await gateway.close()


async def test_behind_new_api_a_task_begins_without_a_state_and_ends_with_its_own_links(
    reseller: MidjourneyProxy, resold: MidjourneySandbox, clock: ManualClock, downloader: Downloader
) -> None:
    resold.seconds = 40.0
    ticket = await started(reseller)
    assert await asked(reseller, ticket) == Pending(ticket, REFRESH, 0.0, together=True)
    clock.advance(15)
    assert await asked(reseller, ticket) == Pending(ticket, ASK_IN, 0.37, together=True)
    clock.advance(30)
    finished = await asked(reseller, ticket)
    assert isinstance(finished, Finished)
    assert finished.pictures[0] == RemotePicture(f"{resold.base_url}/mj/image/{ticket.id}#{QUARTERS[0]}")
    assert inspect(await downloader.fetch(finished.pictures[0].url, gateway="midjourney_proxy")).width > 0


async def test_behind_new_api_refusals_are_http_400_and_mean_the_same(
    reseller: MidjourneyProxy, resold: MidjourneySandbox, clock: ManualClock
) -> None:
    with pytest.raises(OrderInvalid):
        await started(reseller, prompt="fox " * 2000)
    with pytest.raises(PromptRefused):
        await started(reseller, prompt="gore")
    resold.fail_next("moderated_request")
    ticket = await started(reseller)
    clock.advance(15)
    failed = await asked(reseller, ticket)
    assert isinstance(failed, Failed)
    assert (type(failed.error), failed.error.charged) == (PromptRefused, NO)
