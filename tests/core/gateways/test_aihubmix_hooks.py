"""aihubmix's call-backs, for operators who know that it passes BFL's webhook fields on: its document does not say."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from core.errors import CallbackRefused, OrderInvalid
from core.gateway import Call, Given
from core.gateways.aihubmix import Aihubmix
from core.masking import Masker
from core.transport import Api
from core.types import Operation, Pending
from sandbox.gateways import AihubmixSandbox
from tests.core.gateways.calls import a_call

HOOK, SECRET = "https://bots.example/callbacks/aihubmix/0123", "a-secret-of-ours"


@pytest.fixture
async def host() -> AsyncIterator[AihubmixSandbox]:
    async with AihubmixSandbox(webhooks=True).running() as running:
        yield running


@pytest.fixture
async def gateway(host: AihubmixSandbox) -> AsyncIterator[Aihubmix]:
    api = Api(host.base_url, key=host.default_key, masker=Masker())
    made = Aihubmix(api, hook=HOOK, hook_secret=SECRET)
    yield made
    await made.close()


def asking_for_it() -> Call:
    call = a_call("hub-flux-kontext-max")
    given = {Operation.IMAGINE: Given(fields={"webhook": True})}
    return replace(call, model=replace(call.model, given=given))


async def started(gateway: Aihubmix, call: Call) -> str:
    outcome = await gateway.start(call, key="k")
    assert isinstance(outcome, Pending)
    return outcome.ticket.id.partition("@")[0]


async def test_the_address_and_the_secret_go_along_where_the_operator_says_so(
    gateway: Aihubmix, host: AihubmixSandbox
) -> None:
    task = await started(gateway, asking_for_it())
    assert host.hooks[task] == (HOOK, SECRET)
    assert (await started(gateway, a_call("hub-flux-kontext-max"))) in host.hooks
    assert list(host.hooks.values())[1] == ("", "")


async def test_a_gateway_that_knows_no_such_field_refuses_the_order_and_nothing_is_charged() -> None:
    async with AihubmixSandbox().running() as strict:
        gateway = Aihubmix(Api(strict.base_url, key=strict.default_key, masker=Masker()), hook=HOOK)
        with pytest.raises(OrderInvalid):
            await gateway.start(asking_for_it(), key="k")
        assert not strict.orders
        await gateway.close()


async def test_a_signed_call_back_names_its_task_and_an_altered_one_is_refused(
    gateway: Aihubmix, host: AihubmixSandbox
) -> None:
    task = await started(gateway, asking_for_it())
    headers, body = host.signed(task)
    assert gateway.hear(headers, body) == [task]
    with pytest.raises(CallbackRefused):
        gateway.hear(headers, body.replace(b"SUCCESS", b"Ready"))
    with pytest.raises(CallbackRefused):
        gateway.hear({**headers, "X-BFL-Signature": "sha256=00"}, body)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id": 7}', b'{"id": "../models"}', b"\xff", b"[" * 100_000])
async def test_what_names_no_task_is_refused(gateway: Aihubmix, body: bytes) -> None:
    with pytest.raises(CallbackRefused):
        gateway.hear({}, body)


async def test_no_other_models_maker_learns_the_address(host: AihubmixSandbox, gateway: Aihubmix) -> None:
    call = a_call("hub-imagen-4")
    given = {Operation.IMAGINE: Given(fields={"webhook": True})}
    await gateway.start(replace(call, model=replace(call.model, given=given)), key="k")
    assert HOOK not in host.requests[-1].body.decode()
