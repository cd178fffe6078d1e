"""What people do in the chats: write, attach, reply, press, edit, delete, block and kick."""

import secrets
from collections.abc import Sequence

from sandbox.chat import Person, Post, Upload
from sandbox.telegram import checks, entities, methods_bot
from sandbox.telegram.files import Media, measured
from sandbox.telegram.privacy import reaches_bot
from sandbox.telegram.service import Query, Service
from sandbox.telegram.world import GENERAL, Chat, Message, Topic, user


class People:
    """The hands of the persons of a world. Chats go by their keys, such as "group" or "private:ana".

    Methods raise ``KeyError`` for an unknown person, chat, post, button or topic, and ``ValueError`` for what
    Telegram's own programs would not let a person do.
    """

    def __init__(self, service: Service, callback_seconds: float) -> None:
        self._service = service
        self._world = service.world
        self.callback_seconds = callback_seconds  #: how long a pressed button waits for its answer

    async def say(
        self,
        who: str,
        chat: str,
        text: str = "",
        *,
        files: Sequence[Upload] = (),
        reply_to: str | None = None,
        thread: str | None = None,
    ) -> Post:
        """Write a message. With one file ``text`` is its caption; several are an album, a post each.

        ``reply_to`` is a post's id, ``thread`` a topic's key (``None`` is General). Returns the (first) post once
        the update is queued for the bot.
        """
        person, place = self._person_in(who, chat)
        if len(files) > 10:
            raise ValueError("an album has at most ten files")
        if entities.utf16_length(text) > (checks.MAX_CAPTION if files else checks.MAX_TEXT):
            raise ValueError("the text is too long for one message")
        if not text.strip() and not files:
            raise ValueError("an empty message cannot be sent")
        target = None if reply_to is None else self._message(place, reply_to)
        topic = self._topic(place, person, thread, target)
        medias: list[Media | None] = [await self._media(upload) for upload in files] or [None]
        group_id = str(secrets.randbelow(10**16) + 10**16) if len(files) > 1 else None
        messages = []
        for number, media in enumerate(medias):
            message = Message(place, 0, self._service.now(), person, {}, media=media, topic=topic)
            message.reply_to = None if target is None else target.id
            if group_id is not None:
                message.fields["media_group_id"] = group_id
            if number == 0:
                message.fields |= _text_fields(text, "text" if media is None else "caption")
            messages.append(message)
        if place.type == "private":
            place.started = True
        for message in messages:
            self._send(message)
        return self._service.feed.post(chat, str(messages[0].id))

    async def edit(self, who: str, chat: str, post_id: str, text: str) -> Post:
        """Change the text or caption of one's own message; the bot gets ``edited_message``."""
        person, place = self._person_in(who, chat)
        message = self._message(place, post_id)
        if message.author is not person:
            raise ValueError("only one's own messages can be edited")
        names = ("text", "entities", "caption", "caption_entities")
        kept = {name: value for name, value in message.fields.items() if name not in names}
        message.fields = kept | _text_fields(text, "text" if message.media is None else "caption")
        message.fields["edit_date"] = self._service.now()
        self._service.publish(message)
        self._tell(message, "edited_message")
        return self._service.feed.post(chat, post_id)

    async def press(self, who: str, chat: str, post_id: str, button_id: str) -> None:
        """Press a button of a post; ``KeyError`` when it is not there (any more)."""
        person, place = self._person_in(who, chat)
        message = self._message(place, post_id)
        rows = message.fields.get("reply_markup", {}).get("inline_keyboard", [])
        if not button_id or all(item.get("callback_data") != button_id for row in rows for item in row):
            raise KeyError(button_id)
        if not place.bot_inside:
            return
        until = self._service.clock() + self.callback_seconds
        query = Query(str(secrets.randbelow(2**62)), who, chat, until)
        self._service.queries[query.id] = query
        self._service.updates.add(
            "callback_query",
            {
                "id": query.id,
                "from": user(person),
                "message": self._world.message(message),
                "chat_instance": str(abs(place.id) * 7919),
                "data": button_id,
            },
            seconds=self.callback_seconds,
        )

    async def delete(self, who: str, chat: str, post_id: str) -> None:
        """Delete a post for everybody; the Bot API tells a bot nothing about it."""
        person, place = self._person_in(who, chat)
        message = self._message(place, post_id)
        if place.type != "private" and message.author is not person and person is not self._world.owner:
            raise ValueError("only the owner may delete what others wrote")
        message.deleted = True
        self._service.publish(message)

    def block_bot(self, who: str) -> None:
        """The person stops the bot in their private chat."""
        person = self._world.people[who]
        self._set_inside(self._world.chats[f"private:{who}"], person, inside=False)

    def unblock_bot(self, who: str) -> None:
        """The person lets the bot write again."""
        person = self._world.people[who]
        self._set_inside(self._world.chats[f"private:{who}"], person, inside=True)

    def kick_bot(self, chat: str) -> None:
        """The owner removes the bot from a group."""
        self._set_inside(self._group(chat), self._world.owner, inside=False)

    def invite_bot(self, chat: str) -> None:
        """The owner brings the bot back into a group."""
        place = self._group(chat)
        self._set_inside(place, self._world.owner, inside=True)
        self._say_service(place, {"new_chat_members": [self._world.bot]}, place.topics.get(GENERAL))

    def set_admin(self, chat: str, admin: bool) -> None:
        """The owner makes the bot an administrator, or no longer."""
        place = self._group(chat)
        before = methods_bot.member(self._service, place, None)
        place.bot_admin = admin
        self._membership(place, self._world.owner, before)

    def set_privacy(self, chat: str, privacy: bool) -> None:
        """Privacy mode of the bot in one group (the bot was added again after BotFather's switch)."""
        self._group(chat).privacy = privacy

    def close_topic(self, chat: str, topic: str) -> None:
        """The owner closes a topic: only administrators may write there."""
        place = self._group(chat)
        place.topics[topic].closed = True
        self._say_service(place, {"forum_topic_closed": {}}, place.topics[topic])

    def reopen_topic(self, chat: str, topic: str) -> None:
        """The owner opens a topic again."""
        place = self._group(chat)
        place.topics[topic].closed = False
        self._say_service(place, {"forum_topic_reopened": {}}, place.topics[topic])

    def _person_in(self, who: str, chat: str) -> tuple[Person, Chat]:
        person, place = self._world.people[who], self._world.chats[chat]
        if place.type == "private" and place.person is not person:
            raise ValueError(f"{chat} is not {who}'s chat")
        if place.type == "private" and not place.bot_inside:
            raise ValueError(f"{who} has blocked the bot")
        return person, place

    def _group(self, chat: str) -> Chat:
        place = self._world.chats[chat]
        if place.type == "private":
            raise ValueError(f"{chat} is not a group")
        return place

    @staticmethod
    def _message(place: Chat, post_id: str) -> Message:
        message = place.live(int(post_id)) if post_id.isdigit() else None
        if message is None:
            raise KeyError(post_id)
        return message

    def _topic(self, place: Chat, person: Person, thread: str | None, target: Message | None) -> Topic | None:
        if thread is None and target is not None:
            topic = target.topic
        elif thread is None:
            topic = place.topics.get(GENERAL)
        else:
            topic = place.topics[thread]
        if topic is not None and topic.closed and person is not self._world.owner:
            raise ValueError(f"the topic {topic.key} is closed")
        return topic

    async def _media(self, upload: Upload) -> Media:
        files = self._service.files
        if upload.mime.startswith("image/") and not upload.as_file:
            return await files.add_photo(upload.data)
        if upload.mime.startswith("video/") and not upload.as_file:
            # A person's program measures a video of any length before it sends it.
            width, height, duration = await measured(upload.data) or (0, 0, 0)
            return await files.add_video(
                upload.filename, upload.mime, upload.data, width=width, height=height, duration=duration
            )
        return files.add_file("document", upload.filename, upload.mime, upload.data)

    def _send(self, message: Message) -> None:
        self._service.store(message)
        self._tell(message, "message")

    def _tell(self, message: Message, kind: str) -> None:
        if reaches_bot(message, str(self._world.bot["username"])):
            self._service.updates.add(kind, self._world.message(message))

    def _say_service(self, place: Chat, fields: dict[str, object], topic: Topic | None) -> None:
        message = Message(place, next(place.ids), self._service.now(), self._world.owner, fields, topic=topic)
        place.messages[message.id] = message
        self._tell(message, "message")

    def _set_inside(self, place: Chat, by: Person, *, inside: bool) -> None:
        if place.bot_inside == inside:
            return
        before = methods_bot.member(self._service, place, None)
        place.bot_inside = inside
        if not inside:
            place.bot_admin = False
        self._membership(place, by, before)

    def _membership(self, place: Chat, by: Person, before: dict[str, object]) -> None:
        after = methods_bot.member(self._service, place, None)
        update = {"chat": place.api(), "from": user(by), "date": self._service.now()}
        self._service.updates.add("my_chat_member", update | {"old_chat_member": before, "new_chat_member": after})


def _text_fields(text: str, name: str) -> dict[str, object]:
    """``text`` or ``caption`` with what is found in it; nothing for an empty one."""
    text, _ = entities.trim(text, [])
    if not text:
        return {}
    found = entities.detect(text)
    key = "entities" if name == "text" else "caption_entities"
    return {name: text, key: found} if found else {name: text}
