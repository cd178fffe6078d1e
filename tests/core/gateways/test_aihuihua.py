"""aihuihua: every operation and every step, over real links, against a stand-in that fetches what it is given."""

import io
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from core.download import Downloader
from core.errors import OrderInvalid, PictureBroken
from core.gateway import Call, Given, InputImage
from core.gateways.aihuihua import Aihuihua
from core.gateways.aihuihua_routes import IMAGE_STEP, MDJ_STEP, STYLES, step, style_of
from core.gateways.aihuihua_tasks import Kind
from core.masking import Masker
from core.masks import Mask
from core.pictures import inspect
from core.transport import Api
from core.types import Finished, Follow, Operation, RemotePicture, Ticket
from core.videos import inspect_video
from tests.core.gateways.aihuihua import Place, labelled, made, place, pressed, started
from tests.core.gateways.calls import ROWS, a_call, an_input, row

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHITE = Given(fields={"mask": "white"})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with place(tmp_path_factory.mktemp("media"), closed=False, unfinished=999, concurrent=99) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def downloader() -> AsyncIterator[Downloader]:
    fetching = Downloader(allow_hosts={"127.0.0.1"})
    yield fetching
    await fetching.close()


async def fetched(finished: Finished, downloader: Downloader) -> list[bytes]:
    links = [made.url for made in finished.pictures if isinstance(made, RemotePicture)]
    return [await downloader.fetch(link, gateway="aihuihua") for link in links]


def last(at: Place) -> dict[str, Any]:
    """What the last submit said, without its hook."""
    return {name: value for name, value in at.host.orders[-1].fields.items() if name != "notifyHook"}


# -- operations -----------------------------------------------------------------------------------------------------

IMAGINE, EDIT, ANIMATE, RESTYLE = Operation.IMAGINE, Operation.EDIT, Operation.ANIMATE, Operation.RESTYLE
HERE = [model for model in ROWS if model.gateway == "aihuihua"]


@pytest.mark.parametrize(
    ("name", "operation", "path", "count"),
    [
        ("hui-flux", IMAGINE, "flux/text2Image", 4),
        ("hui-flux", EDIT, "flux/image2Image", 4),
        ("hui-midjourney", IMAGINE, "mdj/imagine", 4),
        ("hui-midjourney", EDIT, "mdj/imagine", 4),
        ("hui-midjourney", Operation.BLEND, "mdj/blend", 4),
        ("hui-nano-banana", EDIT, "nanoBanana/generate", 1),
        ("hui-upscale", Operation.UPSCALE, "image/upScale", 1),
        ("hui-cutout", Operation.CUTOUT, "image/removeBg", 1),
        ("hui-lineart", Operation.LINEART, "line/image2line", 1),
        ("hui-restyle", RESTYLE, "face/style", 4),
        ("hui-faceswap", Operation.FACESWAP, "face/swap", 1),
    ],
)
async def test_an_operation_makes_its_pictures_from_start_to_finish(
    name: str, operation: Operation, path: str, count: int, at: Place, downloader: Downloader
) -> None:
    ticket, finished = await made(at.polled, name, operation)
    assert (at.host.orders[-1].model, ticket.model) == (path, name)
    assert len(finished.pictures) == row(name).can.makes.get(operation, 1) == count
    sizes = {inspect(picture)[1:] for picture in await fetched(finished, downloader)}
    assert len(sizes) == 1
    assert f'"id": "{ticket.id.partition("@")[0]}"' in finished.answer, "the raw task is kept"
    assert all(model.unverified and model.can.by_link for model in HERE)


async def test_a_description_is_four_texts(at: Place) -> None:
    _, finished = await made(at.polled, "hui-midjourney", Operation.DESCRIBE)
    assert len(finished.texts) == 4
    assert all(" --ar " in text for text in finished.texts)
    assert finished.pictures == ()


@pytest.mark.parametrize("pictures", [0, 1])
async def test_a_video_is_made_from_words_or_from_a_picture(pictures: int, at: Place, downloader: Downloader) -> None:
    images = (an_input(300, 400),) * pictures
    _, finished = await made(at.polled, "hui-video", ANIMATE, images=images, ratio=None if pictures else "1:1")
    [film] = await fetched(finished, downloader)
    seen = inspect_video(film)
    assert (seen.mime, round(seen.seconds or 0)) == ("video/mp4", 5)
    assert at.host.orders[-1].model == ("video/image2Video" if pictures else "video/text2Video")
    assert ("ratio" in last(at)) is not bool(pictures)
    assert last(at)["resolution"] == "480P"


