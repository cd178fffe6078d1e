"""Which buttons there are, and how they stand."""

from dataclasses import replace

from bots.telegram.keyboards import MOST, keyboard
from bots.words import Words
from core.types import Action, Offer, Operation, View
from tests.bots.telegram.handing import DONE

WORDS = Words()
A = Action
ALL = (A.AGAIN, A.EDIT, A.UPSCALE, A.VARY, A.DETAILS, A.DELETE)
GRID = (
    *(Offer(Operation.UPSCALE, f"u{n}", f"U{n}", n - 1) for n in range(1, 5)),
    Offer(Operation.IMAGINE, "again", "🔄"),
    *(Offer(Operation.VARY, f"v{n}", f"V{n}", n - 1) for n in range(1, 5)),
)


def rows(view: View, pictures: int = 1) -> list[list[str]]:
    """The labels."""
    markup = keyboard(WORDS, view, pictures=pictures)
    return [] if markup is None else [[button.text for button in row] for row in markup.inline_keyboard]


def pressed(view: View, pictures: int = 1) -> list[str]:
    """What the buttons carry, without the task."""
    markup = keyboard(WORDS, view, pictures=pictures)
    assert markup is not None
    return [
        str(button.callback_data).replace(f":{view.task_id}", "") for row in markup.inline_keyboard for button in row
    ]


def test_one_picture_has_its_buttons_in_rows_that_a_phone_shows() -> None:
    view = replace(DONE, actions=ALL)
    assert [len(row) for row in rows(view)] == [3, 3]
    assert pressed(view) == [
        "i1:again",
        "i1:edit:0",
        "i1:upscale:0",
        "i1:vary:0",
        "i1:details",
        "i1:delete",
    ]


def test_several_pictures_have_a_numbered_row_for_each_thing_to_do() -> None:
    labels = rows(replace(DONE, actions=ALL), pictures=3)
    assert [len(row) for row in labels] == [3, 3, 3, 3]
    assert labels[1] == [f"{WORDS.say('en', 'button.upscale')} {number}" for number in (1, 2, 3)]
    assert pressed(replace(DONE, actions=ALL), pictures=3)[6:9] == ["i1:vary:0", "i1:vary:1", "i1:vary:2"]


def test_a_grids_steps_stand_as_its_users_know_them_and_the_rest_below() -> None:
    view = replace(DONE, actions=(A.AGAIN, A.EDIT, A.FOLLOW, A.DETAILS, A.DELETE), offers=GRID)
    labels = rows(view, pictures=4)
    assert labels[:3] == [["U1", "U2", "U3", "U4"], ["V1", "V2", "V3", "V4"], ["🔄"]]
    assert pressed(view, pictures=4)[3:5] == ["i1:follow:3", "i1:follow:5"]
    assert pressed(view, pictures=4)[8] == "i1:follow:4"


def test_steps_with_long_names_stand_two_in_a_row_in_the_persons_language() -> None:
    offers = tuple(Offer(Operation.UPSCALE, label, label) for label in ("Upscale (Subtle)", "Upscale (Creative)"))
    labels = rows(replace(DONE, locale="zh-CN", actions=(A.FOLLOW, A.DELETE), offers=offers))
    assert labels[0] == [WORDS.say("zh-CN", f"offer.upscale_{name}") for name in ("subtle", "creative")]


def test_the_grids_of_a_task_are_numbered_through() -> None:
    again = (replace(offer, index=None if offer.index is None else offer.index + 4) for offer in GRID)
    labels = rows(replace(DONE, actions=(A.FOLLOW,), offers=(*GRID, *again)), pictures=8)
    assert labels[:2] == [["U1", "U2", "U3", "U4"], ["V1", "V2", "V3", "V4"]]
    assert labels[2:4] == [["U5", "U6", "U7", "U8"], ["V5", "V6", "V7", "V8"]]


def test_texts_have_a_button_each() -> None:
    view = replace(DONE, actions=(A.AGAIN, A.IMAGINE, A.DETAILS, A.DELETE), texts=("a fox", "a cat", "a dog", "a hen"))
    assert pressed(view, pictures=0)[:4] == [f"i1:imagine:{number}" for number in range(4)]
    assert [len(row) for row in rows(view, pictures=0)] == [4, 3]


def test_there_are_never_more_buttons_than_a_message_takes() -> None:
    offers = tuple(Offer(Operation.ZOOM, f"{n}", f"Z{n}") for n in range(150))
    view = replace(DONE, actions=(*ALL, A.FOLLOW), offers=offers)
    buttons = pressed(view, pictures=10)
    assert len(buttons) == MOST
    assert buttons[-3:] == ["i1:again", "i1:details", "i1:delete"]
