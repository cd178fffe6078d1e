"""A person who was erased: nothing tells of them any more, and the sums are what they were."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from core.errors import SettingsError, TaskUnknown
from core.forgetting import Forgotten, forget
from core.media import ObjectMedia, open_media
from core.orders import after
from core.store import SqlStore, open_store
from core.store.archive import snapshot
from core.testing import ManualClock
from core.types import Kept, MediaRef, PostedMessage, Receipt, Task
from tests.core.store.making import FREE, claim_one, hand_over, rows, submit
from tests.core.world import png
from tests.databases import (  # noqa: F401  # fixtures are found by name
    database_url,
    postgres_server,
    postgres_url,
    sqlite_template,
    sqlite_url,
)


@pytest.fixture
def clock() -> ManualClock:
    """The media store sets its own times by the real one."""
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:  # noqa: F811
    opened = await open_store(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def media(tmp_path: Path) -> ObjectMedia:
    return open_media(f"file://{tmp_path}/media")


async def made(store: SqlStore, clock: ManualClock, person: str, given: MediaRef, result: MediaRef) -> Task:
    """An edit that was delivered."""
    task = await submit(store, clock(), person, images=(given,), prompt=f"{person}'s secret", credits=2)
    order = await claim_one(store, clock())
    await store.apply(order, after(order, Kept((result,), texts=("a secret text",)), clock()), clock())
    await hand_over(store, task, clock(), Receipt((PostedMessage(f"-100:{task.id}", task.id, 0),)))
    return task


async def everything(url: str) -> str:
    return await snapshot(url, lambda of: repr([list(of.rows(name)) for name in of.tables]))


async def test_what_was_theirs_is_gone_and_what_others_have_stays(
    store: SqlStore,
    database_url: str,  # noqa: F811
    media: ObjectMedia,
    clock: ManualClock,
) -> None:
    shared, hers, his = [await media.keep(png(colour)) for colour in ("red", "green", "blue")]
    of_ana = await made(store, clock, "ana", shared, hers)
    of_ben = await made(store, clock, "ben", shared, his)
    before = await store.stats(clock(), "UTC")
    clock.advance(1)
    assert await forget(store, media, "telegram:ana", clock) == Forgotten(tasks=1, media=1)
    left = await everything(database_url)
    assert [word for word in ("ana", hers.key, "-100:" + of_ana.id) if word in left] == []
    assert (left.count("ben's secret"), left.count("a secret text")) == (1, 1)
    with pytest.raises(TaskUnknown):
        await store.task(of_ana.id)
    assert await store.posted("telegram", f"-100:{of_ana.id}") is None
    with pytest.raises(KeyError):
        await media.read(hers)
    assert [await media.read(ref) for ref in (shared, his)] == [png("red"), png("blue")]
    assert (await store.task(of_ben.id)).request.images == (shared,)
    assert (await store.stats(clock(), "UTC")).day == before.day
    assert (await store.usage("telegram:ana", FREE, clock())).day_used == 0
    assert (await store.usage("telegram:ben", FREE, clock())).day_used == 2
    with pytest.raises(IntegrityError, match="append-only"):
        await rows(database_url, "UPDATE ledger SET amount = 0")


async def test_a_chat_that_others_use_keeps_its_credits_and_a_private_one_is_not_told(
    store: SqlStore,
    database_url: str,  # noqa: F811
    media: ObjectMedia,
    clock: ManualClock,
) -> None:
    for person, chat in (("ana", "telegram:-100"), ("ben", "telegram:-100"), ("ana", "telegram:ana")):
        task = await submit(store, clock(), person, chat=chat)
        order = await claim_one(store, clock())
        await store.apply(order, after(order, Kept((await media.keep(png()),)), clock()), clock())
        await hand_over(store, task, clock())
    await forget(store, media, "telegram:ana", clock)
    found = await rows(database_url, "SELECT account, chat FROM ledger WHERE kind = 'hold' ORDER BY id")
    assert found == [("forgotten", "telegram:-100"), ("telegram:ben", "telegram:-100"), ("forgotten", "forgotten")]


async def test_while_something_is_being_made_or_posted_nobody_is_forgotten(
    store: SqlStore, media: ObjectMedia, clock: ManualClock
) -> None:
    task = await submit(store, clock(), "ana")
    with pytest.raises(SettingsError, match=r"telegram:ana: 1 of their requests.*/cancel"):
        await forget(store, media, "telegram:ana", clock)
    order = await claim_one(store, clock())
    ref = await media.keep(png())
    await store.apply(order, after(order, Kept((ref,)), clock()), clock())
    with pytest.raises(SettingsError, match="telegram:ana"):
        await forget(store, media, "telegram:ana", clock)
    await hand_over(store, task, clock())
    clock.advance(1)
    assert await forget(store, media, "telegram:ana", clock) == Forgotten(tasks=1, media=1)
    assert await forget(store, media, "telegram:ana", clock) == Forgotten(tasks=0, media=0)
