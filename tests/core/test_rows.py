"""What a models file can say about operations, prices and other gateways."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.catalogue import NO_LINKS, Catalogue
from core.errors import NoModel, OwnOnly, SettingsError
from core.gateway import Given
from core.rows import read
from core.settings import PACKAGED_MODELS
from core.types import Operation, Request
from tests.core.build import a_model, a_picture, a_request

ROW = """
[[model]]
name = "one"
gateway = "alpha"
wire = "w"
credits = 2
operations = ["imagine", "edit"]
images_max = 2
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "models.toml"
    path.write_text(text)
    return path


def test_what_is_closed_is_off_with_its_reason_until_the_operator_opens_it(tmp_path: Path) -> None:
    row = ROW + 'closed = { faceswap = "the vendor has closed it" }\n'
    (model,) = read(written(tmp_path, row))
    assert model.off == {Operation.FACESWAP: "the vendor has closed it"}
    assert Operation.FACESWAP not in model.can.operations
    (opened,) = read(written(tmp_path, row + "[gateways.alpha.operations]\nfaceswap = true\n"))
    assert (opened.off, Operation.FACESWAP in opened.can.operations) == ({}, True)


def test_what_no_document_says_takes_more_than_a_yes(tmp_path: Path) -> None:
    row = ROW + 'unknown = { animate = "no document names its path" }\n'
    (still_off,) = read(written(tmp_path, row))
    assert still_off.off == {Operation.ANIMATE: "no document names its path"}
    with pytest.raises(SettingsError, match="give a path or fields: no document names its path"):
        read(written(tmp_path, row + "[gateways.alpha.operations]\nanimate = true\n"))
    told = '[gateways.alpha.operations.animate]\npath = "/video"\nfields = { picture = "img" }\n'
    (model,) = read(written(tmp_path, row + told))
    assert Operation.ANIMATE in model.can.operations
    assert model.given[Operation.ANIMATE] == Given("/video", {"picture": "img"})


def test_a_row_with_nothing_left_to_do_says_why(tmp_path: Path) -> None:
    row = ROW.replace('operations = ["imagine", "edit"]', 'closed = { animate = "closed by the vendor" }')
    (listed,) = Catalogue(read(written(tmp_path, row)), gateways={"alpha": ""}).listed()
    assert listed.why_not == "closed by the vendor"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('closed = { edit = "x" }', "edit"),
        ("makes = { blend = 4 }", "blend"),
        ("prices = { cutout = 1 }", "cutout"),
        ("inputs = { edit = [3, 2] }", "fewest"),
        ('presets = { edit = "nowhere" }', "presets.nowhere"),
        ('fallbacks = ["one"]', "one"),
        ('fallbacks = ["two"]', "two"),
        ("[gateways.alpha.operations]\nfly = true", "fly"),
        ('[gateways.alpha.operations.edit]\npath = "https://elsewhere"', "path"),
    ],
)
def test_what_makes_no_sense_is_one_sentence_naming_it(tmp_path: Path, more: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        read(written(tmp_path, ROW + more + "\n"))
    assert caught.value.setting == "MODELS_FILE"


def test_a_file_may_stand_before_the_packaged_rows(tmp_path: Path) -> None:
    usual = read(PACKAGED_MODELS)
    mine = ROW.replace('"one"', f'"{usual[1].name}"') + 'presets = { edit = "merge" }\n'
    rows = read(written(tmp_path, "packaged = true\n" + mine))
    assert [row.name for row in rows] == [usual[1].name, *(row.name for row in usual if row.name != usual[1].name)]
    assert rows[0].gateway == "alpha"
    assert "Merge" in rows[0].can.presets[Operation.EDIT].prompt


def test_a_grid_costs_its_price_once_and_a_step_its_own() -> None:
    model = a_model(credits=5, makes={Operation.IMAGINE: 4})
    priced = replace(model, prices={Operation.UPSCALE: 1})
    assert priced.price(Operation.IMAGINE, 4) == 5
    assert priced.price(Operation.EDIT, 2) == 10
    assert priced.price(Operation.UPSCALE, 1) == 1


def test_without_public_links_only_what_starts_from_words_is_left() -> None:
    able = frozenset({Operation.IMAGINE, Operation.CUTOUT, Operation.ANIMATE})
    model = a_model(operations=able, by_link=True)
    catalogue = Catalogue([model], gateways={"alpha": ""}, links=False)
    assert catalogue.operations() == {Operation.IMAGINE, Operation.ANIMATE}
    assert catalogue.listed()[0].off == {Operation.CUTOUT: NO_LINKS}
    assert catalogue.usable(Operation.ANIMATE, pictures=1) == []
    assert Catalogue([model], gateways={"alpha": ""}).operations() == able
    with pytest.raises(NoModel):
        catalogue.choose(None, Operation.CUTOUT, pictures=1)


# -- several gateways ------------------------------------------------------------------------------------------------

FIRST = replace(a_model("first"), fallbacks=("second", "third"))
SECOND, THIRD = a_model("second", gateway="beta"), a_model("third", gateway="gamma", ratios=("1:1",))
THREE = Catalogue([FIRST, SECOND, THIRD], gateways={"alpha": "", "beta": "", "gamma": ""})


def asked(**changes: Any) -> Request:
    return a_request(model="first", **changes)


def next_row(request: Request, *passed: str, count: int = 1, resting: tuple[str, ...] = ()) -> str | None:
    found = THREE.elsewhere(request, count, passed=passed, resting=resting)
    return None if found is None else found.name


def test_the_next_gateway_is_the_first_awake_one_that_had_no_turn() -> None:
    assert next_row(asked(), "first") == "second"
    assert next_row(asked(), "first", resting=("beta",)) == "third"
    assert next_row(asked(), "first", "second", "third") is None
    assert next_row(asked(), "second") == "first"


def test_a_gateway_that_would_make_something_else_is_passed_over() -> None:
    assert next_row(asked(ratio="16:9"), "first", "second") is None
    assert next_row(asked(ratio="1:1"), "first", "second") == "third"
    assert next_row(asked(images=(a_picture(),) * 3), "first") is None
    assert next_row(asked(), "first", count=2) is None


def test_without_a_name_a_resting_gateway_is_not_chosen_as_long_as_there_is_another() -> None:
    assert THREE.choose(None, Operation.IMAGINE).name == "first"
    assert THREE.choose(None, Operation.IMAGINE, resting={"alpha"}).name == "second"
    assert THREE.choose(None, Operation.IMAGINE, resting={"alpha", "beta", "gamma"}).name == "first"
    assert THREE.choose("first", Operation.IMAGINE, resting={"alpha"}).name == "first"


def test_what_goes_with_own_results_only_is_offered_but_chosen_for_no_other_picture(tmp_path: Path) -> None:
    rows = read(written(tmp_path, ROW + 'steps = ["upscale", "inpaint"]\nunknown = { inpaint = "which colour" }\n'))
    catalogue = Catalogue(rows, gateways={"alpha": ""})
    assert rows[0].steps == {Operation.UPSCALE}
    assert Operation.UPSCALE in catalogue.operations(steps=True)
    assert Operation.UPSCALE not in catalogue.operations()
    with pytest.raises(OwnOnly) as caught:
        catalogue.choose(None, Operation.UPSCALE, pictures=1)
    assert caught.value.params == {"models": "one"}
    with pytest.raises(NoModel):
        catalogue.choose(None, Operation.INPAINT, pictures=1)


def test_an_operation_is_done_with_any_picture_or_with_own_results_only(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="steps"):
        read(written(tmp_path, ROW + 'steps = ["edit"]\n'))
