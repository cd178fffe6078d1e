"""Names and descriptions of the commands in every language we speak, as Discord wants them at registration."""

import discord
from discord import app_commands

from bots.texts import command_description, option_description
from bots.words import Words


class Translator(app_commands.Translator):
    """Looks up by the kind and name that :func:`described` put beside the text."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._spoken = {_primary(language) for language in words.languages}

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        """None where the text needs no translation, or there is none: Discord then shows the default."""
        if not string.extras or _primary(locale.value) not in self._spoken:
            return None
        language = self._words.pick(locale.value)
        if language == self._words.default:
            return None
        return text(self._words, language, **string.extras)


def described(words: Words, kind: str, name: str) -> app_commands.locale_str:
    """The text of a command, an option or a menu entry in the default language, ready to be translated."""
    return app_commands.locale_str(text(words, words.default, kind=kind, name=name), kind=kind, name=name)


def text(words: Words, locale: str, *, kind: str, name: str) -> str:
    match kind:
        case "command":
            return command_description(words, locale, name)
        case "option":
            return option_description(words, locale, name)
        case _:
            return words.say(locale, f"{kind}.{name}")


def _primary(language: str) -> str:
    return language.partition("-")[0].casefold()
