"""What a person sees in a chat, the same for both platforms: posts, buttons, notices, modals, and a feed of them.

The stand-ins write it, the demo page draws it, scripts print it and tests wait on it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Person:
    """Somebody who types. ``id`` is the platform's numeric user id as text."""

    key: str  #: short handle for scripts and the page, such as "ana"
    id: str
    name: str
    language: str = "en"  #: Telegram language_code / Discord locale


@dataclass(frozen=True)
class Upload:
    """A file a person attaches. On Telegram ``as_file`` sends it uncompressed, as a document."""

    filename: str
    mime: str
    data: bytes
    as_file: bool = False


@dataclass(frozen=True)
class Attachment:
    """A file on a post; ``url`` is fetched from the stand-in's own address by the page."""

    id: str
    filename: str
    mime: str
    kind: str  #: "photo", "document" or "video"
    url: str
    size: int
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Button:
    id: str  #: callback_data on Telegram, custom_id on Discord
    label: str
    style: str = "secondary"
    disabled: bool = False
    url: str | None = None


@dataclass(frozen=True)
class Post:
    """A message in a chat as a person sees it now (edits replace it in the feed)."""

    platform: str  #: "telegram" or "discord"
    chat: str
    id: str
    author: str  #: a person's key, or "bot"
    author_name: str
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    buttons: tuple[tuple[Button, ...], ...] = ()
    reply_to: str | None = None
    thread: str | None = None
    at: float = field(default_factory=time.time)
    revision: int = 0  #: grows with every edit
    deleted: bool = False
    only_for: str | None = None  #: an ephemeral answer: the key of the one who sees it
    thinking: bool = False  #: a deferred Discord answer
    via: str | None = None  #: "ana used /imagine"


@dataclass(frozen=True)
class Notice:
    """A short toast over the chat: Telegram's answer to a pressed button, or a platform's own error line."""

    platform: str
    chat: str
    person: str
    text: str
    alert: bool = False


@dataclass(frozen=True)
class ModalField:
    id: str
    label: str
    style: str  #: "short", "paragraph", "select" or "file"
    value: str = ""
    placeholder: str = ""
    required: bool = True
    max_length: int = 4000
    choices: tuple[tuple[str, str], ...] = ()  #: (label, value) of a select
    description: str = ""  #: what stands below the label


@dataclass(frozen=True)
class Modal:
    """A form Discord shows to one person until it is submitted."""

    platform: str
    chat: str
    person: str
    id: str
    title: str
    fields: tuple[ModalField, ...]


Event = Post | Notice | Modal


class Feed:
    """All that was ever shown, in order, with subscriptions. Single event loop only."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._posts: dict[tuple[str, str], Post] = {}
        self._waiters: set[asyncio.Queue[Event]] = set()

    def publish(self, event: Event) -> None:
        """Add an event; a :class:`Post` with a known (chat, id) replaces the earlier one with a higher revision."""
        if isinstance(event, Post):
            known = self._posts.get((event.chat, event.id))
            if known is not None:
                event = replace(event, revision=known.revision + 1)
            self._posts[event.chat, event.id] = event
        self.events.append(event)
        for waiter in self._waiters:
            waiter.put_nowait(event)

    def posts(self, chat: str | None = None, *, author: str | None = None) -> list[Post]:
        """The posts as they stand now, oldest first, without the deleted ones."""
        return [
            post
            for post in self._posts.values()
            if not post.deleted and (chat is None or post.chat == chat) and (author is None or post.author == author)
        ]

    def post(self, chat: str, post_id: str) -> Post:
        """One post, deleted or not. Raises ``KeyError``."""
        return self._posts[chat, post_id]

    async def subscribe(self, *, replay: bool = False) -> AsyncIterator[Event]:
        """Every event from now on (or from the very first), without gaps."""
        queue: asyncio.Queue[Event] = asyncio.Queue()
        if replay:
            for event in self.events:
                queue.put_nowait(event)
        self._waiters.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._waiters.discard(queue)

    async def wait_for(self, wanted: Callable[[Event], bool], *, timeout: float = 20.0, since: int = 0) -> Event:
        """The first event after position ``since`` of :attr:`events` that is wanted.

        Raises ``TimeoutError`` naming the last events, so that a failing test explains itself.
        """
        for event in self.events[since:]:
            if wanted(event):
                return event
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self._waiters.add(queue)
        try:
            async with asyncio.timeout(timeout):
                while True:
                    event = await queue.get()
                    if wanted(event):
                        return event
        except TimeoutError:
            raise TimeoutError(
                f"nothing wanted came within {timeout} s; the last events: {_tail(self.events)}"
            ) from None
        finally:
            self._waiters.discard(queue)


def _tail(events: Sequence[Event], count: int = 8) -> str:
    return "\n  ".join(["", *(repr(event)[:400] for event in events[-count:])])
