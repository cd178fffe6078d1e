"""The file store: photos are recompressed into several sizes, videos and documents keep their bytes, ids are opaque."""

import asyncio
import base64
import io
import itertools
import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, ImageOps

from core.errors import ImageUnreadable
from core.videos import inspect_video, sniff_video
from sandbox.telegram.errors import bad_request

#: https://core.telegram.org/bots/api#sendphoto: width and height add up to at most 10000, their ratio is at most 20.
MAX_PHOTO_SIDES = 10_000
MAX_PHOTO_RATIO = 20
#: The largest side of each PhotoSize: core.telegram.org/api/files#image-thumbnail-types (s, m, x, y, w).
PHOTO_SIDES = (90, 320, 800, 1280, 2560)
#: Telegram measures only small videos (github.com/tdlib/telegram-bot-api/issues/442); the number is what users found.
MEASURED_VIDEO_BYTES = 10 * 1024 * 1024
#: Width and height of a video that neither Telegram nor the bot has measured: programs show it as a square.
UNMEASURED_SIDE = 320
#: The beginnings of Telegram's file ids, by kind; the rest is opaque.
_PREFIXES = {"photo": "AgACAgIAAxkB", "document": "BQACAgIAAxkB", "video": "BAACAgIAAxkB", "animation": "CgACAgIAAxkB"}
_FOLDERS = {"photo": "photos", "document": "documents", "video": "videos", "animation": "animations"}


@dataclass(frozen=True)
class StoredFile:
    """One file on Telegram's servers (each size of a photo is one). ``data`` is what a download gives."""

    kind: str  #: "photo", "document", "video" or "animation"
    file_id: str
    unique_id: str
    filename: str
    mime: str
    data: bytes = field(repr=False)
    width: int = 0
    height: int = 0
    duration: int = 0

    def api(self) -> dict[str, Any]:
        """The PhotoSize, Document, Video or Animation object."""
        found: dict[str, Any] = {
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_size": len(self.data),
        }
        if self.kind != "document":
            found |= {"width": self.width, "height": self.height}
        if self.kind != "photo":
            found |= {"file_name": self.filename, "mime_type": self.mime}
        if self.kind in ("video", "animation"):
            found |= {"duration": self.duration}
        return found


@dataclass(frozen=True)
class Media:
    """What a message shows: the sizes of one photo (smallest first), or a single other file."""

    kind: str
    files: tuple[StoredFile, ...]

    @property
    def largest(self) -> StoredFile:
        return self.files[-1]

    def api(self) -> dict[str, Any]:
        """The message's media fields."""
        if self.kind == "photo":
            return {"photo": [item.api() for item in self.files]}
        found = {self.kind: self.largest.api()}
        if self.kind == "animation":
            # Telegram adds it for programs older than animations (Message.animation).
            found["document"] = {
                name: value for name, value in self.largest.api().items() if name not in ("width", "height", "duration")
            }
        return found


