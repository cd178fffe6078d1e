"""How results go into messages: what each of them is there, and how many one upload takes."""

import math
from collections.abc import Sequence

from telegram import InputMediaDocument, InputMediaPhoto, InputMediaVideo

from bots.telegram.photos import FILE_BYTES, Shown

#: core.telegram.org/bots/api#sendmediagroup
ALBUM_LIMIT = 10

Item = InputMediaPhoto | InputMediaVideo | InputMediaDocument


def item(shown: Shown, caption: str | None, *, as_file: bool) -> Item:
    ref, filename = shown.picture.ref, shown.picture.filename
    if shown.is_video and not as_file:
        return InputMediaVideo(
            shown.picture.data,
            caption=caption,
            width=ref.width,
            height=ref.height,
            duration=duration(shown),
            supports_streaming=True,
            filename=filename,
        )
    if shown.photo is None or as_file:
        return InputMediaDocument(shown.picture.data, caption=caption, filename=filename)
    return InputMediaPhoto(shown.photo, caption=caption, filename=filename)


def duration(shown: Shown) -> int | None:
    """Whole seconds, which is all that Telegram takes."""
    seconds = shown.picture.ref.seconds
    return None if seconds is None else math.ceil(seconds)


def parts(pictures: Sequence[Shown], *, as_files: bool) -> list[Sequence[Shown]]:
    """As few albums as will do, of about the same size, each small enough for one upload. One alone may be among them:
    an album of one is refused."""
    size = math.ceil(len(pictures) / max(1, math.ceil(len(pictures) / ALBUM_LIMIT)))
    packed: list[list[Shown]] = []
    room = 0
    for place, shown in enumerate(pictures):
        taken = shown.picture.ref.size if as_files or shown.photo is None else len(shown.photo)
        if place % size == 0 or taken > room:
            packed.append([])
            room = FILE_BYTES
        packed[-1].append(shown)
        room -= taken
    return [*packed]
