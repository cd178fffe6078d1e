"""One judge of whether a request fits a model."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.capabilities import Capabilities, Preset, fit, nearest, reduced, split
from core.errors import (
    ChoiceUnknown,
    ImageMissing,
    MaskMissing,
    NotOffered,
    PromptMissing,
    PromptTooLong,
    RequestError,
    TooFewImages,
    TooManyImages,
)
from core.types import Follow, Operation, Ticket
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


EVERYTHING = Capabilities(operations=frozenset(Operation), images_max=3, ratios=("1:1",), makes={Operation.BLEND: 4})
MASKED = {"mask": a_picture("m")}


@pytest.mark.parametrize(
    ("operation", "pictures", "words", "error"),
    [
        (Operation.BLEND, 1, "", TooFewImages),
        (Operation.BLEND, 6, "", TooManyImages),
        (Operation.BLEND, 5, "", None),
        (Operation.DESCRIBE, 0, "", ImageMissing),
        (Operation.DESCRIBE, 1, "", None),
        (Operation.SHORTEN, 0, "", PromptMissing),
        (Operation.SHORTEN, 0, "a very red fox", None),
        (Operation.FACESWAP, 1, "", TooFewImages),
        (Operation.FACESWAP, 2, "", None),
        (Operation.RESTYLE, 1, "", PromptMissing),
        (Operation.RESTYLE, 1, "ink", None),
        (Operation.RESTYLE, 2, "", None),
        (Operation.ANIMATE, 0, "", PromptMissing),
        (Operation.ANIMATE, 0, "waves", None),
        (Operation.ANIMATE, 1, "", None),
        (Operation.ANIMATE, 2, "", TooManyImages),
        (Operation.INPAINT, 1, "a hat", MaskMissing),
    ],
)
def test_each_operation_starts_from_its_own_words_and_pictures(
    operation: Operation, pictures: int, words: str, error: type[RequestError] | None
) -> None:
    request = a_request(words, operation=operation, images=(a_picture(),) * pictures)
    if error is None:
        assert fit(request, EVERYTHING, model="m").request.operation is operation
    else:
        with pytest.raises(error):
            fit(request, EVERYTHING, model="m")


def test_words_with_no_place_for_them_are_dropped_and_reported() -> None:
    fitted = fit(a_request("nice", operation=Operation.CUTOUT, images=(a_picture(),)), EVERYTHING, model="m")
    assert (fitted.request.prompt, fitted.dropped) == ("", ("prompt",))


def test_a_grid_is_four_pictures_of_one_call() -> None:
    request = a_request("", operation=Operation.BLEND, images=(a_picture(),) * 2, count=5)
    fitted = fit(request, EVERYTHING, model="m")
    assert (fitted.request.count, fitted.calls) == (8, (4, 4))
    with pytest.raises(ChoiceUnknown):
        fit(replace(request, count=9), EVERYTHING, model="m")


def test_a_preset_takes_no_more_pictures_than_an_edit() -> None:
    able = replace(EVERYTHING, images_max=1, presets={Operation.RESTYLE: Preset("like {prompt}")})
    with pytest.raises(TooManyImages):
        fit(a_request("ink", operation=Operation.RESTYLE, images=(a_picture(),) * 2), able, model="m")


STEP = Follow(Ticket("alpha", "77", "fox-1"), "JOB::upsample::1", "U1")


def test_a_next_step_needs_no_ability_of_the_row_and_no_picture() -> None:
    request = a_request(operation=Operation.UPSCALE, follow=STEP, images=(a_picture(),), count=4)
    fitted = fit(request, Capabilities(), model="m")
    assert (fitted.request.images, fitted.request.count, fitted.calls) == ((), 1, (1,))


@pytest.mark.parametrize(("words", "mask", "error"), [("", MASKED, PromptMissing), ("a hat", {}, MaskMissing)])
def test_repainting_a_part_takes_words_and_a_mask_also_as_a_next_step(
    words: str, mask: dict[str, Any], error: type[RequestError]
) -> None:
    with pytest.raises(error):
        fit(a_request(words, operation=Operation.INPAINT, follow=STEP, **mask), Capabilities(), model="m")


@pytest.mark.parametrize(
    ("ratio", "known", "found"),
    [
        ("128:85", ("1:1", "3:2", "16:9"), "3:2"),
        ("9:20", ("16:9", "9:16", "1:1"), "9:16"),
        ("1:1", (), None),
        ("wide", ("1:1",), None),
    ],
)
def test_the_nearest_shape_is_the_one_that_has_to_be_stretched_least(
    ratio: str, known: tuple[str, ...], found: str | None
) -> None:
    assert nearest(ratio, known) == found


def test_what_has_one_result_and_nothing_to_tune_says_what_it_leaves_out() -> None:
    tuned = a_request(
        "", operation=Operation.UPSCALE, images=(a_picture(),), count=4, seed=5, negative="x", ratio="1:1"
    )
    fitted = fit(tuned, replace(EVERYTHING, seed_max=9, negative=True), model="m")
    assert (fitted.request.count, fitted.calls) == (1, (1,))
    assert fitted.dropped == ("ratio", "count", "seed", "negative")
    preset = replace(EVERYTHING, seed_max=9, presets={Operation.CUTOUT: Preset("cut it out")})
    kept = fit(replace(tuned, operation=Operation.CUTOUT, negative=None), preset, model="m")
    assert (kept.request.count, kept.request.seed, kept.dropped) == (4, 5, ())


def test_words_that_a_wire_has_no_place_for_are_dropped_and_reported() -> None:
    able = replace(EVERYTHING, wordless=frozenset({Operation.BLEND}))
    fitted = fit(a_request("as ink", operation=Operation.BLEND, images=(a_picture(),) * 2), able, model="m")
    assert (fitted.request.prompt, fitted.dropped) == ("", ("prompt",))
