"""The third front: a terminal. ``imagine generate`` is the same core with this front alone."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from core.errors import ImageGone, ImageTooLarge
from core.types import Address, FrontFile, Picture, PostedMessage, Receipt, View

NAME = "terminal"


class TerminalFront:
    """Shows tasks on a progress bar and writes their pictures into the folder their address names."""

    name = NAME
    pace = 0.2
    quiet = 0.0

    def __init__(self, *, on_view: Callable[[View], None]) -> None:
        self._on_view = on_view
        self.written: dict[str, list[Path]] = {}  #: by task id
        self.last: dict[str, View] = {}
        self._over: dict[str, asyncio.Event] = {}

    def over(self, task_id: str) -> asyncio.Event:
        """Set when this task has had its last word."""
        return self._over.setdefault(task_id, asyncio.Event())

    async def show(self, address: Address, view: View) -> Address:
        self._on_view(view)
        return address

    async def hand_over(self, address: Address, view: View, pictures: Sequence[Picture], *, attempt: int) -> Receipt:
        """Writes the files; a second attempt writes the same names again."""
        self._on_view(view)
        out = Path(str(address.data["out"]))
        paths = [out / picture.filename for picture in pictures]
        await asyncio.to_thread(_write, paths, pictures)
        self.written[view.task_id], self.last[view.task_id] = paths, view
        self.over(view.task_id).set()
        return Receipt(
            tuple(
                PostedMessage(key=str(path), task_id=view.task_id, index=picture.index)
                for path, picture in zip(paths, pictures, strict=True)
            )
        )

    async def fetch(self, file: FrontFile, *, limit: int) -> bytes:
        return await asyncio.to_thread(_read, Path(str(file.data["path"])), limit)


def _write(paths: Sequence[Path], pictures: Sequence[Picture]) -> None:
    for path, picture in zip(paths, pictures, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture.data)


def _read(path: Path, limit: int) -> bytes:
    try:
        if path.stat().st_size > limit:
            raise ImageTooLarge(limit_mb=limit // (1024 * 1024))
        return path.read_bytes()
    except OSError:
        raise ImageGone from None
