"""What a message asks for. Pure: a message in, a meaning out; nothing is looked up and nothing is sent.

Group chats are full of talk that is not for the bot, so in a group only four things are: a command, a picture whose
caption is one, words in reply to the bot's own message, and a mention together with a picture.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from telegram import Chat, ExternalReplyInfo, Message, MessageEntity

from bots import texts
from bots.telegram.files import is_video, picture_of
from bots.telegram.places import NAME, key
from core.types import FrontFile, Operation

COMMANDS = frozenset({"usage", "models", "queue", "cancel", "help", "start", "admin"})


@dataclass(frozen=True)
class Me:
    """The bot as its users address it."""

    id: int
    username: str
    reads_all: bool = False  #: privacy mode is off: it gets all that is said in its groups


@dataclass(frozen=True)
class Ask:
    """Make something, of the given pictures or of words alone."""

    operation: Operation
    words: str  #: prompt and flags
    own: FrontFile | None = None  #: the message's own picture
    replied: FrontFile | None = None  #: the picture of the message it answers
    ours: str | None = None  #: the key of the message it answers, where that is the bot's
    album: str | None = None  #: the album its own picture is part of
    implied: bool = False  #: no command said so: in reply to one of our messages that shows no task, it is just talk


@dataclass(frozen=True)
class AlbumPart:
    """A picture whose album may carry its words elsewhere. ``asked`` in a private chat: it is meant for the bot."""

    album: str
    picture: FrontFile
    asked: bool


@dataclass(frozen=True)
class Command:
    name: str  #: one of COMMANDS
    rest: str


@dataclass(frozen=True)
class WhatToDo:
    """A picture without words in a private chat: ask what to do with it."""

    picture: FrontFile


@dataclass(frozen=True)
class Hint:
    """Something for the bot that is not complete: say how it is done."""

    key: str  #: a sentence of bots.words
    command: str = ""  #: the command that was given
    album: str | None = None  #: the album its picture is part of, of which nothing is to be made


@dataclass(frozen=True)
class Ignore:
    """Not for the bot."""


Meaning = Ask | AlbumPart | Command | WhatToDo | Hint | Ignore


def meaning(message: Message, me: Me, able: Collection[Operation] = tuple(Operation)) -> Meaning:
    """What ``message`` asks the bot ``me`` for, which can do what ``able`` says."""
    sender = message.from_user
    if sender is None or sender.is_bot or message.sender_chat is not None or message.via_bot is not None:
        return Ignore()  # an anonymous administrator, a channel, another bot: nobody whose credits could pay
    if message.forward_origin is not None:
        return _forwarded(message)
    command = _command(message, me)
    if command is not None:
        return _commanded(message, command, me, texts.offered(able))
    return _uncommanded(message, me)


@dataclass(frozen=True)
class _Spoken:
    name: str
    rest: str
    named_us: bool


def _command(message: Message, me: Me) -> _Spoken | None:
    """The command that text or caption begins with; ``name`` is empty when it is another bot's."""
    entities = message.entities or message.caption_entities
    first = next((one for one in entities if one.offset == 0 and one.type == MessageEntity.BOT_COMMAND), None)
    if first is None:
        return None
    text = _words(message)
    name, _, target = text[1 : first.length].partition("@")  # a command is ASCII: UTF-16 units are characters
    if target and target.casefold() != me.username.casefold():
        return _Spoken("", "", named_us=False)
    return _Spoken(name.casefold(), text[first.length :].strip(), named_us=bool(target))


def _commanded(message: Message, command: _Spoken, me: Me, offered: Collection[str]) -> Meaning:
    if command.name in COMMANDS:
        return Command(command.name, command.rest)
    operation = texts.MAKING.get(command.name) if command.name in offered else None
    if operation is None:
        addressed = command.named_us or (command.name != "" and _is_private(message))
        return Command("help", "") if addressed else Ignore()
    target, album = _target(message), _album(message)
    ask = Ask(operation, command.rest, picture_of(message), _picture(target), _ours(target, me), album)
    if operation is Operation.SHORTEN:
        ask = Ask(operation, command.rest)
    elif ask.replied is None and (operation is Operation.IMAGINE or (operation is Operation.ANIMATE and command.rest)):
        # Words of ours are no picture to work on: it is a new one that is asked for.
        ask = replace(ask, ours=None)
    lacking = _lacking(ask)
    return ask if lacking is None else Hint(lacking, command.name, album)


