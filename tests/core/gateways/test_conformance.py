"""Every row of the packaged catalogue, with every operation it has or could be given, from its start to its end,
against stand-ins that refuse whatever the contract does not name."""

import io
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from core.capabilities import TELLING, fit
from core.gateway import Acts, Call, InputImage, Model
from core.gateways import REGISTRY
from core.pictures import inspect
from core.preparing import worded
from core.rows import read
from core.types import Finished, Follow, Offer, Operation, Pending, Request, Ticket
from core.videos import inspect_video
from tests.core.build import a_picture
from tests.core.gateways.calls import ROWS, an_input
from tests.core.gateways.everywhere import STAND_INS, Everywhere, everywhere

pytestmark = pytest.mark.asyncio(loop_scope="module")
__all__ = ["everywhere"]  # found by name

#: What the packaged file leaves to the operator, said.
OPERATORS_WORD = """
packaged = true

[gateways.apicore.operations]
shorten = true
faceswap = true
animate = { path = "/mj/submit/video" }

[gateways.aihubmix.operations]
inpaint = { path = "/v1/images/edits" }

[gateways.aihuihua.operations]
imagine = { path = "/api/v2/nanoBanana/generate" }
inpaint = { fields = { mask = "white" } }
restyle = true
faceswap = true
animate = true
"""


def opened() -> list[Model]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "models.toml"
        path.write_text(OPERATORS_WORD)
        return read(path)


OPENED = opened()
EVERYTHING = [(model, operation) for model in OPENED for operation in Operation if operation in model.can.operations]
#: Rows whose results have next steps.
STEPPING = [
    (model, operation)
    for model, operation in EVERYTHING
    if model.can.makes.get(operation) == 4 and operation in (Operation.IMAGINE, Operation.EDIT, Operation.BLEND)
]


def named(row: object) -> str:
    return row.name if isinstance(row, Model) else str(row)


@cache
def holed(width: int = 333, height: int = 217) -> InputImage:
    """A mask: transparent in the middle."""
    out = io.BytesIO()
    picture = Image.new("RGBA", (width, height), (0, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (width // 4, height // 4, width // 2, height // 2))
    picture.save(out, "PNG")
    return InputImage(out.getvalue(), "image/png", width, height)


def a_call(model: Model, operation: Operation, *, prompt: str = "a red fox in the snow") -> Call:
    """As the tracker makes it: judged by ``fit``, presets put into words."""
    needs = model.can.needs(operation)
    pictures = max(needs.fewest, min(1, needs.most))
    request = Request(
        operation,
        prompt,
        ratio=model.can.ratios[-1] if model.can.ratios else None,
        seed=42,
        negative="text",
        images=(a_picture(),) * pictures,
        mask=a_picture() if operation is Operation.INPAINT else None,
    )
    fitted = fit(request, model.can, model=model.name)
    return worded(
        Call(
            model=model,
            operation=operation,
            prompt=fitted.request.prompt,
            count=fitted.calls[0],
            ratio=fitted.request.ratio,
            seed=fitted.request.seed,
            negative=fitted.request.negative,
            images=(an_input(),) * pictures,
            mask=holed() if operation is Operation.INPAINT else None,
        )
    )


async def test_every_gateway_of_the_registry_has_a_stand_in_and_a_row() -> None:
    assert set(STAND_INS) == set(REGISTRY)
    assert {model.gateway for model in ROWS} == set(REGISTRY)


async def test_no_row_and_no_operation_of_the_catalogue_is_left_out() -> None:
    covered = {(model.name, operation) for model, operation in EVERYTHING}
    steps = {(model.name, operation) for model in OPENED for operation in model.steps}
    promised = {
        (model.name, operation) for model in ROWS for operation in (*model.can.operations, *model.steps, *model.off)
    }
    assert promised == covered | steps
    assert {operation for _, operation in promised} == set(Operation)
    assert {name for name, _ in steps} == {model.name for model, _ in STEPPING}


@pytest.mark.parametrize(("model", "operation"), EVERYTHING, ids=named)
async def test_a_row_does_what_it_says_from_start_to_end(
    model: Model, operation: Operation, everywhere: Everywhere
) -> None:
    gateway = everywhere.gateways[model.gateway]
    call = a_call(model, operation)
    finished = await everywhere.ended(gateway, await gateway.start(call, key="t1.1"))
    assert isinstance(finished, Finished)
    if operation in TELLING:
        assert finished.texts
        assert all(text.strip() == text and text for text in finished.texts)
        return
    made = [await everywhere.fetched(model.gateway, result) for result in finished.pictures]
    if operation is Operation.ANIMATE:
        assert [inspect_video(video).mime for video in made] == ["video/mp4"]
        return
    assert len(made) == call.count
    assert all(inspect(picture).width > 0 for picture in made)
    if operation is Operation.CUTOUT:
        assert Image.open(io.BytesIO(made[0])).has_transparency_data


async def result_of(everywhere: Everywhere, model: Model, operation: Operation) -> tuple[Ticket, Finished]:
    gateway = everywhere.gateways[model.gateway]
    started = await gateway.start(a_call(model, operation), key="t1.1")
    assert isinstance(started, Pending)
    finished = await everywhere.ended(gateway, started)
    assert isinstance(finished, Finished)
    return started.ticket, finished


async def stepped(
    everywhere: Everywhere, model: Model, ticket: Ticket, offer: Offer, picture: bytes
) -> tuple[Ticket, list[bytes], tuple[Offer, ...]]:
    """Take a step on a result, of which this is a picture: its ticket, its pictures, its own steps."""
    gateway = everywhere.gateways[model.gateway]
    assert isinstance(gateway, Acts)
    call = Call(model, offer.operation, "a blue hat")
    if offer.operation is Operation.INPAINT:
        seen = inspect(picture)
        own = InputImage(picture, seen.mime, seen.width, seen.height)
        call = replace(call, images=(own,), mask=holed(seen.width, seen.height))
    outcome = await gateway.act(Follow(ticket, offer.token, offer.label), call, key="t2.1")
    assert isinstance(outcome, Pending)
    finished = await everywhere.ended(gateway, outcome)
    assert isinstance(finished, Finished)
    made = [await everywhere.fetched(model.gateway, result) for result in finished.pictures]
    return outcome.ticket, made, finished.offers


@pytest.mark.parametrize(("model", "operation"), STEPPING, ids=named)
async def test_every_kind_of_next_step_of_a_result_is_taken_to_its_end(
    model: Model, operation: Operation, everywhere: Everywhere
) -> None:
    ticket, finished = await result_of(everywhere, model, operation)
    steps = {offer.operation: offer for offer in finished.offers}
    assert {offer.index for offer in finished.offers if offer.operation is Operation.UPSCALE} == {0, 1, 2, 3}
    enlarged, (large,), further = await stepped(everywhere, model, ticket, steps.pop(Operation.UPSCALE), b"")
    taken = {Operation.UPSCALE}
    for kind, offer in steps.items():
        _, made, _ = await stepped(everywhere, model, ticket, offer, b"")
        assert len(made) == 4
        taken.add(kind)
    for offer in {each.operation: each for each in further}.values():
        _, made, _ = await stepped(everywhere, model, enlarged, offer, large)
        assert all(inspect_video(each) if offer.operation is Operation.ANIMATE else inspect(each) for each in made)
        taken.add(offer.operation)
    assert model.steps <= taken
