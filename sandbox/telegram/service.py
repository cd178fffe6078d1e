"""What the method handlers share: the world, the rules for where a message may go, storing and showing it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.chat import Attachment, Button, Feed, Post
from sandbox.telegram.entities import utf16_length
from sandbox.telegram.errors import bad_request, forbidden
from sandbox.telegram.files import FileStore, Media, StoredFile
from sandbox.telegram.rates import Limiter
from sandbox.telegram.updates import Updates
from sandbox.telegram.world import GENERAL, GENERAL_ID, Chat, Message, Topic, World


@dataclass
class Query:
    """A pressed button that waits for its answer."""

    id: str
    person: str  #: the person's key
    chat: str
    until: float  #: clock seconds
    answered: bool = False


@dataclass
class Service:
    """The state of one bot's Telegram. ``clock`` gives Unix seconds."""

    world: World
    feed: Feed
    files: FileStore
    updates: Updates
    limiter: Limiter
    clock: Callable[[], float]
    base_url: str = ""
    is_local: bool = False  #: a Bot API server of the operator's own: webhooks may be HTTP, on any port
    queries: dict[str, Query] = field(default_factory=dict)
    commands: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    profile: dict[tuple[str, str], str] = field(default_factory=dict)

    def now(self) -> int:
        return math.floor(self.clock())

    def chat(self, chat_id: int | str) -> Chat:
        """A chat the bot can still reach. Raises :class:`ApiError` 400 or 403."""
        chat = self.world.chat_by_id(chat_id)
        if chat is None:
            raise bad_request("chat not found")
        if not chat.bot_inside:
            if chat.type == "private":
                raise forbidden("bot was blocked by the user")
            raise forbidden(f"bot was kicked from the {chat.type} chat")
        if not chat.started:
            raise forbidden("bot can't initiate conversation with a user")
        return chat

    def topic(self, chat: Chat, thread_id: int | None) -> Topic | None:
        """The topic a message goes to. The General topic must be named by leaving the id out."""
        if thread_id is None:
            topic = chat.topics.get(GENERAL)
        else:
            topic = chat.topic_by_id(thread_id) if thread_id != GENERAL_ID else None
            if topic is None:
                raise bad_request("message thread not found")
        if topic is not None and topic.closed and not chat.bot_admin:
            raise bad_request("TOPIC_CLOSED")
        return topic

    def place(self, parameters: Mapping[str, Any]) -> Message:
        """An empty message of the bot at the place a send method names. Raises :class:`ApiError` 400 or 403."""
        chat = self.chat(parameters["chat_id"])
        thread_id = parameters.get("message_thread_id")
        message = Message(chat, 0, self.now(), None, {})
        message.topic = self.topic(chat, thread_id)
        reply = parameters.get("reply_parameters")
        if reply is None:
            return message
        same_chat = str(reply.get("chat_id", chat.id)) == str(chat.id)
        target = chat.live(reply["message_id"]) if same_chat else None
        if target is None:
            if not reply.get("allow_sending_without_reply"):
                raise bad_request("message to be replied not found")
            return message
        message.reply_to = target.id
        if thread_id is None and target.topic is not None:
            # A reply lands in the topic of what it replies to.
            message.topic = self.topic(chat, target.topic.id if target.topic.id != GENERAL_ID else None)
        if quote := reply.get("quote"):
            position = target.text.find(quote)
            if position < 0:
                raise bad_request("QUOTE_TEXT_INVALID")
            message.quote = {"text": quote, "position": utf16_length(target.text[:position]), "is_manual": True}
        return message

    def store(self, message: Message) -> Message:
        """Give a message its id, keep it and show it."""
        message.id = next(message.chat.ids)
        message.chat.messages[message.id] = message
        self.publish(message)
        return message

    def editable(self, parameters: Mapping[str, Any]) -> Message:
        """The bot's own message that an edit method names. Raises :class:`ApiError` 400 or 403."""
        if "inline_message_id" in parameters:
            raise bad_request("MESSAGE_ID_INVALID")
        if "chat_id" not in parameters:
            raise bad_request("chat_id is empty")
        chat = self.chat(parameters["chat_id"])
        if "message_id" not in parameters:
            raise bad_request("message identifier is not specified")
        message = chat.live(parameters["message_id"])
        if message is None:
            raise bad_request("message to edit not found")
        if message.author is not None or message.is_service:
            raise bad_request("message can't be edited")
        return message

    def publish(self, message: Message) -> None:
        """Show a message, as it is now, to the people."""
        author = message.author
        attachments = () if message.media is None else (self.attachment(message.media),)
        self.feed.publish(
            Post(
                platform="telegram",
                chat=message.chat.key,
                id=str(message.id),
                author="bot" if author is None else author.key,
                author_name=str(self.world.bot["first_name"]) if author is None else author.name,
                text=message.text,
                attachments=attachments,
                buttons=_buttons(message),
                reply_to=None if message.reply_to is None else str(message.reply_to),
                thread=None if message.topic is None else message.topic.key,
                at=float(message.date),
                deleted=message.deleted,
            )
        )

    def attachment(self, media: Media) -> Attachment:
        """How a person's program shows a file; its address needs no token."""
        largest: StoredFile = media.largest
        return Attachment(
            id=largest.unique_id,
            filename=largest.filename,
            mime=largest.mime,
            kind="video" if media.kind == "animation" else media.kind,
            url=f"{self.base_url}/pictures/{largest.unique_id}",
            size=len(largest.data),
            width=largest.width,
            height=largest.height,
        )


def _buttons(message: Message) -> tuple[tuple[Button, ...], ...]:
    rows = message.fields.get("reply_markup", {}).get("inline_keyboard", [])
    return tuple(
        tuple(
            Button(
                id=item.get("callback_data", ""),
                label=item["text"],
                style=item.get("style", "secondary"),
                url=item.get("url"),
            )
            for item in row
        )
        for row in rows
    )
