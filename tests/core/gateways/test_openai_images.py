"""OpenAI's wire: what each family of models is sent and what never, and every error of a submit."""

from dataclasses import replace
from typing import Any

import pytest

from core.errors import Charged, OrderInvalid
from core.gateway import Call
from core.gateways.openai_images import OpenAiImages
from core.gateways.openai_wire import FAMILIES
from core.pictures import inspect
from core.types import Finished, InlinePicture, Operation, RemotePicture
from sandbox.gateways import OpenAiSandbox
from tests.core.gateways.calls import ROWS, a_call, an_input
from tests.core.gateways.shared import apicore, apicore_host, openai, openai_host

pytestmark = pytest.mark.asyncio(loop_scope="module")
__all__ = ["apicore", "apicore_host", "openai", "openai_host"]
EDIT = Operation.EDIT


def changed(call: Call, *, route: str | None = None, wire: str | None = None, **fields: Any) -> Call:
    """The call with other wire fields in its row."""
    model = replace(call.model, fields={**call.model.fields, **fields})
    return replace(call, model=replace(model, route=model.route if route is None else route, wire=wire or model.wire))


async def sent(gateway: OpenAiImages, host: OpenAiSandbox, call: Call) -> dict[str, object]:
    """The fields with which the stand-in took the order."""
    before = len(host.orders)
    assert isinstance(await gateway.start(call, key="k"), Finished)
    assert len(host.orders) == before + 1
    return dict(host.orders[-1].fields)


async def test_every_openai_row_names_a_family_and_every_family_but_the_plain_one_has_a_row() -> None:
    assert {model.route for model in ROWS if model.gateway == "openai"} == set(FAMILIES) - {""}


@pytest.mark.parametrize("operation", [Operation.IMAGINE, EDIT])
async def test_gpt_image_is_never_sent_what_it_refuses_whatever_the_row_says(
    openai: OpenAiImages, openai_host: OpenAiSandbox, operation: Operation
) -> None:
    call = changed(
        a_call("gpt-image-1", operation, ratio=None),
        response_format="b64_json",
        style="vivid",
        size="auto",
        input_fidelity="high",
    )
    fields = await sent(openai, openai_host, call)
    assert not {"response_format", "style", "size"} & fields.keys()
    assert ("input_fidelity" in fields, "moderation" in fields) == ((True, False) if call.images else (False, True))


async def test_dall_e_3_is_sent_one_of_its_sizes_and_none_of_gpt_images_fields(
    openai: OpenAiImages, openai_host: OpenAiSandbox
) -> None:
    call = changed(a_call("dall-e-3", ratio="16:9"), background="opaque", output_format="png", moderation="low")
    fields = await sent(openai, openai_host, call)
    assert (fields["size"], fields["n"], fields["response_format"]) == ("1792x1024", 1, "url")
    assert not {"background", "output_format", "moderation"} & fields.keys()


@pytest.mark.parametrize(("form", "kind"), [("url", RemotePicture), ("b64_json", InlinePicture)])
async def test_dall_e_3_answers_in_the_form_that_the_row_chooses(
    openai: OpenAiImages, form: str, kind: type[object]
) -> None:
    finished = await openai.start(changed(a_call("dall-e-3"), response_format=form), key="k")
    assert isinstance(finished, Finished)
    assert [type(picture) for picture in finished.pictures] == [kind]


async def test_a_model_of_no_family_is_sent_its_rows_fields_and_the_seed(
    openai: OpenAiImages, openai_host: OpenAiSandbox
) -> None:
    call = changed(a_call("gpt-image-1", seed=7), route="", wire="paint-7")
    call = replace(call, model=replace(call.model, fields={"response_format": "b64_json", "user": "us"}))
    assert await sent(openai, openai_host, call) == {
        "model": "paint-7",
        "prompt": call.prompt,
        "n": 1,
        "seed": 7,
        "response_format": "b64_json",
        "user": "us",
        "size": "1536x1024",
    }


@pytest.mark.parametrize(("many", "name"), [(1, b'name="image"'), (3, b'name="image[]"')])
async def test_pictures_go_as_files_one_as_image_and_several_as_a_list(
    openai: OpenAiImages, openai_host: OpenAiSandbox, many: int, name: bytes
) -> None:
    call = a_call("gpt-image-1", EDIT, images=tuple(an_input(100 + place, 80) for place in range(many)))
    await sent(openai, openai_host, call)
    assert [inspect(picture).width for picture in openai_host.orders[-1].pictures] == [100, 101, 102][:many]
    assert openai_host.requests[-1].body.count(name) == many


async def test_several_pictures_of_one_call_come_together(openai: OpenAiImages) -> None:
    finished = await openai.start(a_call("gpt-image-1", count=3), key="k")
    assert isinstance(finished, Finished)
    assert len(finished.pictures) == 3


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (a_call("dall-e-3", count=2), "per_call"),
        (a_call("dall-e-3", images=(an_input(),)), "no pictures"),
        (a_call("gpt-image-1", ratio="21:9"), "21:9"),
        (changed(a_call("gpt-image-1"), route="dall-e-9"), "dall-e-9"),
    ],
)
async def test_a_row_that_asks_for_what_its_family_lacks_is_named_and_nothing_leaves(
    openai: OpenAiImages, openai_host: OpenAiSandbox, call: Call, named: str
) -> None:
    before = len(openai_host.requests)
    with pytest.raises(OrderInvalid, match=named) as caught:
        await openai.start(call, key="k")
    assert caught.value.charged is Charged.NO
    assert len(openai_host.requests) == before


async def test_doctor_lists_the_models_with_the_key(openai: OpenAiImages) -> None:
    assert await openai.check() == "takes the key, offers 3 models"
