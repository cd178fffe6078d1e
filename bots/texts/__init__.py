"""Everything the bots write, put together from :mod:`bots.words`: plain text, escaped by the platform's own Style."""

from bots.texts.answers import help_text, models, queue, usage, welcome
from bots.texts.cutting import cut, pages, utf16_length
from bots.texts.labels import (
    COMMANDS,
    MAKING,
    OPTIONS,
    button_label,
    command_description,
    offer_label,
    offered,
    option_description,
)
from bots.texts.life import caption, failure, status
from bots.texts.results import details, told
from bots.texts.stats import stats, trouble
from bots.texts.style import Style

__all__ = [
    "COMMANDS",
    "MAKING",
    "OPTIONS",
    "Style",
    "button_label",
    "caption",
    "command_description",
    "cut",
    "details",
    "failure",
    "help_text",
    "models",
    "offer_label",
    "offered",
    "option_description",
    "pages",
    "queue",
    "stats",
    "status",
    "told",
    "trouble",
    "usage",
    "utf16_length",
    "welcome",
]
