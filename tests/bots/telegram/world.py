"""The real front with the real core's store, against the stand-in of Telegram; nothing draws, tests finish tasks."""

import asyncio
import contextlib
import io
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from PIL import Image

from bots.telegram import TelegramFront
from bots.telegram.webhook import Hook
from bots.words import Words
from core.admin import Admin
from core.catalogue import Catalogue
from core.client import Client
from core.clock import utc_now
from core.gateway import Model
from core.orders import after, with_deadline
from core.quota import Limits
from core.store import SqlStore, open_store
from core.types import (
    Address,
    FrontFile,
    Kept,
    MediaRef,
    Offer,
    Operation,
    Pending,
    Picture,
    Receipt,
    Request,
    Task,
    Ticket,
    View,
)
from core.videos import inspect_video
from core.views import view_of
from sandbox.chat import Notice, Post, Upload
from sandbox.telegram import Rates, TelegramSandbox
from tests.core.build import a_model
from tests.waiting import until

MODEL = a_model(images_max=4)
#: One that can do all there is.
ABLE = a_model(images_max=4, operations=frozenset(Operation))
BOT_ID = 123456


def picture_bytes(colour: str = "red", width: int = 64, height: int = 48, form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, form)
    return out.getvalue()


def upload(colour: str = "red", *, as_file: bool = False) -> Upload:
    return Upload(f"{colour}.png", "image/png", picture_bytes(colour), as_file=as_file)


def a_result(data: bytes | None = None, index: int = 0, *, mime: str = "image/png") -> Picture:
    data = picture_bytes("blue") if data is None else data
    if mime == "video/mp4":
        seen = inspect_video(data)
        ref = MediaRef(sha256(data).hexdigest(), mime, len(data), seen.width, seen.height, seen.seconds)
        return Picture(ref, data, f"imagine-{index + 1}.mp4", index)
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
    ref = MediaRef(sha256(data).hexdigest(), mime, len(data), width, height)
    return Picture(ref, data, f"imagine-{index + 1}.png", index)


@dataclass
class World:
    """One life of the bot in one Telegram."""

    sandbox: TelegramSandbox
    store: SqlStore
    client: Client
    words: Words
    model: Model = MODEL
    fronts: list[TelegramFront] = field(default_factory=list)
    admin: Admin | None = None

    def front(
        self,
        hook: Hook | None = None,
        *,
        limited: Callable[[str], None] = lambda method: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> TelegramFront:
        """A new life of the bot; closed with the world."""
        made = TelegramFront(
            self.sandbox.token,
            client=self.client,
            words=self.words,
            api_url=self.sandbox.base_url,
            admin=self.admin,
            hook=hook,
            limited=limited,
            clock=clock,
        )
        self.fronts.append(made)
        return made

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[TelegramFront]:
        """The bot runs; on leaving, everything that was said has been taken and answered."""
        front, stopping = self.front(), asyncio.Event()
        running = asyncio.create_task(front.run(stopping))
        try:
            yield front
            await until(lambda: running.done() or not self.sandbox.pending_updates)
        finally:
            stopping.set()
            await running
            await front.close()

    async def said(self, who: str, chat: str, text: str = "", **more: object) -> Post:
        """Somebody says something to a bot that runs only for that."""
        async with self.listening():
            return await self.sandbox.say(who, chat, text, **more)  # type: ignore[arg-type]  # its own keywords

    async def tasks(self, who: str = "ana") -> list[Task]:
        return await self.store.unfinished(f"telegram:{self.sandbox.people[who].id}")

    async def only_task(self, who: str = "ana") -> Task:
        (task,) = await self.tasks(who)
        return task

    def bot_posts(self, chat: str = "group") -> list[Post]:
        return self.sandbox.feed.posts(chat, author="bot")

    def bot_texts(self, chat: str = "group") -> list[str]:
        return [post.text for post in self.bot_posts(chat)]

    def notices(self) -> list[Notice]:
        return [event for event in self.sandbox.feed.events if isinstance(event, Notice)]

    async def finish(
        self, task: Task, *pictures: Picture, told: tuple[str, ...] = (), offers: tuple[Offer, ...] = ()
    ) -> View:
        """As if the gateway had made these; the view to hand over."""
        now = utc_now()
        refs = tuple(picture.ref for picture in pictures)
        for order in await self.store.claim(now, room={self.model.gateway: 10}, running=10):
            ticket = Ticket(self.model.gateway, order.id, self.model.name)
            made = with_deadline(order, self.model, now)
            for outcome in (Pending(ticket, 1.0), Kept(refs, texts=told, offers=offers)):
                made = after(made, outcome, now)
            assert await self.store.apply(order, made, now)
        return await self.view(task.id)

    async def view(self, task_id: str) -> View:
        task, orders = await self.store.task(task_id), await self.store.orders(task_id)
        position, able = await self.store.position(task_id), self.client.operations()
        return view_of(task, orders, self.model, position=position, now=utc_now(), able=able)

    async def deliver(
        self,
        front: TelegramFront,
        task: Task,
        *pictures: Picture,
        told: tuple[str, ...] = (),
        offers: tuple[Offer, ...] = (),
    ) -> Receipt:
        """From a stored request to its result in the chat."""
        chosen = pictures or (() if told else (a_result(),))
        view = await self.finish(task, *chosen, told=told, offers=offers)
        receipt = await front.hand_over(task.address, view, chosen, attempt=1)
        await self.store.delivered(task.id, task.address, receipt, utc_now())
        return receipt

    async def result_of(
        self, who: str, chat: str, text: str = "/imagine a red fox", **more: object
    ) -> tuple[Task, Post]:
        """A delivered task of somebody, and the (first) post that shows it."""
        async with self.listening() as front:
            await self.sandbox.say(who, chat, text, **more)  # type: ignore[arg-type]  # its own keywords
            await until(lambda: self.tasks(who))
            task = await self.only_task(who)
            receipt = await self.deliver(front, task)
        message = receipt.messages[0].key.partition(":")[2]
        return task, self.sandbox.feed.post(chat, message)


@contextlib.asynccontextmanager
async def a_world(
    folder: Path, sandbox: TelegramSandbox | None = None, *, limits: Limits | None = None, model: Model = MODEL
) -> AsyncIterator[World]:
    catalogue = Catalogue([model], gateways={model.gateway: ""})
    limits = limits or Limits(user_day=100, user_month=1000, unfinished=50)
    async with (sandbox or TelegramSandbox(rates=Rates.unlimited())).running() as running:
        store = await open_store(f"sqlite+aiosqlite:///{folder}/imagine.db")
        try:
            client = Client(store, catalogue, limits, clock=utc_now, wake=lambda: None)
            world = World(running, store, client, Words(), model)
            try:
                yield world
            finally:
                await asyncio.gather(*(front.close() for front in world.fronts))
        finally:
            await store.close()


def file_ids(request: Request) -> list[str]:
    """The chat's files among a request's pictures."""
    return [image.data["file_id"] for image in request.images if isinstance(image, FrontFile)]


def file_id(world: World, chat: str, post: Post) -> str:
    """The id of a post's picture in its best size."""
    media = world.sandbox.message(chat, post.id).media
    assert media is not None
    return media.largest.file_id


def an_address(world: World, chat: str, *, request: str | None = None, topic: str | None = None) -> Address:
    """Where a task of somebody in ``chat`` lives."""
    return Address(
        "telegram",
        {
            "chat": world.sandbox.chat_id(chat),
            "topic": None if topic is None else world.sandbox.thread_id(chat, topic),
            "request": None if request is None else int(request),
            "status": None,
            "private": chat.startswith("private:"),
        },
    )
