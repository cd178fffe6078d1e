"""Whatever a midjourney-proxy says, it becomes an Outcome or a GatewayError."""

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import (
    AnswerUnreadable,
    BalanceEmpty,
    Charged,
    GatewayBusy,
    GatewayDown,
    GatewayError,
    GatewayFailed,
    OrderInvalid,
    PromptRefused,
)
from core.gateways.midjourney import accepted, progress, task_id, task_outcome
from core.pictures import QUARTERS
from core.types import Failed, Finished, Pending, RemotePicture, Ticket

NO = Charged.NO
GRID = "https://cdn.discordapp.com/attachments/1/2/grid.png?ex=6631&is=661e&hm=c5"
TICKET = Ticket("midjourney_proxy", "1725017986212425", "midjourney")


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"code": 1, "description": "Submit success", "result": "1725017986212425"}, "1725017986212425"),
        ({"code": 1, "result": 1320098173412546}, "1320098173412546"),
        ({"code": "22", "result": "task_123"}, "task_123"),
        ({"code": 21, "result": "7", "properties": {"status": "SUCCESS", "imageUrl": GRID}}, "7"),
        ({"code": 1, "result": 1.320098173412546e15}, AnswerUnreadable),
        ({"code": 1, "result": None}, AnswerUnreadable),
        ({"code": 1, "result": "null"}, AnswerUnreadable),
        ({"code": 1, "result": True}, AnswerUnreadable),
        ({"code": 3, "description": "无可用的账号实例"}, GatewayDown),
        ({"code": 4, "description": "prompt不能为空"}, OrderInvalid),
        ({"code": 4, "description": "可能包含敏感词"}, PromptRefused),
        ({"code": 4, "description": "quota_not_enough"}, BalanceEmpty),
        ({"code": 9, "description": "系统异常"}, GatewayFailed),
        ({"code": 23, "description": "队列已满", "result": "14001929738841620"}, GatewayBusy),
        ({"code": 24, "description": "可能包含敏感词", "properties": {"bannedWord": "nude"}}, PromptRefused),
        ({"code": 30, "description": "当前分组上游负载已饱和"}, GatewayBusy),
        ({"code": 77}, GatewayFailed),
        ({"code": True}, AnswerUnreadable),
        ({}, AnswerUnreadable),
    ],
)
def test_a_code_is_a_task_or_an_error(answer: dict[str, Any], found: str | type[GatewayError]) -> None:
    if isinstance(found, str):
        assert accepted(answer, raw="raw") == found
        return
    with pytest.raises(GatewayError) as caught:
        accepted(answer, raw="raw")
    assert type(caught.value) is found


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        ({"status": "SUCCESS", "imageUrl": GRID}, "Finished"),
        ({"status": "success", "imageUrl": GRID}, "Finished"),
        ({"status": "Succeeded", "imageUrl": GRID}, "Finished"),
        ({"status": "SUCCESS", "imageUrl": ""}, "AnswerUnreadable"),
        ({"status": "SUCCESS", "imageUrl": "ftp://x/y.png"}, "AnswerUnreadable"),
        ({"status": "IN_PROGRESS", "imageUrl": GRID, "progress": "100%"}, "Pending"),
        ({"status": "in progress", "imageUrl": GRID}, "Pending"),
        ({"status": "NOT_START"}, "Pending"),
        ({"status": "SUBMITTED"}, "Pending"),
        ({"status": "", "imageUrl": GRID}, "Pending"),
        ({"status": None}, "Pending"),
        ({"status": "DREAMING"}, "Pending"),
        ({"status": "MODAL"}, "GatewayGaveUp"),
        ({"status": "FAILURE", "progress": "100%", "failReason": "任务超时"}, "GatewayGaveUp"),
        ({"status": "Failed", "failReason": "Banned prompt detected"}, "PromptRefused"),
        ({"status": "FAILURE", "failReason": "可能包含敏感词"}, "PromptRefused"),
        ({"status": "CANCEL", "imageUrl": GRID}, "GatewayGaveUp"),
    ],
)
def test_a_state_means_the_same_in_every_spelling(task: dict[str, Any], kind: str) -> None:
    outcome = task_outcome(task, TICKET)
    assert type(outcome.error if isinstance(outcome, Failed) else outcome).__name__ == kind
    assert not isinstance(outcome, Failed) or outcome.error.charged is NO or kind == "AnswerUnreadable"


def test_four_pictures_that_the_proxy_has_cut_itself_are_taken_as_they_are() -> None:
    cut = [f"https://cdn.example/{place}.webp" for place in range(4)]
    task = {"status": "SUCCESS", "imageUrl": GRID, "imageUrls": [{"url": url, "thumbnail": GRID} for url in cut]}
    assert task_outcome(task, TICKET) == Finished(tuple(RemotePicture(url) for url in cut))
    for other in ([{"url": GRID}], [{"url": GRID}, *task["imageUrls"][:3]], [{"url": ""}] * 4, "x"):
        grid = task_outcome({**task, "imageUrls": other}, TICKET)
        assert grid == Finished(tuple(RemotePicture(f"{GRID}#{quarter}") for quarter in QUARTERS))


@pytest.mark.parametrize(
    ("said", "share"),
    [("50%", 0.5), ("0%", 0.0), ("100%", 1.0), (" 7 % ", 0.07), ("12.5%", 0.125), ("900%", 1.0)]
    + [(nothing, None) for nothing in ("", "half", "-5%", None, 50, True)],
)
def test_progress_is_a_percentage_in_words(said: object, share: float | None) -> None:
    assert progress(said) == share


RECORDED: list[dict[str, Any]] = [
    {"code": 22, "description": "排队中", "result": "0741798445574458", "properties": {"numberOfQueues": 1}},
    {"id": "17", "status": "SUCCESS", "progress": "100%", "imageUrl": GRID, "seed": 7, "buttons": [{"customId": "x"}]},
    {"id": 17, "status": "SUCCESS", "imageUrl": GRID, "imageUrls": [{"url": f"{GRID}{n}"} for n in range(4)]},
    {"id": "17", "status": "FAILURE", "failReason": "任务超时", "properties": None},
    {"id": "17", "status": "IN_PROGRESS", "progress": "31%", "imageUrl": GRID},
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["null", GRID]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["url", "code", "id"]), inner),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(RECORDED), st.data())
def test_a_mutated_answer_is_an_outcome_or_a_gateway_error(recorded: dict[str, Any], data: st.DataObject) -> None:
    answer = copy.deepcopy(recorded)
    for name in data.draw(st.lists(st.sampled_from(list(answer)), min_size=1, max_size=3)):
        answer[name] = data.draw(JSON)
    with contextlib.suppress(GatewayError):
        assert accepted(answer, raw="raw")
    outcome = task_outcome(answer, TICKET)
    assert isinstance(outcome, (Pending, Finished, Failed))
    if isinstance(outcome, Finished):
        assert all(isinstance(made, RemotePicture) and made.url.startswith("http") for made in outcome.pictures)
        assert len(outcome.pictures) == 4
    assert task_id(answer.get("id")) is None or isinstance(task_id(answer.get("id")), str)
