"""One update in: what has to last is stored before this returns, the answers go out in the background."""

import asyncio
import contextlib
from collections.abc import Callable

import structlog
from telegram import Bot, Chat, ChatMember, ChatMemberUpdated, Message, Update

from bots import texts
from bots.telegram.admin import Administering
from bots.telegram.albums import REMEMBER_FOR, SETTLE_FOR, SETTLE_FOR_POSTED
from bots.telegram.answers import Answers
from bots.telegram.buttons import Buttons
from bots.telegram.commands import Commands
from bots.telegram.keyboards import question
from bots.telegram.meaning import AlbumPart, Ask, Command, Hint, Ignore, Me, WhatToDo, meaning
from bots.telegram.places import NAME, Place, address_of, place_of
from bots.telegram.requests import Requests, Waits, who_of
from bots.telegram.style import style
from bots.words import Words
from core.admin import Admin
from core.client import Client
from core.errors import ImagineError, StoreDown
from core.types import Operation, Task, Who

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: What to say when an album has too few pictures.
_TOO_FEW = {
    Operation.BLEND: "hint.several_pictures_telegram",
    Operation.FACESWAP: "hint.two_pictures_telegram",
    Operation.INPAINT: "hint.inpaint_telegram",
    Operation.RESTYLE: "hint.restyle",
}
#: Seconds between two looks for words that another process got: their task waits ``SETTLE_FOR_POSTED``.
FOLLOW_EVERY = 0.5
_OUTSIDE = (ChatMember.LEFT, ChatMember.BANNED)


class Intake:
    """Takes updates for the bot ``me``."""

    def __init__(
        self,
        bot: Bot,
        client: Client,
        words: Words,
        answers: Answers,
        me: Me,
        *,
        admin: Admin | None = None,
        stored: Callable[[Task], None] = lambda task: None,
        shared: bool = False,
    ) -> None:
        """``stored`` is told of every task that is asked for; ``shared``: updates come by webhook, and other processes
        may take some of them."""
        self._shared = shared
        self._client, self._words, self._answers, self._me = client, words, answers, me
        self._requests = Requests(client, stored, settle_for=SETTLE_FOR_POSTED if shared else SETTLE_FOR)
        self._commands = Commands(client, words)
        self._administering = Administering(admin, words, answers)
        self._buttons = Buttons(bot, client, words, answers, stored)
        self._told_down: set[int] = set()

    async def take(self, update: Update) -> None:
        """Raises StoreDown when the update has to come again."""
        event = f"{NAME}:{self._me.id}:{update.update_id}"
        if update.message is not None:
            await self._message(update.message, event, update.update_id)
        elif update.callback_query is not None:
            await self._buttons.pressed(update.callback_query, event)
        elif update.my_chat_member is not None:
            self._membership(update.my_chat_member)

    async def _message(self, message: Message, event: str, update_id: int) -> None:
        meant = meaning(message, self._me, self._client.operations())
        if isinstance(meant, Ignore) or message.from_user is None:
            return
        who = who_of(message.from_user, message.chat, self._words)
        place = place_of(message)
        try:
            await self._mean(meant, message, who, place, event)
        except StoreDown as error:
            if update_id not in self._told_down:
                self._told_down.add(update_id)
                self._answers.say(place, self._words.error(who.locale, error))
            raise
        except ImagineError as error:
            self._answers.say(place, self._words.error(who.locale, error))
        self._told_down.discard(update_id)

    async def _mean(
        self,
        meant: Ask | AlbumPart | Command | WhatToDo | Hint,
        message: Message,
        who: Who,
        place: Place,
        event: str,
    ) -> None:
        match meant:
            case Ask():
                ordered = await self._requests.order(meant, who=who, address=address_of(message), event=event)
                if isinstance(ordered, Waits):
                    self._answers.start("hint", self._short_album(ordered, meant.operation, who, place))
                elif ordered is None and message.chat.type == Chat.PRIVATE:
                    self._hint("hint.private_text", who, place)
            case AlbumPart():
                first = await self._requests.part(meant)
                if first and self._shared:
                    self._answers.start("album", self._follow(meant.album))
                if first and meant.asked:
                    self._answers.start("question", self._wordless_album(meant.album, who, place))
            case Command(name="admin"):
                self._administering.asked(meant.rest, who, message.chat, place)
            case Command():
                self._answers.say(place, await self._commands.answer(meant, who, message.chat, self._me))
            case WhatToDo():
                text = self._words.say(who.locale, "edit.question")
                form = question(self._words, who.locale)
                self._answers.start("question", self._answers.ask_about(place, meant.picture, text, form))
            case Hint():
                if meant.album is not None:
                    self._requests.refuse(meant.album)
                self._hint(meant.key, who, place, meant.command)

    def _hint(self, key: str, who: Who, place: Place, name: str = "") -> None:
        command = style(self._words, who.locale).command
        names = {"imagine": command("imagine"), "edit": command("edit"), "command": command(name)}
        self._answers.say(place, self._words.say(who.locale, key, **names))

    async def _follow(self, album: str) -> None:
        """The words of an album may have gone to another process, whose task takes the pictures that wait here."""
        for _ in range(int(REMEMBER_FOR / FOLLOW_EVERY)):
            await asyncio.sleep(FOLLOW_EVERY)
            with contextlib.suppress(StoreDown):
                if await self._requests.follow(album):
                    return

    async def _wordless_album(self, album: str, who: Who, place: Place) -> None:
        """In a private chat an album is meant for the bot: say how, once all of it must have come."""
        await asyncio.sleep(2 * SETTLE_FOR)
        if self._requests.wordless(album):
            self._hint("hint.edit_words", who, place)

    async def _short_album(self, waits: Waits, operation: Operation, who: Who, place: Place) -> None:
        """Say what is needed when no more of an album has come; in groups with privacy mode no more ever does."""
        await asyncio.sleep(2 * SETTLE_FOR)
        if self._requests.too_few(waits.album):
            self._hint(_TOO_FEW[operation], who, place, operation.value)

    def _membership(self, change: ChatMemberUpdated) -> None:
        """Greet a group the bot has been added to."""
        came = change.old_chat_member.status in _OUTSIDE and change.new_chat_member.status not in _OUTSIDE
        log.info("membership changed", chat=change.chat.id, status=change.new_chat_member.status)
        if not came or change.chat.type not in (Chat.GROUP, Chat.SUPERGROUP):
            return
        locale = self._words.pick(change.from_user.language_code)
        self._answers.say(Place(change.chat.id), texts.welcome(self._words, locale, style(self._words, locale)))
