"""Every way the stand-ins can fail becomes the right error, which never calls an order free that was charged."""

import time
from dataclasses import replace

import pytest

from core.download import Downloader
from core.errors import (
    AnswerUnreadable,
    BalanceEmpty,
    Charged,
    GatewayBusy,
    GatewayDown,
    GatewayError,
    GatewayFailed,
    GatewayGaveUp,
    GatewaySilent,
    HostRefused,
    ImageTooLarge,
    ImageUnreadable,
    KeyRejected,
    ModelGone,
    PictureBroken,
    PictureGone,
    PictureTooLarge,
    PictureUnreachable,
    PromptRefused,
)
from core.gateway import Asks, Gateway
from core.gateways.aihubmix import Aihubmix
from core.gateways.apiyi import Apiyi
from core.masking import Masker
from core.pictures import inspect
from core.testing import ManualClock
from core.transport import Api
from core.types import Failed, Finished, Outcome, Pending, RemotePicture
from sandbox.gateways import AihubmixSandbox, ApiyiSandbox, Fault
from tests.core.gateways.calls import a_call, ended

NO, UNKNOWN = Charged.NO, Charged.UNKNOWN

SUBMITS: dict[Fault, tuple[type[GatewayError], Charged]] = {
    Fault.MODERATION_400: (PromptRefused, NO),
    Fault.MODERATION_451: (PromptRefused, NO),
    Fault.UNAUTHORIZED_401: (KeyRejected, NO),
    Fault.BALANCE_402: (BalanceEmpty, NO),
    Fault.BALANCE_403: (BalanceEmpty, NO),
    Fault.BALANCE_429: (BalanceEmpty, NO),
    Fault.NOT_FOUND_404: (ModelGone, NO),
    Fault.RATE_429: (GatewayBusy, NO),
    Fault.RATE_429_AFTER: (GatewayBusy, NO),
    Fault.BUSY_503: (GatewayDown, NO),
    Fault.SERVER_500: (GatewayFailed, UNKNOWN),
    Fault.HTML_502: (GatewayFailed, UNKNOWN),
    Fault.CLOUDFLARE_524: (GatewayFailed, UNKNOWN),
    Fault.HANG: (GatewaySilent, UNKNOWN),
    Fault.DROP_BEFORE: (GatewaySilent, UNKNOWN),
    Fault.DROP_AFTER: (GatewaySilent, UNKNOWN),
    Fault.BROKEN_JSON: (AnswerUnreadable, UNKNOWN),
    Fault.EMPTY_DATA: (PromptRefused, UNKNOWN),
    Fault.EMPTY_STRINGS: (PromptRefused, UNKNOWN),
}
DOWNLOADS: dict[Fault, type[Exception]] = {
    Fault.EXPIRED_URL: PictureGone,
    Fault.SLOW_DOWNLOAD: PictureUnreachable,
    Fault.HUGE_PICTURE: PictureTooLarge,
    Fault.ENDLESS_PICTURE: PictureTooLarge,
    Fault.REDIRECT_INTERNAL: HostRefused,
    Fault.REDIRECT_LOOPBACK: HostRefused,
    Fault.HTML_PICTURE: PictureBroken,
    # These two arrive whole and are found out by whoever keeps them.
    Fault.TRUNCATED_PICTURE: ImageUnreadable,
    Fault.BOMB_PICTURE: ImageTooLarge,
}
TASKS: dict[Fault, type[GatewayError]] = {
    Fault.MODERATED_REQUEST: PromptRefused,
    Fault.MODERATED_CONTENT: PromptRefused,
    Fault.TASK_ERROR: GatewayGaveUp,
    Fault.EMPTY_DATA: AnswerUnreadable,
    Fault.EMPTY_STRINGS: AnswerUnreadable,
}
ELSEWHERE = {Fault.WRONG_TYPE, Fault.FEWER_PICTURES, Fault.TASK_NOT_FOUND, Fault.UNKNOWN_STATUS}
#: Delivery faults that strike one request only.
HICCUPS: dict[Fault, type[GatewayError]] = {
    Fault.SERVER_500: PictureUnreachable,
    Fault.BUSY_503: PictureUnreachable,
    Fault.RATE_429_AFTER: PictureUnreachable,
    Fault.CLOUDFLARE_524: PictureUnreachable,
    Fault.DROP_BEFORE: PictureUnreachable,
    Fault.DROP_AFTER: PictureUnreachable,
    Fault.HANG: PictureUnreachable,
    Fault.BALANCE_403: PictureGone,
    Fault.NOT_FOUND_404: PictureGone,
}


def test_every_fault_of_the_stand_ins_is_looked_at_here_or_with_the_rows() -> None:
    assert SUBMITS.keys() | DOWNLOADS.keys() | TASKS.keys() | ELSEWHERE == set(Fault)


