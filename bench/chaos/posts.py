"""What the chats show of the bots' results, judged by the files' names, which tell the task and the picture."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.chaos.place import Place
from bots.buttons import decode
from core.types import Action
from sandbox.chat import Post
from sandbox.telegram.server import SentFile

_NAME = re.compile(r"imagine-(?P<task>[0-9a-z]+?)(?:-(?P<number>\d+))?\.\w+\Z")
Picture = tuple[str, int]  #: task id, number from 1


@dataclass
class Posted:
    """Messages by the picture they (have ever) shown, and on Telegram when each was accepted, seconds since 1970."""

    shown: dict[Picture, set[str]] = field(default_factory=lambda: defaultdict(set))
    accepted: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  #: by task

    def numbers(self, task_id: str) -> set[int]:
        return {number for task, number in self.shown if task == task_id}

    def twice(self) -> list[Picture]:
        return sorted(picture for picture, messages in self.shown.items() if len(messages) > 1)


def on_discord(place: Place) -> Posted:
    posted = Posted()
    for event in place.discord.feed.events:
        if isinstance(event, Post) and event.author == "bot":
            for attachment in event.attachments:
                if (picture := _picture(attachment.filename)) is not None:
                    posted.shown[picture].add(f"{event.chat}:{event.id}")
    return posted


def on_telegram(place: Place) -> Posted:
    """The originals of what is shown smaller are files beside the photo: they are no second post of it."""
    posted, files = Posted(), Posted()
    for call in place.telegram.calls:
        if call.answer is None or not call.answer.get("ok"):
            continue
        made = call.answer["result"]
        sent = list(_sent(call.params))
        messages = made if isinstance(made, list) else [made] * len(sent)
        for name, message in zip(sent, messages, strict=False):
            picture = _picture(name)
            if picture is None:
                continue
            kept = files if "document" in message else posted
            kept.shown[picture].add(f"{message['chat']['id']}:{message['message_id']}")
            posted.accepted[picture[0]].append(call.at)
    for picture, carriers in files.shown.items():
        posted.shown.setdefault(picture, carriers)
    return posted


def _sent(value: Any) -> Iterator[str]:
    """Names of the uploads of a call, in the order of the messages they become."""
    if isinstance(value, SentFile):
        yield value.name
    elif isinstance(value, dict):
        for each in value.values():
            yield from _sent(each)
    elif isinstance(value, list):
        for each in value:
            yield from _sent(each)


def _picture(name: str) -> Picture | None:
    found = _NAME.match(name)
    return None if found is None else (found["task"], int(found["number"] or 1))


def last_words(place: Place) -> set[str]:
    """Tasks with a message that stands, and offers what is offered after the end."""
    return {press.task_id for post in _standing(place) for press in _presses(post) if press.action is not Action.CANCEL}


def leftovers(place: Place) -> list[Post]:
    """Status messages that stand although their task has had its last word: no picture, nothing to press but *cancel*
    or nothing at all. An interaction's own answer on Discord stays, and says "✅ Done"."""
    return [
        post
        for post in _standing(place)
        if not post.attachments
        and not post.text.startswith("✅")
        and all(press.action is Action.CANCEL for press in _presses(post))
    ]


def _standing(place: Place) -> list[Post]:
    return [*place.telegram.feed.posts(author="bot"), *place.discord.feed.posts(author="bot")]


def _presses(post: Post) -> Iterator[Any]:
    for row in post.buttons:
        for button in row:
            if (press := decode(button.id)) is not None:
                yield press
