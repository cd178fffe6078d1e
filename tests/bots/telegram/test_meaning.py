"""What a message asks for, decided without looking anything up."""

from typing import Any

import pytest
from telegram import (
    Animation,
    Chat,
    Document,
    ExternalReplyInfo,
    ForumTopicCreated,
    Message,
    MessageOriginUser,
    User,
)

from bots.telegram.meaning import AlbumPart, Ask, Command, Hint, Ignore, WhatToDo, meaning
from core.types import FrontFile, Operation
from tests.bots.telegram.messages import (
    ANA,
    AT,
    BOT,
    FILE,
    GROUP,
    ME,
    PHOTO,
    PICTURE,
    PRIVATE,
    a_message,
    entities,
    meant,
)


@pytest.mark.parametrize("name", ["usage", "models", "queue", "cancel", "help", "start"])
def test_commands_answered_with_words_are_known_in_any_case_and_with_what_follows(name: str) -> None:
    assert meant(f"/{name.upper()}@FOX_bot  7h2k") == Command(name, "7h2k")


def test_a_command_counts_only_at_the_beginning() -> None:
    message = a_message("try /imagine a fox")
    assert meaning(message, ME) == Ignore()


def test_an_unknown_command_is_helped_with_only_when_it_was_meant_for_us() -> None:
    assert meant("/dance") == Ignore()
    assert meant("/dance@fox_bot") == meant("/dance", chat=PRIVATE) == Command("help", "")
    assert meant("/dance@other_bot", chat=PRIVATE) == Ignore()


def test_the_largest_size_of_a_photo_is_meant() -> None:
    assert meant("/edit blue", photo=PHOTO) == Ask(Operation.EDIT, "blue", own=PICTURE)


@pytest.mark.parametrize(
    ("document", "picture"),
    [
        (Document("file", "f", file_name="a.bin", mime_type="image/png", file_size=7), FILE),
        (Document("file", "f", file_name="a.PNG", file_size=7), FILE),
        (Document("file", "f", file_name="a.pdf", mime_type="application/pdf", file_size=7), None),
    ],
)
def test_a_file_is_a_picture_by_its_type_or_else_its_name(document: Document, picture: FrontFile | None) -> None:
    expected = Hint("hint.edit_telegram", "edit") if picture is None else Ask(Operation.EDIT, "blue", own=picture)
    assert meant("/edit blue", document=document) == expected


def test_an_animation_is_no_picture() -> None:
    document = Document("file", "f", file_name="a.gif", mime_type="image/gif", file_size=7)
    animation = Animation("file", "f", 10, 10, 1)
    assert meant("/edit blue", document=document, animation=animation) == Hint("hint.edit_telegram", "edit")


def test_a_picture_quoted_from_another_chat_can_be_edited() -> None:
    origin = MessageOriginUser(AT, ANA)
    quoted = ExternalReplyInfo(origin, photo=PHOTO)
    assert meant("/edit blue", external_reply=quoted) == Ask(Operation.EDIT, "blue", replied=PICTURE)


def test_a_reply_to_ours_carries_its_key_and_whether_a_command_said_so() -> None:
    ours = a_message(sender=BOT, photo=PHOTO)
    expected = Ask(Operation.EDIT, "blue", replied=PICTURE, ours="-100:7")
    assert meant("/edit blue", reply_to_message=ours) == expected
    assert meant("blue", reply_to_message=ours) == Ask(
        Operation.EDIT, "blue", replied=PICTURE, ours="-100:7", implied=True
    )


def test_a_picture_without_words_in_reply_to_ours_is_left_alone_in_a_group() -> None:
    assert meant(photo=PHOTO, reply_to_message=a_message(sender=BOT, photo=PHOTO)) == Ignore()


def test_imagine_in_reply_to_our_words_is_a_new_picture() -> None:
    ours = a_message("What should change?", sender=BOT)
    assert meant("/imagine a fox", reply_to_message=ours) == Ask(Operation.IMAGINE, "a fox")


def test_in_a_topic_the_message_that_opened_it_is_no_target() -> None:
    opened = a_message(sender=BOT, forum_topic_created=ForumTopicCreated("Foxes", 1))
    assert meant("hello", reply_to_message=opened) == Ignore()


def test_a_mention_with_a_picture_edits_it_and_is_no_part_of_the_words() -> None:
    theirs = a_message(photo=PHOTO)
    assert meant("🦊 @fox_bot make it blue", reply_to_message=theirs) == Ask(
        Operation.EDIT, "🦊 make it blue", replied=PICTURE
    )
    assert meant("@fox_bot make it blue", photo=PHOTO) == Ask(Operation.EDIT, "make it blue", own=PICTURE)


def test_a_mention_without_a_picture_is_explained_only_when_it_calls_us() -> None:
    assert meant("@fox_bot hello") == Hint("hint.mention")
    assert meant("ask @fox_bot about it") == Ignore()


def test_albums_are_told_apart_by_chat_and_number() -> None:
    album = "telegram:album:-100:5"
    assert meant("/edit blue", photo=PHOTO, media_group_id="5") == Ask(Operation.EDIT, "blue", PICTURE, album=album)
    assert meant(photo=PHOTO, media_group_id="5") == AlbumPart(album, PICTURE, asked=False)
    assert meant("nice day", photo=PHOTO, media_group_id="5") == AlbumPart(album, PICTURE, asked=False)
    private = meant(photo=PHOTO, media_group_id="5", chat=PRIVATE)
    assert private == AlbumPart("telegram:album:1:5", PICTURE, asked=True)


def test_in_a_private_chat_words_with_a_picture_edit_it_and_a_picture_alone_is_asked_about() -> None:
    assert meant("blue", photo=PHOTO, chat=PRIVATE) == Ask(Operation.EDIT, "blue", own=PICTURE)
    own_before = a_message(photo=PHOTO, chat=PRIVATE)
    assert meant("blue", reply_to_message=own_before, chat=PRIVATE) == Ask(Operation.EDIT, "blue", replied=PICTURE)
    assert meant(photo=PHOTO, chat=PRIVATE) == WhatToDo(PICTURE)
    assert meant("a red fox", chat=PRIVATE) == Hint("hint.private_text")
    assert meant(chat=PRIVATE) == Ignore()


def test_the_words_of_a_forwarded_message_order_nothing() -> None:
    origin = MessageOriginUser(AT, ANA)
    assert meant("/imagine a fox", forward_origin=origin, chat=PRIVATE) == Ignore()
    assert meant("blue", photo=PHOTO, forward_origin=origin, chat=PRIVATE) == WhatToDo(PICTURE)
    assert meant("/edit blue", photo=PHOTO, forward_origin=origin) == Ignore()


@pytest.mark.parametrize(
    "fields",
    [
        {"sender": User(1087968824, "Group", is_bot=True), "sender_chat": GROUP},
        {"sender": User(777000, "Telegram", is_bot=False), "sender_chat": Chat(-200, Chat.CHANNEL)},
        {"sender": User(5, "Other", is_bot=True)},
        {"via_bot": BOT},
    ],
    ids=["anonymous administrator", "channel", "another bot", "inline result"],
)
def test_who_cannot_pay_orders_nothing(fields: dict[str, Any]) -> None:
    assert meant("/imagine a fox", **fields) == Ignore()


def test_a_message_of_nobody_orders_nothing() -> None:
    message = Message(7, AT, GROUP, text="/imagine a fox", entities=entities("/imagine a fox"))
    assert meaning(message, ME) == Ignore()