@pytest.mark.parametrize("fault", SUBMITS)
@pytest.mark.parametrize("name", ["flux-2-pro", "hub-seedream-4", "hub-gpt-image-1"])
async def test_a_submit_that_fails_is_the_right_error(
    name: str,
    fault: Fault,
    gateways: dict[str, Gateway],
    apiyi_host: ApiyiSandbox,
    aihubmix_host: AihubmixSandbox,
) -> None:
    kind, charged = SUBMITS[fault]
    call = a_call(name)
    if fault is Fault.HANG:
        call = replace(call, model=replace(call.model, timeout=0.2))
    host = apiyi_host if call.model.gateway == "apiyi" else aihubmix_host
    host.fail_next(fault)
    with pytest.raises(GatewayError) as caught:
        await gateways[call.model.gateway].start(call, key="k")
    error = caught.value
    assert (type(error), error.charged) == (kind, charged)
    assert error.retry_after == (2.0 if fault is Fault.RATE_429_AFTER else None)
    if error.charged is NO:
        assert not any(order.charged for order in host.orders)
    if error.transient and error.charged is NO:
        assert not host.orders, "what may be sent again was never taken"
    assert host.default_key not in f"{error}{error.detail}"


async def test_json_under_a_wrong_content_type_is_read_all_the_same(
    gateways: dict[str, Gateway], apiyi_host: ApiyiSandbox
) -> None:
    apiyi_host.fail_next("wrong_type")
    assert isinstance(await gateways["apiyi"].start(a_call("flux-2-pro"), key="k"), Finished)


async def test_a_redirected_submit_is_not_followed_and_cost_nothing(apiyi_host: ApiyiSandbox) -> None:
    api = Api(apiyi_host.base_url, key=apiyi_host.default_key, masker=Masker())
    with pytest.raises(AnswerUnreadable) as caught:
        await api.submit("/v1/images/generations/", timeout=5, fields={})
    assert caught.value.charged is NO
    assert [received.path for received in apiyi_host.requests] == ["/v1/images/generations/"]
    await api.close()


async def test_a_gateway_that_is_not_there_was_never_reached() -> None:
    gateway = Apiyi(Api("http://127.0.0.1:9", key="sk-nobody-home", masker=Masker()))
    with pytest.raises(GatewayError) as caught:
        await gateway.start(a_call("flux-2-pro"), key="k")
    assert (type(caught.value).__name__, caught.value.charged) == ("GatewayUnreachable", NO)
    await gateway.close()


async def test_an_unknown_model_at_aihubmix_is_gone_though_its_status_says_busy(gateways: dict[str, Gateway]) -> None:
    call = a_call("hub-seedream-4")
    with pytest.raises(ModelGone):
        await gateways["aihubmix"].start(replace(call, model=replace(call.model, wire="doubao/no-such")), key="k")


@pytest.mark.parametrize("fault", DOWNLOADS)
async def test_a_result_that_goes_bad_is_the_right_error(
    fault: Fault, gateways: dict[str, Gateway], apiyi_host: ApiyiSandbox
) -> None:
    apiyi_host.fail_next(fault)
    finished = await gateways["apiyi"].start(a_call("flux-2-pro"), key="k")
    assert isinstance(finished, Finished)
    [link] = finished.pictures
    assert isinstance(link, RemotePicture)
    downloader = Downloader(allow_hosts=["127.0.0.1"], limit=4_000_000, total=1.0)
    with pytest.raises(DOWNLOADS[fault]) as caught:
        inspect(await downloader.fetch(link.url, gateway="apiyi"))
    assert apiyi_host.strays == []
    if fault is Fault.HUGE_PICTURE:
        assert "10737418240 bytes" in str(caught.value), "what is announced is refused before it is read"
    await downloader.close()


@pytest.mark.parametrize("fault", HICCUPS)
async def test_a_download_that_fails_once_can_be_repeated_unless_the_link_is_dead(
    fault: Fault, gateways: dict[str, Gateway], apiyi_host: ApiyiSandbox
) -> None:
    finished = await gateways["apiyi"].start(a_call("flux-2-pro"), key="k")
    assert isinstance(finished, Finished)
    [link] = finished.pictures
    assert isinstance(link, RemotePicture)
    apiyi_host.fail_next(fault, at="download")
    downloader = Downloader(allow_hosts=["127.0.0.1"], total=1.0)
    with pytest.raises(HICCUPS[fault]) as caught:
        await downloader.fetch(link.url, gateway="apiyi")
    assert caught.value.charged is Charged.YES
    assert caught.value.transient is (HICCUPS[fault] is PictureUnreachable)
    assert caught.value.retry_after == (2.0 if fault is Fault.RATE_429_AFTER else None)
    assert inspect(await downloader.fetch(link.url, gateway="apiyi")).mime == "image/png"
    await downloader.close()


async def test_a_link_is_gone_after_ten_minutes(
    gateways: dict[str, Gateway], downloader: Downloader, clock: ManualClock
) -> None:
    finished = await gateways["apiyi"].start(a_call("flux-2-pro"), key="k")
    assert isinstance(finished, Finished)
    [link] = finished.pictures
    assert isinstance(link, RemotePicture)
    clock.advance(601)
    with pytest.raises(PictureGone):
        await downloader.fetch(link.url, gateway="apiyi")


