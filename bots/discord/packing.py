"""Results into messages: each file within the limit of the place, each request within Discord's."""

import asyncio
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from core.pictures import MAX_PIXELS, fit_picture
from core.types import Picture

MIB = 1024 * 1024
#: Bytes of one file by default (reference, "Uploading Files").
FILE_LIMIT = 10 * MIB
#: Bytes of one request (resources/message, "Create Message"), less a margin for the text and the multipart frame.
REQUEST_LIMIT = 25 * MIB - 64 * 1024
#: Files of one message (error 30015).
FILES = 10
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


@dataclass(frozen=True)
class Upload:
    """A picture or video as it is sent."""

    filename: str
    data: bytes

    @property
    def stem(self) -> str:
        """The name without its ending. It holds the task's id and the picture's number, whatever the format."""
        return stem(self.filename)


def stem(filename: str) -> str:
    return filename.rpartition(".")[0] or filename


@dataclass(frozen=True)
class Part:
    """One message of a result. One without files has words."""

    text: str | None
    uploads: tuple[Upload, ...] = ()

    def marks(self) -> list[str]:
        """What it is found again by in the chat."""
        return [upload.stem for upload in self.uploads] or [mark(self.text or "")]

    def without(self, posted: Container[str]) -> "Part | None":
        """What is left of it to post; None when all of it is ``posted`` (by its marks)."""
        if not self.uploads:
            return None if mark(self.text or "") in posted else self
        todo = tuple(upload for upload in self.uploads if upload.stem not in posted)
        return replace(self, uploads=todo) if todo else None


def mark(text: str) -> str:
    """A message's words as Discord keeps them."""
    return text.strip()


def too_large(pictures: Sequence[Picture], limit: int) -> list[Picture]:
    """The videos that a place which takes files of ``limit`` bytes does not take: they cannot be made smaller."""
    most = min(limit, REQUEST_LIMIT)
    return [picture for picture in pictures if not picture.ref.is_picture and len(picture.data) > most]


async def fitted(pictures: Sequence[Picture], limit: int) -> list[Upload]:
    """Each at most ``limit`` bytes: unchanged where it fits, else encoded anew and if need be made smaller."""
    return list(await asyncio.gather(*(_fitted(picture, min(limit, REQUEST_LIMIT)) for picture in pictures)))


async def _fitted(picture: Picture, limit: int) -> Upload:
    upload = Upload(picture.filename, picture.data)
    if len(picture.data) <= limit:
        return upload
    fit = await asyncio.to_thread(fit_picture, picture.data, max_bytes=limit, max_pixels=MAX_PIXELS)
    return replace(upload, filename=f"{upload.stem}.{_ENDINGS[fit.mime]}", data=fit.data)


def packed(uploads: Sequence[Upload]) -> list[list[Upload]]:
    """In as few messages as hold them, in their order."""
    messages: list[list[Upload]] = []
    room = 0
    for upload in uploads:
        if not messages or len(messages[-1]) == FILES or len(upload.data) > room:
            messages.append([])
            room = REQUEST_LIMIT
        messages[-1].append(upload)
        room -= len(upload.data)
    return messages
