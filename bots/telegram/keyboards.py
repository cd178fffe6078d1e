"""Buttons under messages. What they say is in ``bots.buttons``; pressing is handled in :mod:`bots.telegram.buttons`."""

from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup

from bots import texts
from bots.buttons import Press, encode
from bots.words import Words
from core.types import Action, View

#: Buttons of a row that a phone still shows with their labels whole.
ROW = 5
#: core.telegram.org/bots/api#forcereply, in characters.
PLACEHOLDER_LIMIT = 64


def keyboard(words: Words, view: View, *, pictures: int = 0) -> InlineKeyboardMarkup | None:
    """The task's buttons; with several pictures one *edit* for each. None when there is nothing to press."""
    rows: list[list[InlineKeyboardButton]] = []
    if pictures > 1 and Action.EDIT in view.actions:
        numbered = [_button(words, view, Action.EDIT, index, f" {index + 1}") for index in range(pictures)]
        rows += [numbered[start : start + ROW] for start in range(0, pictures, ROW)]
    shared = [action for action in view.actions if not (rows and action is Action.EDIT)]
    index = 0 if pictures == 1 else None
    plain = [_button(words, view, action, index if action is Action.EDIT else None) for action in shared]
    if plain:
        rows.append(plain)
    return InlineKeyboardMarkup(rows) if rows else None


def _button(words: Words, view: View, action: Action, index: int | None, suffix: str = "") -> InlineKeyboardButton:
    label = texts.button_label(words, view.locale, action) + suffix
    return InlineKeyboardButton(label, callback_data=encode(Press(action, view.task_id, index)))


def question(words: Words, locale: str) -> ForceReply:
    """Opens the answer field of the one who is asked, and of nobody else."""
    placeholder = words.say(locale, "edit.placeholder")[:PLACEHOLDER_LIMIT]
    return ForceReply(selective=True, input_field_placeholder=placeholder)
