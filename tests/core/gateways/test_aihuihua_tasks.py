"""Whatever aihuihua says of its tasks, in whichever spelling, it becomes an Outcome or a GatewayError."""

import json
from typing import Any

import pytest

from core.errors import (
    AnswerUnreadable,
    BalanceEmpty,
    Charged,
    GatewayBusy,
    GatewayError,
    GatewayFailed,
    KeyRejected,
    OrderInvalid,
    PromptRefused,
)
from core.gateways.aihuihua_codes import accepted
from core.gateways.aihuihua_tasks import Kind, heard, listed, named, outcome, progress, task_of, ticket_id
from core.pictures import QUARTERS
from core.types import Failed, Finished, Outcome, Pending, RemotePicture, Ticket

UP = "https://cdn.example/cn_comfy/123/up.png"
OURS = "https://bots.example/"
MINE = f"{OURS}media/abc.png"
TICKET = Ticket("aihuihua", "123", "hui-flux")
GRID = Ticket("aihuihua", "123@grid", "hui-flux")
WORDS = Ticket("aihuihua", "123@words", "hui-midjourney")
REGION = Ticket("aihuihua", "123@region", "hui-midjourney")
QUARTERED = tuple(RemotePicture(f"{UP}#{quarter}") for quarter in QUARTERS)


def read(task: dict[str, Any], ticket: Ticket = TICKET) -> Outcome:
    return outcome({"id": "123", "action": "X", "cost": 20} | task, ticket, ask_in=60.0, raw="raw", ours=OURS)


def pictures(task: dict[str, Any], ticket: Ticket = TICKET) -> list[str]:
    found = read({"status": "SUCCESS"} | task, ticket)
    assert isinstance(found, Finished), found
    assert found.answer == "raw"
    return [made.url for made in found.pictures if isinstance(made, RemotePicture)]


# -- submits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"code": 1, "description": "Submit success", "result": "123"}, "123"),
        ({"code": "1", "result": 123}, "123"),
        ({"code": 22, "description": "排队中", "result": "123"}, "123"),
        ({"code": 21, "result": "123"}, "123"),
        ({"code": 1, "result": 1.5}, AnswerUnreadable),
        ({"code": 1, "result": ""}, AnswerUnreadable),
        ({"code": 1, "result": "null"}, AnswerUnreadable),
        ({"code": 1, "result": "12@3"}, AnswerUnreadable),
        ({"code": 1}, AnswerUnreadable),
        ({"code": 23, "description": "队列已满", "result": "124"}, GatewayBusy),
        ({"code": "23"}, GatewayBusy),
        ({"code": 24, "description": "提示词包含敏感词"}, PromptRefused),
        ({"code": 9, "description": "图片内容违规"}, PromptRefused),
        ({"code": 9, "description": "积分不足，请充值"}, BalanceEmpty),
        ({"code": 9, "msg": "余额不足"}, BalanceEmpty),
        ({"code": 4, "description": "参数错误"}, OrderInvalid),
        ({"code": 401, "message": "密钥无效"}, KeyRejected),
        ({"code": 429}, GatewayBusy),
        ({"code": 9, "description": "系统异常"}, GatewayFailed),
        ({"code": True}, AnswerUnreadable),
        ({}, AnswerUnreadable),
    ],
)
def test_a_submit_is_a_task_or_an_error(answer: dict[str, Any], found: str | type[GatewayError]) -> None:
    if isinstance(found, str):
        assert accepted(answer, raw="raw") == found
        return
    with pytest.raises(GatewayError) as caught:
        accepted(answer, raw="raw")
    assert (type(caught.value), caught.value.detail) == (found, "raw")


# -- where tasks are ------------------------------------------------------------------------------------------------

