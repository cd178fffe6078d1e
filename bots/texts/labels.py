"""Short texts on controls, with the length each platform takes."""

from bots.words import Words
from core.types import Action

#: Every command of ours, in the order people meet them.
COMMANDS = ("imagine", "edit", "models", "usage", "queue", "cancel", "help", "start")
#: Every option of a Discord command.
OPTIONS = (
    "prompt",
    "model",
    "ratio",
    "count",
    "seed",
    "negative",
    "image",
    *(f"image{n}" for n in range(2, 9)),
    "private",
    "id",
)


def button_label(words: Words, locale: str, action: Action) -> str:
    """A button's label, at most 80 characters (Discord's limit)."""
    return words.say(locale, f"button.{action}")


def command_description(words: Words, locale: str, command: str) -> str:
    """What a command is for, at most 100 characters (Discord's limit; Telegram takes 256)."""
    return words.say(locale, f"command.{command}")


def option_description(words: Words, locale: str, option: str) -> str:
    """What an option means, at most 100 characters (Discord's limit)."""
    if option.startswith("image") and option != "image":
        return words.say(locale, "option.image_more")
    return words.say(locale, f"option.{option}")
