"""Pictures into messages: each file within the limit of the place, each request within Discord's."""

import asyncio
from collections.abc import Sequence
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
    """A picture as it is sent."""

    filename: str
    data: bytes
    index: int  #: 0-based place among the task's pictures

    @property
    def stem(self) -> str:
        """The name without its ending. It holds the task's id and the picture's number, whatever the format."""
        return stem(self.filename)


def stem(filename: str) -> str:
    return filename.rpartition(".")[0] or filename


async def fitted(pictures: Sequence[Picture], limit: int) -> list[Upload]:
    """Each at most ``limit`` bytes: unchanged where it fits, else encoded anew and if need be made smaller."""
    return list(await asyncio.gather(*(_fitted(picture, min(limit, REQUEST_LIMIT)) for picture in pictures)))


async def _fitted(picture: Picture, limit: int) -> Upload:
    upload = Upload(picture.filename, picture.data, picture.index)
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
