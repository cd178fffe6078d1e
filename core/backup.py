"""Backup and restore: one tar file with the rows of the database, as of one moment, and the media they refer to.

::

    manifest.json             {"format": 1, "revision": the schema's, "at": when}
    rows/<table>/000001.jsonl a row a line, each table after those it refers to
    media/<key>               the bytes, named by their SHA-256
    end.json                  {"rows": {table: count}, "digest": of all lines, "media": count, "missing": count}

Rows are values that any kind of database takes: what was backed up from SQLite can be restored into PostgreSQL, and the
other way round. Nothing but one batch of rows, or a few pictures, is in memory at once.
"""

import asyncio
import contextlib
import hashlib
import io
import itertools
import json
import os
import secrets
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from core.errors import SettingsError
from core.media import ObjectMedia
from core.store.archive import Filling, Snapshot, fill, rows_in, snapshot
from core.store.media import keys_in

#: Of what is in the file; a program reads this one alone.
FORMAT = 1
#: Media read or written at once: an S3-compatible store takes its time for each.
AT_ONCE = 8
#: Media between two words about how far it is.
TELL_EVERY = 100
_MANIFEST, _END, _ROWS, _MEDIA = "manifest.json", "end.json", "rows/", "media/"


@dataclass
class Content:
    """What a backup holds."""

    rows: dict[str, int] = field(default_factory=dict)  #: how many, by table
    digest: str = ""  #: SHA-256 of all their lines, and where they stand
    media: int = 0
    missing: int = 0  #: media that rows refer to, and that were no longer kept


async def back_up(
    database_url: str,
    media: ObjectMedia,
    path: Path,
    *,
    now: datetime,
    force: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Content:
    """Write a backup of a database and media store that bots may be working on; ``tell`` hears how far it is.

    The file is there whole or not at all, and for its owner alone: it holds people's words and pictures.
    Raises SettingsError for a file that is there already (unless ``force``) or cannot be written, StoreDown.
    """
    if not force and await asyncio.to_thread(path.exists):
        raise _there_already(path)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with _on_file(path, "written"):
        handle = await asyncio.to_thread(_created, part)
        try:
            with handle, tarfile.open(fileobj=handle, mode="w") as tar:
                writing = _Writing(tar, path, now, tell)
                keys = sorted(await snapshot(database_url, writing.rows))
                await writing.media(media, keys)
                await asyncio.to_thread(writing.end)
            await asyncio.to_thread(_in_place, part, path, force)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)
    return writing.content


async def restore(
    database_url: str, media: ObjectMedia, path: Path, *, tell: Callable[[str], None] = lambda _: None
) -> Content:
    """Put a backup into an empty database, made when it is missing, and the media store.

    First the media, which are named by their bytes and so can be put there again and again; then all rows or none.
    Raises SettingsError for a file that is no whole backup and a database with rows in it, StoreDown.
    """
    revision, content = await asyncio.to_thread(_looked_through, path)
    taken = await rows_in(database_url)
    if taken:
        raise SettingsError("DATABASE_URL", f"there is something in it ({taken}); name an empty database")
    await _put_media(path, media, content.media, tell)
    await fill(database_url, revision, lambda filling: _fill(path, filling, content, tell))
    return content


