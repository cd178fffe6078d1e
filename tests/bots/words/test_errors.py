"""Errors as sentences: each has one for every way it can come, and none tells what only operators may know."""

import re
import time
from typing import Any

import pytest

from bots.words import Words
from core import errors
from core.errors import GatewayError, ImagineError
from core.testing import known_errors
from core.types import Failure
from tests.bots.words.test_catalogues import KEYS

WORDS = Words()
KINDS = {name: kind for name, kind in known_errors().items() if kind.__module__.startswith("core.errors.")}

_CREDITS: dict[str, Any] = {"cost": 3, "left": 1, "limit": 20, "refills_at": 1_800_000_000}
#: Parameters as core gives them, once for each sentence they choose.
EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "SettingsError": [{"setting": "DEFAULT_MODEL", "fix": "there is no model named 'x'"}],
    "PromptTooLong": [{"limit": 4000, "length": 4001}],
    "ModelUnknown": [{"model": "flx", "near": "flux-2-pro, flux-2-dev"}, {"model": "zzz", "near": ""}],
    "NoModel": [{"operation": "imagine"}, {"operation": "edit"}, {"operation": "animate"}],
    "NotOffered": [
        {"model": "m", "what": what, "others": others}
        for what in ("imagine", "edit", "animate")
        for others in ("a, b", "")
    ],
    "ChoiceUnknown": [
        {"model": "m", "what": what, "value": value, "allowed": "1-10"}
        for what, value in (("ratio", "5:3"), ("count", 11), ("seed", -1), ("size", "huge"))
    ],
    "FlagUnknown": [{"flag": "--v", "known": "--ar --n"}],
    "FlagInvalid": [{"flag": "--ar", "value": value, "expected": "16:9"} for value in ("wide", "")],
    "OwnOnly": [{"models": "midjourney, niji"}],
    "TooFewImages": [{"needed": 2, "given": 1}],
    "TooManyImages": [{"model": "m", "limit": limit, "given": 9} for limit in (1, 8)],
    "ImageTooLarge": [{"limit_mb": 20}],
    "CreditsUsedUp": [
        {"scope": scope, "window": window} | _CREDITS | more
        for scope, window in (("user", "day"), ("user", "month"), ("chat", "day"), ("global", "day"))
        for more in ({}, {"left": 0}, {"cost": 30})
    ] + [{"scope": "team", "window": "hour"} | _CREDITS],
    "TooManyTasks": [{"limit": limit} for limit in (1, 5)],
    "TaskUnknown": [{"task": "7h2k"}],
    "NotYours": [{"task": "7h2k"}],
    "TooLate": [{"task": "7h2k"}],
    "ChatGone": [{"reason": "SECRET"}],
    "ChatBusy": [{"retry_after": 3.0, "reason": "SECRET"}],
}  # fmt: skip
CASES = [(name, params) for name in KINDS for params in EXAMPLES.get(name, [{}])]


def made(kind: type[ImagineError], params: dict[str, Any]) -> ImagineError:
    if kind in (errors.StoreDown, errors.CallbackRefused):
        return kind("SECRET")
    return kind(detail="SECRET", **params) if issubclass(kind, GatewayError) else kind(**params)


def documented(kind: type[ImagineError]) -> set[str]:
    """The names after "params:" in a docstring."""
    found = re.search(r"params: (?P<names>.*)", " ".join((kind.__doc__ or "").split()))
    if found is None or found["names"].startswith("none"):
        return set()
    return set(re.findall(r"\w+", re.sub(r"\([^()]*\)", "", found["names"])))


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if documented(kind)])
def test_the_examples_give_the_parameters_that_the_docstring_names(name: str) -> None:
    if name == "TaskError":  # the family's: its members have the examples
        return
    assert all(set(params) == documented(KINDS[name]) for params in EXAMPLES[name])


@pytest.mark.parametrize("locale", WORDS.languages)
@pytest.mark.parametrize(("name", "params"), CASES)
def test_every_error_is_a_whole_sentence_that_keeps_secrets(locale: str, name: str, params: dict[str, Any]) -> None:
    error = made(KINDS[name], params)
    sentence = WORDS.error(locale, error)
    assert len(sentence) > 5
    assert "{" not in sentence
    assert "SECRET" not in sentence
    assert sentence == WORDS.error(locale, Failure(error.key, error.params, name, "SECRET"))
    if error.key != "error.unknown":
        assert sentence != WORDS.say(locale, "error.unknown")


def test_every_sentence_about_errors_can_be_reached() -> None:
    reached: set[str] = set()

    class Spy(Words):
        def _text(self, locale: str, key: str, n: int | None = None) -> str:
            text = super()._text(locale, key, n)
            reached.add(key)
            return text

    spy = Spy()
    for name, params in CASES:
        spy.error("en", made(KINDS[name], params))
    sentences = {key for key in KEYS if key.startswith("error.")}
    assert sentences <= reached


def test_a_persons_long_words_do_not_make_a_long_message() -> None:
    error = errors.ChoiceUnknown(model="m", what="ratio", value="9" * 5000, allowed="1:1")
    assert len(WORDS.error("en", error)) < 500


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"left": 0}, "You've used all your credits for today. They refill in 3 h 20 min."),
        ({}, "This takes 3 credits, and you have 1 credit for today. "
         "Ask for less, or wait: they refill in 3 h 20 min."),
        ({"cost": 21}, "This takes 21 credits, and a day's limit is 20. "
         "Ask for fewer pictures, or choose a cheaper model: /models"),
    ],
)  # fmt: skip
def test_used_up_credits_say_what_helps(params: dict[str, Any], sentence: str) -> None:
    full = {"scope": "user", "window": "day"} | _CREDITS | {"refills_at": time.time() + 11_999} | params
    assert WORDS.error("en", errors.CreditsUsedUp(**full)) == sentence


def test_the_platform_writes_times_and_escapes_a_persons_words() -> None:
    used_up = errors.CreditsUsedUp(scope="user", window="day", **_CREDITS)
    assert "<t:1800000000:R>" in WORDS.error("en", used_up, when=lambda moment: f"<t:{moment}:R>")
    unknown = errors.ModelUnknown(model="*flux*", near="")
    assert "“\\*flux\\*”" in WORDS.error("en", unknown, quote=lambda text: text.replace("*", "\\*"))


def test_a_limit_of_one_is_told_in_the_singular() -> None:
    assert "takes one picture" in WORDS.error("en", errors.TooManyImages(model="m", limit=1, given=2))
    assert "takes up to 8 pictures" in WORDS.error("en", errors.TooManyImages(model="m", limit=8, given=9))


def test_a_seed_is_written_as_it_was_typed() -> None:
    error = errors.ChoiceUnknown(model="m", what="seed", value=12345678, allowed="0-9")
    assert "12345678" in WORDS.error("en", error)


@pytest.mark.parametrize(
    "failure", [Failure("error.of_a_later_version"), Failure("error.flag_unknown", {"flag": "--v"})]
)
def test_a_failure_that_another_version_stored_is_still_told(failure: Failure) -> None:
    assert WORDS.error("en", failure) == WORDS.say("en", "error.unknown")
