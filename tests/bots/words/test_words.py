"""Words: the right language for a person, the right form for a number."""

import time

import pytest

from bots.words import Words
from core.errors import SettingsError

WORDS = Words()


def test_the_languages_are_those_of_the_folders() -> None:
    assert WORDS.languages == ("en", "zh-CN")


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("en", "en"), ("en-US", "en"), ("en_GB", "en"), ("EN", "en"),
        ("zh-CN", "zh-CN"), ("zh-hans", "zh-CN"), ("zh", "zh-CN"), ("zh_cn", "zh-CN"), ("zh-TW", "zh-CN"),
        ("fr", "en"), ("zhx", "en"), ("", "en"), (None, "en"), (" zh ", "zh-CN"),
    ],
)  # fmt: skip
def test_a_person_is_answered_in_their_apps_language(code: str | None, language: str) -> None:
    assert WORDS.pick(code) == language


def test_a_person_of_unknown_language_is_answered_in_the_default_one() -> None:
    assert Words("zh-CN").pick("fr") == "zh-CN"
    assert Words("zh-CN").pick(None) == "zh-CN"


def test_a_default_language_that_is_not_there_is_refused_by_the_settings_name() -> None:
    with pytest.raises(SettingsError, match=r"DEFAULT_LANGUAGE: 'tlh' is not one of en, zh-CN"):
        Words("tlh")


def test_a_sentence_is_said_in_the_asked_language() -> None:
    assert WORDS.say("en", "status.next") == "⏳ You're next."
    assert WORDS.say("zh-CN", "status.next") == "⏳ 下一个就是你。"


def test_a_task_stored_in_a_language_that_has_gone_is_shown_in_the_default_one() -> None:
    assert WORDS.say("tlh", "status.next") == WORDS.say("en", "status.next")
    assert WORDS.number("tlh", 1234) == "1,234"


def test_a_persons_braces_are_only_text() -> None:
    assert "{span.__class__}" in WORDS.say("en", "status.left", span="{span.__class__}")


def test_a_key_without_a_sentence_is_an_error_of_ours() -> None:
    with pytest.raises(KeyError, match=r"no\.such"):
        WORDS.say("en", "no.such")
    with pytest.raises(KeyError, match=r"no\.such"):
        WORDS.count("en", "no.such", 1)


@pytest.mark.parametrize(
    ("locale", "n", "text"),
    [("en", 0, "0 credits"), ("en", 1, "1 credit"), ("en", 2, "2 credits"), ("en", 12345, "12,345 credits"),
     ("zh-CN", 1, "1 积分"), ("zh-CN", 2, "2 积分")],
)  # fmt: skip
def test_a_count_takes_its_plural(locale: str, n: int, text: str) -> None:
    assert WORDS.count(locale, "unit.credits", n) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (-3, "0 s"), (0.4, "0 s"), (12, "12 s"), (59.6, "1 min"), (65, "1 min 5 s"), (3600, "1 h"),
        (12_000, "3 h 20 min"), (86_399, "23 h 59 min"), (86_400, "1 day"), (108_000, "1 day 6 h"),
        (86_405, "1 day"), (12 * 86_400, "12 days"),
    ],
)  # fmt: skip
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert WORDS.span("en", seconds) == text


def test_a_duration_in_chinese() -> None:
    assert WORDS.span("zh-CN", 12_000) == "3 小时 20 分钟"


@pytest.mark.parametrize(
    ("ahead", "text"),
    [(12_000, "in 3 h 20 min"), (61, "in 2 min"), (20, "in 1 min"), (0, "in a moment"), (-90, "in a moment")],
)
def test_a_moment_is_told_from_now(ahead: float, text: str) -> None:
    assert WORDS.when("en", time.time() + ahead - 0.001) == text


def test_a_list_is_joined_as_the_language_does() -> None:
    assert WORDS.both("en", ["seed", "ratio"]) == "seed and ratio"
    assert WORDS.both("zh-CN", ["种子", "比例"]) == "种子和比例"
