"""The file: whole or not there, for its owner alone, and refused where it is not what was written."""

import asyncio
import json
import os
import stat
import tarfile
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.backup import Content, back_up, restore
from core.errors import SettingsError, StoreDown
from core.media import ObjectMedia, open_media
from core.orders import after
from core.store import SqlStore, behind, open_store
from core.testing import ManualClock
from core.types import Kept, MediaRef
from tests.core.store.making import FREE, claim_one, hand_over, new_task
from tests.core.world import png
from tests.databases import sqlite_template, sqlite_url  # noqa: F401  # fixtures are found by name
from tests.s3 import Bucket

TASK = "7h2k9qz0m4xa"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def media(tmp_path: Path) -> ObjectMedia:
    return open_media(f"file://{tmp_path}/media")


@pytest.fixture
async def pictures(media: ObjectMedia) -> list[MediaRef]:
    """An input, a result of it, and what nobody refers to."""
    return [await media.keep(png(colour)) for colour in ("red", "green", "blue")]


@pytest.fixture
async def store(sqlite_url: str, pictures: list[MediaRef]) -> AsyncIterator[SqlStore]:  # noqa: F811
    opened = await open_store(sqlite_url)
    clock = ManualClock(NOW)
    task = await opened.submit(replace(new_task(images=(pictures[0],)), id=TASK), FREE, clock())
    order = await claim_one(opened, clock())
    await opened.apply(order, after(order, Kept((pictures[1],)), clock()), clock())
    await hand_over(opened, task, clock())
    yield opened
    await opened.close()


@pytest.fixture
async def backup(tmp_path: Path, sqlite_url: str, store: SqlStore, media: ObjectMedia) -> Path:  # noqa: F811
    path = tmp_path / "backup.tar"
    await back_up(sqlite_url, media, path, now=NOW)
    return path


def fresh(tmp_path: Path) -> tuple[str, ObjectMedia]:
    """An empty database and media store."""
    folder = tmp_path / "fresh"
    return f"sqlite+aiosqlite:///{folder}/imagine.db", open_media(f"file://{folder}/media")


async def test_it_holds_the_media_that_rows_refer_to_and_says_how_much_there_is(
    tmp_path: Path,
    sqlite_url: str,  # noqa: F811
    store: SqlStore,
    media: ObjectMedia,
    pictures: list[MediaRef],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.backup.TELL_EVERY", 1)
    told: list[str] = []
    path = tmp_path / "backup.tar"
    content = await back_up(sqlite_url, media, path, now=NOW, tell=told.append)
    with tarfile.open(path) as tar:
        names = tar.getnames()
        end = tar.extractfile("end.json")
        assert end is not None
        assert Content(**json.loads(end.read())) == content
    assert (names[0], names[-1]) == ("manifest.json", "end.json")
    assert {name for name in names if name.startswith("media/")} == {f"media/{ref.key}" for ref in pictures[:2]}
    assert (content.rows["task"], content.media, content.missing) == (1, 2, 0)
    assert "pictures and videos: 2 of 2" in told


async def test_what_was_backed_up_is_restored_byte_for_byte(
    tmp_path: Path, backup: Path, store: SqlStore, media: ObjectMedia, pictures: list[MediaRef]
) -> None:
    url, elsewhere = fresh(tmp_path)
    content = await restore(url, elsewhere, backup)
    assert (content.rows["orders"], content.media) == (1, 2)
    assert [await elsewhere.read(ref) for ref in pictures[:2]] == [png("red"), png("green")]
    again = await open_store(url)
    (order,) = await again.orders(TASK)
    assert order.results == (pictures[1],)
    assert (await again.task(TASK)).request.images == (pictures[0],)
    await again.close()


async def test_it_goes_into_a_bucket_too(
    tmp_path: Path, backup: Path, pictures: list[MediaRef], bucket: Bucket
) -> None:
    media = open_media(bucket.url)
    await restore(fresh(tmp_path)[0], media, backup)
    assert await media.read(pictures[1]) == png("green")


async def test_it_is_for_its_owner_alone_and_overwrites_nothing_unless_told_to(
    sqlite_url: str,  # noqa: F811
    media: ObjectMedia,
    backup: Path,
) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    before = backup.stat()
    with pytest.raises(SettingsError, match="there already"):
        await back_up(sqlite_url, media, backup, now=NOW)
    assert backup.stat().st_mtime_ns == before.st_mtime_ns
    await back_up(sqlite_url, media, backup, now=NOW, force=True)
    assert backup.stat().st_ino != before.st_ino
    assert [path.name for path in backup.parent.iterdir() if "backup" in path.name] == ["backup.tar"]


async def test_media_that_are_gone_are_counted_and_the_rest_is_kept(
    tmp_path: Path,
    sqlite_url: str,  # noqa: F811
    store: SqlStore,
    media: ObjectMedia,
    pictures: list[MediaRef],
) -> None:
    await media.remove(pictures[0].key, unless_since=datetime.max.replace(tzinfo=UTC))
    path = tmp_path / "backup.tar"
    content = await back_up(sqlite_url, media, path, now=NOW)
    assert (content.media, content.missing) == (1, 1)
    url, elsewhere = fresh(tmp_path)
    assert (await restore(url, elsewhere, path)).missing == 1
    assert await elsewhere.read(pictures[1]) == png("green")


async def test_a_media_store_that_is_away_leaves_no_file(
    tmp_path: Path,
    sqlite_url: str,  # noqa: F811
    store: SqlStore,
    media: ObjectMedia,
) -> None:
    (tmp_path / "media").rename(tmp_path / "unmounted")
    with pytest.raises(StoreDown, match="media store"):
        await back_up(sqlite_url, media, tmp_path / "backup.tar", now=NOW)
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == []


async def test_a_file_that_cannot_be_written_is_told_of_as_such(
    sqlite_url: str,  # noqa: F811
    store: SqlStore,
    media: ObjectMedia,
) -> None:
    with pytest.raises(SettingsError, match=r"/dev/full/backup\.tar: cannot be written"):
        await back_up(sqlite_url, media, Path("/dev/full/backup.tar"), now=NOW)


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flip(word: bytes) -> Callable[[Path], None]:
    def flip(path: Path) -> None:
        data = path.read_bytes()
        at = data.rindex(word)
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])

    return flip


def _other_format(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'{"format": 1', b'{"format": 9'))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_cut, "not whole|cannot be read"),
        (_flip(b"a fox"), "damaged"),
        (_flip(b"IDAT"), "damaged"),
        (_flip(b'"digest"'), "damaged"),
        (_other_format, "format 9"),
        (lambda path: path.write_bytes(b"PNG" * 1000), "cannot be read"),
        (lambda path: tarfile.open(path, "w").close(), "no backup"),
    ],
)
async def test_a_file_that_is_not_what_was_written_is_refused_and_puts_no_row_anywhere(
    tmp_path: Path, backup: Path, spoil: Callable[[Path], object], why: str
) -> None:
    await asyncio.to_thread(spoil, backup)
    url, media = fresh(tmp_path)
    with pytest.raises(SettingsError, match=f"backup.tar: .*({why})"):
        await restore(url, media, backup)
    assert await behind(url) is not None


async def test_a_database_with_rows_is_refused_before_anything_is_put_anywhere(
    tmp_path: Path,
    sqlite_url: str,  # noqa: F811
    backup: Path,
) -> None:
    _, media = fresh(tmp_path)
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        await restore(sqlite_url, media, backup)
    assert not list((tmp_path / "fresh" / "media").iterdir())
