"""Which buttons there are, and where they stand."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.buttons import Press, encode
from bots.discord.layout import COLUMNS, ROWS, controls
from bots.words import Words
from core.types import Action, Offer, Operation, Request, Stage, View

WORDS = Words()
ALL = sorted(set(Action) - {Action.CANCEL})
PLAIN = (Action.AGAIN, Action.EDIT, Action.DETAILS, Action.DELETE)


def a_view(
    actions: Sequence[Action] = PLAIN, offers: Sequence[Offer] = (), texts: Sequence[str] = (), locale: str = "en"
) -> View:
    request = Request(Operation.IMAGINE, "a red fox", model="fox-1")
    return View(
        "7h2k9qz0m4xa", 1, Stage.DONE, locale, "discord:1", request,
        actions=tuple(actions), offers=tuple(offers), texts=tuple(texts),
    )  # fmt: skip


def a_grid(first: int = 0) -> list[Offer]:
    """What Midjourney offers on four pictures, mixed as no gateway would."""
    steps = [("U", Operation.UPSCALE), ("V", Operation.VARY)]
    return [
        Offer(Operation.IMAGINE, "again", "🔄"),
        *(Offer(kind, f"{name}{n + 1}", f"{name}{n + 1}", first + n) for n in range(4) for name, kind in steps),
    ]


def seen(view: View, pictures: Sequence[int]) -> list[list[str]]:
    """The labels without their signs."""
    return [[control.label.split(maxsplit=1)[-1] for control in row] for row in controls(WORDS, view, tuple(pictures))]


def test_one_picture_has_one_row() -> None:
    assert seen(a_view(), [0]) == [["Again", "Edit", "Details", "Delete"]]


def test_one_picture_with_everything_has_two_rows() -> None:
    actions = (Action.AGAIN, Action.EDIT, Action.UPSCALE, Action.VARY, Action.DETAILS, Action.DELETE)
    assert seen(a_view(actions), [0]) == [["Again", "Edit", "Upscale", "Vary"], ["Details", "Delete"]]


def test_several_pictures_have_a_numbered_row_of_each_kind() -> None:
    actions = (Action.AGAIN, Action.EDIT, Action.UPSCALE, Action.DETAILS, Action.DELETE)
    assert seen(a_view(actions), range(3)) == [
        ["Edit 1", "Edit 2", "Edit 3"],
        ["Upscale 1", "Upscale 2", "Upscale 3"],
        ["Again", "Details", "Delete"],
    ]


def test_of_ten_pictures_the_first_have_all_kinds_before_the_others_have_any() -> None:
    actions = (Action.AGAIN, Action.EDIT, Action.UPSCALE, Action.VARY, Action.DETAILS, Action.DELETE)
    rows = seen(a_view(actions), range(10))

    assert [(row[0], row[-1]) for row in rows] == [
        ("Edit 1", "Edit 5"), ("Edit 6", "Edit 10"), ("Upscale 1", "Upscale 5"), ("Vary 1", "Vary 5"),
        ("Again", "Delete"),
    ]  # fmt: skip


def test_a_grid_has_its_upscales_in_a_row_and_its_variations_in_the_next() -> None:
    view = a_view((Action.AGAIN, Action.EDIT, Action.FOLLOW, Action.DETAILS, Action.DELETE), a_grid())

    assert seen(view, range(4)) == [
        ["U1", "U2", "U3", "U4"],
        ["V1", "V2", "V3", "V4"],
        ["🔄"],
        ["Edit 1", "Edit 2", "Edit 3", "Edit 4"],
        ["Again", "Details", "Delete"],
    ]


def test_a_button_of_a_step_says_the_steps_number_among_all_offers() -> None:
    view = a_view((Action.AGAIN, Action.FOLLOW), a_grid())
    (first, *_), *_ = controls(WORDS, view, range(4))

    assert first.press == Press(Action.FOLLOW, view.task_id, 1), "the offer before it stands in a later row"


def test_two_grids_are_numbered_through_and_leave_the_edit_of_the_first_picture() -> None:
    offers = [*a_grid(), *a_grid(first=4)]
    view = a_view((Action.AGAIN, Action.EDIT, Action.FOLLOW, Action.DETAILS, Action.DELETE), offers)

    assert seen(view, range(8)) == [
        ["U1", "U2", "U3", "U4"],
        ["U5", "U6", "U7", "U8"],
        ["V1", "V2", "V3", "V4"],
        ["V5", "V6", "V7", "V8"],
        ["Again", "Edit 1", "Details", "Delete"],
    ]


def test_steps_on_the_one_picture_stand_in_one_row() -> None:
    offers = [Offer(Operation.INPAINT, "region", "Vary (Region)"), Offer(Operation.ZOOM, "out", "Zoom Out 2x")]

    assert seen(a_view((Action.AGAIN, Action.FOLLOW), offers), [0]) == [["Vary (region)", "Zoom out 2×"], ["Again"]]


def test_texts_are_numbered() -> None:
    view = a_view((Action.AGAIN, Action.IMAGINE, Action.DETAILS, Action.DELETE), texts=["a", "b", "c", "d"])
    first, last = controls(WORDS, view)

    assert [control.label for control in first] == ["🎨 1", "🎨 2", "🎨 3", "🎨 4"]
    assert [control.press.index for control in first] == [0, 1, 2, 3]
    assert [control.press.action for control in last] == [Action.AGAIN, Action.DETAILS, Action.DELETE]


@pytest.mark.parametrize("action", [Action.CANCEL, Action.AGAIN])
def test_what_is_not_done_has_one_button(action: Action) -> None:
    assert [[control.press.action for control in row] for row in controls(WORDS, a_view((action,)))] == [[action]]


def test_what_cannot_be_acted_on_has_none() -> None:
    assert controls(WORDS, a_view(())) == []


OFFERS = st.builds(
    Offer,
    operation=st.sampled_from(Operation),
    token=st.just("x"),
    label=st.sampled_from(["U1", "V4", "Zoom Out 2x", "🔄", "", "x" * 200]),
    index=st.none() | st.integers(0, 9),
)


@given(
    actions=st.sets(st.sampled_from(ALL)),
    offers=st.lists(OFFERS, max_size=40),
    texts=st.lists(st.just("a fox"), max_size=20),
    pictures=st.integers(0, 10),
    locale=st.sampled_from(WORDS.languages),
)
def test_however_much_there_is_it_fits_and_nothing_is_there_twice(
    actions: set[Action], offers: list[Offer], texts: list[str], pictures: int, locale: str
) -> None:
    rows = controls(WORDS, a_view(sorted(actions), offers, texts, locale), range(pictures))
    presses = [encode(control.press) for row in rows for control in row]

    assert len(rows) <= ROWS
    assert all(1 <= len(row) <= COLUMNS for row in rows)
    assert len(set(presses)) == len(presses)
    assert all(1 <= len(control.label) <= 80 for row in rows for control in row)
    lasting = {Action.AGAIN, Action.DETAILS, Action.DELETE} & actions
    assert lasting <= {control.press.action for row in rows for control in row}, "these never give way"
