"""What is old or too much is removed, and never what somebody still needs."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.media import ObjectMedia, open_media
from core.orders import after
from core.retention import GIGABYTE, GRACE, Sweeper
from core.store import SqlStore, open_store
from core.testing import ManualClock
from core.types import Kept, MediaRef
from tests.core.store.making import FREE, claim_one, hand_over, new_task
from tests.core.world import png
from tests.databases import (  # noqa: F401  # fixtures are found by name
    database_url,
    postgres_server,
    postgres_url,
    sqlite_template,
    sqlite_url,
)
from tests.s3 import Bucket
from tests.waiting import until

DAY = timedelta(days=1)
COLOURS = ("red", "orange", "yellow", "green", "blue")


@pytest.fixture
def clock() -> ManualClock:
    """The stores set their own times by the real one."""
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[SqlStore]:  # noqa: F811
    opened = await open_store(sqlite_url)
    yield opened
    await opened.close()


@pytest.fixture
def media(tmp_path: Path, clock: ManualClock) -> ObjectMedia:
    return open_media(f"file://{tmp_path}/media", clock=clock)


def sweeper(store: SqlStore, media: ObjectMedia, clock: ManualClock, *, days: int = 0, gb: float = 0) -> Sweeper:
    return Sweeper(store=store, media=media, keep_days=days, max_gb=gb, clock=clock)


async def aged(tmp_path: Path, media: ObjectMedia, colour: str, age: timedelta) -> MediaRef:
    """A picture that was kept that long ago."""
    ref = await media.keep(png(colour))
    when = datetime.now(UTC).timestamp() - age.total_seconds()
    os.utime(tmp_path / "media" / ref.key[:2] / ref.key[2:4] / ref.key, (when, when))
    return ref


async def left(media: ObjectMedia) -> set[str]:
    return {found.key async for page in media.pages() for found in page}


async def test_what_is_older_than_the_days_is_removed(
    tmp_path: Path, store: SqlStore, media: ObjectMedia, clock: ManualClock
) -> None:
    old = await aged(tmp_path, media, "red", 8 * DAY)
    young = await aged(tmp_path, media, "blue", 6 * DAY)
    swept = await sweeper(store, media, clock, days=7).sweep()
    assert (swept.removed, swept.bytes) == (1, old.size)
    assert await left(media) == {young.key}


async def test_above_the_bound_the_oldest_are_removed_and_no_more_than_needed(
    tmp_path: Path, store: SqlStore, media: ObjectMedia, clock: ManualClock
) -> None:
    kept = [await aged(tmp_path, media, colour, (9 - age) * DAY) for age, colour in enumerate(COLOURS)]
    bound = sum(ref.size for ref in kept[2:]) / GIGABYTE
    assert (await sweeper(store, media, clock, gb=bound).sweep()).removed == 2
    assert await left(media) == {ref.key for ref in kept[2:]}
    assert (await sweeper(store, media, clock, gb=bound).sweep()).removed == 0


async def test_of_many_of_the_same_minute_no_more_are_removed_than_needed(
    tmp_path: Path, store: SqlStore, media: ObjectMedia, clock: ManualClock
) -> None:
    kept = [await aged(tmp_path, media, colour, 2 * DAY) for colour in COLOURS]
    bound = (sum(ref.size for ref in kept) - 1) / GIGABYTE
    assert (await sweeper(store, media, clock, gb=bound).sweep()).removed == 1


async def test_what_is_young_stays_however_much_there_is_and_that_is_told(
    tmp_path: Path, store: SqlStore, media: ObjectMedia, clock: ManualClock
) -> None:
    young = await aged(tmp_path, media, "red", GRACE / 2)
    swept = await sweeper(store, media, clock, gb=1 / GIGABYTE).sweep()
    assert (swept.removed, swept.above) == (0, young.size - 1)
    assert await left(media) == {young.key}


async def test_without_days_and_bound_everything_stays(
    tmp_path: Path, store: SqlStore, media: ObjectMedia, clock: ManualClock
) -> None:
    ref = await aged(tmp_path, media, "red", 999 * DAY)
    await sweeper(store, media, clock).sweep()
    assert await left(media) == {ref.key}


async def test_what_an_unfinished_or_undelivered_task_needs_stays_until_it_is_delivered(
    tmp_path: Path,
    database_url: str,  # noqa: F811
    media: ObjectMedia,
    clock: ManualClock,
) -> None:
    given, marked, made = [await aged(tmp_path, media, colour, 9 * DAY) for colour in COLOURS[:3]]
    store = await open_store(database_url)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        now = clock()
        new = new_task(images=(given,))
        task = await store.submit(replace(new, request=replace(new.request, mask=marked)), FREE, now)
        sweep = sweeper(store, media, clock, days=7).sweep
        assert (await sweep()).removed == 1
        assert await left(media) == {given.key, marked.key}
        await aged(tmp_path, media, COLOURS[2], 9 * DAY)
        order = await claim_one(store, now)
        await store.apply(order, after(order, Kept((made,)), now), now)
        assert (await sweep()).removed == 0
        await hand_over(store, task, now)
        assert (await sweep()).removed == 3


async def test_what_is_kept_again_meanwhile_stays(
    tmp_path: Path, store: SqlStore, media: ObjectMedia, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at all there is and the removal, somebody keeps the same bytes again."""
    old = [await aged(tmp_path, media, colour, 9 * DAY) for colour in COLOURS]
    in_use, looks = store.media_in_use, 0

    async def kept_again() -> frozenset[str]:
        nonlocal looks
        looks += 1
        if looks == 2:
            await media.keep(png("red"))
        return await in_use()

    monkeypatch.setattr(store, "media_in_use", kept_again)
    assert (await sweeper(store, media, clock, days=7).sweep()).removed == 4
    assert await left(media) == {old[0].key}