async def test_the_keys_go_to_the_gateways_and_to_nobody_else(
    gateways: dict[str, Gateway], apiyi_host: ApiyiSandbox, aihubmix_host: AihubmixSandbox, downloader: Downloader
) -> None:
    for name in ("flux-2-pro", "hub-flux-kontext-max"):
        gateway = gateways[a_call(name).model.gateway]
        finished = await ended(gateway, await gateway.start(a_call(name), key="k"))
        assert isinstance(finished, Finished)
        for link in finished.pictures:
            assert isinstance(link, RemotePicture)
            await downloader.fetch(link.url, gateway=gateway.name)
    for host in (apiyi_host, aihubmix_host):
        assert host.requests
        assert all(received.headers["authorization"] == f"Bearer {host.default_key}" for received in host.requests)
        assert host.deliveries
        for received in host.deliveries:
            assert not {"authorization", "cookie", "proxy-authorization", "referer"} & received.headers.keys()
            assert "sk-" not in str(received)
    assert aihubmix_host.bfl_requests == aihubmix_host.strays == apiyi_host.strays == []


# -- tasks ----------------------------------------------------------------------------------------------------------


async def asked(
    gateway: Gateway, fault: Fault, host: AihubmixSandbox, *, at: str = "submit"
) -> tuple[Pending, Outcome]:
    """The started order with ``fault`` on it, and the answer to the first question."""
    if at == "submit":
        host.fail_next(fault)
    started = await gateway.start(a_call("hub-flux-kontext-max"), key="k")
    assert isinstance(started, Pending)
    if at == "task":
        host.fail_next(fault, at="task")
    assert isinstance(gateway, Asks)
    return started, (await gateway.ask([started.ticket]))[started.ticket]


@pytest.mark.parametrize("fault", TASKS)
async def test_a_task_that_ends_badly_fails_for_good(
    fault: Fault, gateways: dict[str, Gateway], aihubmix_host: AihubmixSandbox
) -> None:
    _, outcome = await asked(gateways["aihubmix"], fault, aihubmix_host)
    assert isinstance(outcome, Failed)
    assert type(outcome.error) is TASKS[fault]
    assert not outcome.error.transient
    if outcome.error.charged is NO:
        assert not aihubmix_host.orders[0].charged


@pytest.mark.parametrize(
    "fault",
    [
        Fault.UNAUTHORIZED_401,
        Fault.BALANCE_429,
        Fault.RATE_429_AFTER,
        Fault.SERVER_500,
        Fault.BUSY_503,
        Fault.HTML_502,
        Fault.DROP_AFTER,
        Fault.BROKEN_JSON,
    ],
)
async def test_a_question_that_fails_says_nothing_about_the_order(
    fault: Fault, gateways: dict[str, Gateway], aihubmix_host: AihubmixSandbox
) -> None:
    gateway = gateways["aihubmix"]
    started, outcome = await asked(gateway, fault, aihubmix_host, at="task")
    assert isinstance(outcome, Failed)
    assert (outcome.error.transient, outcome.error.charged) == (True, NO)
    assert outcome.error.retry_after == (2.0 if fault is Fault.RATE_429_AFTER else None)
    assert isinstance(gateway, Asks)
    assert isinstance((await gateway.ask([started.ticket]))[started.ticket], Finished)


async def test_an_unknown_status_is_pending(gateways: dict[str, Gateway], aihubmix_host: AihubmixSandbox) -> None:
    started, outcome = await asked(gateways["aihubmix"], Fault.UNKNOWN_STATUS, aihubmix_host)
    assert outcome == Pending(started.ticket, 2.0)


async def test_a_lost_task_is_asked_for_a_while_and_then_given_up(
    aihubmix_host: AihubmixSandbox, clock: ManualClock
) -> None:
    """Well before the deadline of ten minutes."""
    api = Api(aihubmix_host.base_url, key=aihubmix_host.default_key, masker=Masker())
    gateway = Aihubmix(api, clock=lambda: clock().timestamp())
    started, outcome = await asked(gateway, Fault.TASK_NOT_FOUND, aihubmix_host)
    assert isinstance(outcome, Failed)
    assert outcome.error.transient
    clock.advance(31)
    outcome = (await gateway.ask([started.ticket]))[started.ticket]
    assert isinstance(outcome, Failed)
    assert type(outcome.error) is PictureGone
    await gateway.close()


async def test_a_ticket_says_when_it_was_handed_out(gateways: dict[str, Gateway]) -> None:
    before = int(time.time())
    started = await gateways["aihubmix"].start(a_call("hub-flux-kontext-pro"), key="k")
    assert isinstance(started, Pending)
    task, _, at = started.ticket.id.rpartition("@")
    assert task.startswith("api.us1.bfl.")
    assert before <= int(at) <= time.time()
