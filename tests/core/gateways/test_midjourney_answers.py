"""Whatever a midjourney-proxy says, it becomes an Outcome or a GatewayError."""

from typing import Any

import pytest

from core.errors import (
    AnswerUnreadable,
    BalanceEmpty,
    CallbackRefused,
    Charged,
    GatewayBusy,
    GatewayDown,
    GatewayError,
    GatewayFailed,
    OrderInvalid,
    PromptRefused,
)
from core.gateways.midjourney_answers import (
    ASK_IN,
    REFRESH,
    accepted,
    heard,
    opens_window,
    progress,
    seed_in,
    task_outcome,
    window_prompt,
)
from core.gateways.midjourney_buttons import changes, offers_of
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
        ({"code": 3, "description": "关联任务不存在或已失效"}, OrderInvalid),
        ({"code": 4, "description": "prompt不能为空"}, OrderInvalid),
        ({"code": 4, "description": "task_not_found "}, OrderInvalid),
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
        ({"status": "MODAL"}, "Pending"),
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


EXISTED = {"code": 21, "description": "任务已存在", "properties": {"status": "SUCCESS", "imageUrl": GRID}}
WINDOW = {"code": 21, "description": "Waiting for window confirm", "properties": {"finalPrompt": "fox", "remix": True}}


@pytest.mark.parametrize(
    ("answer", "opens"),
    [
        (EXISTED, False),
        (EXISTED | {"description": "Existed in window"}, False),
        (EXISTED | {"properties": {"status": "IN_PROGRESS", "imageUrl": None}}, False),
        (WINDOW, True),
        (WINDOW | {"code": 1}, True),  # new-api
        (WINDOW | {"description": "21"}, True),
        (WINDOW | {"properties": None}, True),
        ({"code": 21, "description": "等待弹窗确认"}, True),
        ({"code": 21, "description": "任务已存在", "properties": {}}, False),
        ({"code": 1, "description": "Submit success", "properties": {"discordInstanceId": "1"}}, False),
        ({"code": 21}, False),
        ({"code": 21, "description": 7, "properties": [1]}, False),
    ],
)
def test_the_two_meanings_of_21_are_told_apart_by_what_stands_beside_it(answer: dict[str, Any], opens: bool) -> None:
    assert opens_window(answer) is opens
    assert window_prompt(answer) == ("fox" if answer.get("properties") == WINDOW["properties"] else None)


def test_new_api_looks_every_quarter_of_a_minute_and_a_proxy_that_calls_back_is_asked_more_seldom() -> None:
    waits = [
        [task_outcome({"status": status}, TICKET, ask_in=ask_in) for status in ("", "SUBMITTED")]
        for ask_in in (ASK_IN, 60.0)
    ]
    assert waits == [
        [Pending(TICKET, REFRESH, together=True), Pending(TICKET, ASK_IN, together=True)],
        [Pending(TICKET, 60.0, together=True)] * 2,
    ]


def _button(custom_id: str, label: str = "") -> dict[str, Any]:
    return {"customId": custom_id, "emoji": "", "label": label, "type": 2, "style": 2}


U1 = _button("MJ::JOB::upsample::1::3dbbd469", "U1")
VARY = _button("MJ::JOB::low_variation::1::3dbbd469::SOLO", "Vary (Subtle)")
REROLL = _button("MJ::JOB::reroll::0::3dbbd469::SOLO")


@pytest.mark.parametrize(
    ("action", "buttons", "pictures"),
    [
        *((action, [U1], 4) for action in ("IMAGINE", "BLEND", "VARIATION", "REROLL", "INPAINT", "PAN", "ACTION")),
        *((action, [], 4) for action in ("IMAGINE", "BLEND", "VARIATION", "REROLL", "INPAINT", "PAN", "ZOOM", "")),
        *((action, None, 4) for action in ("IMAGINE", "low_variation", None)),
        ("IMAGINE", [REROLL], 4),
        ("ACTION", [VARY], 1),
        ("IMAGINE", [VARY], 1),
        ("UPSCALE", [VARY], 1),
        *((action, [], 1) for action in ("UPSCALE", "ACTION", "SWAP_FACE", "upscale")),
    ],
)
def test_only_what_is_four_pictures_in_one_is_cut(action: str | None, buttons: object, pictures: int) -> None:
    made = task_outcome({"status": "SUCCESS", "imageUrl": GRID, "action": action, "buttons": buttons}, TICKET)
    assert isinstance(made, Finished)
    quarters = tuple(RemotePicture(f"{GRID}#{quarter}") for quarter in QUARTERS)
    assert made.pictures == (quarters if pictures == 4 else (RemotePicture(GRID),))


