"""What can go wrong on the way to an S3-compatible store: nothing hangs, nothing is half there, nothing is given up."""

import io
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from core.errors import StoreDown
from core.media import FRESH, open_media
from core.settings import Settings
from core.testing import ManualClock
from tests.core.test_media import everything, png
from tests.s3 import CUT_AFTER, Bucket, environment


def large() -> bytes:
    """A picture that does not compress: its upload can be cut in the middle."""
    out = io.BytesIO()
    Image.effect_noise((512, 512), 120).save(out, "PNG")
    assert len(out.getvalue()) > 2 * CUT_AFTER
    return out.getvalue()


async def test_an_object_is_uploaded_once_under_the_prefix_and_anew_when_it_is_old(bucket: Bucket) -> None:
    clock = ManualClock(datetime.now(UTC))
    media = open_media(bucket.url, clock=clock)
    ref = await media.keep(png())
    await media.keep(png())
    path = f"/{bucket.name}/of/ours/{ref.key[:2]}/{ref.key[2:4]}/{ref.key}"
    assert bucket.line.puts() == [path]
    clock.advance(FRESH.total_seconds() + 60)
    await media.keep(png())
    assert bucket.line.puts() == [path, path]


async def test_an_upload_that_is_cut_off_leaves_nothing_and_the_next_one_is_whole(bucket: Bucket) -> None:
    media, data = open_media(bucket.url), large()
    bucket.line.mood = "cuts"
    with pytest.raises(StoreDown, match="media store"):
        await media.keep(data)
    bucket.line.mood = "open"
    assert bucket.line.puts()
    assert await everything(media) == []
    ref = await media.keep(data)
    assert await media.read(ref) == data


async def test_a_store_that_cannot_be_reached_is_down_until_it_is_back(bucket: Bucket) -> None:
    media = open_media(bucket.url)
    ref = await media.keep(png())
    bucket.line.mood = "shut"
    for work in (media.read(ref), media.find(ref.key), media.keep(png("green")), media.check(), everything(media)):
        with pytest.raises(StoreDown, match="media store"):
            await work
    bucket.line.mood = "open"
    assert await media.read(ref) == png()


async def test_a_store_that_hangs_holds_nobody_up_for_long(
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.objects.REQUEST_SECONDS", 0.3)
    media = open_media(bucket.url)
    ref = await media.keep(png())
    bucket.line.mood = "silent"
    for work in (media.read(ref), media.keep(png("green"))):
        began = time.monotonic()
        with pytest.raises(StoreDown):
            await work
        assert time.monotonic() - began < 3.0


async def test_a_bucket_that_is_not_there_is_a_store_that_is_down_and_not_a_lost_picture(bucket: Bucket) -> None:
    ref = await open_media(bucket.url).keep(png())
    media = open_media("s3://misspelt/of/ours")
    for work in (media.read(ref), media.find(ref.key), media.keep(png()), media.check()):
        with pytest.raises(StoreDown, match="media store"):
            await work


async def test_the_credentials_may_stand_in_the_env_file(
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    endpoint = os.environ["AWS_ENDPOINT"]
    lines = environment(int(endpoint.rpartition(":")[2]))
    for name in lines:
        # Set first, so that what the file sets in its place is undone after the test.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    monkeypatch.setitem(Settings.model_config, "env_file", str(tmp_path / ".env"))
    media = open_media(bucket.url)
    assert await media.read(await media.keep(png())) == png()
