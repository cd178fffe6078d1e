"""One judge of whether a request fits a model."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.capabilities import Capabilities, fit, reduced, split
from core.errors import (
    ChoiceUnknown,
    ImageMissing,
    NotOffered,
    PromptMissing,
    PromptTooLong,
    RequestError,
    TooManyImages,
)
from core.types import Operation
from tests.core.build import BOTH, a_picture, a_request

CAN = Capabilities(operations=BOTH, ratios=("1:1", "16:9"), images_max=2, seed_max=99, prompt_max=20)


def test_a_fitting_request_passes_unchanged_but_for_its_model() -> None:
    fitted = fit(a_request("  a fox ", ratio="16:9", seed=4, count=3), CAN, model="m")
    assert fitted.request == a_request("a fox", ratio="16:9", seed=4, count=3, model="m")
    assert (fitted.dropped, fitted.calls) == ((), (1, 1, 1))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"prompt": " \n"}, PromptMissing),
        ({"prompt": "x" * 21}, PromptTooLong),
        ({"operation": Operation.EDIT}, ImageMissing),
        ({"images": (a_picture(),) * 3}, TooManyImages),
        ({"count": 0}, ChoiceUnknown),
        ({"count": 11}, ChoiceUnknown),
        ({"ratio": "3:1"}, ChoiceUnknown),
        ({"ratio": "wide"}, ChoiceUnknown),
        ({"seed": 100}, ChoiceUnknown),
        ({"seed": -1}, ChoiceUnknown),
    ],
)
def test_what_would_change_the_picture_is_refused(changes: dict[str, Any], error: type[RequestError]) -> None:
    with pytest.raises(error):
        fit(a_request(**changes), CAN, model="m")


def test_an_operation_the_model_lacks_is_refused() -> None:
    with pytest.raises(NotOffered):
        fit(a_request(operation=Operation.EDIT, images=(a_picture(),)), Capabilities(), model="m")


def test_what_only_tunes_is_dropped_and_reported() -> None:
    fitted = fit(a_request(seed=5, negative="text", ratio="16:9"), Capabilities(), model="m")
    assert fitted.dropped == ("ratio", "seed", "negative")
    assert (fitted.request.seed, fitted.request.negative, fitted.request.ratio) == (None, None, None)


@pytest.mark.parametrize("spelling", ["16:9", "16x9", "1920x1080", "16 : 9", "32/18", "16\u00d79"])
def test_a_ratio_may_be_spelt_in_many_ways(spelling: str) -> None:
    assert fit(a_request(ratio=spelling), CAN, model="m").request.ratio == "16:9"


@given(st.text(max_size=12))
def test_any_text_as_ratio_is_a_ratio_or_none(text: str) -> None:
    found = reduced(text)
    assert found is None or (found[0] >= 1 and found[1] >= 1)


@given(st.integers(1, 50), st.integers(1, 10))
def test_split_loses_no_picture_and_overfills_no_call(count: int, per_call: int) -> None:
    calls = split(count, per_call)
    assert sum(calls) == count
    assert all(1 <= call <= per_call for call in calls)
    assert len(calls) == -(-count // per_call)
