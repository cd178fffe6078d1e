"""Two chat processes with half of Discord's shards each, and a worker, on one PostgreSQL."""

import asyncio
from pathlib import Path

import pytest

from tests.databases import postgres_server, postgres_url  # noqa: F401  # fixtures are found by name
from tests.e2e.test_kill import TASKS
from tests.e2e.town import Bots, Town, town
from tests.waiting import until

pytestmark = pytest.mark.postgres


def acknowledged(place: Town) -> int:
    return sum(call.status == 200 for call in place.discord.calls if call.path.endswith("/callback"))


def replied(place: Town, channel: str) -> int:
    return sum(bool(post.attachments) for post in place.discord.feed.posts(channel, author="bot"))


async def test_each_server_is_heard_by_its_process_and_what_a_killed_one_was_asked_the_other_one_posts(
    tmp_path: Path,
    postgres_url: str,  # noqa: F811
) -> None:
    async with town(tmp_path, aihubmix_seconds=2.0, settings={"DATABASE_URL": postgres_url}) as place:
        number = int(place.discord.world.guilds["guild"].id) >> 22
        place.discord.add_guild("other", guild_id=str(number + 1 << 22))
        place.discord.add_channel("lounge", guild="other")
        first, second, worker = (
            Bots(place.bots.environment, tmp_path, tmp_path / f"{name}.log") for name in ("first", "second", "worker")
        )
        try:
            await first.start("run", "--part", "discord", DISCORD_SHARDS=f"{number % 2}-{number % 2}/2")
            await second.start("run", "--part", "discord", DISCORD_SHARDS=f"{1 - number % 2}-{1 - number % 2}/2")
            await worker.start("run", "--part", "worker")
            await place.discord.gateway.wait_connected(2, timeout=60)
            for channel in ("general", "lounge"):
                await place.discord.command("ana", channel, "imagine", {"prompt": "a red fox", "model": TASKS})
            await until(lambda: acknowledged(place) == 2, timeout=30)
            await first.killed()
            await until(lambda: replied(place, "general") and replied(place, "lounge"), timeout=60)
            assert (replied(place, "general"), replied(place, "lounge")) == (1, 1)
            assert "Traceback" not in second.said() + worker.said()
        finally:
            await asyncio.gather(*(each.killed() for each in (first, second, worker) if each.process is not None))
