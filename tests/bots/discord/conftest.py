from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots.discord.front import DiscordFront
from tests.bots.discord.world import World, a_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(tmp_path) as made:
        yield made


@pytest.fixture
async def front(world: World) -> AsyncIterator[DiscordFront]:
    """The bot listens, with the message content intent."""
    async with world.listening() as listening:
        yield listening
