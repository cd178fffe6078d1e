"""Messages as the library gives them, and what they ask for."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from telegram import Chat, Message, MessageEntity, PhotoSize, User

from bots.telegram.meaning import Me, Meaning, meaning
from core.types import FrontFile, Operation

ME = Me(99, "fox_bot")
BOT = User(99, "Fox", is_bot=True)
ANA = User(1, "Ana", is_bot=False)
AT = datetime(2026, 11, 21, tzinfo=UTC)
GROUP = Chat(-100, Chat.SUPERGROUP)
PRIVATE = Chat(1, Chat.PRIVATE)
PHOTO = (PhotoSize("small", "s", 90, 60, 10), PhotoSize("large", "l", 900, 600, 1000))
PICTURE = FrontFile("telegram", {"file_id": "large", "size": 1000, "photo": True})
FILE = FrontFile("telegram", {"file_id": "file", "size": 7, "photo": False})


def entities(text: str) -> list[MessageEntity]:
    """The command a text begins with and the bot's mention in it, as Telegram marks them."""
    found = []
    if text.startswith("/"):
        found.append(MessageEntity(MessageEntity.BOT_COMMAND, 0, len(text.split(maxsplit=1)[0])))
    if "@fox_bot" in text and not text.startswith("/"):
        before = text[: text.index("@fox_bot")]
        found.append(MessageEntity(MessageEntity.MENTION, len(before.encode("utf-16-le")) // 2, len("@fox_bot")))
    return found


def a_message(text: str = "", *, chat: Chat = GROUP, sender: User = ANA, **fields: Any) -> Message:
    media = "photo" in fields or "document" in fields
    if text and media:
        fields |= {"caption": text, "caption_entities": entities(text)}
    elif text:
        fields |= {"text": text, "entities": entities(text)}
    return Message(7, AT, chat, from_user=sender, **fields)


def meant(text: str = "", *, able: Collection[Operation] = tuple(Operation), **fields: Any) -> Meaning:
    return meaning(a_message(text, **fields), ME, able)
