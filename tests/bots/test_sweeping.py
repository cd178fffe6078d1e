"""The worker part keeps the media store within its bounds."""

import asyncio
import os
from pathlib import Path

import pytest

from bots.parts import run
from core.media import open_media
from core.settings import Settings
from tests.core.world import png
from tests.waiting import until


async def test_a_worker_removes_what_is_older_than_the_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.retention.FIRST", 0.0)
    url = f"file://{tmp_path}/media"
    ref = await open_media(url).keep(png())
    path = tmp_path / "media" / ref.key[:2] / ref.key[2:4] / ref.key
    os.utime(path, (0, 0))
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{tmp_path}/imagine.db", media_url=url, media_keep_days=7, stop_grace=0
    )
    stopping = asyncio.Event()
    running = asyncio.create_task(run(settings, ("worker",), stopping))
    await until(lambda: not path.exists())
    stopping.set()
    await running
