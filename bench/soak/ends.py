"""The other ends of the soak, in a process of their own: both chat programs, two gateways, and a person who asks.

Speaks JSON lines: the first one it prints says where everything is; then ``ask`` on its standard input lets the person
begin, and ``figures`` is answered with what happened so far.
"""

import asyncio
import contextlib
import itertools
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.chat import Event, Post
from sandbox.discord import DiscordSandbox
from sandbox.gateways import ApiyiSandbox, MidjourneySandbox
from sandbox.gateways.midjourney_book import Wish
from sandbox.gateways.midjourney_tasks import grid_size
from sandbox.telegram import TelegramSandbox
from sandbox.telegram.rates import Rates

#: Seconds a grid takes at the stand-in, which works on this many at once; all others are in its queue.
GRID_SECONDS, GRIDS_AT_ONCE = 290.0, 20
#: Sides of a grid's pictures are of no interest here; small ones are painted quickly.
GRID_AREA = 128 * 128
#: Groups and channels that the waiting orders are spread over.
PLACES = 400
#: The model of the requests that are made while the others wait, and seconds between two of them.
MODEL, EVERY = "flux-2-pro", 2.0
#: Seconds until a request that shows no picture counts as lost.
LOST_AFTER = 120.0


@dataclass
class Figures:
    """What happened at the ends so far."""

    asked: int = 0
    answered: int = 0
    lost: int = 0
    seconds: float = 0.0  #: of all that were answered, from the request to its picture
    slowest: float = 0.0
    questions: int = 0  #: requests at the gateway that is polled
    telegram: int = 0  #: calls of the Bot API, without getUpdates
    discord: int = 0  #: calls of Discord's API


class Ends:
    """All stand-ins; ``grids`` orders are in the polled gateway's hands from the beginning."""

    def __init__(self, grids: int) -> None:
        self.telegram, self.discord = TelegramSandbox(rates=Rates.unlimited()), DiscordSandbox()
        self.apiyi = ApiyiSandbox(seconds=0.5)
        self.midjourney = MidjourneySandbox(
            seconds=GRID_SECONDS, concurrent=GRIDS_AT_ONCE, queue=2 * grids + GRIDS_AT_ONCE, area=GRID_AREA
        )
        self._grids = grids
        self._figures = Figures()
        for number in range(PLACES):
            self.telegram.add_group(f"g{number}", f"Pictures {number}", privacy=False)
            self.discord.add_channel(f"c{number}")

    def tickets(self) -> list[str]:
        """Put the grids into the gateway's book, as its submits do; the ids they are asked about by."""
        book, size = self.midjourney._book, grid_size("", area=GRID_AREA)
        found: list[str] = []
        for number in range(self._grids):
            wish = Wish(self.midjourney.default_key, "IMAGINE", f"a quiet fox {number}", {}, size=size)
            task = book.write(wish, number + 1)
            book.schedule(task, GRID_SECONDS)
            found.append(task.id)
        return found

    def environment(self) -> dict[str, str]:
        """The settings with which the bots find the stand-ins."""
        return {
            "TELEGRAM_BOT_TOKEN": self.telegram.token,
            "TELEGRAM_API_URL": self.telegram.base_url,
            "DISCORD_BOT_TOKEN": self.discord.token,
            "DISCORD_API_URL": self.discord.api_url,
            "APIYI_API_KEY": self.apiyi.default_key,
            "APIYI_BASE_URL": self.apiyi.base_url,
            "MIDJOURNEY_PROXY_URL": self.midjourney.base_url,
            "MIDJOURNEY_PROXY_SECRET": self.midjourney.default_key,
            "MIDJOURNEY_PROXY_CONCURRENCY": str(self._grids),
        }

    def places(self) -> dict[str, list[int]]:
        """Where the waiting orders' messages go."""
        channels = self.discord.world.channels
        return {
            "telegram": [self.telegram.chat_id(f"g{number}") for number in range(PLACES)],
            "discord": [int(channels[f"c{number}"].id) for number in range(PLACES)],
            "guild": [int(self.discord.world.guilds["guild"].id)],
        }

    async def trickle(self) -> None:
        """One request after the other, in turn in both chats."""
        async with asyncio.TaskGroup() as group:
            for number in itertools.count():
                group.create_task(self._one(number))
                await asyncio.sleep(EVERY)

    async def _one(self, number: int) -> None:
        prompt, began = f"soak {number:06d}", time.monotonic()
        chat = self.discord if number % 2 else self.telegram
        since = len(chat.feed.events)
        self._figures.asked += 1
        if number % 2:
            await self.discord.command("ana", f"c{number % PLACES}", "imagine", {"prompt": prompt, "model": MODEL})
        else:
            await self.telegram.say("ana", f"g{number % PLACES}", f"/imagine {prompt} --model {MODEL}")

        def is_it(event: Event) -> bool:
            return isinstance(event, Post) and bool(event.attachments) and prompt in event.text

        try:
            await chat.feed.wait_for(is_it, timeout=LOST_AFTER, since=since)
        except TimeoutError:
            self._figures.lost += 1
            return
        took = time.monotonic() - began
        self._figures.answered += 1
        self._figures.seconds += took
        self._figures.slowest = max(self._figures.slowest, took)

    def figures(self) -> dict[str, Any]:
        figures = self._figures
        figures.questions = len(self.midjourney.requests)
        figures.telegram = sum(call.method != "getUpdates" for call in self.telegram.calls)
        figures.discord = len(self.discord.calls)
        return asdict(figures)


async def stand(grids: int) -> None:
    """Until standard input ends."""
    ends = Ends(grids)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    running = (end.running() for end in (ends.telegram, ends.discord, ends.apiyi, ends.midjourney))
    async with contextlib.AsyncExitStack() as stack:
        for end in running:
            await stack.enter_async_context(end)
        _say({"environment": ends.environment(), "places": ends.places(), "tickets": ends.tickets()})
        trickling: asyncio.Task[None] | None = None
        while line := (await lines.readline()).decode().strip():
            if line == "ask" and trickling is None:
                trickling = asyncio.create_task(ends.trickle())
            _say(ends.figures())
        if trickling is not None:
            trickling.cancel()
            await asyncio.gather(trickling, return_exceptions=True)


def _say(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    asyncio.run(stand(int(sys.argv[1])))
