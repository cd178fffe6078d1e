"""apicore's Midjourney: midjourney-proxy's wire behind new-api, beside the models that answer at once."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from PIL import Image

from core.download import Downloader
from core.errors import CallbackRefused, Charged, GatewayBusy, ModelGone, OrderInvalid, PromptRefused
from core.gateway import Acts, Asks, Call, Given, Hears, InputImage, Seeds
from core.gateways.apicore import Apicore
from core.gateways.midjourney_answers import REFRESH
from core.masking import Masker
from core.masks import Mask
from core.pictures import inspect
from core.testing import ManualClock
from core.transport import Api
from core.types import Failed, Finished, Follow, Operation, Pending, Ticket
from core.videos import MP4, inspect_video
from sandbox.gateways import ApicoreSandbox
from sandbox.gateways.midjourney_book import REFRESH as LOOKS_EVERY
from tests.core.gateways.calls import a_call, an_input
from tests.core.gateways.midjourney import SMALL, a_step, downloader, links, step

pytestmark = pytest.mark.asyncio(loop_scope="module")
__all__ = ["downloader"]
NAME = "apicore-midjourney"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clock() -> ManualClock:
    return ManualClock()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(clock: ManualClock) -> AsyncIterator[ApicoreSandbox]:
    async with ApicoreSandbox(clock=lambda: clock().timestamp(), area=SMALL).running() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def apicore(host: ApicoreSandbox) -> AsyncIterator[Apicore]:
    masker = Masker([host.default_key])
    hook = "https://bots.example/callbacks/apicore/0123"
    gateway = Apicore(Api(host.base_url, key=host.default_key, masker=masker), hook=hook, masker=masker)
    yield gateway
    await gateway.close()


async def ended(apicore: Apicore, pending: object, clock: ManualClock) -> tuple[Ticket, Finished]:
    """The result, once new-api has looked."""
    assert isinstance(pending, Pending)
    clock.advance(LOOKS_EVERY)
    finished = (await apicore.ask([pending.ticket]))[pending.ticket]
    assert isinstance(finished, Finished), finished
    return pending.ticket, finished


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def large(apicore: Apicore, clock: ManualClock) -> tuple[Ticket, Finished]:
    """The first picture of a grid, enlarged."""
    grid = await ended(apicore, await apicore.start(a_call(NAME), key="k"), clock)
    return await ended(apicore, await apicore.act(step(*grid, "U1"), a_step(Operation.UPSCALE, NAME), key="k"), clock)


@pytest.mark.parametrize(
    ("call", "pictures", "texts"),
    [
        (a_call(NAME), 4, 0),
        (a_call(NAME, Operation.EDIT), 4, 0),
        (a_call(NAME, Operation.BLEND, prompt=""), 4, 0),
        (a_call(NAME, Operation.DESCRIBE, prompt=""), 0, 4),
        (a_call(NAME, Operation.SHORTEN), 0, 5),
        (a_call(NAME, Operation.FACESWAP, prompt=""), 1, 0),
    ],
)
async def test_every_operation_of_the_wire_goes_by_apicores_own_host_and_key(
    call: Call, pictures: int, texts: int, apicore: Apicore, host: ApicoreSandbox, clock: ManualClock
) -> None:
    pending = await apicore.start(call, key="k")
    assert isinstance(pending, Pending)
    assert (pending.ticket.gateway, pending.ticket.model) == ("apicore", NAME)
    assert (pending.ask_in, pending.together) == (REFRESH, True)
    assert host.requests[-1].headers["authorization"] == f"Bearer {host.default_key}"
    assert host.orders[-1].key == host.default_key
    assert (await apicore.ask([pending.ticket]))[pending.ticket] == replace(pending, progress=0.0)
    _, finished = await ended(apicore, pending, clock)
    assert (len(finished.pictures), len(finished.texts)) == (pictures, texts)
    assert pending.ticket.id in finished.answer
    assert len(finished.answer) <= 4000
    assert host.default_key not in finished.answer


async def test_its_links_are_its_own_and_are_fetched_without_the_key(
    apicore: Apicore, host: ApicoreSandbox, large: tuple[Ticket, Finished], downloader: Downloader
) -> None:
    [link] = links(large[1])
    assert link == f"{host.base_url}/mj/image/{large[0].id}"
    assert inspect(await downloader.fetch(link, gateway="apicore")).width > 0
    assert "authorization" not in host.requests[-1].headers


@pytest.mark.parametrize("speed", ["fast", "relax", "turbo"])
async def test_a_speed_is_part_of_the_path_of_submits_and_steps(
    speed: str, apicore: Apicore, host: ApicoreSandbox, clock: ManualClock
) -> None:
    call = a_call(NAME)
    hurried = replace(call.model, fields={"speed": speed})
    before = len(host.requests)
    grid = await ended(apicore, await apicore.start(replace(call, model=hurried), key="k"), clock)
    vary = replace(a_step(Operation.VARY, NAME), model=hurried)
    await ended(apicore, await apicore.act(step(*grid, "V1"), vary, key="k"), clock)
    assert [request.path for request in host.requests[before:]] == [
        f"/mj-{speed}/mj/submit/imagine",
        "/mj/task/list-by-condition",
        f"/mj-{speed}/mj/submit/action",
        "/mj/task/list-by-condition",
    ]
    assert "speed" not in host.orders[-2].fields


@pytest.mark.parametrize(
    ("label", "operation", "pictures"),
    [
        ("Upscale (Creative)", Operation.UPSCALE, 1),
        ("Vary (Strong)", Operation.VARY, 4),
        ("Zoom Out 2x", Operation.ZOOM, 4),
        ("⬆️", Operation.PAN, 4),
    ],
)
async def test_steps_make_what_they_say_under_new_apis_names_of_actions(
    label: str,
    operation: Operation,
    pictures: int,
    apicore: Apicore,
    clock: ManualClock,
    large: tuple[Ticket, Finished],
) -> None:
    pending = await apicore.act(step(*large, label), a_step(operation, NAME), key="k")
    _, finished = await ended(apicore, pending, clock)
    assert len(finished.pictures) == pictures


async def test_the_films_that_new_api_does_not_know_are_not_offered(
    apicore: Apicore, host: ApicoreSandbox, large: tuple[Ticket, Finished]
) -> None:
    task = host.midjourney.tasks[large[0].id]
    [token] = [str(button["customId"]) for button in task.buttons() if "animate_high" in str(button["customId"])]
    assert token not in [offer.token for offer in large[1].offers]
    with pytest.raises(OrderInvalid):
        await apicore.act(Follow(large[0], token, "x"), a_step(Operation.ANIMATE, NAME), key="k")


async def test_windows_are_filled_in_whether_new_api_leaves_the_21_or_not(
    apicore: Apicore, host: ApicoreSandbox, clock: ManualClock, large: tuple[Ticket, Finished]
) -> None:
    host.midjourney.remix = True
    pending = await apicore.act(step(*large, "Vary (Subtle)"), a_step(Operation.VARY, NAME), key="k")
    host.midjourney.remix = False
    _, finished = await ended(apicore, pending, clock)
    assert len(finished.pictures) == 4
    whole = Mask(a_square()).transparent_png()
    call = a_step(Operation.INPAINT, NAME, prompt="a hat", mask=InputImage(whole, "image/png", 64, 64))
    _, finished = await ended(apicore, await apicore.act(step(*large, "Vary (Region)"), call, key="k"), clock)
    assert len(finished.pictures) == 4
    assert host.orders[-1].mask is not None


def a_square() -> Image.Image:
    """Half of it is to be made anew."""
    area = Image.new("L", (64, 64))
    area.paste(255, (0, 0, 32, 64))
    return area


async def test_a_film_can_be_ordered_once_the_operator_says_how(
    apicore: Apicore, host: ApicoreSandbox, clock: ManualClock, downloader: Downloader
) -> None:
    call = a_call(NAME, Operation.ANIMATE, prompt="", images=(an_input(),))
    told = Given("/mj/submit/video", {"picture": "image", "batchSize": 1})
    known = replace(call, model=replace(call.model, given={Operation.ANIMATE: told}))
    _, finished = await ended(apicore, await apicore.start(known, key="k"), clock)
    [link] = links(finished)
    assert inspect_video(await downloader.fetch(link, gateway="apicore")).mime == MP4


async def test_refusals_are_http_400_or_codes_and_mean_the_same(apicore: Apicore, host: ApicoreSandbox) -> None:
    orders = len(host.orders)
    with pytest.raises(PromptRefused):
        await apicore.start(a_call(NAME, prompt="gore"), key="k")
    with pytest.raises(OrderInvalid):
        await apicore.start(a_call(NAME, prompt="fox " * 2000), key="k")
    forgotten = Follow(Ticket("apicore", "17", NAME), "MJ::JOB::upsample::1::x", "U1")
    with pytest.raises(OrderInvalid):
        await apicore.act(forgotten, a_step(Operation.UPSCALE, NAME), key="k")
    host.fail_next("rate_429")
    with pytest.raises(GatewayBusy):
        await apicore.start(a_call(NAME), key="k")
    assert len(host.orders) == orders
    flux = a_call("apicore-flux-kontext-pro")
    with pytest.raises(ModelGone):
        await apicore.start(replace(flux, model=replace(flux.model, wire="flux-9")), key="k")


async def test_a_task_that_fails_costs_nothing_and_a_question_that_fails_says_nothing(
    apicore: Apicore, host: ApicoreSandbox, clock: ManualClock
) -> None:
    host.fail_next("moderated_request")
    pending = await apicore.start(a_call(NAME), key="k")
    assert isinstance(pending, Pending)
    clock.advance(LOOKS_EVERY)
    host.fail_next("server_500", at="task")
    for kind, transient in (("GatewayFailed", True), ("PromptRefused", False)):
        failed = (await apicore.ask([pending.ticket]))[pending.ticket]
        assert isinstance(failed, Failed)
        assert (type(failed.error).__name__, failed.error.transient) == (kind, transient)
        assert failed.error.charged is Charged.NO


async def test_it_can_be_asked_called_back_and_told_seeds(apicore: Apicore, large: tuple[Ticket, Finished]) -> None:
    assert all(isinstance(apicore, can) for can in (Acts, Asks, Hears, Seeds))
    assert apicore.hear({}, b'{"id": 17, "status": "SUCCESS"}') == ["17"]
    with pytest.raises(CallbackRefused):
        apicore.hear({}, b"nonsense")
    assert await apicore.seed(large[0]) == 42
