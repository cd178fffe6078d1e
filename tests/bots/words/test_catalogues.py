"""The catalogues are complete: every language says everything, in its own plurals, with the same parameters."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.pofile import read_po

from bots.texts import COMMANDS, OPTIONS
from bots.words.catalogues import LOCALES
from core.errors import ImagineError
from core.testing import known_errors
from core.types import Action
from tests.bots.words.keys import KEY, mentioned, pattern_of, said, trees


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.name, abort_invalid=True)


CATALOGUES = {path.parent.name: read(path) for path in sorted(LOCALES.glob("*/messages.po"))}
Sentences = dict[str, tuple[str, ...]]


def sentences(language: str) -> Sentences:
    """Key → its forms."""
    found: Sentences = {}
    for message in CATALOGUES[language]:
        if message.id:
            key = message.id if isinstance(message.id, str) else message.id[0]
            found[key] = (message.string,) if isinstance(message.string, str) else tuple(message.string)
    return found


ALL = {language: sentences(language) for language in CATALOGUES}
ENGLISH = ALL["en"]
KEYS = frozenset(ENGLISH)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_english_and_chinese_are_there() -> None:
    assert {"en", "zh_CN"} <= set(CATALOGUES)


@pytest.mark.parametrize("language", CATALOGUES)
def test_every_language_has_every_sentence_and_no_other(language: str) -> None:
    assert set(ALL[language]) == KEYS


@pytest.mark.parametrize("language", CATALOGUES)
def test_no_sentence_is_empty_fuzzy_or_a_key(language: str) -> None:
    assert not [key for key, forms in ALL[language].items() if not all(forms) or key in forms]
    assert not [message.id for message in CATALOGUES[language] if message.id and message.fuzzy]


@pytest.mark.parametrize("language", CATALOGUES)
def test_every_language_gives_the_same_parameters_as_english(language: str) -> None:
    for key, forms in ALL[language].items():
        used = set().union(*map(placeholders, forms))
        wanted = set().union(*map(placeholders, ENGLISH[key]))
        assert used == wanted, key
        assert all(name.isidentifier() for name in used), f"{key}: parameters are plain names"


@pytest.mark.parametrize("language", CATALOGUES)
def test_plurals_have_as_many_forms_as_the_language(language: str) -> None:
    catalogue = CATALOGUES[language]
    for message in catalogue:
        if message.id and message.pluralizable:
            assert len(message.string) == catalogue.num_plurals, message.id


@pytest.mark.parametrize("language", CATALOGUES)
def test_a_message_has_one_emoji_at_most_and_an_error_none(language: str) -> None:
    for key, forms in ALL[language].items():
        for form in forms:
            emoji = sum(letter >= "\U0001f300" or "\u2600" <= letter <= "\u27bf" or letter == "⏳" for letter in form)
            assert emoji <= (0 if key.startswith("error.") else 1), key


@pytest.mark.parametrize("language", CATALOGUES)
def test_sentences_begin_and_end_without_white_space(language: str) -> None:
    assert not [key for key, forms in ALL[language].items() for form in forms if form != form.strip()]


def test_every_key_that_is_said_has_a_sentence_and_gets_its_parameters() -> None:
    calls = list(said())
    assert len(calls) > 30  # the search itself works
    for call in calls:
        keys = [key for key in KEYS if call.pattern.fullmatch(key)]
        assert keys, f"{call.where} says {call.pattern.pattern}"
        if call.has_more:
            continue
        for key in keys:
            missing = set().union(*map(placeholders, ENGLISH[key])) - call.params
            assert not missing, f"{call.where} says {key} without {missing}"


def _constants_that_are_no_keys(tree: ast.Module) -> Iterator[ast.AST]:
    """Parts of f-strings, and lists of loggers' names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield from node.values
        if isinstance(node, ast.Assign) and any("LOGGERS" in ast.unparse(target) for target in node.targets):
            yield from ast.walk(node.value)


def test_whatever_looks_like_a_key_of_ours_is_one() -> None:
    namespaces = {key.partition(".")[0] for key in KEYS}
    unknown: set[str] = set()
    for _, tree in trees():
        others = set(_constants_that_are_no_keys(tree))
        for node in set(ast.walk(tree)) - others:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.fullmatch(node.value):
                unknown |= {node.value} - KEYS if node.value.partition(".")[0] in namespaces else set()
    assert not unknown


def _core_keys() -> set[str]:
    return {kind.key for kind in known_errors().values() if kind.__module__.startswith("core.errors.")}


def test_every_error_has_a_sentence() -> None:
    assert ImagineError.key in _core_keys()
    assert _core_keys() <= KEYS


@pytest.mark.parametrize("key", [f"button.{action}" for action in Action] + [f"command.{name}" for name in COMMANDS])
def test_every_action_and_command_has_a_sentence(key: str) -> None:
    assert key in KEYS


def test_every_option_has_a_sentence() -> None:
    assert {f"option.{name}" for name in OPTIONS if not name[-1].isdigit()} <= KEYS


def test_no_sentence_is_left_that_nobody_says() -> None:
    patterns = set(mentioned())
    core = _core_keys()
    orphans = {key for key in KEYS - core if not any(pattern.fullmatch(key) for pattern in patterns)}
    assert not orphans


def test_the_search_for_keys_knows_a_key_from_other_text() -> None:
    def read(source: str) -> str | None:
        pattern = pattern_of(ast.parse(source, mode="eval").body)
        return pattern.pattern if pattern else None

    assert read("'status.next'") == r"status\.next"
    assert read("f'usage.{window}_limited'") == r"usage\..+_limited"
    assert read("f'{kind}.{name}'") is None
    assert read("'A sentence.'") is None
