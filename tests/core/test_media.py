"""What is kept is whole, kept once, and there again for whoever asks, in a folder and in an S3-compatible store."""

import asyncio
import io
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import ImageTooLarge, ImageUnreadable, SettingsError, StoreDown
from core.media import ObjectMedia, open_media
from core.types import MediaRef
from sandbox.gateways.spoiled import bomb
from sandbox.serving import serve


def png(colour: str = "red", size: tuple[int, int] = (48, 32)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


class Bucket:
    """As much of S3 as putting, looking and getting need."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.puts: list[str] = []
        self.app = Starlette(routes=[Route("/{key:path}", self._serve, methods=["PUT", "GET", "HEAD"])])

    async def _serve(self, request: Request) -> Response:
        assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=ana/")
        key = request.path_params["key"]
        if request.method == "PUT":
            self.objects[key] = await request.body()
            self.puts.append(key)
            return Response(headers={"etag": '"1"'})
        if key not in self.objects:
            return Response(status_code=404)
        headers = {"etag": '"1"', "last-modified": "Sat, 21 Nov 2026 12:00:00 GMT"}
        return Response(self.objects[key], headers=headers)


@pytest.fixture
async def bucket(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bucket]:
    found = Bucket()
    async with serve(found.app) as base:
        for name, value in {
            "AWS_ENDPOINT": base,
            "AWS_ACCESS_KEY_ID": "ana",
            "AWS_SECRET_ACCESS_KEY": "not-a-real-one",
            "AWS_REGION": "eu-central-1",
            "AWS_ALLOW_HTTP": "true",
        }.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture(params=["folder", "s3"])
def media(request: pytest.FixtureRequest, tmp_path: Path, bucket: Bucket) -> ObjectMedia:
    return open_media(f"file://{tmp_path}/media" if request.param == "folder" else "s3://pictures/of/ours")


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


async def test_what_is_no_whole_picture_is_not_kept(media: ObjectMedia, tmp_path: Path, bucket: Bucket) -> None:
    for data, kind in ((b"<html>", ImageUnreadable), (png()[:60], ImageUnreadable), (bomb(), ImageTooLarge)):
        with pytest.raises(kind):
            await media.keep(data)
    assert not [path for path in (tmp_path / "media").rglob("*") if path.is_file()]
    assert not bucket.objects


async def test_many_at_once_are_all_kept(media: ObjectMedia) -> None:
    pictures = [png(f"#0000{shade:02x}") for shade in range(0, 250, 25)] * 2
    refs = await asyncio.gather(*map(media.keep, pictures))
    assert [await media.read(ref) for ref in refs] == pictures


async def test_an_s3_object_is_uploaded_once_under_the_prefix(bucket: Bucket) -> None:
    media = open_media("s3://pictures/of/ours")
    ref = await media.keep(png())
    await media.keep(png())
    assert bucket.puts == [f"pictures/of/ours/{ref.key[:2]}/{ref.key[2:4]}/{ref.key}"]


async def test_a_file_is_written_once_under_its_hash_and_leaves_nothing_else(tmp_path: Path) -> None:
    media = open_media(f"file://{tmp_path}/media")
    ref = await media.keep(png())
    path = tmp_path / "media" / ref.key[:2] / ref.key[2:4] / ref.key
    written = path.stat()
    await media.keep(png())
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    assert [found for found in (tmp_path / "media").rglob("*") if found.is_file()] == [path]


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