@pytest.mark.parametrize(
    ("name", "operation", "changes", "sent"),
    [
        ("hui-flux", IMAGINE, {"prompt": " a\nfox ", "ratio": "9:16"}, {"prompt": "a fox --ar 9:16"}),
        ("hui-flux", EDIT, {"prompt": "fox", "ratio": None}, {"prompt": "fox", "imgUrl": "0", "range": 0.7}),
        ("hui-midjourney", IMAGINE, {"prompt": "fox", "ratio": None}, {"prompt": "fox"}),
        ("hui-midjourney", EDIT, {"prompt": "fox", "ratio": "3:2"}, {"prompt": "0 fox --ar 3:2"}),
        ("hui-midjourney", Operation.BLEND, {"ratio": None}, {"imgUrlArray": ["0", "1"], "aspectRatio": "1:1"}),
        ("hui-midjourney", Operation.BLEND, {"ratio": "3:4"}, {"imgUrlArray": ["0", "1"], "aspectRatio": "3:4"}),
        ("hui-midjourney", Operation.DESCRIBE, {}, {"imgUrl": "0"}),
        (
            "hui-nano-banana",
            EDIT,
            {"prompt": "both", "ratio": None},
            {"prompt": "both", "aspectRatio": "4:3", "imgUrls": ["0", "1"]},
        ),
        ("hui-upscale", Operation.UPSCALE, {}, {"imgUrl": "0", "size": 2}),
        ("hui-faceswap", Operation.FACESWAP, {}, {"fromImgUrl": "0", "toImgUrl": "1"}),
        (
            "hui-restyle",
            RESTYLE,
            {"prompt": "in watercolour"},
            {"prompt": "in watercolour", "faceImgUrl": "0", "styleName": "artstyle-watercolor"},
        ),
        (
            "hui-restyle",
            RESTYLE,
            {"prompt": "", "images": 2},
            {"prompt": "portrait", "faceImgUrl": "0", "styleImgUrl": "1"},
        ),
        (
            "hui-video",
            ANIMATE,
            {"prompt": "", "images": 1, "ratio": None},
            {
                "prompt": "slow, natural movement",
                "imgUrl": "0",
                "resolution": "480P",
                "duration": 5,
                "cameraFixed": False,
            },
        ),
    ],
)
async def test_a_call_is_written_as_the_documents_say(
    name: str, operation: Operation, changes: dict[str, Any], sent: dict[str, Any], at: Place
) -> None:
    needed = row(name).can.needs(operation).fewest
    most = min(2, row(name).can.needs(operation).most)
    count = changes.get("images", most if operation is EDIT else needed)
    images = tuple(an_input(400 + place, 300) for place in range(count))
    await started(at.polled, name, operation, **(changes | {"images": images}))
    addresses = [await at.publisher.publish(image.data) for image in images]
    assert last(at) == _addressed(sent, addresses)


def _addressed(value: Any, addresses: list[str]) -> Any:
    """With the n-th address in place of the number n."""
    if isinstance(value, dict):
        return {name: _addressed(item, addresses) for name, item in value.items()}
    if isinstance(value, list):
        return [_addressed(item, addresses) for item in value]
    if isinstance(value, str):
        words = [addresses[int(word)] if word.isdecimal() else word for word in value.split(" ")]
        return " ".join(words)
    return value


async def test_pictures_go_out_as_links_that_work_in_their_order_and_within_five_megabytes(at: Place) -> None:
    noise = Image.frombytes("RGB", (1400, 1300), random.Random(7).randbytes(1400 * 1300 * 3))
    out = io.BytesIO()
    noise.save(out, "PNG", compress_level=1)
    large = InputImage(out.getvalue(), "image/png", 1400, 1300)
    assert len(large.data) > 5_000_000
    await made(at.polled, "hui-nano-banana", EDIT, images=(large, an_input(200, 100)))
    [first, second] = at.host.orders[-1].pictures
    assert len(first) <= 5_000_000
    assert inspect(second)[1:] == (200, 100)
    assert all(url.startswith(f"{at.publisher.links.public}/media/") for url in last(at)["imgUrls"])