TASK = {"id": "123", "status": "SUCCESS"}


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        ([TASK, {"id": 124, "status": ""}], ["123", "124"]),
        ({"code": 1, "description": "success", "result": [TASK]}, ["123"]),
        ({"code": 200, "data": {"list": [TASK], "total": 1}}, ["123"]),
        ({"code": 1, "id": "request 7", "status": 200, "data": [TASK]}, ["123"]),
        ([{"code": 1, "result": TASK}], ["123"]),
        ({"ID": 123, "Status": "SUCCESS", "result": ["https://x/y.png"]}, ["123"]),
        ({"code": "1", "result": None}, []),
        ({"code": 1, "result": []}, []),
        ([7, None, [], {}, {"id": 123}], []),
        ([], []),
        ({"code": 401, "description": "密钥无效"}, KeyRejected),
        ({"code": 404, "description": "任务不存在"}, GatewayFailed),
        ({"error": "no"}, AnswerUnreadable),
        ("", AnswerUnreadable),
        (None, AnswerUnreadable),
    ],
)
def test_a_list_is_found_in_every_wrapping(answer: object, ids: list[str] | type[GatewayError]) -> None:
    if isinstance(ids, list):
        assert [named(task) for task in listed(answer, raw="raw")] == ids
        return
    with pytest.raises(GatewayError) as caught:
        listed(answer, raw="raw")
    assert (type(caught.value), caught.value.charged) == (ids, Charged.NO)


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        (json.dumps(TASK), ["123"]),
        (json.dumps({"code": 1, "data": TASK | {"id": 123}}), ["123"]),
        (json.dumps([TASK, TASK, {"id": "124", "status": "x"}]), ["123", "124"]),
        ('{"taskId": "123"}', ["123"]),
        ('{"status": "SUCCESS"}', []),
        ('{"id": 1.5}', []),
        ("id=123&status=SUCCESS", []),
        ("[" * 100_000, []),
        ("\udcff", []),
        ("", []),
    ],
)
def test_of_a_call_back_only_the_ids_are_taken(body: str, ids: list[str]) -> None:
    assert heard(body.encode("utf-8", "surrogateescape")) == ids


def test_what_a_task_makes_goes_through_its_ticket() -> None:
    for kind in Kind:
        assert task_of(ticket_id("123", kind)) == ("123", kind)
    assert ticket_id("123", Kind.PICTURES) == "123"
    assert task_of("123@something") == ("123", Kind.PICTURES)


# -- states ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        ({"status": "SUCCESS", "imageUrl": UP}, "Finished"),
        ({"Status": "success", "imgUrl": UP}, "Finished"),
        ({"status": "completed", "url": UP}, "Finished"),
        ({"status": "已完成", "url": UP}, "Finished"),
        ({"status": "SUCCESS", "imageUrl": ""}, "AnswerUnreadable"),
        ({"status": "SUCCESS", "imageUrl": "ftp://x/y.png"}, "AnswerUnreadable"),
        ({"status": "SUCCESS", "imgUrl": MINE}, "AnswerUnreadable"),
        ({"status": 2, "imageUrl": UP}, "Finished"),
        ({"status": "DREAMING", "imageUrl": UP, "progress": "100%"}, "Finished"),
        ({"status": "DREAMING", "imageUrl": UP, "progress": "99%"}, "Pending"),
        ({"status": "DREAMING", "imgUrl": MINE}, "Pending"),
        ({"status": "DREAMING"}, "Pending"),
        ({"status": "IN_PROGRESS", "imageUrl": UP, "progress": 100}, "Pending"),
        ({"status": "in progress", "imageUrl": UP}, "Pending"),
        ({"status": "not-start", "imageUrl": UP}, "Pending"),
        ({"status": "SUBMITTED"}, "Pending"),
        ({"status": "MODAL"}, "Pending"),
        ({"status": "", "imageUrl": UP}, "Pending"),
        ({"imageUrl": UP}, "Pending"),
        ({"status": "FAILURE", "imageUrl": UP, "failReason": "任务超时"}, "GatewayGaveUp"),
        ({"status": "失败"}, "GatewayGaveUp"),
        ({"status": "CANCEL"}, "GatewayGaveUp"),
        ({"status": "failed", "fail_reason": "提示词包含敏感词"}, "PromptRefused"),
        ({"status": "FAILURE", "description": "图片内容违规"}, "PromptRefused"),
        ({"status": "FAILURE", "failReason": "Banned prompt detected"}, "PromptRefused"),
    ],
)
def test_a_state_means_the_same_in_every_spelling(task: dict[str, Any], kind: str) -> None:
    found = read(task)
    assert type(found.error if isinstance(found, Failed) else found).__name__ == kind
    if isinstance(found, Failed):
        # Whether a task that failed gives the points back is not published.
        assert (found.error.charged, found.error.detail) == (Charged.UNKNOWN, "raw")


