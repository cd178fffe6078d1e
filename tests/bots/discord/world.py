"""The real front with the real core's store, against the stand-in of Discord; nothing draws, tests finish tasks."""

import asyncio
import contextlib
import io
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import discord
from discord.gateway import DiscordWebSocket
from PIL import Image

from bots.discord.front import DiscordFront
from bots.words import Words
from core.admin import Admin
from core.catalogue import Catalogue
from core.client import Client
from core.clock import utc_now
from core.gateway import Model
from core.orders import after, with_deadline
from core.quota import Limits
from core.store import SqlStore, open_store
from core.types import FrontFile, Kept, MediaRef, Offer, Operation, Picture, Receipt, Task, Ticket, View
from sandbox.chat import Event, Modal, Notice, Post, Upload
from sandbox.discord import DiscordSandbox
from sandbox.pictures import clip
from tests.core.build import a_model
from tests.waiting import until

MODEL = a_model(images_max=10, negative=True)
OTHER = a_model("owl-2", credits=3, ratios=("1:1", "3:2"), images_max=4)
_REST = frozenset(Operation) - {Operation.IMAGINE, Operation.EDIT}
#: Does all that the others do not.
JACK = replace(
    a_model("jack-3", gateway="beta", credits=2, operations=_REST, seed_max=None, images_max=5),
    prices={Operation.SHORTEN: 5},
    unverified=True,
)
EVERYTHING = (MODEL, OTHER, JACK)
LIMITS = Limits(user_day=100, user_month=1000, unfinished=50)
#: For a world that many tests share.
GENEROUS = Limits(user_day=10_000, user_month=10_000, unfinished=1_000)


