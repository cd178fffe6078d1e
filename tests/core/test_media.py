"""What is kept is whole, kept once, and there again for whoever asks, in a folder and in an S3-compatible store."""

import asyncio
import io
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from core.errors import ImageTooLarge, ImageUnreadable, SettingsError, StoreDown
from core.media import FRESH, ObjectMedia, Stored, open_media
from core.testing import ManualClock
from core.types import MediaRef
from sandbox.gateways.spoiled import bomb
from tests.s3 import Bucket
from tests.waiting import until


def png(colour: str = "red", size: tuple[int, int] = (48, 32)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def clock() -> ManualClock:
    """Both stores set their own times by the real one."""
    return ManualClock(datetime.now(UTC))


@pytest.fixture(params=["folder", "s3"])
def media(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> ObjectMedia:
    if request.param == "folder":
        return open_media(f"file://{tmp_path}/media", clock=clock)
    at: Bucket = request.getfixturevalue("bucket")
    return open_media(at.url, clock=clock)


async def everything(media: ObjectMedia) -> list[Stored]:
    return [found async for page in media.pages() for found in page]


async def test_what_is_kept_can_be_read_again(media: ObjectMedia) -> None:
    data = png()
    ref = await media.keep(data)
    assert (ref.mime, ref.width, ref.height, ref.size) == ("image/png", 48, 32, len(data))
    assert await media.read(ref) == data
    assert await media.find(ref.key) == data


async def test_the_same_bytes_have_the_same_name_and_others_another(media: ObjectMedia) -> None:
    first, again, other = [await media.keep(png(colour)) for colour in ("red", "red", "blue")]
    assert first == again
    assert first.key != other.key


async def test_a_picture_that_is_not_there_is_a_key_error(media: ObjectMedia) -> None:
    with pytest.raises(KeyError):
        await media.read(MediaRef("0" * 64, "image/png", 1, 1, 1))
    with pytest.raises(KeyError):
        await media.find("0" * 64)


async def test_what_is_no_whole_picture_is_not_kept(media: ObjectMedia) -> None:
    for data, kind in ((b"<html>", ImageUnreadable), (png()[:60], ImageUnreadable), (bomb(), ImageTooLarge)):
        with pytest.raises(kind):
            await media.keep(data)
    assert await everything(media) == []


async def test_doctor_writes_and_reads_and_leaves_nothing(media: ObjectMedia) -> None:
    assert await media.check() == "can be written and read"
    assert await everything(media) == []


async def test_a_listing_tells_every_picture_and_nothing_that_is_not_ours(
    media: ObjectMedia, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.media.PAGE", 2)
    kept = [await media.keep(png(colour)) for colour in ("red", "green", "blue")]
    if (tmp_path / "media").is_dir():
        (tmp_path / "media" / "README").write_text("of somebody else's")
    found = await everything(media)
    assert {(each.key, each.size) for each in found} == {(ref.key, ref.size) for ref in kept}
    assert all(abs(each.changed - clock()) < timedelta(minutes=1) for each in found)


async def test_an_old_picture_is_removed_and_one_that_was_written_since_is_not(
    media: ObjectMedia, clock: ManualClock
) -> None:
    ref = await media.keep(png())
    assert not await media.remove(ref.key, unless_since=clock() - timedelta(hours=1))
    assert await media.read(ref) == png()
    assert await media.remove(ref.key, unless_since=clock() + timedelta(hours=1))
    with pytest.raises(KeyError):
        await media.read(ref)
    assert not await media.remove(ref.key, unless_since=clock() + timedelta(hours=1))


async def test_what_was_kept_once_is_put_back_under_its_own_name_alone(media: ObjectMedia) -> None:
    ref = await media.keep(png())
    await media.remove(ref.key, unless_since=datetime.now(UTC) + timedelta(hours=1))
    await media.put_back(ref.key, png())
    assert await media.read(ref) == png()
    with pytest.raises(ValueError, match=ref.key):
        await media.put_back(ref.key, png("green"))


async def test_many_at_once_are_all_kept(media: ObjectMedia) -> None:
    pictures = [png(f"#0000{shade:02x}") for shade in range(0, 250, 25)] * 2
    refs = await asyncio.gather(*map(media.keep, pictures))
    assert [await media.read(ref) for ref in refs] == pictures


async def test_a_file_is_written_once_under_its_hash_and_leaves_nothing_else(tmp_path: Path) -> None:
    media = open_media(f"file://{tmp_path}/media")
    ref = await media.keep(png())
    path = tmp_path / "media" / ref.key[:2] / ref.key[2:4] / ref.key
    written = path.stat()
    await media.keep(png())
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    assert [found for found in (tmp_path / "media").rglob("*") if found.is_file()] == [path]


async def test_what_is_kept_again_after_long_is_written_anew(tmp_path: Path, clock: ManualClock) -> None:
    media = open_media(f"file://{tmp_path}/media", clock=clock)
    ref = await media.keep(png())
    path = tmp_path / "media" / ref.key[:2] / ref.key[2:4] / ref.key
    os.utime(path, (0, 0))
    await media.keep(png())
    assert path.stat().st_mtime > clock().timestamp() - FRESH.total_seconds()


async def test_what_is_kept_again_while_the_old_one_is_being_removed_is_there_afterwards(
    tmp_path: Path, clock: ManualClock
) -> None:
    media = open_media(f"file://{tmp_path}/media", clock=clock)
    ref = await media.keep(png())
    path = tmp_path / "media" / ref.key[:2] / ref.key[2:4] / ref.key
    os.utime(path, (0, 0))
    keeping = asyncio.create_task(media.keep(png()))
    await until(lambda: path.stat().st_mtime > 0)
    path.unlink()
    await keeping
    assert await media.read(ref) == png()


@pytest.fixture
def leavings(tmp_path: Path) -> list[Path]:
    """Of a process that was killed while it wrote, and of a doctor."""
    paths = [tmp_path / "media" / name for name in ("aa/bb/" + "a" * 64 + "#1", "check/0123456789abcdef")]
    for path in paths:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half")
        os.utime(path, (0, 0))
    return paths


async def test_old_leavings_of_killed_processes_are_removed_and_fresh_ones_are_not(
    tmp_path: Path, clock: ManualClock, leavings: list[Path]
) -> None:
    media = open_media(f"file://{tmp_path}/media")
    fresh = leavings[0].with_name("c" * 64 + "#2")
    fresh.write_bytes(b"still being written")
    ref = await media.keep(png())
    assert await media.remove_leavings(until=clock() - timedelta(hours=1)) == 2
    assert [path.exists() for path in (*leavings, fresh)] == [False, False, True]
    assert await media.read(ref) == png()


async def test_a_folder_that_is_away_is_a_store_that_is_down_and_not_a_lost_picture(tmp_path: Path) -> None:
    media = open_media(f"file://{tmp_path}/media")
    ref = await media.keep(png())
    (tmp_path / "media").rename(tmp_path / "unmounted")
    with pytest.raises(StoreDown, match="is not there"):
        await media.read(ref)
    (tmp_path / "unmounted").rename(tmp_path / "media")
    assert await media.read(ref) == png()


async def test_a_file_that_a_power_cut_left_short_is_not_read_and_is_written_anew(tmp_path: Path) -> None:
    media = open_media(f"file://{tmp_path}/media")
    ref = await media.keep(png())
    path = tmp_path / "media" / ref.key[:2] / ref.key[2:4] / ref.key
    os.truncate(path, 10)
    with pytest.raises(KeyError):
        await media.read(ref)
    with pytest.raises(KeyError):
        await media.find(ref.key)
    await media.keep(png())
    assert await media.read(ref) == png()


async def test_a_store_that_cannot_be_written_is_down_and_says_why(tmp_path: Path) -> None:
    media = open_media(f"file://{tmp_path}/media")
    ref = await media.keep(png())
    other = replace(ref, key="f" * 64)
    (tmp_path / "media" / "ff").write_text("in the way")
    with pytest.raises((StoreDown, KeyError)):
        await media.read(other)
    (tmp_path / "media").rename(tmp_path / "gone")
    (tmp_path / "media").write_text("in the way")
    with pytest.raises(StoreDown, match="media store"):
        await media.keep(png("green"))


async def test_a_relative_folder_is_meant_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    media = open_media("file://data/media")
    ref = await media.keep(png())
    monkeypatch.chdir("/")
    assert await media.read(ref) == png()
    assert (tmp_path / "data" / "media" / ref.key[:2]).is_dir()


@pytest.mark.parametrize("url", ["", "data/media", "ftp://x/y", "file://", "file:///", "s3://"])
def test_an_address_that_is_none_names_the_setting(url: str) -> None:
    with pytest.raises(SettingsError, match="MEDIA_URL"):
        open_media(url)