async def test_a_face_swap_takes_the_face_from_the_first_picture(at: Place) -> None:
    await made(at.polled, "hui-faceswap", Operation.FACESWAP, images=(an_input(200, 100), an_input(100, 300)))
    body, face = at.host.orders[-1].pictures
    assert (inspect(face)[1:], inspect(body)[1:]) == ((200, 100), (100, 300))


@pytest.mark.parametrize(
    ("words", "style"),
    [
        ("Van Gogh, please", "MK Van Gogh"),
        ("水彩风格", "artstyle-watercolor"),
        ("like mre-dark-cyberpunk", "mre-dark-cyberpunk"),
        ("black and white manga", "misc-manga"),
        ("a manga hero", "mre-manga"),
        ("cyberpnuk", "mre-dark-cyberpunk"),
        ("", "sai-anime"),
        ("???", "sai-anime"),
    ],
)
async def test_words_name_the_nearest_style_there_is(words: str, style: str) -> None:
    assert style_of(words) == style
    assert len(STYLES) == 18


async def test_nano_banana_paints_from_words_where_the_operator_says_that_it_can(at: Place) -> None:
    call = a_call("hui-nano-banana", IMAGINE, ratio="16:9")
    with pytest.raises(OrderInvalid, match="imgUrls"):
        await at.polled.start(call, key="k")
    told = replace(call, model=replace(call.model, given={IMAGINE: Given(fields={"imgUrls": []})}))
    await at.polled.start(told, key="k")
    assert last(at) == {"prompt": call.prompt, "aspectRatio": "16:9", "imgUrls": []}


def _masked(call: Call) -> Call:
    return replace(call, mask=InputImage(Mask(Image.new("L", (8, 8), 255)).transparent_png(), "image/png", 8, 8))


@pytest.mark.parametrize(
    "call",
    [
        _masked(a_call("hui-flux", EDIT)),
        a_call("hui-flux", Operation.UPSCALE),
        replace(a_call("hui-flux"), model=replace(row("hui-flux"), route="elsewhere")),
        _masked(a_call("hui-midjourney", Operation.INPAINT, images=(an_input(),))),
    ],
)
async def test_what_no_route_can_write_is_not_sent(call: Call, at: Place) -> None:
    before = len(at.host.requests)
    with pytest.raises(OrderInvalid):
        await at.polled.start(call, key="k")
    assert len(at.host.requests) == before


async def test_without_a_public_address_words_go_out_and_pictures_do_not(at: Place) -> None:
    gateway = Aihuihua(Api(at.host.base_url, key=at.host.default_key, masker=Masker()), masker=Masker())
    await started(gateway, "hui-midjourney", IMAGINE)
    with pytest.raises(OrderInvalid, match="PUBLIC_URL"):
        await gateway.start(a_call("hui-midjourney", EDIT), key="k")
    with pytest.raises(PictureBroken):
        await at.polled.start(a_call("hui-cutout", Operation.CUTOUT, images=(replace(an_input(), data=b"x"),)), key="k")
    await gateway.close()


# -- next steps -----------------------------------------------------------------------------------------------------


async def test_midjourneys_pictures_go_on_at_its_own_address(at: Place, downloader: Downloader) -> None:
    grid, finished = await made(at.hooked, "hui-midjourney", IMAGINE)
    assert [offer.label for offer in finished.offers] == [
        *(f"U{n}" for n in range(1, 5)),
        "🔄",
        *(f"V{n}" for n in range(1, 5)),
    ]
    assert [offer.index for offer in finished.offers] == [0, 1, 2, 3, None, 0, 1, 2, 3]
    for label, count in (("V3", 4), ("🔄", 4), ("U1", 1)):
        _, after = await pressed(at.hooked, grid, labelled(finished, label))
        assert (at.host.orders[-1].model, len(after.pictures)) == ("mdj/action", count)
        assert last(at) == {"taskId": grid.id.removesuffix("@grid"), "customId": labelled(finished, label).token}
    single, enlarged = await pressed(at.hooked, grid, labelled(finished, "U2"))
    # Nobody has said what a mask looks like: Vary (Region) is not among them.
    assert {offer.operation.value for offer in enlarged.offers} == {"vary", "zoom", "pan"}
    for label in ("Vary (Subtle)", "Zoom Out 2x", "⬅️"):
        _, after = await pressed(at.hooked, single, labelled(enlarged, label))
        assert len(await fetched(after, downloader)) == 4


