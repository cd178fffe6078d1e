"""A picture's life in words: where it stands, how it was made, why it failed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bots.texts import Style, caption, failure, status, utf16_length
from bots.words import Words
from core.types import Failure, Operation, Request, Stage, View
from tests.bots.texts.samples import LONG_PROMPTS, MARKDOWN, NOW, PLAIN, view

WORDS = Words()
FULL = view(
    Stage.DONE,
    request=Request(Operation.IMAGINE, "a red fox", "flux-2-pro", "16:9", 3, 42, "text"),
    seeds=(42, 43),
    seconds=12.4,
    credits=2,
    dropped=("seed", "ratio"),
    missing=1,
    failure=Failure("error.gateway_silent", detail="SECRET"),
)


def test_a_request_that_nobody_takes_says_that_it_is_kept() -> None:
    text = status(WORDS, view(Stage.RETRYING), PLAIN, NOW)
    assert "is kept and tried again" in text
    assert text.endswith("\na red fox")


@pytest.mark.parametrize(
    ("position", "line"),
    [(None, "⏳ On it…"), (1, "⏳ You're next."), (3, "⏳ You're number 3 in the queue.")],
)
def test_a_waiting_picture_tells_its_place(position: int | None, line: str) -> None:
    assert status(WORDS, view(Stage.QUEUED, position=position), PLAIN, NOW) == f"{line}\na red fox"


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({}, "🎨 Starting…"),
        ({"started": 5}, "🎨 Painting… 5 s so far"),
        ({"started": 5, "expected_seconds": 15.0}, "🎨 Painting… about 10 s left"),
        ({"started": 5, "expected_seconds": 15.0, "progress": 0.34}, "🎨 Painting…\n▰▰▰▱▱▱▱▱▱▱ 34% · about 10 s left"),
        ({"started": 90, "expected_seconds": 15.0, "progress": 0.95},
         "🎨 Painting…\n▰▰▰▰▰▰▰▰▰▱ 95% · 1 min 30 s so far, a little longer than usual"),
        ({"started": 0, "expected_seconds": 15.0, "progress": 1.0}, "🎨 Painting…\n▰▰▰▰▰▰▰▰▰▰ 100% · about 15 s left"),
        ({"started": -5, "progress": 0.0}, "🎨 Painting…\n▱▱▱▱▱▱▱▱▱▱ 0% · 0 s so far"),
    ],
)  # fmt: skip
def test_a_picture_being_made_tells_how_far_it_is(more: dict[str, float], line: str) -> None:
    rest: dict[str, Any] = {name: value for name, value in more.items() if name != "started"}
    started = NOW - timedelta(seconds=more["started"]) if "started" in more else None
    shown = view(Stage.WORKING, started_at=started, **rest)
    assert status(WORDS, shown, PLAIN, NOW) == f"{line}\na red fox"


def test_an_edit_is_called_an_edit() -> None:
    shown = view(Stage.WORKING, operation=Operation.EDIT, started_at=NOW)
    assert status(WORDS, shown, PLAIN, NOW).startswith("🎨 Editing…")


def test_a_status_shows_only_the_beginning_of_a_long_prompt_and_escapes_it() -> None:
    text = status(WORDS, view(Stage.QUEUED, "*fox* @everyone " * 100), MARKDOWN, NOW)
    assert "\\*fox\\*" in text
    assert "@everyone" not in text
    assert utf16_length(text) < 250


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (view(Stage.DONE, seconds=12.0), "✅ Done in 12 s."),
        (view(Stage.CANCELLED), "Cancelled. You weren't charged."),
        (view(Stage.CANCELLED, locale="zh-CN"), "已取消，没有扣积分。"),
    ],
)
def test_a_status_tells_the_end(shown: View, text: str) -> None:
    assert status(WORDS, shown, PLAIN, NOW) == text


def test_a_caption_tells_all_that_made_the_picture() -> None:
    assert caption(WORDS, FULL, PLAIN, limit=1024, length=utf16_length) == (
        "a red fox\n\n"
        "flux-2-pro · 16:9 · seeds 42, 43 · without text · 12 s · 2 credits\n"
        "Not used, as this model has no such option: seed and aspect ratio\n"
        "1 picture is missing, at no charge.\n"
        "The image service didn't answer in time. Try again, or choose another model: /models"
    )


def test_a_caption_in_chinese() -> None:
    assert caption(WORDS, replace(FULL, locale="zh-CN"), PLAIN, limit=1024, length=utf16_length) == (
        "a red fox\n\n"
        "flux-2-pro · 16:9 · 种子 42, 43 · 不要 text · 12 秒 · 2 积分\n"
        "该模型不支持，未使用：种子和画面比例\n"
        "少了 1 张图，没有扣积分。\n"
        "图片服务没有及时回应。请再试一次，或用 /models 换一个模型。"
    )


def test_a_caption_leaves_out_what_is_not_known() -> None:
    shown = view(Stage.DONE, request=Request(Operation.IMAGINE, "a red fox"))
    assert caption(WORDS, shown, PLAIN, limit=1024, length=utf16_length) == "a red fox\n\nfree"


def test_missing_pictures_are_explained_even_without_a_reason() -> None:
    shown = view(Stage.DONE, missing=2, credits=1)
    text = caption(WORDS, shown, PLAIN, limit=1024, length=utf16_length)
    assert text.endswith("2 pictures are missing, at no charge.\n" + WORDS.say("en", "error.unknown"))


@pytest.mark.parametrize("style", [PLAIN, MARKDOWN], ids=["plain", "markdown"])
@given(
    prompt=LONG_PROMPTS, negative=st.none() | LONG_PROMPTS, limit=st.sampled_from([1024, 2000]) | st.integers(0, 400)
)
@example(prompt="x" * 5000, negative=None, limit=1024)
@example(prompt="😀" * 3000, negative="*" * 3000, limit=1024)
def test_a_caption_always_fits(style: Style, prompt: str, negative: str | None, limit: int) -> None:
    shown = replace(FULL, request=replace(FULL.request, prompt=prompt, negative=negative))
    text = caption(WORDS, shown, style, limit=limit, length=utf16_length)
    assert utf16_length(text) <= limit


def test_the_prompt_gives_way_to_the_facts() -> None:
    shown = replace(FULL, request=replace(FULL.request, prompt="fox " * 1000))
    text = caption(WORDS, shown, PLAIN, limit=1024, length=utf16_length)
    assert text.startswith("fox fox")
    assert "fox…\n\nflux-2-pro · 16:9" in text
    assert text.endswith("/models")
    assert 1015 <= utf16_length(text) <= 1024


def test_a_failure_tells_why_what_to_do_and_that_it_cost_nothing() -> None:
    text = failure(WORDS, view(Stage.FAILED, failure=Failure("error.prompt_refused", detail="SECRET")), PLAIN)
    assert text == ("The content filter turned this down. Try other words, or another picture.\nYou weren't charged.")
    assert status(WORDS, view(Stage.FAILED), PLAIN, NOW) == failure(WORDS, view(Stage.FAILED), PLAIN)