def test_a_pending_task_is_asked_about_with_others_and_brings_its_raw_answer() -> None:
    found = read({"status": "IN_PROGRESS", "progress": "31%"})
    assert found == Pending(TICKET, 60.0, 0.31, together=True, answer="raw")


@pytest.mark.parametrize(
    ("said", "share"),
    [
        *[("50%", 0.5), ("50", 0.5), ("100%", 1.0), (" 7.5 % ", 0.075), ("900%", 1.0)],
        *[(50, 0.5), (1, 0.01), (0.5, 0.5), (100.0, 1.0), (900, 1.0), (10**400, 1.0), (0, 0.0)],
    ],
)
def test_progress_is_a_percentage_or_a_share(said: object, share: float) -> None:
    assert progress(said) == share


@pytest.mark.parametrize("said", ["", "half", "-5%", -5, None, True, float("nan"), float("inf"), []])
def test_progress_that_says_nothing_is_unknown(said: object) -> None:
    assert progress(said) is None


# -- results --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "task",
    [
        {"imageUrl": UP},
        {"image_url": f" {UP}#x "},
        {"imgUrl": UP},
        {"url": UP, "imgUrl": "https://cdn.example/what-was-sent.png"},
        {"imageUrl": "", "imageUrls": [UP, UP]},
        {"images": [{"url": UP, "thumbnail": "https://cdn.example/small.png"}]},
        {"result": UP},
        {"result": {"imageUrl": UP}, "buttons": []},
        {"data": json.loads(json.dumps([{"result": {"urls": [UP]}}]))},
        {"imgUrl": MINE, "resultUrl": UP},
    ],
)
def test_a_picture_is_found_where_it_may_be(task: dict[str, Any]) -> None:
    assert pictures(task) == [UP]


def test_a_video_is_taken_before_its_cover() -> None:
    assert pictures({"videoUrl": "https://cdn.example/v.mp4", "imageUrl": UP}) == ["https://cdn.example/v.mp4"]


def test_four_in_one_is_four_links_and_four_of_them_are_taken_as_they_are() -> None:
    cut = [f"https://cdn.example/{place}.png" for place in range(4)]
    assert pictures({"imageUrl": UP}, GRID) == [picture.url for picture in QUARTERED]
    assert pictures({"imageUrl": UP, "urls": cut}, GRID) == cut
    assert pictures({"imageUrl": [UP]}, GRID) == [picture.url for picture in QUARTERED]


def test_a_result_whose_four_parts_can_be_enlarged_is_a_grid_whatever_made_it() -> None:
    buttons = [{"customId": f"MF::JOB::upsample::{number}::x", "label": f"U{number}"} for number in range(1, 5)]
    assert pictures({"imageUrl": UP, "buttons": buttons}) == [picture.url for picture in QUARTERED]
    assert pictures({"imageUrl": UP, "buttons": buttons[:2]}) == [UP]


PROMPTS = ("a fox --ar 3:2", "two foxes", "snow", "the end")


@pytest.mark.parametrize(
    "task",
    [
        {"prompt": "\n".join(PROMPTS)},
        {"prompt": "", "description": "\n".join(PROMPTS), "imageUrl": UP},
        {"description": "Submit success", "result": "\r\n".join(PROMPTS)},
        {"prompt": "describe", "text": "\n\n".join(f"{n}\ufe0f\u20e3 {line}" for n, line in enumerate(PROMPTS, 1))},
        {"prompts": [f"{number}. {line}" for number, line in enumerate(PROMPTS, 1)]},
    ],
)
def test_four_prompts_are_found_in_whichever_field_has_them(task: dict[str, Any]) -> None:
    assert read({"status": "SUCCESS"} | task, WORDS) == Finished(texts=PROMPTS, answer="raw")


def test_a_description_without_words_is_unreadable() -> None:
    found = read({"status": "SUCCESS", "description": "success", "imageUrl": UP}, WORDS)
    assert isinstance(found, Failed)
    assert isinstance(found.error, AnswerUnreadable)