@contextlib.contextmanager
def _on_file(path: Path, done: str) -> Iterator[None]:
    """What the file itself cannot take or give is told of it, not of the database that is worked on meanwhile."""
    try:
        yield
    except (OSError, tarfile.TarError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise SettingsError(str(path), f"cannot be {done}: {why}") from None


# -- writing -----------------------------------------------------------------------------------------------------------


class _Writing:
    """A backup on its way into the file."""

    def __init__(self, tar: tarfile.TarFile, path: Path, now: datetime, tell: Callable[[str], None]) -> None:
        self._tar, self._path, self._now, self._tell = tar, path, now, tell
        self.content = Content()

    def rows(self, snapshot: Snapshot) -> set[bytes]:
        """Returns the keys of all media they refer to, each in 32 bytes."""
        manifest = {"format": FORMAT, "revision": snapshot.revision, "at": self._now.isoformat()}
        self._add(_MANIFEST, json.dumps(manifest).encode())
        keys: set[bytes] = set()
        digest = hashlib.sha256()
        for table in snapshot.tables:
            count = 0
            for number, rows in enumerate(snapshot.rows(table), start=1):
                lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
                name = f"{_ROWS}{table}/{number:06}.jsonl"
                digest.update(name.encode() + lines)
                self._add(name, lines)
                keys.update(bytes.fromhex(key) for row in rows for key in keys_in(dict(row)))
                count += len(rows)
            self.content.rows[table] = count
            self._tell(f"{table}: {count:,} rows")
        self.content.digest = digest.hexdigest()
        return keys

    async def media(self, media: ObjectMedia, keys: list[bytes]) -> None:
        for start in range(0, len(keys), AT_ONCE):
            some = [key.hex() for key in keys[start : start + AT_ONCE]]
            for key, data in zip(some, await asyncio.gather(*(_found(media, key) for key in some)), strict=True):
                if data is None:
                    self.content.missing += 1
                    continue
                await asyncio.to_thread(self._add, f"{_MEDIA}{key}", data)
                self.content.media += 1
                if self.content.media % TELL_EVERY == 0:
                    self._tell(f"pictures and videos: {self.content.media:,} of {len(keys):,}")

    def end(self) -> None:
        self._add(_END, json.dumps(asdict(self.content)).encode())

    def _add(self, name: str, data: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = len(data), 0o600, int(self._now.timestamp())
        with _on_file(self._path, "written"):
            self._tar.addfile(member, io.BytesIO(data))
        _forget(self._tar)


async def _found(media: ObjectMedia, key: str) -> bytes | None:
    try:
        return await media.find(key)
    except KeyError:
        return None


def _created(part: Path) -> io.BufferedWriter:
    return os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _in_place(part: Path, path: Path, force: bool) -> None:
    """On the disk first, then under its name."""
    for each in (part, path.parent):
        handle = os.open(each, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if each is part:
            if not force and path.exists():
                raise _there_already(path)
            part.replace(path)


def _there_already(path: Path) -> SettingsError:
    return SettingsError(str(path), "is there already; name another file, or say --force")


# -- reading -----------------------------------------------------------------------------------------------------------


def _members(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """The names of what is in a tar file, each with a way to its bytes. Raises SettingsError."""

    def read(member: tarfile.TarInfo) -> bytes:
        with _on_file(path, "read"):
            file = tar.extractfile(member)
            return b"" if file is None else file.read()

    with _on_file(path, "read"):
        opened = tarfile.open(path, mode="r:")  # noqa: SIM115  # closed below
    with opened as tar:
        while True:
            with _on_file(path, "read"):
                member = tar.next()
            if member is None:
                return
            _forget(tar)
            yield member.name, partial(read, member)


def _forget(tar: tarfile.TarFile) -> None:
    """It remembers every member it has seen, however many there are."""
    tar.members.clear()  # type: ignore[attr-defined]  # the stubs leave it out


def _looked_through(path: Path) -> tuple[str, Content]:
    """The schema's revision and the content of a whole backup. Raises SettingsError."""
    media, digest = 0, hashlib.sha256()
    manifest: dict[str, object] = {}
    content: Content | None = None
    for name, data in _members(path):
        if name == _MANIFEST:
            manifest = _json(path, data())
            if manifest.get("format") != FORMAT:
                raise SettingsError(str(path), f"is of format {manifest.get('format')}: this program reads {FORMAT}")
        elif name == _END:
            content = _content(path, data())
        elif name.startswith(_ROWS):
            digest.update(name.encode() + data())
        else:
            media += 1
    if not manifest:
        raise SettingsError(str(path), "is no backup of these bots")
    if content is None or media != content.media:
        raise SettingsError(str(path), "is not whole: its end is missing")
    if digest.hexdigest() != content.digest:
        raise _damaged(path)
    return str(manifest["revision"]), content


def _content(path: Path, data: bytes) -> Content:
    try:
        return Content(**_json(path, data))
    except TypeError:
        raise _damaged(path) from None


def _json(path: Path, data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        raise _damaged(path) from None
    if not isinstance(found, dict):
        raise _damaged(path)
    return found


def _damaged(path: Path) -> SettingsError:
    return SettingsError(str(path), "is damaged: what is in it is not what was written")


async def _put_media(path: Path, media: ObjectMedia, count: int, tell: Callable[[str], None]) -> None:
    found = ((name.removeprefix(_MEDIA), data) for name, data in _members(path) if name.startswith(_MEDIA))
    done = 0
    with contextlib.closing(found):
        while some := await asyncio.to_thread(
            lambda: [(key, data()) for key, data in itertools.islice(found, AT_ONCE)]
        ):
            try:
                await asyncio.gather(*(media.put_back(key, data) for key, data in some))
            except ValueError:
                raise _damaged(path) from None
            if done // TELL_EVERY != (done := done + len(some)) // TELL_EVERY:
                tell(f"pictures and videos: {done:,} of {count:,}")


def _fill(path: Path, filling: Filling, content: Content, tell: Callable[[str], None]) -> None:
    for name, data in _members(path):
        if name.startswith(_ROWS):
            filling.add(name.split("/")[1], [json.loads(line) for line in data().splitlines()])
    for table, count in content.rows.items():
        tell(f"{table}: {count:,} rows")
