"""Where in Telegram something is written: a chat, a topic of it, a message that is answered."""

from dataclasses import dataclass, replace
from typing import TypedDict

from telegram import Chat, MaybeInaccessibleMessage, Message, ReplyParameters

from bots.telegram.budgets import Kind
from core.types import Address

NAME = "telegram"


class Where(TypedDict):
    """The arguments that every send method of the library takes; the last one is for our ``Limiter``."""

    chat_id: int
    message_thread_id: int | None
    reply_parameters: ReplyParameters | None
    rate_limit_args: Kind


@dataclass(frozen=True)
class Place:
    """``topic`` is None in the General topic too: Telegram refuses its number (tdlib/telegram-bot-api #798)."""

    chat: int
    topic: int | None = None
    reply_to: int | None = None

    def where(self, kind: Kind) -> Where:
        # With both, a message whose target was deleted still lands in its topic.
        reply = None if self.reply_to is None else ReplyParameters(self.reply_to, allow_sending_without_reply=True)
        return {
            "chat_id": self.chat,
            "message_thread_id": self.topic,
            "reply_parameters": reply,
            "rate_limit_args": kind,
        }

    def answering(self, message_id: int) -> "Place":
        return replace(self, reply_to=message_id)


def place_of(message: MaybeInaccessibleMessage) -> Place:
    """Answering ``message``. Replies in plain supergroups carry a thread id too, which is no topic's."""
    topic = None
    if isinstance(message, Message) and message.is_topic_message:
        topic = message.message_thread_id
    return Place(message.chat.id, topic, message.message_id)


def address_of(message: MaybeInaccessibleMessage) -> Address:
    """Where the task that ``message`` asks for will live."""
    place = place_of(message)
    data = {
        "chat": place.chat,
        "topic": place.topic,
        "request": place.reply_to,
        "status": None,
        "private": message.chat.type == Chat.PRIVATE,
    }
    return Address(NAME, data)


def place(address: Address) -> Place:
    data = address.data
    return Place(data["chat"], data.get("topic"), data.get("request"))


def key(chat: int, message_id: int) -> str:
    """The name of a message in ``PostedMessage``."""
    return f"{chat}:{message_id}"


def split_key(text: str) -> tuple[int, int]:
    """The chat and the message of a :func:`key`."""
    chat, _, message_id = text.partition(":")
    return int(chat), int(message_id)