def _lacking(ask: Ask) -> str | None:
    """What to say when there is not enough to begin with; None when there is. An album may have more to come."""
    is_reply = ask.replied is not None or ask.ours is not None
    has_picture = is_reply or ask.own is not None
    has_several = ask.own is not None and (is_reply or ask.album is not None)
    match ask.operation:
        case Operation.IMAGINE:
            return None if has_picture or ask.words else "hint.imagine"
        case Operation.EDIT:
            return None if has_picture else "hint.edit_telegram"
        case Operation.ANIMATE:
            return None if has_picture or ask.words else "hint.animate"
        case Operation.SHORTEN:
            return None if ask.words else "hint.shorten"
        case Operation.BLEND:
            return None if has_several else "hint.several_pictures_telegram"
        case Operation.FACESWAP:
            return None if has_several else "hint.two_pictures_telegram"
        case Operation.INPAINT:
            return None if _shows_a_part(ask, is_reply=is_reply) else "hint.inpaint_telegram"
        case Operation.RESTYLE if has_picture:
            return None if ask.words or has_several else "hint.restyle"
        case _:
            return None if has_picture else "hint.one_picture_telegram"


def _shows_a_part(ask: Ask, *, is_reply: bool) -> bool:
    """Whether something can say which part of a picture is meant: a second picture, or a hole in a file. A photo has
    none, and in answer to a picture an album does not say which of its own is the one."""
    if ask.own is not None:
        return is_reply != (ask.album is not None) or (not is_reply and not ask.own.data["photo"])
    return ask.ours is None and ask.replied is not None and not ask.replied.data["photo"]


def _uncommanded(message: Message, me: Me) -> Meaning:
    words = _words(message)
    own, album, private = picture_of(message), _album(message), _is_private(message)
    target = _target(message)
    replied, ours = _picture(target), _ours(target, me)
    if album is not None and own is not None and not words:
        return AlbumPart(album, own, asked=private)
    if words and ours is not None:
        return Ask(Operation.EDIT, words, own, replied, ours, album, implied=True)
    if _mentions(message, me):
        if own is not None or replied is not None:
            return Ask(Operation.EDIT, _without_mention(words, me), own, replied, None, album)
        if words.casefold().startswith(f"@{me.username}".casefold()):
            return Hint("hint.mention")
    if private:
        return _private(words, own, replied, album)
    return AlbumPart(album, own, asked=False) if album is not None and own is not None else Ignore()


def _private(words: str, own: FrontFile | None, replied: FrontFile | None, album: str | None) -> Meaning:
    if words and (own is not None or replied is not None):
        return Ask(Operation.EDIT, words, own, replied, None, album)
    if own is not None:
        return WhatToDo(own)
    # Plain words would be a prompt as often as a "thank you", and a picture costs credits: a command says which.
    return Hint("hint.private_text") if words else Ignore()


def _forwarded(message: Message) -> Meaning:
    """The words of a forwarded message are somebody else's: they order nothing."""
    own = picture_of(message)
    return WhatToDo(own) if own is not None and _is_private(message) and _album(message) is None else Ignore()


def _words(message: Message) -> str:
    return message.text or message.caption or ""


def _is_private(message: Message) -> bool:
    return message.chat.type == Chat.PRIVATE


def _album(message: Message) -> str | None:
    return f"{NAME}:album:{message.chat.id}:{message.media_group_id}" if message.media_group_id else None


def _target(message: Message) -> Message | ExternalReplyInfo | None:
    """What the message answers. In a topic, everything answers the message that opened it, which means nothing."""
    replied = message.reply_to_message
    if replied is not None and replied.forum_topic_created is not None:
        return None
    return replied or message.external_reply


def _picture(target: Message | ExternalReplyInfo | None) -> FrontFile | None:
    return None if target is None else picture_of(target)


def _ours(target: Message | ExternalReplyInfo | None, me: Me) -> str | None:
    """The key of the bot's own message; a video of its own is nothing to work on."""
    if not isinstance(target, Message) or target.from_user is None or target.from_user.id != me.id:
        return None
    if is_video(target):
        return None
    return key(target.chat.id, target.message_id)


def _mentions(message: Message, me: Me) -> bool:
    found = message.parse_entities([MessageEntity.MENTION]) | message.parse_caption_entities([MessageEntity.MENTION])
    return any(text.casefold() == f"@{me.username}".casefold() for text in found.values())


def _without_mention(words: str, me: Me) -> str:
    return " ".join(re.sub(rf"@{re.escape(me.username)}\b", " ", words, flags=re.IGNORECASE).split())
