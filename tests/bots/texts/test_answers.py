"""Answers to commands: complete, in the person's language, and escaped."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bots.texts import COMMANDS, help_text, models, queue, usage, welcome
from bots.texts.answers import Platform
from bots.words import Words
from core.capabilities import Capabilities
from core.catalogue import Listed
from core.gateway import Model
from core.types import Address, DeliveryState, Operation, QueueEntry, Request, Stage, Task, Usage, Who
from tests.bots.texts.samples import MARKDOWN, NOW, PLAIN

WORDS = Words()
USAGE = Usage(6, 2, 20, NOW + timedelta(hours=3), 30, 2, 300, NOW + timedelta(days=9))
DAY, MONTH = (int(moment.timestamp()) for moment in (USAGE.day_refills_at, USAGE.month_refills_at))

BOTH = frozenset({Operation.IMAGINE, Operation.EDIT})
PRO = Model(
    "flux-2-pro", "apiyi", "flux-2-pro", 2, Capabilities(BOTH, ratios=("1:1",), seed_max=9, images_max=8), seconds=12
)
TINY = Model("tiny_1", "apiyi", "tiny", 0, Capabilities(), seconds=90)
ONLY_EDIT = Model("kontext", "apiyi", "k", 1, Capabilities(frozenset({Operation.EDIT}), negative=True, images_max=1))


def entry(task_id: str, stage: Stage, position: int | None, prompt: str = "a red fox") -> QueueEntry:
    who = Who("telegram:1", "telegram:1")
    request = Request(Operation.IMAGINE, prompt)
    return QueueEntry(
        Task(task_id, who, Address("telegram"), request, "apiyi", NOW, 1, DeliveryState.OPEN), stage, position
    )


def test_usage_tells_used_held_left_and_when_it_refills() -> None:
    assert usage(WORDS, "en", USAGE, PLAIN) == (
        "Your credits\n"
        f"Today: 6 of 20 used, 12 left. Refills at {DAY}.\n"
        f"This month: 30 of 300 used, 268 left. Refills at {MONTH}.\n"
        "2 are held for pictures under way."
    )


def test_usage_without_limits_and_nothing_held() -> None:
    free = replace(USAGE, day_limit=0, month_limit=0, day_held=0, month_held=0, month_used=12345)
    assert usage(WORDS, "en", free, PLAIN) == (
        "Your credits\nToday: 6 used, no limit.\nThis month: 12,345 used, no limit."
    )


def test_usage_never_tells_less_than_nothing_left() -> None:
    assert " 0 left" in usage(WORDS, "en", replace(USAGE, day_limit=5), PLAIN)


def test_models_tells_price_and_abilities_of_those_that_work() -> None:
    listed = [Listed(PRO), Listed(replace(TINY, name="off"), "no key"), Listed(TINY), Listed(ONLY_EDIT)]
    assert models(WORDS, "en", listed, MARKDOWN, default="tiny_1", default_edit="flux-2-pro") == (
        "**Models**\n"
        "• **flux-2-pro** (default for edits)\n"
        "   2 credits a picture · makes pictures · edits up to 8 pictures · takes aspect ratio and seed · about 12 s\n"
        "• **tiny\\_1** (default)\n"
        "   free · makes pictures · about 1 min 30 s\n"
        "• **kontext**\n"
        "   1 credit a picture · edits a picture · takes negative prompt · about 15 s\n"
        "Choose one like this: </imagine:1> a red fox --model tiny\\_1"
    )


def test_models_gives_no_example_for_imagine_where_nothing_can() -> None:
    assert "/imagine" not in models(WORDS, "en", [Listed(ONLY_EDIT)], PLAIN)


def test_models_says_so_when_there_is_none() -> None:
    assert models(WORDS, "en", [Listed(PRO, "no key")], PLAIN).startswith("No model is switched on")


def test_queue_tells_each_request_with_its_place_and_how_to_take_it_back() -> None:
    entries = [
        entry("aaa", Stage.WORKING, None),
        entry("bbb", Stage.QUEUED, 2, "*b* " * 50),
        entry("ccc", Stage.QUEUED, None),
    ]
    lines = queue(WORDS, "en", entries, MARKDOWN).split("\n")
    assert lines[0] == "**Your requests**"
    assert lines[1] == "• aaa · being made · a red fox"
    assert lines[2].startswith("• bbb · number 2 in the queue · \\*b\\* ")
    assert lines[2].endswith("…")
    assert lines[3] == "• ccc · waiting · a red fox"
    assert lines[4] == "To take one back: </cancel:1> bbb"


def test_queue_offers_no_cancel_for_what_is_being_made() -> None:
    assert "/cancel" not in queue(WORDS, "en", [entry("aaa", Stage.WORKING, None)], PLAIN)


def test_an_empty_queue_says_how_to_begin() -> None:
    assert queue(WORDS, "zh-CN", [], PLAIN) == "目前没有进行中的请求，用 /imagine 开始吧。"


@pytest.mark.parametrize("locale", WORDS.languages)
@pytest.mark.parametrize("platform", ["telegram", "discord"])
def test_help_names_every_command_trigger_and_flag(locale: str, platform: Platform) -> None:
    text = help_text(WORDS, locale, PLAIN, platform=platform, hints=["help.no_message_content", "help.privacy_mode"])
    assert all(f"/{name} – " in text for name in COMMANDS if name != "start")
    assert ("/start" in text) == (platform == "telegram")
    assert all(flag in text for flag in ("--ar", "--model", "--n", "--seed", "--no"))
    assert text.count("•") == 4
    assert text.endswith(WORDS.say(locale, "help.privacy_mode", edit="/edit"))
    assert "{" not in text


@pytest.mark.parametrize("locale", WORDS.languages)
@pytest.mark.parametrize("platform", ["telegram", "discord"])
def test_a_welcome_gives_one_thing_to_try(locale: str, platform: Platform) -> None:
    text = welcome(WORDS, locale, PLAIN, platform=platform)
    assert "/imagine" in text
    assert "/help" in text


@pytest.mark.parametrize("locale", WORDS.languages)
@pytest.mark.parametrize("platform", ["telegram", "discord"])
def test_help_fits_one_message(locale: str, platform: Platform) -> None:
    hints = ["help.no_message_content" if platform == "discord" else "help.privacy_mode"]
    linked = replace(MARKDOWN, command=lambda name: f"</{name}:1234567890123456789>")
    text = help_text(WORDS, locale, linked if platform == "discord" else PLAIN, platform=platform, hints=hints)
    assert len(text) <= (2000 if platform == "discord" else 4096)
