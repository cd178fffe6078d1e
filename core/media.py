"""The media store: pictures and videos by the hash of their bytes, in a folder or in any S3-compatible store."""

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import ObjectStore

from core.clock import utc_now
from core.errors import StoreDown
from core.objects import in_short, open_objects
from core.pictures import inspect
from core.ports import Clock
from core.types import MediaRef
from core.videos import inspect_video, sniff_video

#: Pictures decoded at once: one can take 256 MB (``core.pictures.MAX_PIXELS``).
DECODERS = 2
#: An object that is older is written anew when the same bytes are kept again, so that nobody removes it as an old one.
FRESH = timedelta(hours=1)
#: Seconds after such a writing within which a removal that had begun before it is over; then it is looked after.
SETTLE = 0.5
#: Objects of one page of a listing (S3 gives no more at once).
PAGE = 1000
_PATH = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/([0-9a-f]{64})")
#: What obstore calls a file while it writes it: a process that was killed leaves it behind.
_HALF_WRITTEN = re.compile(r"#\d+\Z")


@dataclass(frozen=True)
class Stored:
    """An object as a listing tells it."""

    key: str  #: as in MediaRef
    size: int  #: bytes
    changed: datetime  #: when it was written last


class ObjectMedia:
    """A MediaStore on obstore.

    Never a half-written picture: obstore writes to a temporary name and renames (a folder), or uploads as one object;
    in a folder the bytes are forced to disk before ``keep`` returns, because they may have been paid for.
    """

    def __init__(self, store: ObjectStore, *, folder: Path | None = None, clock: Clock = utc_now) -> None:
        """``folder``: where ``store`` keeps its files, if it does. ``clock``: against it objects are old."""
        self._store, self._folder, self._clock = store, folder, clock
        self._decoders = asyncio.Semaphore(DECODERS)

    async def keep(self, data: bytes) -> MediaRef:
        """Check that ``data`` is one whole picture or video and keep it; the same bytes are kept once.

        Raises ImageUnreadable, ImageTooLarge, and StoreDown when the store cannot be written.
        """
        async with self._decoders:
            ref = await asyncio.to_thread(_reference, data)
        path = _path(ref.key)
        with self._translated():
            there = await self._head(path)
            if there is None or there.size != len(data):
                await self._put(path, data)
            elif self._clock() - there.changed > FRESH:
                # Who was removing the old one at this moment has removed this one: it is looked after.
                with contextlib.suppress(FileNotFoundError):
                    await self._put(path, data)
                await asyncio.sleep(SETTLE)
                if await self._head(path) is None:
                    await self._put(path, data)
        return ref

    async def put_back(self, key: str, data: bytes) -> None:
        """Keep what was kept once already, if it is not there. Raises ValueError when these are not the bytes of
        ``key``, StoreDown."""
        if await asyncio.to_thread(_key, data) != key:
            raise ValueError(key)
        path = _path(key)
        with self._translated():
            there = await self._head(path)
            if there is None or there.size != len(data):
                await self._put(path, data)

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
        with self._translated():
            await obstore.put_async(self._store, path, b"imagine", use_multipart=False)
            found = await obstore.get_async(self._store, path)
            await found.bytes_async()
            await obstore.delete_async(self._store, path)
        return "can be written and read"

    # -- what is there, and what may go -----------------------------------------------------------------------------

    async def pages(self) -> AsyncIterator[list[Stored]]:
        """All there is, a page at a time, in no order; what is not ours is left out. Raises StoreDown."""
        with self._translated():
            async for page in obstore.list(self._store, chunk_size=PAGE):
                found = [(_PATH.fullmatch(each["path"]), each) for each in page]
                yield [Stored(match[1], each["size"], each["last_modified"]) for match, each in found if match]

    async def remove(self, key: str, *, unless_since: datetime) -> bool:
        """Remove an object, unless it was written (again) since then. False if it was, or is gone. Raises StoreDown."""
        path = _path(key)
        with self._translated():
            there = await self._head(path)
            if there is None or there.changed > unless_since:
                return False
            with contextlib.suppress(NotFoundError, FileNotFoundError):
                await obstore.delete_async(self._store, path)
        return True

    async def remove_leavings(self, *, until: datetime) -> int:
        """Remove what processes that were killed while they wrote have left in a folder, written last ``until`` then.
        Returns how many files. Raises StoreDown."""
        if self._folder is None:
            return 0  # an upload that was cut off leaves nothing
        with self._translated():
            return await asyncio.to_thread(_remove_leavings, self._folder, until.timestamp())

    # -- obstore ----------------------------------------------------------------------------------------------------

    async def _put(self, path: str, data: bytes) -> None:
        await obstore.put_async(self._store, path, data, use_multipart=False)
        if self._folder is not None:
            await asyncio.to_thread(_force_to_disk, self._folder, self._folder / path)

    async def _bytes(self, key: str) -> bytes:
        with self._translated():
            try:
                found = await obstore.get_async(self._store, _path(key))
                return bytes(await found.bytes_async())
            except (NotFoundError, FileNotFoundError) as error:
                await self._lost_altogether(error)
                raise KeyError(key) from None

    async def _head(self, path: str) -> Stored | None:
        try:
            found = await obstore.head_async(self._store, path)
        except (NotFoundError, FileNotFoundError) as error:
            await self._lost_altogether(error)
            return None
        return Stored(path, found["size"], found["last_modified"])

    async def _lost_altogether(self, error: BaseException) -> None:
        """A whole folder or bucket that is not there (unmounted, misspelt) is a store that is down, not a picture that
        is gone: nobody is to give up on pictures because of it. Raises StoreDown."""
        away = "NoSuchBucket" in str(error)
        if self._folder is not None:
            away = not await asyncio.to_thread(self._folder.is_dir)
        if away:
            raise StoreDown(f"media store: {self._folder or 'the bucket'} is not there") from error

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            raise StoreDown(f"media store: {in_short(error)}") from error


def open_media(url: str, *, clock: Clock = utc_now) -> ObjectMedia:
    """The store that MEDIA_URL names.

    ``file://data/media`` is a folder from the working directory on, ``file:///srv/media`` an absolute one; both are
    made when missing. ``s3://bucket/prefix`` (also ``gs``, ``az``) takes its credentials from the environment or
    ``.env``. Raises SettingsError.
    """
    store, folder = open_objects(url)
    return ObjectMedia(store, folder=folder, clock=clock)


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


def _remove_leavings(folder: Path, until: float) -> int:
    removed = 0
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where, name)
            # A doctor that was killed leaves a whole file, in a folder of its own.
            ours = _HALF_WRITTEN.search(name) or path.parent == folder / "check"
            with contextlib.suppress(FileNotFoundError):
                if ours and path.stat().st_mtime <= until:
                    path.unlink()
                    removed += 1
    return removed
