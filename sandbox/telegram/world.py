"""Chats, members, topics and messages as Telegram's servers keep them."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.chat import Person
from sandbox.telegram.files import Media

GENERAL = "General"
GENERAL_ID = 1  #: the General topic of every forum, which nevertheless must not be named when sending


@dataclass
class Topic:
    key: str
    id: int  #: its message_thread_id, which is the id of the service message that created it
    closed: bool = False


@dataclass
class Message:
    """One stored message; ``fields`` holds what is the Message object's own beside id, date, chat and sender."""

    chat: "Chat"
    id: int
    date: int  #: Unix time, seconds
    author: Person | None  #: ``None`` is the bot
    fields: dict[str, Any]
    media: Media | None = None
    topic: Topic | None = None
    reply_to: int | None = None
    quote: dict[str, Any] | None = None
    deleted: bool = False
    reactions: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Text or caption."""
        return str(self.fields.get("text", self.fields.get("caption", "")))

    @property
    def is_service(self) -> bool:
        return any(name.startswith("forum_topic_") or name == "new_chat_members" for name in self.fields)


@dataclass
class Chat:
    """A private chat, a basic group or a supergroup. ``key`` is its short name for scripts and the page."""

    key: str
    id: int
    type: str  #: "private", "group" or "supergroup"
    title: str
    person: Person | None = None
    forum: bool = False
    privacy: bool = True  #: the bot sees only what is meant for it
    bot_admin: bool = False
    bot_inside: bool = True  #: False after a block (private) or a kick (group)
    started: bool = True  #: in a private chat: the person has written to the bot
    topics: dict[str, Topic] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)
    pinned: list[int] = field(default_factory=list)

    def live(self, message_id: int) -> Message | None:
        """A message that still exists."""
        found = self.messages.get(message_id)
        return None if found is None or found.deleted else found

    def topic_by_id(self, thread_id: int) -> Topic | None:
        return next((topic for topic in self.topics.values() if topic.id == thread_id), None)

    def api(self) -> dict[str, Any]:
        """The Chat object."""
        if self.person is not None:
            return {"id": self.id, "type": "private", "first_name": self.person.name, "username": self.person.key}
        found = {"id": self.id, "type": self.type, "title": self.title}
        return found | {"is_forum": True} if self.forum else found


def user(person: Person) -> dict[str, Any]:
    """The User object of a person."""
    return {
        "id": int(person.id),
        "is_bot": False,
        "first_name": person.name,
        "username": person.key,
        "language_code": person.language,
    }


class World:
    """All people and chats; the first person owns every group."""

    def __init__(self, bot: dict[str, Any]) -> None:
        self.bot = bot  #: the bot's User object
        self.people: dict[str, Person] = {}
        self.chats: dict[str, Chat] = {}
        # Private chats and basic groups number their messages together, supergroups each for themselves.
        self._account_ids = itertools.count(201)
        self._group_numbers = itertools.count(1)

    @property
    def owner(self) -> Person:
        return next(iter(self.people.values()))

    def add_person(self, person: Person) -> Chat:
        """Add somebody with a private chat, which the bot may not write to before that person does."""
        self.people[person.key] = person
        key = f"private:{person.key}"
        self.chats[key] = Chat(key, int(person.id), "private", person.name, person=person, ids=self._account_ids)
        self.chats[key].started = False
        return self.chats[key]

    def add_group(
        self, key: str, title: str, *, privacy: bool, bot_admin: bool, supergroup: bool, forum: bool,
        topics: Sequence[str], date: int,
    ) -> Chat:  # fmt: skip
        """Add a group of all people. Raises ``ValueError`` for a known key, or a forum that is a basic group."""
        if key in self.chats:
            raise ValueError(f"there is a chat {key!r} already")
        if forum and not supergroup:
            raise ValueError("only a supergroup can be a forum")
        number = next(self._group_numbers)
        chat = Chat(
            key,
            -(1_002_000_000_000 + number) if supergroup else -(4_000_000 + number),
            "supergroup" if supergroup else "group",
            title,
            forum=forum,
            privacy=privacy,
            bot_admin=bot_admin,
            ids=itertools.count(11) if supergroup else self._account_ids,
        )
        self.chats[key] = chat
        if forum:
            chat.topics[GENERAL] = Topic(GENERAL, GENERAL_ID)
            for name in topics:
                if name != GENERAL:
                    self._add_topic(chat, name, date)
        return chat

    def _add_topic(self, chat: Chat, name: str, date: int) -> None:
        topic = Topic(name, next(chat.ids))
        chat.topics[name] = topic
        created = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        chat.messages[topic.id] = Message(chat, topic.id, date, self.owner, created, topic=topic)

    def chat_by_id(self, chat_id: int | str) -> Chat | None:
        """A chat the bot may know; usernames of chats are none here."""
        return next((chat for chat in self.chats.values() if str(chat.id) == str(chat_id)), None)

    def person_by_id(self, user_id: int) -> Person | None:
        return next((person for person in self.people.values() if int(person.id) == user_id), None)

    def message(self, message: Message, *, nested: bool = False) -> dict[str, Any]:
        """The Message object; what it replies to is included one level deep."""
        chat = message.chat
        sender = self.bot if message.author is None else user(message.author)
        found: dict[str, Any] = {"message_id": message.id, "from": sender, "chat": chat.api(), "date": message.date}
        found |= message.fields
        if message.media is not None:
            found |= message.media.api()
        in_topic = message.topic is not None and message.topic.id != GENERAL_ID
        if message.topic is not None and in_topic:
            found |= {"message_thread_id": message.topic.id, "is_topic_message": True}
        elif chat.type == "supergroup" and not chat.forum and message.reply_to is not None:
            # A reply in a plain supergroup carries the id of the first message of its chain, and no topic.
            found["message_thread_id"] = self._root(message)
        if nested:
            return found
        target = chat.live(message.reply_to) if message.reply_to is not None else None
        if target is None and message.topic is not None and in_topic and message.id != message.topic.id:
            # Inside a topic, what replies to nothing replies to the message that created the topic.
            target = chat.live(message.topic.id)
        if target is not None:
            found["reply_to_message"] = self.message(target, nested=True)
        if message.quote is not None and target is not None:
            found["quote"] = message.quote
        return found

    def _root(self, message: Message) -> int:
        current = message
        while current.reply_to is not None and current.reply_to in current.chat.messages:
            current = current.chat.messages[current.reply_to]
        return current.id
