"""Whatever a gateway answers, it becomes an Outcome or a GatewayError."""

import base64
from typing import Any

import pytest

from core.errors import AnswerUnreadable, Charged, GatewayError, GatewayFailed, PromptRefused
from core.gateways import flux
from core.gateways.aihubmix import task_id
from core.gateways.answers import finished
from core.gateways.inputs import numbered
from core.types import Failed, Finished, InlinePicture, Outcome, Pending, RemotePicture, Ticket

PIXELS = b"\x89PNG\r\n\x1a\n and so on"
B64 = base64.b64encode(PIXELS).decode()
LINK = "https://delivery-eu.bfl.ai/results/xxx/sample.jpeg?signature=x"
TICKET = Ticket("aihubmix", "api.us1.bfl.f9821dbf@1", "hub")

#: As the gateways' documents print them.
ANSWERS: list[dict[str, Any]] = [
    {"created": 1776832476, "data": [{"url": LINK}]},
    {"created": 1, "data": [{"url": LINK, "b64_json": "", "revised_prompt": ""}]},
    {"data": [{"b64_json": B64}], "usage": {"total_tokens": 100}},
    {"output": {"b64_json": [{"bytesBase64": B64, "mimeType": "png"}], "urls": []}, "usage": {"total_tokens": 7061}},
    {"output": [{"bytesBase64": B64, "mimeType": "image/png"}]},
    {"output": [{"url": LINK}]},
    {"output": [{"b64_json": B64}]},
    {"output": {"urls": [LINK]}},
    {"output": [{"url": LINK, "is_image_safe": True, "resolution": "1024x1024"}, {"url": "", "is_image_safe": False}]},
    {"output": [LINK]},
]
TASKS: list[dict[str, Any]] = [
    {"id": "1", "status": "Ready", "result": {"sample": LINK, "seed": 1234}, "progress": None},
    {"status": "Ready", "result": {"samples": [LINK, LINK + "2"]}},
    {"id": "1", "status": "Pending", "result": None, "progress": 0.4, "details": None},
    {"status": "Request Moderated", "result": None, "details": {"Moderation Reasons": ["Derivative Works Filter"]}},
    {"status": "Error", "detail": "Generation failed"},
    {"status": "Task not found"},
]


async def read(answer: dict[str, Any]) -> Outcome:
    try:
        return await finished(answer, raw="raw")
    except GatewayError as error:
        return Failed(error)


@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_known_shape_gives_its_one_picture(answer: dict[str, Any]) -> None:
    outcome = await read(answer)
    assert isinstance(outcome, Finished)
    assert outcome.pictures in ((RemotePicture(LINK),), (InlinePicture(PIXELS),))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"data": []}, PromptRefused),
        ({"data": [{"url": "", "b64_json": ""}]}, PromptRefused),
        ({"data": [{"url": "null"}]}, PromptRefused),
        ({"data": [{"url": None, "is_image_safe": False}]}, PromptRefused),
        ({"data": [{"url": LINK, "is_image_safe": False}]}, PromptRefused),
        ({"output": [{"is_image_safe": False}]}, PromptRefused),
        ({"output": {"b64_json": [], "urls": []}}, PromptRefused),
        ({"error": {"code": "content_policy_violation", "message": "no"}}, PromptRefused),
        ({"error": {"message": "upstream failed"}}, GatewayFailed),
        ({}, AnswerUnreadable),
        ({"data": 7}, AnswerUnreadable),
        ({"output": [{"taskId": "../../v1/models"}]}, AnswerUnreadable),
        ({"output": [{"image": LINK}]}, AnswerUnreadable),
        ({"data": [{"b64_json": "not base64!"}]}, AnswerUnreadable),
        ({"data": [{"url": "ftp://somewhere/else"}]}, AnswerUnreadable),
    ],
)
async def test_an_answer_without_a_picture_may_have_been_paid(answer: dict[str, Any], kind: type[GatewayError]) -> None:
    outcome = await read(answer)
    assert isinstance(outcome, Failed)
    assert (type(outcome.error), outcome.error.charged) == (kind, Charged.UNKNOWN)


async def test_one_damaged_picture_of_several_costs_only_itself() -> None:
    outcome = await read({"data": [{"b64_json": "!"}, {"b64_json": B64}, {"url": LINK}]})
    assert isinstance(outcome, Finished)
    assert outcome.pictures == (InlinePicture(PIXELS), RemotePicture(LINK))


async def test_base64_may_be_a_data_url_wrapped_or_unpadded() -> None:
    for text in (f"data:image/png;base64,{B64}", B64[:10] + "\n" + B64[10:], B64.rstrip("=")):
        outcome = await read({"data": [{"b64_json": text}]})
        assert isinstance(outcome, Finished)
        assert outcome.pictures == (InlinePicture(PIXELS),)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"output": [{"polling_url": "https://api.us1.bfl.ai/x", "taskId": "api.us1.bfl.1-2"}]}, "api.us1.bfl.1-2"),
        ({"output": [{"id": "older"}]}, "older"),
        ({"output": [{"id": "called-back", "status": "Pending", "webhook_url": "https://a/b"}]}, "called-back"),
        ({"output": [{"id": "of-the-picture", "url": LINK}]}, None),
        ({"output": [{"taskId": ""}]}, None),
        ({"output": [{"taskId": "null"}]}, None),
        ({"output": [{"taskId": ".."}]}, None),
        ({"output": [{"taskId": "a/../b"}]}, None),
        ({"output": [{"taskId": "a?b"}]}, None),
        ({"output": [{"taskId": 7}]}, None),
        ({"output": []}, None),
    ],
)
def test_a_task_id_is_a_word_that_may_stand_in_a_path(answer: dict[str, Any], found: str | None) -> None:
    assert task_id(answer) == found


@pytest.mark.parametrize(
    ("status", "age", "kind"),
    [
        ("Ready", 1, "Finished"),
        ("ready", 1, "Finished"),
        ("READY", 1, "Finished"),
        ("succeeded", 1, "Finished"),
        ("completed", 1, "Finished"),
        ("Pending", 1, "Pending"),
        ("Reasoning", 1, "Pending"),
        ("Generating", 1, "Pending"),
        ("Sketching", 1, "Pending"),
        ("Request Moderated", 1, "PromptRefused"),
        ("content moderated", 1, "PromptRefused"),
        ("Request_Moderated", 1, "PromptRefused"),
        ("Error", 1, "GatewayGaveUp"),
        ("Task not found", 1, "GatewayFailed"),
        ("Task not found", 29, "GatewayFailed"),
        ("Task not found", 30, "PictureGone"),
        ("", 1, "GatewayFailed"),
    ],
)
def test_a_status_means_the_same_in_every_spelling(status: str, age: float, kind: str) -> None:
    answer = {"status": status, "result": {"sample": LINK}}
    outcome = flux.task_outcome(answer, TICKET, age=age, raw="raw")
    assert type(outcome.error if isinstance(outcome, Failed) else outcome).__name__ == kind


@pytest.mark.parametrize(
    ("said", "share"), [(0.25, 0.25), (1, 1.0), (40, 0.4), (None, None), ("50%", None), (True, None), (-1, None)]
)
def test_progress_is_a_share_or_a_percentage(said: object, share: float | None) -> None:
    outcome = flux.task_outcome({"status": "Pending", "progress": said}, TICKET, age=1, raw="")
    assert outcome == Pending(TICKET, 2.0, share)


def test_references_are_numbered_from_two() -> None:
    assert list(numbered(["a", "b", "c"])) == ["input_image", "input_image_2", "input_image_3"]
