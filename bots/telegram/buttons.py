"""Pressed buttons. What a button means is in its data, so it works for as long as its message exists."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from telegram import Bot, CallbackQuery, Chat, ChatMember, MaybeInaccessibleMessage, MessageEntity, User
from telegram.error import BadRequest, TelegramError

from bots import texts
from bots.buttons import Press, decode
from bots.telegram.answers import Answers
from bots.telegram.errors import delivery_error
from bots.telegram.keyboards import question
from bots.telegram.places import NAME, Place, address_of, key, place_of, split_key
from bots.telegram.requests import who_of
from bots.telegram.style import style
from bots.words import Words
from core.client import Client
from core.errors import ImagineError, NotYours, StoreDown
from core.types import Action, Operation, PostedMessage, Request, Task, Who

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Seconds after which a pressed button is answered even though what it started is not done: Telegram drops the
#: question after 150, a person loses patience much sooner.
ANSWER_WITHIN = 2.0
#: Buttons that are an operation of their own on one picture and need no words.
_OPERATIONS = {Action.UPSCALE: Operation.UPSCALE, Action.VARY: Operation.VARY}
DELETE_AT_ONCE = 100  #: core.telegram.org/bots/api#deletemessages


@dataclass(frozen=True)
class Notice:
    """What the one who pressed is told; an alert has to be closed."""

    text: str | None = None
    alert: bool = False


class Buttons:
    """Acts on presses."""

    def __init__(
        self,
        bot: Bot,
        client: Client,
        words: Words,
        answers: Answers,
        stored: Callable[[Task], None] = lambda task: None,
    ) -> None:
        """``stored`` is told of every task that comes of a press."""
        self._bot, self._client, self._words, self._answers = bot, client, words, answers
        self._stored = stored

    async def pressed(self, query: CallbackQuery, event: str) -> None:
        """Do what the button says. Raises StoreDown, after saying so."""
        locale = self._words.pick(query.from_user.language_code)
        press = decode(query.data or "")
        if press is None or query.message is None:
            self._answers.notice(query, self._words.say(locale, "notice.old_button", imagine="/imagine"), alert=True)
            return
        if press.action is Action.DELETE:
            # It asks Telegram several things, for which no update may wait.
            self._answers.start("deletion", self._delete(press, query, query.message))
            return
        acting = asyncio.ensure_future(self._told(press, query, query.message, event))
        done, _ = await asyncio.wait({acting}, timeout=ANSWER_WITHIN)
        if not done:
            self._answers.notice(query)
        try:
            notice = await acting
        except StoreDown as error:
            if done:
                self._answers.notice(query, self._words.error(locale, error), alert=True)
            raise
        if done:
            self._answers.notice(query, notice.text, alert=notice.alert)
        elif notice.text:
            self._answers.say(place_of(query.message), notice.text)

    async def _told(self, press: Press, query: CallbackQuery, message: MaybeInaccessibleMessage, event: str) -> Notice:
        who = who_of(query.from_user, message.chat, self._words)
        try:
            return await self._act(press, who, query.from_user, message, event)
        except StoreDown:
            raise
        except ImagineError as error:
            return Notice(self._words.error(who.locale, error), alert=True)

    async def _act(self, press: Press, who: Who, user: User, message: MaybeInaccessibleMessage, event: str) -> Notice:
        match press.action:
            case Action.AGAIN:
                again = await self._client.again(press.task_id, who=who, address=address_of(message), event=event)
                self._stored(again)
            case Action.UPSCALE | Action.VARY:
                request = Request(_OPERATIONS[press.action], "")
                changed = await self._client.work_on(
                    press.task_id, press.index, request, who=who, address=address_of(message), event=event
                )
                self._stored(changed)
            case Action.FOLLOW:
                return await self._follow(press, who, message, event)
            case Action.IMAGINE:
                painted = await self._client.imagine_text(
                    press.task_id, press.index or 0, who=who, address=address_of(message), event=event
                )
                self._stored(painted)
            case Action.DETAILS:
                view = await self._client.view(press.task_id)
                shown = style(self._words, who.locale)
                self._answers.say(place_of(message), texts.details(self._words, who.locale, view, shown))
                return Notice()
            case Action.CANCEL:
                await self._client.cancel(press.task_id, account=who.account)
                return Notice(self._words.say(who.locale, "notice.cancelled"))
            case Action.EDIT:
                await self._client.result(press.task_id, press.index)
                self._answers.start("question", self._ask(press, who, user, message))
                return Notice()
            case Action.DELETE:
                raise AssertionError("deletions go their own way")
        return Notice(self._words.say(who.locale, "notice.started"))

    async def _follow(self, press: Press, who: Who, message: MaybeInaccessibleMessage, event: str) -> Notice:
        """Take the gateway's own next step; for one that repaints a part, say how to tell which part."""
        number = press.index or 0
        offers = (await self._client.view(press.task_id)).offers
        if number < len(offers) and offers[number].operation is Operation.INPAINT:
            command = style(self._words, who.locale).command("inpaint")
            place = await self._picture(press.task_id, offers[number].index or 0, message)
            self._answers.say(place, self._words.say(who.locale, "hint.inpaint_telegram", command=command))
            return Notice()
        self._stored(
            await self._client.follow(press.task_id, number, who=who, address=address_of(message), event=event)
        )
        return Notice(self._words.say(who.locale, "notice.started"))

    async def _picture(self, task_id: str, index: int, message: MaybeInaccessibleMessage) -> Place:
        """Answering a task's picture in this chat; the buttons of several pictures are on a message below them."""
        place = place_of(message)
        posted = [split_key(each.key) for each in await self._client.messages_of(NAME, task_id) if each.index == index]
        here = [message_id for chat, message_id in posted if chat == place.chat]
        return place.answering(min(here, default=message.message_id))

    async def _ask(self, press: Press, who: Who, user: User, message: MaybeInaccessibleMessage) -> None:
        """A question that only the one who pressed sees as one; the reply to it edits that picture."""
        text, entities = _addressed(user, self._words.say(who.locale, "edit.question"))
        asked = await self._answers.ask(place_of(message), text, question(self._words, who.locale), entities)
        posted = PostedMessage(key(asked.chat_id, asked.message_id), press.task_id, press.index)
        await self._client.remember(NAME, posted)

    async def _delete(self, press: Press, query: CallbackQuery, message: MaybeInaccessibleMessage) -> None:
        """All messages that show the task; for the one who asked for it, and for the chat's administrators."""
        who = who_of(query.from_user, message.chat, self._words)
        try:
            task = await self._client.task(press.task_id)
            if task.who.account != who.account and not await self._is_admin(message.chat, query.from_user):
                raise NotYours(task=press.task_id)
            await self._delete_messages(press.task_id, message)
        except BadRequest:
            # core.telegram.org/bots/api#deletemessage: a bot deletes its messages of the last 48 hours only.
            self._answers.notice(query, self._words.say(who.locale, "notice.delete_failed"), alert=True)
        except TelegramError as error:
            self._answers.notice(query, self._words.error(who.locale, delivery_error(error)), alert=True)
        except ImagineError as error:
            self._answers.notice(query, self._words.error(who.locale, error), alert=True)
        else:
            self._answers.notice(query, self._words.say(who.locale, "notice.deleted"))

    async def _delete_messages(self, task_id: str, message: MaybeInaccessibleMessage) -> None:
        chats: dict[int, set[int]] = {message.chat.id: {message.message_id}}
        for posted in await self._client.messages_of(NAME, task_id):
            chat, message_id = split_key(posted.key)
            chats.setdefault(chat, set()).add(message_id)
        for chat, ids in chats.items():
            ordered = sorted(ids)
            for start in range(0, len(ordered), DELETE_AT_ONCE):
                await self._bot.delete_messages(chat, ordered[start : start + DELETE_AT_ONCE])

    async def _is_admin(self, chat: Chat, user: User) -> bool:
        if chat.type == Chat.PRIVATE:
            return False
        try:
            member = await self._bot.get_chat_member(chat.id, user.id)
        except TelegramError as error:
            log.info("whether someone is an administrator is unknown", reason=type(error).__name__)
            return False
        return member.status in (ChatMember.ADMINISTRATOR, ChatMember.OWNER)


def _addressed(user: User, text: str) -> tuple[str, list[MessageEntity]]:
    """``text`` with the person's name before it, as a mention that works without a username."""
    name = user.full_name
    entity = MessageEntity(MessageEntity.TEXT_MENTION, 0, texts.utf16_length(name), user=user)
    return f"{name}, {text}", [entity]