async def test_other_pictures_go_on_at_the_address_for_all(at: Place, downloader: Downloader) -> None:
    grid, finished = await made(at.polled, "hui-flux", IMAGINE)
    single, enlarged = await pressed(at.polled, grid, labelled(finished, "U1"))
    assert at.host.orders[-1].model == "image/action"
    assert len(enlarged.pictures) == 1
    for label in ("V2", "🔄"):
        ticket, after = await pressed(at.polled, grid, labelled(finished, label))
        assert (at.host.orders[-1].model, len(after.pictures)) == ("image/action", 4)
        assert ticket.id.endswith("@grid") is (label == "🔄"), "what V makes here is told by its buttons"
    _, cut = await pressed(at.polled, single, labelled(enlarged, "自动抠图"))
    [picture] = await fetched(cut, downloader)
    assert Image.open(io.BytesIO(picture)).mode == "RGBA"
    tools = {offer.operation for offer in enlarged.offers}
    assert tools >= {Operation.UPSCALE, Operation.CUTOUT, Operation.LINEART}


@pytest.mark.parametrize(("name", "path"), [("hui-flux", IMAGE_STEP), ("hui-midjourney", MDJ_STEP)])
@pytest.mark.parametrize("house", ["FL", "MF"])
async def test_the_row_and_not_the_buttons_name_decides_where_a_step_is_taken(name: str, path: str, house: str) -> None:
    call = replace(a_call(name), operation=Operation.UPSCALE)
    assert step(call, "123", f"{house}::JOB::upsample::2::x", parent=Kind.GRID).path == path


async def test_an_area_is_made_anew_by_a_window_and_a_mask_in_the_colour_the_operator_names(
    at: Place, downloader: Downloader
) -> None:
    grid, finished = await made(at.hooked, "hui-midjourney", IMAGINE)
    single, enlarged = await pressed(at.hooked, grid, labelled(finished, "U2"), given=WHITE)
    [picture] = await fetched(enlarged, downloader)
    _, width, height = inspect(picture)
    area = Image.new("L", (width, height))
    area.paste(255, (0, 0, width // 2, height))
    shown = InputImage(Mask(area).transparent_png(), "image/png", width, height)
    region = labelled(enlarged, "Vary (Region)")
    assert region.operation is Operation.INPAINT
    for colour in ("white", "black", "transparent"):
        given = Given(fields={"mask": colour})
        ticket, after = await pressed(at.hooked, single, region, given=given, mask=shown, prompt=" a red\nhat ")
        assert len(await fetched(after, downloader)) == 4
        assert (at.host.orders[-1].model, at.host.orders[-1].prompt) == ("mdj/modal", "a red hat")
        sent = at.host.tasks[ticket.id.removesuffix("@grid")].mask
        assert sent is not None
        assert (
            _corners(sent)
            == {
                "white": ((255, 255), (0, 255)),
                "black": ((0, 255), (255, 255)),
                "transparent": ((0, 0), (0, 255)),
            }[colour]
        )


def _corners(mask: bytes) -> tuple[tuple[int, int], tuple[int, int]]:
    """Lightness and alpha at the left, where it is to be made anew, and at the right."""
    image = Image.open(io.BytesIO(mask)).convert("LA")
    found = [image.getpixel((x, 5)) for x in (5, image.width - 5)]
    left, right = (pixel for pixel in found if isinstance(pixel, tuple))
    return (int(left[0]), int(left[1])), (int(right[0]), int(right[1]))


async def test_a_window_that_could_not_be_filled_in_is_not_opened(at: Place) -> None:
    follow = Follow(Ticket("aihuihua", "123@region", "hui-midjourney"), "FL::Inpaint::1::x", "Vary (Region)")
    call = a_call("hui-midjourney", Operation.INPAINT, images=())
    white = replace(call.model, given={Operation.INPAINT: WHITE})
    pink = replace(call.model, given={Operation.INPAINT: Given(fields={"mask": "pink"})})
    broken = InputImage(b"no mask", "image/png", 8, 8)
    before = len(at.host.requests)
    for wrong, kind in (
        (_masked(call), OrderInvalid),
        (_masked(replace(call, model=pink)), OrderInvalid),
        (replace(call, model=white), OrderInvalid),
        (replace(call, model=white, mask=broken), PictureBroken),
    ):
        with pytest.raises(kind):
            await at.hooked.act(follow, wrong, key="k")
    assert len(at.host.requests) == before