# -- next steps -----------------------------------------------------------------------------------------------------


def steps(ticket: Ticket, *buttons: object) -> list[tuple[str, str, int | None]]:
    found = read({"status": "SUCCESS", "imageUrl": UP, "Buttons": list(buttons)}, ticket)
    assert isinstance(found, Finished)
    return [(offer.operation.value, offer.label, offer.index) for offer in found.offers]


@pytest.mark.parametrize(
    ("button", "step"),
    [
        ({"customId": "FL::JOB::upsample::2::x", "label": "U2"}, ("upscale", "U2", 1)),
        ({"customId": "MF::JOB::variation::4::x", "label": ""}, ("vary", "V4", 3)),
        ({"custom_id": "a", "Label": "放大3"}, ("upscale", "放大3", 2)),
        ({"customId": "a", "label": "拓展 1"}, ("vary", "拓展 1", 0)),
        ({"customId": "a", "label": "", "emoji": "🔄"}, ("imagine", "🔄", None)),
        ({"customId": "a", "label": "刷新"}, ("imagine", "刷新", None)),
        ({"customId": "a", "label": "无损放大"}, ("upscale", "无损放大", None)),
        ({"customId": "a", "label": "自动抠图"}, ("cutout", "自动抠图", None)),
        ({"customId": "a", "label": "图片转线稿"}, ("lineart", "图片转线稿", None)),
        ({"customId": "a", "label": "Vary (Subtle)"}, ("vary", "Vary (Subtle)", None)),
        ({"customId": "a", "label": "Zoom Out 2x"}, ("zoom", "Zoom Out 2x", None)),
        ({"customId": "a", "label": "⬅️"}, ("pan", "⬅️", None)),
        ({"customId": "FL::JOB::pan_up::1::x"}, ("pan", "⬆️", None)),
    ],
)
def test_a_button_that_can_be_told_is_a_next_step(button: dict[str, Any], step: tuple[str, str, int | None]) -> None:
    assert steps(GRID, button) == [step]
    assert steps(GRID, button, button, None, 7) == [step]


@pytest.mark.parametrize(
    "button",
    [
        {"customId": "a", "label": "裁剪"},
        {"customId": "a", "label": "局部重绘"},
        {"customId": "a", "label": "换脸"},
        {"customId": "MF::Inpaint::1::x", "label": "Vary (Region)"},
        {"customId": "FL::Inpaint::1::x", "label": ""},
        {"customId": "FL::JOB::animate_high::1::x", "label": "Animate (High motion)"},
        {"customId": "a", "label": "Custom Zoom"},
        {"customId": "", "label": "U1"},
        {"customId": "x" * 301, "label": "U1"},
        {"customId": "a"},
        {"label": "U1"},
    ],
)
def test_a_button_that_cannot_be_told_or_wants_more_than_a_press_is_left_out(button: dict[str, Any]) -> None:
    assert steps(GRID, button) == []


def test_an_area_can_be_made_anew_where_the_masks_colour_is_known() -> None:
    button = {"customId": "FL::Inpaint::1::x", "label": "Vary (Region)"}
    assert steps(REGION, button) == [("inpaint", "Vary (Region)", None)]


def test_a_single_picture_has_no_second_one_to_enlarge() -> None:
    assert steps(TICKET, {"customId": "MF::JOB::upsample::2::x", "label": "U2"}) == []


def test_prompts_are_found_where_the_family_keeps_them_and_a_repeated_address_is_none() -> None:
    told = {"status": "SUCCESS", "prompt": MINE, "properties": {"finalPrompt": "1️⃣ a red fox\n\n2️⃣ snow"}}
    found = read(told, WORDS)
    assert isinstance(found, Finished)
    assert found.texts == ("a red fox", "snow")
    alone = read({"status": "SUCCESS", "prompt": MINE}, WORDS)
    assert isinstance(alone, Failed)


@pytest.mark.parametrize("status", ["GENERATING", "in_queue", "绘制中"])
def test_a_picture_before_its_end_is_no_result(status: str) -> None:
    assert isinstance(read({"status": status, "imageUrl": UP}), Pending)