async def test_two_sweepers_at_once_do_no_harm(
    tmp_path: Path, store: SqlStore, media: ObjectMedia, clock: ManualClock
) -> None:
    kept = [await aged(tmp_path, media, colour, (age + 0.5) * DAY) for age, colour in enumerate(COLOURS, start=5)]
    sweeps = [sweeper(store, media, clock, days=7).sweep() for _ in range(2)]
    await asyncio.gather(*sweeps)
    assert await left(media) == {ref.key for ref in kept[:2]}


async def test_a_bucket_is_swept_like_a_folder(store: SqlStore, bucket: Bucket, clock: ManualClock) -> None:
    media = open_media(bucket.url, clock=clock)
    kept = [await media.keep(png(colour)) for colour in COLOURS]
    clock.advance(DAY.total_seconds())
    bound = (sum(ref.size for ref in kept) - 1) / GIGABYTE
    assert (await sweeper(store, media, clock, gb=bound).sweep()).removed == 1
    clock.advance(DAY.total_seconds() * 7)
    assert (await sweeper(store, media, clock, days=7).sweep()).removed == 4
    assert await left(media) == set()


async def test_it_runs_by_itself_soon_after_the_start_and_goes_on_after_a_failure(
    tmp_path: Path, store: SqlStore, media: ObjectMedia, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.retention.FIRST", 0.0)
    monkeypatch.setattr("core.retention.EVERY", 0.01)
    await aged(tmp_path, media, "red", 9 * DAY)
    (tmp_path / "media").rename(tmp_path / "unmounted")
    (tmp_path / "media").write_text("in the way")
    stopping = asyncio.Event()
    running = asyncio.create_task(sweeper(store, media, clock, days=7).run(stopping))
    await asyncio.sleep(0)
    (tmp_path / "media").unlink()
    (tmp_path / "unmounted").rename(tmp_path / "media")

    async def swept() -> bool:
        return not await left(media)

    await until(swept)
    stopping.set()
    await running
