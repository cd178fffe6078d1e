"""The commands that are answered with words, and the list of commands that Telegram shows."""

from collections.abc import Collection

import structlog
from telegram import Bot, BotCommand, Chat
from telegram.error import TelegramError

from bots import texts
from bots.telegram.meaning import Command, Me
from bots.telegram.style import style
from bots.words import Words
from core.client import Client
from core.types import Operation, Stage, Who

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Commands:
    """Answers in the person's language. Quick: nothing here goes over the network."""

    def __init__(self, client: Client, words: Words) -> None:
        self._client, self._words = client, words

    async def answer(self, command: Command, who: Who, chat: Chat, me: Me) -> str:
        """The answer. Raises TaskError, StoreDown."""
        words, locale = self._words, who.locale
        shown = style(words, locale)
        match command.name:
            case "usage":
                return texts.usage(words, locale, await self._client.usage(who.account), shown)
            case "models":
                return await self._models(locale)
            case "queue":
                return texts.queue(words, locale, await self._client.queue(who.account), shown)
            case "cancel":
                return await self._cancel(command.rest, who)
            case "start":
                return texts.welcome(words, locale, shown, platform="telegram")
            case _:
                hints = () if me.reads_all or chat.type == Chat.PRIVATE else ("help.privacy_mode",)
                able = self._client.operations()
                return texts.help_text(words, locale, shown, platform="telegram", hints=hints, operations=able)

    async def _models(self, locale: str) -> str:
        defaults = (self._client.default_model(operation) for operation in (Operation.IMAGINE, Operation.EDIT))
        default, default_edit = (None if model is None else model.name for model in defaults)
        return texts.models(
            self._words,
            locale,
            self._client.listed(),
            style(self._words, locale),
            default=default,
            default_edit=default_edit,
            resting=await self._client.resting(),
            verified=await self._client.verified(),
        )

    async def _cancel(self, rest: str, who: Who) -> str:
        """With an id that one; without, the only one that can be cancelled, or the list to choose from."""
        task_id = rest.split(maxsplit=1)[0].casefold() if rest else ""
        if not task_id:
            entries = await self._client.queue(who.account)
            waiting = [entry for entry in entries if entry.stage is Stage.QUEUED]
            if not waiting:
                return self._words.say(who.locale, "cancel.nothing")
            if len(waiting) > 1:
                which = self._words.say(who.locale, "cancel.which")
                return which + "\n\n" + texts.queue(self._words, who.locale, entries, style(self._words, who.locale))
            task_id = waiting[0].task.id
        await self._client.cancel(task_id, account=who.account)
        return self._words.say(who.locale, "notice.cancelled")


async def publish(bot: Bot, words: Words, able: Collection[Operation]) -> None:
    """Tell Telegram the commands for what can be done, in each language, where they are not what it has. Failure is
    only logged."""
    for language in words.languages:
        # The default language is the list for everybody else; the others go by ISO 639-1.
        code = None if language == words.default else language.partition("-")[0]
        names = texts.offered(able)
        wanted = tuple(BotCommand(name, texts.command_description(words, language, name)) for name in names)
        try:
            if await bot.get_my_commands(language_code=code) != wanted:
                await bot.set_my_commands(wanted, language_code=code)
        except TelegramError as error:
            log.warning("the list of commands could not be set", language=language, reason=type(error).__name__)
