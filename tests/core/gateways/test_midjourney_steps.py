"""Every operation of midjourney-proxy, and every button below its results, from start to finish."""

import asyncio
import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
import pytest_asyncio
from PIL import Image

from core.download import Downloader
from core.errors import Charged, ModelGone, OrderInvalid, PictureBroken
from core.gateway import Call, Given, InputImage
from core.gateways.midjourney import MidjourneyProxy
from core.masks import Mask
from core.pictures import inspect
from core.types import Finished, Follow, Operation, Pending, Ticket
from core.videos import MP4, inspect_video
from sandbox.gateways import MidjourneySandbox
from tests.core.gateways.calls import a_call, an_input, ended
from tests.core.gateways.midjourney import a_step, downloader, host, links, made, proxy, step, taken

pytestmark = pytest.mark.asyncio(loop_scope="module")
__all__ = ["downloader", "host", "proxy"]

FACE, SCENE = an_input(200, 200), an_input(300, 200)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def grid(proxy: MidjourneyProxy) -> tuple[Ticket, Finished]:
    """A wide grid, which is looked at and never changed."""
    return await made(proxy, a_call("midjourney", ratio="3:2"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def large(proxy: MidjourneyProxy, grid: tuple[Ticket, Finished]) -> tuple[Ticket, Finished]:
    """The grid's second picture, enlarged."""
    return await taken(proxy, step(*grid, "U2"), a_step(Operation.UPSCALE))


@pytest.fixture
def remix(host: MidjourneySandbox) -> Iterator[None]:
    host.remix = True
    yield
    host.remix = False


# -- operations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "sent"),
    [
        (a_call("midjourney", Operation.BLEND, prompt="", ratio="16:9"), {"dimensions": "LANDSCAPE"}),
        (a_call("midjourney", Operation.BLEND, prompt="", ratio="2:3"), {"dimensions": "PORTRAIT"}),
        (a_call("midjourney", Operation.BLEND, prompt="", ratio=None), {"dimensions": "SQUARE"}),
        (
            a_call("niji", Operation.BLEND, prompt="in snow", ratio="3:2", seed=7),
            {"prompt": "in snow --ar 3:2 --seed 7"},
        ),
    ],
)
async def test_blending_makes_four_pictures_in_the_nearest_shape_and_with_words_is_a_prompt_of_both(
    call: Call, sent: dict[str, str], proxy: MidjourneyProxy, host: MidjourneySandbox
) -> None:
    images = (an_input(200, 100), an_input(100, 200), an_input(90, 90))
    _, finished = await made(proxy, replace(call, images=images))
    assert len(finished.pictures) == 4
    assert host.orders[-1].fields == {"botType": call.model.wire, **sent}
    assert host.orders[-1].pictures == tuple(image.data for image in images)


async def test_a_description_is_four_texts_and_no_picture(proxy: MidjourneyProxy, host: MidjourneySandbox) -> None:
    _, finished = await made(proxy, a_call("midjourney", Operation.DESCRIBE, prompt="", images=(SCENE,)))
    assert (finished.pictures, finished.offers) == ((), ())
    assert len(finished.texts) == 4
    assert all(text.startswith("a picture of") for text in finished.texts)
    assert host.orders[-1].pictures == (SCENE.data,)


async def test_shortening_is_texts_of_the_persons_words_alone(proxy: MidjourneyProxy, host: MidjourneySandbox) -> None:
    _, finished = await made(proxy, a_call("midjourney", Operation.SHORTEN, prompt="a red\n fox in snow"))
    assert finished.texts[:3] == ("a", "a red", "a red fox")
    assert finished.offers == ()
    assert host.orders[-1].fields == {"botType": "MID_JOURNEY", "prompt": "a red fox in snow"}


async def test_the_first_picture_is_the_face_and_the_second_gets_it(
    proxy: MidjourneyProxy, host: MidjourneySandbox, downloader: Downloader
) -> None:
    _, finished = await made(proxy, a_call("midjourney", Operation.FACESWAP, prompt="", images=(FACE, SCENE)))
    [link] = links(finished)
    assert inspect(await downloader.fetch(link, gateway="midjourney_proxy")).width > 0
    # The stand-in notes the target first: it is what is worked on.
    assert host.orders[-1].pictures == (SCENE.data, FACE.data)


async def test_a_film_begins_with_a_picture_and_is_one_film(
    proxy: MidjourneyProxy, host: MidjourneySandbox, downloader: Downloader
) -> None:
    _, finished = await made(proxy, a_call("midjourney", Operation.ANIMATE, prompt="it snows", images=(SCENE,)))
    [link] = links(finished)
    assert inspect_video(await downloader.fetch(link, gateway="midjourney_proxy")).mime == MP4
    assert dict(host.orders[-1].fields) | {"image": ""} == {
        "image": "",
        "prompt": "it snows",
        "motion": "low",
        "batchSize": 1,
    }
    assert host.orders[-1].pictures == (SCENE.data,)


async def test_an_operator_may_say_how_films_are_ordered(proxy: MidjourneyProxy, host: MidjourneySandbox) -> None:
    told = {"picture": "image", "motion": "high", "batchSize": 2}
    call = a_call("midjourney", Operation.ANIMATE, prompt="", images=(SCENE,))
    known = replace(call, model=replace(call.model, given={Operation.ANIMATE: Given("/mj/submit/video", told)}))
    _, finished = await made(proxy, known)
    assert len(finished.pictures) == 2
    assert host.orders[-1].fields["motion"] == "high"
    elsewhere = replace(call, model=replace(call.model, given={Operation.ANIMATE: Given("/mj/submit/film", told)}))
    with pytest.raises(ModelGone):
        await proxy.start(elsewhere, key="k")


@pytest.mark.parametrize(
    "call",
    [
        a_call("midjourney", Operation.DESCRIBE, images=()),
        a_call("midjourney", Operation.FACESWAP, images=(FACE,)),
        a_call("midjourney", Operation.UPSCALE, images=(FACE,)),
        a_call("midjourney", Operation.ANIMATE, prompt="", images=()),
        a_call("midjourney", Operation.CUTOUT, images=(FACE,)),
    ],
)
async def test_what_the_wire_does_not_have_never_leaves(
    call: Call, proxy: MidjourneyProxy, host: MidjourneySandbox
) -> None:
    before = len(host.requests)
    with pytest.raises(OrderInvalid) as caught:
        await proxy.start(call, key="k")
    assert (caught.value.charged, len(host.requests)) == (Charged.NO, before)


# -- next steps -----------------------------------------------------------------------------------------------------


async def test_below_a_grid_stand_its_four_pictures_twice_and_another_try(grid: tuple[Ticket, Finished]) -> None:
    assert [(offer.label, offer.operation, offer.index) for offer in grid[1].offers] == [
        *((f"U{n}", Operation.UPSCALE, n - 1) for n in (1, 2, 3, 4)),
        ("🔄", Operation.IMAGINE, None),
        *((f"V{n}", Operation.VARY, n - 1) for n in (1, 2, 3, 4)),
    ]


async def test_an_enlargement_is_one_picture_with_all_of_midjourneys_steps_below_it(
    large: tuple[Ticket, Finished], downloader: Downloader
) -> None:
    [link] = links(large[1])
    seen = inspect(await downloader.fetch(link, gateway="midjourney_proxy"))
    assert seen.width > seen.height
    found = {offer.label: offer.operation for offer in large[1].offers}
    assert found == {
        "Upscale (Subtle)": Operation.UPSCALE,
        "Upscale (Creative)": Operation.UPSCALE,
        "Vary (Subtle)": Operation.VARY,
        "Vary (Strong)": Operation.VARY,
        "Vary (Region)": Operation.INPAINT,
        "Zoom Out 2x": Operation.ZOOM,
        "Zoom Out 1.5x": Operation.ZOOM,
        "⬅️": Operation.PAN,
        "➡️": Operation.PAN,
        "⬆️": Operation.PAN,
        "⬇️": Operation.PAN,
        "Make Square": Operation.ZOOM,
        "Animate (High motion)": Operation.ANIMATE,
        "Animate (Low motion)": Operation.ANIMATE,
    }
    assert all(offer.index is None for offer in large[1].offers)


@pytest.mark.parametrize(
    ("label", "operation", "pictures"),
    [("🔄", Operation.IMAGINE, 4), ("V3", Operation.VARY, 4), ("U4", Operation.UPSCALE, 1)],
)
async def test_a_step_below_a_grid_makes_what_it_says(
    label: str, operation: Operation, pictures: int, proxy: MidjourneyProxy, grid: tuple[Ticket, Finished]
) -> None:
    ticket, finished = await taken(proxy, step(*grid, label), a_step(operation))
    assert len(finished.pictures) == pictures
    assert ticket == Ticket("midjourney_proxy", ticket.id, "midjourney")
    assert ticket != grid[0]


@pytest.mark.parametrize(
    ("label", "operation", "pictures"),
    [
        ("Upscale (Subtle)", Operation.UPSCALE, 1),
        ("Upscale (Creative)", Operation.UPSCALE, 1),
        ("Vary (Subtle)", Operation.VARY, 4),
        ("Vary (Strong)", Operation.VARY, 4),
        ("Zoom Out 2x", Operation.ZOOM, 4),
        ("Zoom Out 1.5x", Operation.ZOOM, 4),
        ("Make Square", Operation.ZOOM, 4),
        ("⬅️", Operation.PAN, 4),
        ("➡️", Operation.PAN, 4),
        ("⬆️", Operation.PAN, 4),
        ("⬇️", Operation.PAN, 4),
        ("Animate (High motion)", Operation.ANIMATE, 1),
        ("Animate (Low motion)", Operation.ANIMATE, 1),
    ],
)
async def test_a_step_below_one_picture_makes_what_it_says(
    label: str, operation: Operation, pictures: int, proxy: MidjourneyProxy, large: tuple[Ticket, Finished]
) -> None:
    _, finished = await taken(proxy, step(*large, label), a_step(operation))
    assert len(finished.pictures) == pictures
    assert finished.offers
    [first, *_] = links(finished)
    assert first.partition("?")[0].endswith(".mp4" if operation is Operation.ANIMATE else ".png")


async def test_the_same_enlargement_is_not_made_twice_but_named_again(
    proxy: MidjourneyProxy, host: MidjourneySandbox, grid: tuple[Ticket, Finished]
) -> None:
    first, one = await taken(proxy, step(*grid, "U3"), a_step(Operation.UPSCALE))
    orders = len(host.orders)
    second, other = await taken(proxy, step(*grid, "U3"), a_step(Operation.UPSCALE))
    assert (second, other.pictures, len(host.orders)) == (first, one.pictures, orders)


# -- windows --------------------------------------------------------------------------------------------------------


async def test_a_part_is_made_anew_by_a_window_with_the_words_and_a_mask_white_there(
    proxy: MidjourneyProxy, host: MidjourneySandbox, downloader: Downloader, large: tuple[Ticket, Finished]
) -> None:
    [link] = links(large[1])
    picture = await downloader.fetch(link, gateway="midjourney_proxy")
    seen = inspect(picture)
    hole = (seen.width // 4, seen.height // 4, seen.width // 2, seen.height // 2)
    area = Image.new("L", (seen.width, seen.height))
    area.paste(255, hole)
    mask = InputImage(Mask(area).transparent_png(), "image/png", seen.width, seen.height)
    source = InputImage(picture, seen.mime, seen.width, seen.height)
    call = a_step(Operation.INPAINT, prompt="a blue\nhat", mask=mask, images=(source,))
    orders = len(host.orders)
    ticket, finished = await taken(proxy, step(*large, "Vary (Region)"), call)
    assert len(finished.pictures) == 4
    assert host.tasks[ticket.id].prompt == "a blue hat"
    [order] = host.orders[orders:]
    assert order.mask is not None
    with Image.open(io.BytesIO(order.mask)) as sent:
        found = (sent.size, sent.convert("L").getextrema(), sent.getbbox())
    assert found == ((seen.width, seen.height), (0, 255), hole)


async def test_a_mask_that_is_none_is_found_out_before_anything_is_made(
    proxy: MidjourneyProxy, host: MidjourneySandbox, large: tuple[Ticket, Finished]
) -> None:
    orders = len(host.orders)
    with pytest.raises(PictureBroken) as caught:
        await proxy.act(step(*large, "Vary (Region)"), a_step(Operation.INPAINT, mask=FACE), key="k")
    assert (caught.value.charged, len(host.orders)) == (Charged.NO, orders)


@pytest.mark.usefixtures("remix")
async def test_an_account_that_asks_before_each_step_is_answered_with_the_words_it_shows(
    proxy: MidjourneyProxy, host: MidjourneySandbox, grid: tuple[Ticket, Finished]
) -> None:
    for label, operation in (("V1", Operation.VARY), ("🔄", Operation.IMAGINE)):
        ticket, finished = await taken(proxy, step(*grid, label), a_step(operation, prompt="other words"))
        assert len(finished.pictures) == 4
        assert host.tasks[ticket.id].prompt == host.tasks[grid[0].id].prompt
    ticket, finished = await taken(proxy, step(*grid, "U1"), a_step(Operation.UPSCALE))
    assert len(finished.pictures) == 1


# -- what can go wrong, and what is told later ----------------------------------------------------------------------


@pytest.mark.parametrize("token", ["MJ::JOB::upsample::2::3dbbd469-36af-4a0f-8f02-df6c579e7011", "change:UPSCALE:2"])
async def test_a_step_on_a_result_that_is_forgotten_costs_nothing_and_is_not_repeated(
    token: str, proxy: MidjourneyProxy
) -> None:
    follow = Follow(Ticket("midjourney_proxy", "17", "midjourney"), token, "U2")
    with pytest.raises(OrderInvalid) as caught:
        await proxy.act(follow, a_step(Operation.UPSCALE), key="k")
    assert (caught.value.charged, caught.value.transient) == (Charged.NO, False)


async def test_a_grid_without_buttons_is_worked_on_by_the_oldest_call(
    proxy: MidjourneyProxy, host: MidjourneySandbox, grid: tuple[Ticket, Finished]
) -> None:
    for token, pictures in (("change:UPSCALE:2", 1), ("change:VARIATION:1", 4), ("change:REROLL:1", 4)):
        _, finished = await taken(proxy, Follow(grid[0], token, "x"), a_step(Operation.UPSCALE))
        assert len(finished.pictures) == pictures
        assert host.requests[-2].path == "/mj/submit/change"


async def test_the_seed_is_told_when_it_is_asked_for(
    proxy: MidjourneyProxy, host: MidjourneySandbox, grid: tuple[Ticket, Finished]
) -> None:
    assert grid[1].seed is None
    assert await proxy.seed(grid[0]) == 42
    host.seconds = 60
    unfinished = await proxy.start(a_call("midjourney"), key="k")
    host.seconds = 0
    assert isinstance(unfinished, Pending)
    assert await proxy.seed(unfinished.ticket) is None


async def test_many_steps_at_once_are_each_their_own(proxy: MidjourneyProxy, grid: tuple[Ticket, Finished]) -> None:
    started = await asyncio.gather(
        *(proxy.act(step(*grid, f"V{n}"), a_step(Operation.VARY), key=f"k{n}") for n in (1, 2, 3))
    )
    finished = [await ended(proxy, pending) for pending in started]
    assert len({str(outcome.pictures) for outcome in finished if isinstance(outcome, Finished)}) == 3