def picture_bytes(colour: str = "red", size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def heavy_picture(pixels: int) -> bytes:
    """Noise, which no encoder makes smaller: about three bytes a pixel as PNG."""
    out = io.BytesIO()
    noise = random.Random(pixels).randbytes(pixels * pixels * 3)
    Image.frombytes("RGB", (pixels, pixels), noise).save(out, "PNG", compress_level=0)
    return out.getvalue()


def upload(colour: str = "red") -> Upload:
    return Upload(f"{colour}.png", "image/png", picture_bytes(colour))


NO_PICTURE = Upload("notes.txt", "text/plain", b"buy milk")


def a_result(task: Task, index: int = 0, data: bytes | None = None) -> Picture:
    data = picture_bytes("blue") if data is None else data
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
    ref = MediaRef(sha256(data).hexdigest(), "image/png", len(data), width, height)
    return Picture(ref, data, f"imagine-{task.id}-{index + 1}.png", index)


class Clock:
    """The time now, plus whatever a test adds: for the stand-in and for the front."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def seconds(self) -> float:
        return self.moment().timestamp()

    def moment(self) -> datetime:
        return utc_now() + timedelta(seconds=self.ahead)


@dataclass
class World:
    """One Discord, one database, and as many lives of the bot as a test needs."""

    sandbox: DiscordSandbox
    store: SqlStore
    client: Client
    words: Words
    clock: Clock
    database: Path
    admin: Admin | None = None

    def front(self, **options: Any) -> DiscordFront:
        given: dict[str, Any] = {"token": self.sandbox.token, "client": self.client, "words": self.words}
        given |= {"api_url": self.sandbox.api_url, "admin": self.admin} | options
        return DiscordFront(given.pop("token"), **given)

    @contextlib.asynccontextmanager
    async def listening(
        self, *, message_content: Literal["auto", "on", "off"] = "auto", **options: Any
    ) -> AsyncIterator[DiscordFront]:
        """The bot runs; on leaving, what was said has been answered."""
        front, stopping = self.front(message_content=message_content, **options), asyncio.Event()
        running = asyncio.create_task(front.run(stopping))
        connected = asyncio.create_task(self._connected(front))
        try:
            await asyncio.wait({running, connected}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            await connected
            yield front
        finally:
            connected.cancel()
            stopping.set()
            await running
            await front.close()

    async def _connected(self, front: DiscordFront) -> None:
        await until(lambda: front.is_listening)

    # -- what people do ---------------------------------------------------------------------------------------------

    async def ordered(self, asking: Awaitable[object], *, who: str = "ana") -> Task:
        """The task that somebody's doing has made."""
        before = {task.id for task in await self.tasks(who)}
        await asking

        async def is_there() -> bool:
            return any(task.id not in before for task in await self.tasks(who))

        await until(is_there)
        return next(task for task in await self.tasks(who) if task.id not in before)

    async def imagined(self, who: str = "ana", channel: str = "general", **options: Any) -> Task:
        return await self.ordered(
            self.sandbox.command(who, channel, "imagine", {"prompt": "a red fox", **options}), who=who
        )

    async def told(self, asking: Awaitable[object], *, who: str | None = "ana", channel: str = "general") -> Post:
        """What the bot says to somebody's doing: to them alone, or (``who`` None) to everybody."""
        since = len(self.sandbox.feed.events)
        await asking
        return await self.post(lambda post: post.only_for == who and not post.thinking, channel, since=since)

    async def post(
        self, wanted: Callable[[Post], bool], channel: str = "general", *, since: int = 0, timeout: float = 10
    ) -> Post:
        def is_it(event: Event) -> bool:
            return isinstance(event, Post) and event.author == "bot" and event.chat == channel and wanted(event)

        found = await self.sandbox.feed.wait_for(is_it, timeout=timeout, since=since)
        assert isinstance(found, Post)
        return found

    async def form(self, opening: Awaitable[object]) -> Modal:
        since = len(self.sandbox.feed.events)
        await opening
        found = await self.sandbox.feed.wait_for(lambda event: isinstance(event, Modal), timeout=10, since=since)
        assert isinstance(found, Modal)
        return found

    async def tasks(self, who: str = "ana") -> list[Task]:
        return await self.store.unfinished(f"discord:{self.user(who)}")

    def user(self, who: str) -> int:
        return int(self.sandbox.people[who].id)

    def channel(self, key: str = "general") -> int:
        return int(self.sandbox.world.channels[key].id)

    # -- what is seen -----------------------------------------------------------------------------------------------

    def bot_posts(self, channel: str = "general") -> list[Post]:
        return self.sandbox.feed.posts(channel, author="bot")

    def pictures(self, channel: str = "general") -> list[Post]:
        return [post for post in self.bot_posts(channel) if post.attachments]

    def notices(self) -> list[Notice]:
        return [event for event in self.sandbox.feed.events if isinstance(event, Notice)]

    def calls(self, method: str, route: str) -> list[Any]:
        """The API calls whose route ends so."""
        return [call for call in self.sandbox.calls if call.method == method and (call.route or "").endswith(route)]

    def pinged(self, post: Post) -> set[str]:
        return next((people for post_id, people in self.sandbox.pings if post_id == post.id), set())

    # -- what the gateways would do ---------------------------------------------------------------------------------

    async def finish(
        self, task: Task, *pictures: Picture, texts: Sequence[str] = (), offers: Sequence[Offer] = ()
    ) -> View:
        """As if the gateway had made these; the view to hand over."""
        now = self.clock.moment()
        if files_of(task):
            await self.store.inputs_kept(task.id, [a_result(task).ref for _ in task.request.images], now)
        kept = Kept(tuple(picture.ref for picture in pictures), texts=tuple(texts), offers=tuple(offers))
        for order in await self.store.claim(now, room={MODEL.gateway: 1000, JACK.gateway: 1000}, running=1000):
            ticket = Ticket(order.gateway, f"of {task.id}", order.model)
            made = replace(after(with_deadline(order, MODEL, now), kept, now), ticket=ticket)
            assert await self.store.apply(order, made, now)
        return await self.view(task.id)

    async def view(self, task_id: str) -> View:
        return await self.client.view(task_id)

    async def delivered(self, front: DiscordFront, task: Task, *pictures: Picture, **made: Any) -> Receipt:
        """From a stored request to its result in the chat, and into the store."""
        chosen = pictures or (() if made.get("texts") else (a_result(task),))
        view = await self.finish(task, *chosen, **made)
        receipt = await front.hand_over(task.address, view, chosen, attempt=1)
        await self.store.delivered(task.id, task.address, receipt, self.clock.moment())
        return receipt

    async def result(
        self, front: DiscordFront, who: str = "ana", channel: str = "general", *, pictures: int = 1, **made: Any
    ) -> tuple[Task, Post]:
        """A delivered task of somebody, and the post that shows it."""
        task = await self.imagined(who, channel)
        shown = [a_result(task, index, picture_bytes("blue", (64 + index, 48))) for index in range(pictures)]
        receipt = await self.delivered(front, task, *shown, **made)
        return task, self.sandbox.feed.post(channel, receipt.messages[0].key.partition(":")[2])


@contextlib.asynccontextmanager
async def a_world(
    folder: Path, *, limits: Limits = LIMITS, models: Sequence[Model] = (MODEL, OTHER), **sandbox: Any
) -> AsyncIterator[World]:
    clock = Clock()
    catalogue = Catalogue(models, gateways={model.gateway: "" for model in models})
    base, gateway = discord.http.Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    box = DiscordSandbox(clock=clock.seconds, **sandbox)
    for route in list(box.limits.windows):
        box.limits.set(route, 1000, 1.0)
    async with box.running():
        database = folder / "imagine.db"
        store = await open_store(f"sqlite+aiosqlite:///{database}")
        try:
            client = Client(store, catalogue, limits, clock=clock.moment, wake=lambda: None)
            yield World(box, store, client, Words(), clock, database)
        finally:
            await store.close()
            discord.http.Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


def files_of(task: Task) -> list[FrontFile]:
    return [image for image in task.request.images if isinstance(image, FrontFile)]


def names_of(task: Task) -> list[str]:
    return [file.data["filename"] for file in files_of(task)]


def a_video(task: Task, data: bytes | None = None) -> Picture:
    data = clip() if data is None else data
    return Picture(
        MediaRef(sha256(data).hexdigest(), "video/mp4", len(data), 640, 360, 5.0), data, f"imagine-{task.id}.mp4", 0
    )


def button(post: Post, action: str, index: int | None = None) -> str:
    """The id of a button, the first one of an ``action`` or the one with this ``index``."""
    ids = [each.id for row in post.buttons for each in row if each.id.split(":")[1] == action]
    return next(each for each in ids if index is None or each.endswith(f":{index}"))


def labels(post: Post) -> list[list[str]]:
    """What is written on the buttons, row by row."""
    return [[each.label for each in row] for row in post.buttons]


def actions(post: Post) -> list[str]:
    return [each.id.split(":")[1] for row in post.buttons for each in row]