def test_a_grid_that_came_without_buttons_has_the_oldest_steps_and_one_picture_has_none() -> None:
    web = _button("", "Web")
    told = [("IMAGINE", None), ("IMAGINE", [web]), ("IMAGINE", [U1]), ("UPSCALE", []), ("IMAGINE", [REROLL])]
    made = [
        task_outcome({"status": "SUCCESS", "imageUrl": GRID, "action": action, "buttons": buttons}, TICKET)
        for action, buttons in told
    ]
    offers = [outcome.offers for outcome in made if isinstance(outcome, Finished)]
    assert offers == [changes(), changes(), offers_of([U1]), (), offers_of([REROLL])]


FILM = "https://cdn.example/film.mp4"


@pytest.mark.parametrize(
    ("fields", "links"),
    [
        ({"videoUrl": FILM, "imageUrl": GRID}, [FILM]),
        (
            {"videoUrl": FILM, "videoUrls": [{"url": FILM, "thumbnail": GRID}, {"url": f"{FILM}?2"}]},
            [FILM, f"{FILM}?2"],
        ),
        ({"videoUrls": [FILM]}, [FILM]),
        ({"imageUrl": f"{FILM}?ex=1"}, [f"{FILM}?ex=1"]),
        ({"videoUrl": "", "videoUrls": None, "imageUrl": GRID, "action": "VIDEO"}, [GRID]),
    ],
)
def test_films_are_where_their_own_fields_say_and_are_never_cut(fields: dict[str, Any], links: list[str]) -> None:
    made = task_outcome({"status": "SUCCESS", **fields}, TICKET)
    assert isinstance(made, Finished)
    assert made.pictures == tuple(RemotePicture(link) for link in links)


@pytest.mark.parametrize(("said", "seed"), [(7, 7), ("4711", 4711), (" 7 ", 7), ("", None), ("-1", None), (1.5, None)])
def test_a_seed_is_a_number_or_its_digits(said: object, seed: int | None) -> None:
    assert seed_in(said) == seed


@pytest.mark.parametrize("body", [b'{"id": "17", "status": "SUCCESS"}', b'{"id": 17, "imageUrl": null}'])
def test_a_call_back_names_its_task(body: bytes) -> None:
    assert heard(body) == ["17"]


@pytest.mark.parametrize("body", [b"", b"id=17", b"[]", b"17", b'{"taskId": "17"}', b'{"id": null}', b"[" * 100_000])
def test_what_names_no_task_is_no_call_back(body: bytes) -> None:
    with pytest.raises(CallbackRefused):
        heard(body)


def test_four_pictures_that_the_proxy_has_cut_itself_are_taken_as_they_are() -> None:
    cut = [f"https://cdn.example/{place}.webp" for place in range(4)]
    task = {"status": "SUCCESS", "imageUrl": GRID, "imageUrls": [{"url": url, "thumbnail": GRID} for url in cut]}
    assert task_outcome({**task, "buttons": [U1]}, TICKET) == Finished(
        tuple(RemotePicture(url) for url in cut), offers=offers_of([U1])
    )
    for other in ([{"url": GRID}], [{"url": GRID}, *task["imageUrls"][:3]], [{"url": ""}] * 4, "x"):
        grid = task_outcome({**task, "imageUrls": other}, TICKET)
        assert isinstance(grid, Finished)
        assert grid.pictures == tuple(RemotePicture(f"{GRID}#{quarter}") for quarter in QUARTERS)


@pytest.mark.parametrize(
    ("said", "share"),
    [("50%", 0.5), ("0%", 0.0), ("100%", 1.0), (" 7 % ", 0.07), ("12.5%", 0.125), ("900%", 1.0)]
    + [(nothing, None) for nothing in ("", "half", "-5%", None, 50, True)],
)
def test_progress_is_a_percentage_in_words(said: object, share: float | None) -> None:
    assert progress(said) == share
