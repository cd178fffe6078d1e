"""Which buttons stand under a message, and where: five rows of five at most (components/reference, "Action Row")."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from bots.buttons import Press
from bots.texts import button_label, offer_label
from bots.words import Words
from core.types import Action, Operation, View

ROWS, COLUMNS = 5, 5
#: Buttons about one of the pictures.
_ON_A_PICTURE = (Action.EDIT, Action.UPSCALE, Action.VARY)
#: Buttons about the task as a whole that close the last row.
_CLOSING = (Action.DETAILS, Action.DELETE)


@dataclass(frozen=True)
class Control:
    """A button."""

    press: Press
    label: str


Row = list[Control]


def controls(words: Words, view: View, pictures: Sequence[int] = ()) -> list[Row]:
    """The rows of buttons for ``view``; ``pictures`` are the 0-based places of its results that are pictures.

    Each of several pictures has numbered buttons, as far as there is room: the gateway's own next steps and the texts
    come first, then edits, upscales and variations, of the first pictures before the others. What gets no row at all
    is about the first picture.
    """

    def control(action: Action, index: int | None = None, number: int | None = None) -> Control:
        return Control(Press(action, view.task_id, index), button_label(words, view.locale, action, number))

    rows = _steps(words, view)
    if Action.IMAGINE in view.actions:
        rows += _split([control(Action.IMAGINE, place, place + 1) for place in range(len(view.texts))])
    del rows[ROWS - 1 :]
    works = [action for action in view.actions if action in _ON_A_PICTURE and pictures]
    if len(pictures) > 1:
        tables = [_split([control(action, place, place + 1) for place in pictures]) for action in works]
        shown = _shown(tables, ROWS - 1 - len(rows))
        rows += [row for table in shown for row in table]
        works = works[sum(map(bool, shown)) :]
    number = pictures[0] + 1 if len(pictures) > 1 else None
    first = [control(action, pictures[0], number) for action in works]
    opening = [control(action) for action in (Action.AGAIN, Action.CANCEL) if action in view.actions]
    closing = [control(action) for action in _CLOSING if action in view.actions]
    return [*rows, *_last(opening, first, closing, room=ROWS - len(rows))]


def _steps(words: Words, view: View) -> list[Row]:
    """A grid's upscales in a row, its variations in the next, all that is about the result as a whole after them."""
    is_grid = len({offer.index for offer in view.offers if offer.index is not None}) > 1
    groups: dict[Operation | None, Row] = {}
    for place, offer in sorted(enumerate(view.offers), key=lambda step: step[1].index is None):
        kind = offer.operation if is_grid and offer.index is not None else None
        press = Press(Action.FOLLOW, view.task_id, place)
        groups.setdefault(kind, []).append(Control(press, offer_label(words, view.locale, offer)))
    return [row for group in groups.values() for row in _split(group)]


def _split(row: Row) -> list[Row]:
    """In rows of the same length, as far as that goes: eight are four and four."""
    if not row:
        return []
    length = math.ceil(len(row) / math.ceil(len(row) / COLUMNS))
    return [row[place : place + length] for place in range(0, len(row), length)]


def _shown(tables: Sequence[list[Row]], room: int) -> list[list[Row]]:
    """The rows of the tables that fit: the first row of each, then the second of each, and so on."""
    shown: list[list[Row]] = [[] for _ in tables]
    for abreast in zip_longest(*tables):
        for table, row in zip(shown, abreast, strict=True):
            if row is not None and room > 0:
                table.append(row)
                room -= 1
    return shown


def _last(opening: Row, first: Row, closing: Row, *, room: int) -> Iterator[Row]:
    """What is about the task, and the first picture, in one row or in two."""
    if len(opening) + len(first) + len(closing) > COLUMNS and room > 1:
        yield [*opening, *first]
        yield closing
        return
    row = [*opening, *first[: COLUMNS - len(opening) - len(closing)], *closing]
    if row:
        yield row
