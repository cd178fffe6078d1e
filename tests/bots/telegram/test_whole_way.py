"""From what somebody says to what the chat shows, through the real core; the gateway is scripted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bots.telegram import TelegramFront, intake
from bots.telegram.places import key
from bots.words import Words
from core.catalogue import Catalogue
from core.client import Client
from core.clock import utc_now
from core.delivery import Delivery
from core.engine import Embedded
from core.intake import Intake
from core.masks import read_mask
from core.media import open_media
from core.quota import Limits
from core.store import open_store
from core.testing import ScriptedGateway
from core.tracker import Tracker
from core.types import Finished, InlinePicture, Operation
from sandbox.chat import Post, Upload
from sandbox.pictures import clip
from sandbox.telegram import Rates, TelegramSandbox
from tests.bots.telegram.world import ABLE, picture_bytes
from tests.core.world import ScriptedLinks, png
from tests.waiting import until


@contextlib.asynccontextmanager
async def a_town(folder: Path, gateway: ScriptedGateway) -> AsyncIterator[tuple[TelegramSandbox, Client]]:
    """A chat with a bot that makes things."""
    catalogue = Catalogue([ABLE], gateways={ABLE.gateway: ""})
    store = await open_store(f"sqlite+aiosqlite:///{folder}/imagine.db")
    media, engine = open_media(f"file://{folder}/media"), Embedded()
    limits = Limits(user_day=100, user_month=1000, unfinished=50)
    client = Client(store, catalogue, limits, clock=utc_now, wake=engine.wake)
    shared: dict[str, Any] = {
        "store": store,
        "media": media,
        "catalogue": catalogue,
        "clock": utc_now,
        "wake": engine.wake,
    }
    async with TelegramSandbox(rates=Rates.unlimited()).running() as sandbox:
        front = TelegramFront(sandbox.token, client=client, words=Words(), api_url=sandbox.base_url)
        tracker = Tracker(
            gateways={gateway.name: gateway},
            downloader=ScriptedLinks(),
            room={gateway.name: 5},
            running=5,
            listener=engine.listener(),
            **shared,
        )
        delivery = Delivery(fronts={front.name: front}, listener=engine.listener(), **shared)
        taking = Intake(fronts={front.name: front}, listener=engine.listener(), **shared)
        stopping = asyncio.Event()
        running = [asyncio.create_task(part.run(stopping)) for part in (delivery, taking, front)]
        running.append(asyncio.create_task(tracker.run(stopping, grace=0.0)))
        try:
            yield sandbox, client
        finally:
            stopping.set()
            await asyncio.gather(*running)
            await front.close()
            await store.close()


async def shown(sandbox: TelegramSandbox, chat: str, than: int) -> Post:
    """The result that comes after so many messages of the bot; a status that goes again is none."""

    def results() -> list[Post]:
        posts = sandbox.feed.posts(chat, author="bot")
        return [post for post in posts if post.attachments or "1." in post.text]

    await until(lambda: len(results()) > than)
    return results()[-1]


async def test_a_picture_becomes_words_the_words_a_picture_and_that_a_video(tmp_path: Path) -> None:
    gateway = ScriptedGateway(
        ABLE.gateway,
        [
            Finished(texts=("a red fox", "a fox in snow")),
            Finished((InlinePicture(png("blue")),)),
            Finished((InlinePicture(clip()),)),
        ],
    )
    async with a_town(tmp_path, gateway) as (sandbox, client):
        photo = Upload("photo.png", "image/png", picture_bytes())
        await sandbox.say("ana", "group", "/describe", files=[photo])
        told = await shown(sandbox, "group", 0)
        assert "2. a fox in snow" in told.text
        await sandbox.press("ben", "group", told.id, told.buttons[0][1].id)
        painted = await shown(sandbox, "group", 1)
        assert painted.text.startswith("a fox in snow")
        await until(lambda: client.posted("telegram", key(sandbox.chat_id("group"), int(painted.id))))
        await sandbox.say("ana", "group", "/animate slowly", reply_to=painted.id)
        filmed = await shown(sandbox, "group", 2)
    assert [item.kind for item in (*painted.attachments, *filmed.attachments)] == ["photo", "video"]
    calls = [call for _, call in gateway.calls]
    assert [call.operation for call in calls] == [Operation.DESCRIBE, Operation.IMAGINE, Operation.ANIMATE]
    assert [len(call.images) for call in calls] == [1, 0, 1]
    assert calls[2].images[0].data == png("blue")


async def test_of_an_album_the_second_picture_becomes_the_mask_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "SETTLE_FOR", 0.3)  # what waits for more pictures holds up the end
    gateway = ScriptedGateway(ABLE.gateway, [Finished((InlinePicture(png("blue")),))])
    whole, holed = png("red", 64), png("red", 64, clear=(16, 16, 48, 48))
    async with a_town(tmp_path, gateway) as (sandbox, _):
        files = [Upload(f"{n}.png", "image/png", data, as_file=True) for n, data in enumerate((whole, holed))]
        await sandbox.say("ana", "private:ana", "/inpaint a hat", files=files)
        await shown(sandbox, "private:ana", 0)
    ((_, call),) = gateway.calls
    assert (call.operation, call.prompt, [image.data for image in call.images]) == (Operation.INPAINT, "a hat", [whole])
    assert call.mask is not None
    assert 0.2 < read_mask(call.mask.data).share < 0.3
