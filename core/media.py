"""The media store: pictures and videos by the hash of their bytes, in a folder or in any S3-compatible store."""

import asyncio
import hashlib
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from core.errors import SettingsError, StoreDown
from core.pictures import inspect
from core.types import MediaRef
from core.videos import inspect_video, sniff_video

#: Pictures decoded at once: one can take 256 MB (``core.pictures.MAX_PIXELS``).
DECODERS = 2
#: Schemes of MEDIA_URL that obstore serves; their credentials are read from the environment, in each one's own names.
_REMOTE = ("s3", "s3a", "gs", "az", "memory")


class ObjectMedia:
    """A MediaStore on obstore.

    Never a half-written picture: obstore writes to a temporary name and renames (a folder), or uploads as one object;
    in a folder the bytes are forced to disk before ``keep`` returns, because they may have been paid for.
    """

    def __init__(self, store: ObjectStore, *, folder: Path | None = None) -> None:
        """``folder``: where ``store`` keeps its files, if it does."""
        self._store, self._folder = store, folder
        self._decoders = asyncio.Semaphore(DECODERS)

    async def keep(self, data: bytes) -> MediaRef:
        """Check that ``data`` is one whole picture or video and keep it; the same bytes are kept once.

        Raises ImageUnreadable, ImageTooLarge, and StoreDown when the store cannot be written.
        """
        async with self._decoders:
            ref = await asyncio.to_thread(_reference, data)
        path = _path(ref.key)
        try:
            if await self._size(path) == len(data):
                return ref
            await obstore.put_async(self._store, path, data, use_multipart=False)
            if self._folder is not None:
                await asyncio.to_thread(_force_to_disk, self._folder, self._folder / path)
        except (BaseError, OSError) as error:
            raise StoreDown(f"media store: {error}") from error
        return ref

    async def read(self, ref: MediaRef) -> bytes:
        """The bytes of a picture. Raises KeyError when it is not (or not whole) there, StoreDown."""
        data = await self._bytes(ref.key)
        if len(data) != ref.size:
            raise KeyError(ref.key)
        return data

    async def find(self, key: str) -> bytes:
        """The bytes behind a key alone. Raises KeyError when they are not (or not whole) there, StoreDown."""
        data = await self._bytes(key)
        if await asyncio.to_thread(_key, data) != key:
            raise KeyError(key)
        return data

    async def check(self) -> str:
        """For ``imagine doctor``: write, read and delete a small file. Raises StoreDown."""
        path = f"check/{secrets.token_hex(8)}"
        try:
            await obstore.put_async(self._store, path, b"imagine", use_multipart=False)
            found = await obstore.get_async(self._store, path)
            await found.bytes_async()
            await obstore.delete_async(self._store, path)
        except (BaseError, OSError) as error:
            raise StoreDown(f"media store: {error}") from error
        return "can be written and read"

    async def _bytes(self, key: str) -> bytes:
        try:
            found = await obstore.get_async(self._store, _path(key))
            return bytes(await found.bytes_async())
        except (NotFoundError, FileNotFoundError):
            raise KeyError(key) from None
        except (BaseError, OSError) as error:
            raise StoreDown(f"media store: {error}") from error

    async def _size(self, path: str) -> int | None:
        try:
            return (await obstore.head_async(self._store, path))["size"]
        except (NotFoundError, FileNotFoundError):
            return None


def open_media(url: str) -> ObjectMedia:
    """The store that MEDIA_URL names.

    ``file://data/media`` is a folder from the working directory on, ``file:///srv/media`` an absolute one; both are
    made when missing. ``s3://bucket/prefix`` (also ``gs``, ``az``) takes its credentials from the environment.
    Raises SettingsError.
    """
    scheme = urlsplit(url).scheme
    try:
        if scheme == "file":
            folder = Path(url.removeprefix("file://")).absolute()
            if not url.removeprefix("file://").strip("/"):
                raise SettingsError("MEDIA_URL", "name a folder, such as file://data/media")
            return ObjectMedia(LocalStore(folder, mkdir=True), folder=folder)
        if scheme in _REMOTE:
            return ObjectMedia(from_url(url))
    except (BaseError, OSError, ValueError) as error:
        raise SettingsError("MEDIA_URL", f"{url} cannot be used: {error}") from error
    raise SettingsError("MEDIA_URL", "use file://folder or s3://bucket/prefix")


def _reference(data: bytes) -> MediaRef:
    key = _key(data)
    if sniff_video(data):
        video = inspect_video(data)
        return MediaRef(key, video.mime, len(data), video.width, video.height, video.seconds)
    seen = inspect(data)
    return MediaRef(key=key, mime=seen.mime, size=len(data), width=seen.width, height=seen.height)


def _key(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _path(key: str) -> str:
    return f"{key[:2]}/{key[2:4]}/{key}"


def _force_to_disk(folder: Path, file: Path) -> None:
    """The file, and its name in every folder on the way to it."""
    for path in (file, *file.parents):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if path == folder:
            return
