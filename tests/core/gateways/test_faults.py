"""What time, an address or a model that is not there make of an order; the failures that stand-ins play are in
``test_conformance_errors``."""

import time
from dataclasses import replace

import pytest

from core.download import Downloader
from core.errors import (
    Charged,
    GatewayError,
    ModelGone,
    PictureGone,
)
from core.gateway import Gateway
from core.gateways.aihubmix import Aihubmix
from core.gateways.apiyi import Apiyi
from core.masking import Masker
from core.testing import ManualClock
from core.transport import Api
from core.types import Failed, Finished, Pending, RemotePicture
from sandbox.gateways import AihubmixSandbox, Fault
from tests.core.gateways.calls import a_call


async def test_a_gateway_that_is_not_there_was_never_reached() -> None:
    gateway = Apiyi(Api("http://127.0.0.1:9", key="sk-nobody-home", masker=Masker()))
    with pytest.raises(GatewayError) as caught:
        await gateway.start(a_call("flux-2-pro"), key="k")
    assert (type(caught.value).__name__, caught.value.charged) == ("GatewayUnreachable", Charged.NO)
    await gateway.close()


async def test_an_unknown_model_at_aihubmix_is_gone_though_its_status_says_busy(gateways: dict[str, Gateway]) -> None:
    call = a_call("hub-seedream-4")
    with pytest.raises(ModelGone):
        await gateways["aihubmix"].start(replace(call, model=replace(call.model, wire="doubao/no-such")), key="k")


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


async def test_a_lost_task_is_asked_for_a_while_and_then_given_up(
    aihubmix_host: AihubmixSandbox, clock: ManualClock
) -> None:
    """Well before the deadline of ten minutes."""
    api = Api(aihubmix_host.base_url, key=aihubmix_host.default_key, masker=Masker())
    gateway = Aihubmix(api, clock=lambda: clock().timestamp())
    aihubmix_host.fail_next(Fault.TASK_NOT_FOUND)
    started = await gateway.start(a_call("hub-flux-kontext-max"), key="k")
    assert isinstance(started, Pending)
    outcome = (await gateway.ask([started.ticket]))[started.ticket]
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
