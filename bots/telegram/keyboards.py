"""Buttons under messages. What they say is in ``bots.buttons``; pressing is handled in :mod:`bots.telegram.buttons`."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup

from bots import texts
from bots.buttons import Press, encode
from bots.words import Words
from core.types import Action, Offer, Operation, View

#: Buttons of a row that a phone still shows with their labels whole: numbered ones and "U1", words, and phrases.
ROW, WORDY_ROW, PHRASE_ROW = 5, 4, 2
#: Characters of a label up to which it is no word, and up to which it is no phrase.
_SHORT, _WORD = 4, 12
#: Buttons of one message. The Bot API tells no number; it is what the servers take (REPLY_MARKUP_TOO_LONG beyond).
MOST = 100
#: core.telegram.org/bots/api#forcereply, in characters.
PLACEHOLDER_LIMIT = 64
#: Buttons that are about one picture each.
_PER_PICTURE = (Action.EDIT, Action.UPSCALE, Action.VARY)

_Row = list[InlineKeyboardButton]


def keyboard(words: Words, view: View, *, pictures: int = 0) -> InlineKeyboardMarkup | None:
    """The task's buttons: the gateway's own next steps, what can be done with each picture or text, what concerns them
    all. None when there is nothing to press."""
    shared: _Row = []
    rows: list[_Row] = []
    for action in view.actions:
        if action is Action.FOLLOW:
            rows = [*_offers(words, view), *rows]
        elif action is Action.IMAGINE:
            rows += _numbered(words, view, action, len(view.texts))
        elif action in _PER_PICTURE and pictures > 1:
            rows += _numbered(words, view, action, pictures)
        else:
            index = 0 if action in _PER_PICTURE and pictures == 1 else None
            shared.append(_button(view, action, index, texts.button_label(words, view.locale, action)))
    rows = [*_fitting(rows, MOST - len(shared)), *_even(shared, WORDY_ROW)]
    return InlineKeyboardMarkup(rows) if rows else None


def _numbered(words: Words, view: View, action: Action, count: int) -> list[_Row]:
    labels = (texts.button_label(words, view.locale, action, number) for number in range(1, count + 1))
    return _even([_button(view, action, index, label) for index, label in enumerate(labels)], ROW)


def _offers(words: Words, view: View) -> list[_Row]:
    """Those of one kind in a row: U1 to U4, below them V1 to V4, and below these what is about no single picture."""
    taken = sorted(enumerate(view.offers[:MOST]), key=lambda item: item[1].index is None)
    rows: list[_Row] = []
    for _, same in groupby(taken, key=lambda item: _kind(item[1])):
        row = [
            _button(view, Action.FOLLOW, number, texts.offer_label(words, view.locale, offer)) for number, offer in same
        ]
        rows += _even(row, _width(row))
    return rows


def _kind(offer: Offer) -> tuple[bool, Operation, bool]:
    return offer.index is None, offer.operation, len(offer.label) <= _SHORT


def _width(row: Iterable[InlineKeyboardButton]) -> int:
    longest = max(len(button.text) for button in row)
    return ROW if longest <= _SHORT else WORDY_ROW if longest <= _WORD else PHRASE_ROW


def _even(buttons: Sequence[InlineKeyboardButton], width: int) -> list[_Row]:
    """As few rows as will do, of about the same length."""
    if not buttons:
        return []
    size = math.ceil(len(buttons) / math.ceil(len(buttons) / width))
    return [list(buttons[start : start + size]) for start in range(0, len(buttons), size)]


def _fitting(rows: Iterable[_Row], room: int) -> list[_Row]:
    """The first of them, up to that many buttons."""
    kept: list[_Row] = []
    for row in rows:
        if room <= 0:
            break
        kept.append(row[:room])
        room -= len(row)
    return kept


def _button(view: View, action: Action, index: int | None, label: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(label, callback_data=encode(Press(action, view.task_id, index)))


def question(words: Words, locale: str) -> ForceReply:
    """Opens the answer field of the one who is asked, and of nobody else."""
    placeholder = words.say(locale, "edit.placeholder")[:PLACEHOLDER_LIMIT]
    return ForceReply(selective=True, input_field_placeholder=placeholder)