class FileStore:
    """Every file ever sent. ``clock`` gives seconds; download paths live for ``link_seconds`` (an hour at Telegram)."""

    def __init__(self, clock: Callable[[], float], *, photo_side: int = 1280, link_seconds: float = 3600.0) -> None:
        self.photo_side = photo_side
        self.link_seconds = link_seconds
        self._clock = clock
        self._media: dict[str, Media] = {}
        self._files: dict[str, StoredFile] = {}
        self._pictures: dict[str, StoredFile] = {}
        self._paths: dict[str, tuple[StoredFile, float]] = {}
        self._numbers = itertools.count(1)

    async def add_photo(self, data: bytes) -> Media:
        """Recompress a picture. Raises :class:`ApiError` 400 when it is none, or its sides are not allowed."""
        sizes = await asyncio.to_thread(_photo_sizes, data, self.photo_side)
        files = [
            self._new("photo", "photo.jpg", "image/jpeg", jpeg, width=width, height=height)
            for jpeg, width, height in sizes
        ]
        return self._keep(Media("photo", tuple(files)))

    async def add_video(
        self, filename: str, mime: str, data: bytes, *, width: int = 0, height: int = 0, duration: int = 0
    ) -> Media:
        """Keep a video byte for byte, with the size and seconds that the sender tells or Telegram finds.

        What is no MP4 becomes a document (core.telegram.org/bots/api#sendvideo). Raises :class:`ApiError` 400 for an
        empty file.
        """
        if sniff_video(data) is None:
            return self.add_file("document", filename, mime, data)
        seen = await measured(data) if len(data) <= MEASURED_VIDEO_BYTES else None
        wide, high, long = seen or (UNMEASURED_SIDE, UNMEASURED_SIDE, 0)
        return self.add_file(
            "video", filename, "video/mp4", data, width=width or wide, height=height or high, duration=duration or long
        )

    def add_file(
        self, kind: str, filename: str, mime: str, data: bytes, *, width: int = 0, height: int = 0, duration: int = 0
    ) -> Media:
        """Keep a document or animation byte for byte. Raises :class:`ApiError` 400 for an empty file."""
        if not data:
            raise bad_request("file must be non-empty")
        new = self._new(kind, filename, mime, data, width=width, height=height, duration=duration)
        return self._keep(Media(kind, (new,)))

    def media(self, file_id: str, kind: str) -> Media:
        """The media behind a file id, to send it again. Raises :class:`ApiError` 400 (unknown, or another kind)."""
        found = self._media.get(file_id)
        if found is None:
            if file_id.startswith(("http://", "https://")):
                # The stand-in fetches nothing: a bot has no reason to hand Telegram a gateway's address.
                raise bad_request("failed to get HTTP URL content")
            raise bad_request("wrong file identifier/HTTP URL specified")
        if found.kind != kind:
            raise bad_request(f"can't use file of type {found.kind.capitalize()} as {kind.capitalize()}")
        return found

    def file(self, file_id: str) -> StoredFile:
        """Raises :class:`ApiError` 400 for an unknown id."""
        if file_id not in self._files:
            raise bad_request("invalid file_id")
        return self._files[file_id]

    def link(self, stored: StoredFile) -> str:
        """A fresh download path."""
        extension = stored.filename.rpartition(".")[2] if "." in stored.filename else "bin"
        path = f"{_FOLDERS[stored.kind]}/file_{next(self._numbers)}.{extension}"
        self._paths[path] = (stored, self._clock() + self.link_seconds)
        return path

    def by_path(self, path: str) -> StoredFile | None:
        """The file behind a download path; ``None`` for an unknown or expired one."""
        stored, until = self._paths.get(path, (None, 0.0))
        return stored if self._clock() < until else None

    def picture(self, unique_id: str) -> StoredFile | None:
        """A file for the demo page, which needs no token."""
        return self._pictures.get(unique_id)

    def _new(
        self, kind: str, filename: str, mime: str, data: bytes, *, width: int = 0, height: int = 0, duration: int = 0
    ) -> StoredFile:
        token = base64.urlsafe_b64encode(secrets.token_bytes(36)).decode()
        unique = base64.urlsafe_b64encode(secrets.token_bytes(9)).decode()
        return StoredFile(kind, _PREFIXES[kind] + token, f"AQAD{unique}", filename, mime, data, width, height, duration)

    def _keep(self, media: Media) -> Media:
        for item in media.files:
            self._media[item.file_id] = media
            self._files[item.file_id] = item
            self._pictures[item.unique_id] = item
        return media


async def measured(data: bytes) -> tuple[int, int, int] | None:
    """Width, height and seconds (rounded up, as Telegram does) of a video; None when it is none or not whole."""
    try:
        seen = await asyncio.to_thread(inspect_video, data)
    except ImageUnreadable:
        return None
    return seen.width, seen.height, math.ceil(seen.seconds)


def _photo_sizes(data: bytes, side: int) -> list[tuple[bytes, int, int]]:
    """JPEGs of growing size with their width and height. Runs in a thread."""
    try:
        opened = Image.open(io.BytesIO(data))
        _check_sides(*opened.size)
        opened.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise bad_request("PHOTO_INVALID_DIMENSIONS") from None
    except (OSError, ValueError, SyntaxError):
        raise bad_request("IMAGE_PROCESS_FAILED") from None
    picture = ImageOps.exif_transpose(opened)
    if picture.has_transparency_data:
        flat = Image.new("RGB", picture.size, "white")
        rgba = picture.convert("RGBA")
        flat.paste(rgba, mask=rgba.getchannel("A"))
        picture = flat
    picture = picture.convert("RGB")
    longest = max(picture.size)
    sides = [item for item in PHOTO_SIDES if item < min(longest, side)] + [min(longest, side)]
    found = []
    for size in reversed(sides):
        picture.thumbnail((size, size), Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=87)
        found.append((buffer.getvalue(), *picture.size))
    return found[::-1]


def _check_sides(width: int, height: int) -> None:
    if width + height > MAX_PHOTO_SIDES or max(width, height) > MAX_PHOTO_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
