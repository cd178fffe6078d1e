"""The stand-in as one object: start it, let people act in it, look at what the bot did."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from starlette.types import ASGIApp

from sandbox.chat import Feed, Person
from sandbox.serving import serve
from sandbox.telegram.errors import ApiError
from sandbox.telegram.faults import Fault, Faults, Mode
from sandbox.telegram.files import FileStore
from sandbox.telegram.people import People
from sandbox.telegram.rates import Limiter, Rates
from sandbox.telegram.server import Call, Server
from sandbox.telegram.service import Service
from sandbox.telegram.updates import Updates
from sandbox.telegram.world import GENERAL, Chat, Message, World

#: key, name, language_code
_PEOPLE = (("ana", "Ana", "en"), ("ben", "Ben", "en"), ("chen", "Chen", "zh-hans"), ("dora", "Dora", "en"))


class TelegramSandbox(People):
    """One bot's Telegram, kept in memory: bots may be killed and started again around it.

    The default world has the persons ana, ben, chen and dora with a private chat each ("private:ana"), the supergroup
    "group" with privacy mode on, and the forum "forum". The first person owns the groups. ``clock`` gives Unix
    seconds; ``callback_seconds`` is how long a pressed button can be answered (150 at Telegram, see
    tdlib/telegram-bot-api); ``photo_side`` the largest side photos are recompressed to; ``webhook_retry_seconds`` the
    pause after an update's second failure at a webhook; ``local``: webhooks may be HTTP, on any port, as with a Bot API
    server of one's own.
    """

    def __init__(
        self,
        *,
        token: str = "123456:SANDBOX-telegram-token-AAAA",  # noqa: S107  # not a secret: nothing real takes it
        username: str = "imagine_sandbox_bot",
        name: str = "Imagine",
        rates: Rates | None = None,
        clock: Callable[[], float] = time.time,
        callback_seconds: float = 150.0,
        photo_side: int = 1280,
        webhook_retry_seconds: float = 2.0,
        local: bool = False,
        default_world: bool = True,
    ) -> None:
        self.token = token
        self.username = username
        self.feed = Feed()
        self.calls: list[Call] = []
        self.world = World(
            {"id": int(token.partition(":")[0]), "is_bot": True, "first_name": name, "username": username}
        )
        self._faults = Faults()
        service = Service(
            world=self.world,
            feed=self.feed,
            files=FileStore(clock, photo_side=photo_side),
            updates=Updates(clock, retry_seconds=webhook_retry_seconds),
            limiter=Limiter(rates or Rates(), clock),
            clock=clock,
            is_local=local,
        )
        super().__init__(service, callback_seconds)
        self._server = Server(token, service, self._faults, self.calls)
        if default_world:
            for key, title, language in _PEOPLE:
                self.add_person(key, title, language)
            self.add_group("group", "Pictures")
            self.add_group("forum", "Picture forum", forum=True, topics=(GENERAL, "Landscapes", "Portraits"))

    @property
    def app(self) -> ASGIApp:
        """The ASGI application, for those who serve it themselves."""
        return self._server.app

    @property
    def base_url(self) -> str:
        """Where it is served, such as ``http://127.0.0.1:41234``; empty until :meth:`running`."""
        return self._service.base_url

    @property
    def people(self) -> dict[str, Person]:
        """Everybody by key."""
        return self.world.people

    @property
    def rates(self) -> Rates:
        """The message rates now in force; may be set."""
        return self._service.limiter.rates

    @rates.setter
    def rates(self, rates: Rates) -> None:
        self._service.limiter.rates = rates

    @property
    def is_local(self) -> bool:
        """Whether webhooks may be HTTP, on any port; may be set."""
        return self._service.is_local

    @is_local.setter
    def is_local(self, is_local: bool) -> None:
        self._service.is_local = is_local

    @property
    def pending_updates(self) -> int:
        """How many updates the bot has not confirmed."""
        return len(self._service.updates)

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> "AsyncIterator[TelegramSandbox]":
        """Serve it on loopback; the state survives and it can be run again. Raises ``OSError`` for a taken port."""
        self._server.closing.clear()
        self._service.updates.reopen()
        async with serve(self.app, port=port) as base_url:
            self._service.base_url = base_url
            try:
                yield self
            finally:
                self._server.closing.set()
                await self._service.updates.close()

    def add_person(self, key: str, name: str, language: str = "en") -> Person:
        """Add somebody, who is at once in every group. ``language`` is a Telegram language_code."""
        person = Person(key, str(501_000_001 + len(self.people)), name, language)
        self.world.add_person(person)
        return person

    def add_group(
        self,
        key: str,
        title: str,
        *,
        privacy: bool = True,
        bot_admin: bool = False,
        supergroup: bool = True,
        forum: bool = False,
        topics: Sequence[str] = (GENERAL,),
    ) -> Chat:
        """Add a group with everybody and the bot in it. Raises ``ValueError`` for a known key."""
        return self.world.add_group(
            key, title, privacy=privacy, bot_admin=bot_admin, supergroup=supergroup, forum=forum, topics=topics,
            date=self._service.now(),
        )  # fmt: skip

    def chat_id(self, chat: str) -> int:
        """The chat's numeric id for the Bot API."""
        return self.world.chats[chat].id

    def thread_id(self, chat: str, topic: str) -> int:
        """A topic's message_thread_id."""
        return self.world.chats[chat].topics[topic].id

    def message(self, chat: str, post_id: str) -> Message:
        """A stored message with its reactions and files, deleted or not. Raises ``KeyError``."""
        return self.world.chats[chat].messages[int(post_id)]

    def called(self, method: str) -> list[Call]:
        """The calls of one method, oldest first."""
        return [call for call in self.calls if call.method == method]

    def fail_next(
        self,
        method: str,
        *,
        code: int = 400,
        description: str = "Bad Request",
        parameters: Mapping[str, Any] | None = None,
        times: int = 1,
        when: Callable[[Mapping[str, Any]], bool] | None = None,
        mode: Mode = "answer",
    ) -> None:
        """Let the next ``times`` calls of a method (for which ``when`` holds) fail.

        "answer" answers with code, description and parameters; "drop_before" and "drop_after" cut the connection
        before or after the call is carried out; "hang" never answers. The method "download" stands for fetching
        a file (``when`` gets its ``file_path``). Raises ``ValueError`` for another mode.
        """
        self._faults.add(Fault(method, mode, ApiError(code, description, parameters), times, when))

    def redeliver_last(self) -> None:
        """Give the bot its newest update once more, with the same update_id."""
        self._service.updates.redeliver_last()
