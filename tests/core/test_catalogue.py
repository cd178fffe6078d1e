"""The catalogue: rows of a file, and which model serves a request."""

from pathlib import Path
from typing import Any

import pytest

from core.catalogue import Catalogue
from core.errors import ModelUnknown, NoModel, NotOffered, SettingsError
from core.gateways import REGISTRY
from core.rows import read
from core.settings import PACKAGED_MODELS
from core.types import Operation
from tests.core.build import a_model

BOTH = {"alpha": "", "beta": "BETA_API_KEY is not set"}
IMAGINE, EDIT = Operation.IMAGINE, Operation.EDIT


def a_catalogue(**options: Any) -> Catalogue:
    rows = [
        a_model("words-only", operations=frozenset({IMAGINE})),
        a_model("fox-1"),
        a_model("fox-2"),
        a_model("off", gateway="beta"),
    ]
    return Catalogue(rows, gateways=BOTH, **options)


def test_without_a_name_the_first_usable_model_that_can_do_it_serves() -> None:
    assert a_catalogue().choose(None, IMAGINE).name == "words-only"
    assert a_catalogue().choose(None, EDIT).name == "fox-1"


def test_the_operators_defaults_win_where_they_can_do_it() -> None:
    assert a_catalogue(default="fox-2").choose(None, IMAGINE).name == "fox-2"
    assert a_catalogue(default="fox-2").choose(None, EDIT).name == "fox-2"
    assert a_catalogue(default="words-only", default_edit="fox-2").choose(None, EDIT).name == "fox-2"
    assert a_catalogue(default="words-only").choose(None, EDIT).name == "fox-1"


def test_names_are_taken_whatever_their_case() -> None:
    assert a_catalogue().choose(" Fox-2 ", IMAGINE).name == "fox-2"


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(ModelUnknown) as refused:
        a_catalogue().choose("foks-2", IMAGINE)
    assert "fox-2" in str(refused.value.params["near"])


def test_a_model_of_an_absent_gateway_is_unknown_to_people() -> None:
    with pytest.raises(ModelUnknown):
        a_catalogue().choose("off", IMAGINE)


def test_a_model_that_cannot_edit_names_others_that_can() -> None:
    with pytest.raises(NotOffered) as refused:
        a_catalogue().choose("words-only", EDIT)
    assert refused.value.params["others"] == "fox-1, fox-2"


def test_without_any_gateway_there_is_no_model() -> None:
    with pytest.raises(NoModel):
        Catalogue([a_model()], gateways={"alpha": "off"}).choose(None, IMAGINE)


def test_a_default_that_is_no_row_names_the_setting() -> None:
    with pytest.raises(SettingsError, match="DEFAULT_EDIT_MODEL"):
        a_catalogue(default_edit="nobody")


def test_the_listing_says_why_a_model_is_off() -> None:
    assert {row.model.name: row.why_not for row in a_catalogue().listed()}["off"] == "BETA_API_KEY is not set"


def test_the_packaged_catalogue_reads_and_its_first_row_imagines_and_edits() -> None:
    rows = read(PACKAGED_MODELS)
    assert {IMAGINE, EDIT} <= rows[0].can.operations
    assert all(row.credits >= 1 for row in rows)
    assert {row.gateway for row in rows} == set(REGISTRY)


ROW = '[[model]]\nname = "a"\ngateway = "g"\nwire = "w"\noperations = ["imagine"]\ncredits = 1\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "model"),
        ("[[model]\n", "cannot be read"),
        (ROW + "colour = 1\n", "colour"),
        (ROW.replace("credits = 1\n", ""), "credits"),
        (ROW.replace('"imagine"', '"dance"'), "operations"),
        (ROW.replace('name = "a"', 'name = "A b"'), "name"),
        (ROW + ROW, "twice: a"),
    ],
)
def test_a_bad_file_is_one_sentence_that_names_the_place(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "models.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match="MODELS_FILE") as refused:
        read(path)
    assert complaint in str(refused.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        read(tmp_path / "nowhere.toml")
