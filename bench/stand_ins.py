"""All stand-ins in a process of their own, so that the bots' CPU time is theirs alone: ``python -m bench.stand_ins``.

Reads commands from standard input and answers each on standard output, a JSON object a line. People do what the
commands say; times are taken here, where a platform would take them.

What a platform does with a picture is not what is measured: pictures are drawn once and differ by a text inside, and
photos are recompressed once. The platforms' rate limits are lifted, but where a command sets them.
"""

import asyncio
import contextlib
import itertools
import json
import random
import struct
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import sandbox.discord.limits
import sandbox.telegram.files
from bench.processes import until
from sandbox.chat import Event, Feed, Person, Post
from sandbox.discord import DiscordSandbox
from sandbox.gateways import AihubmixSandbox, ApiyiSandbox
from sandbox.gateways.base import Job
from sandbox.pictures import draw
from sandbox.telegram import TelegramSandbox
from sandbox.telegram.rates import Rates

#: People, each with a private chat on Telegram and a channel on Discord.
PEOPLE = 500
#: Of these, so many are in the Telegram group whose limit is measured.
GROUP = 15
#: More than anything here does.
NO_LIMIT = (1_000_000, 1.0)
#: Seconds without a call after which everything that follows a result counts as done.
QUIET = 0.6

Json = dict[str, Any]


class _Pictures:
    """Pictures that were drawn already: each is the same landscape, with a number in a text chunk of its own."""

    def __init__(self) -> None:
        plain = draw("a fox in a forest at dawn", seed=1, width=1024, height=1024, format="png")
        self._head, self._rest = plain[:33], plain[33:]  # signature and IHDR
        self._numbers = itertools.count(random.getrandbits(32))

    def next(self) -> bytes:
        body = b"tEXt" + b"Comment\0" + str(next(self._numbers)).encode()
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        return self._head + chunk + self._rest


class _Apiyi(ApiyiSandbox):
    stock: _Pictures

    async def _paint(self, job: Job, seed: int) -> list[bytes]:
        return [self.stock.next() for _ in range(job.count)]


class _Aihubmix(AihubmixSandbox):
    stock: _Pictures

    async def _paint(self, job: Job, seed: int) -> list[bytes]:
        return [self.stock.next() for _ in range(job.count)]


class _Recorder(asyncio.Queue[Event]):
    """Hears of every post at the moment it is there, and remembers the first with a picture in each chat."""

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self.asked: dict[str, float] = {}
        self.posted: dict[str, float] = {}
        self.results: list[float] = []
        self.changed = asyncio.Event()
        feed._waiters.add(self)

    def put_nowait(self, item: Event) -> None:
        if not isinstance(item, Post):
            return
        if item.author != "bot":
            self.asked.setdefault(item.chat, time.time())
        elif item.attachments and not item.deleted:
            self.posted.setdefault(item.chat, time.time())
            self.results.append(time.time())
        self.changed.set()

    async def until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Whether it came to hold within ``timeout`` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not condition():
                    self.changed.clear()
                    await self.changed.wait()
        return condition()

    def clear(self) -> None:
        self.asked.clear()
        self.posted.clear()
        self.results.clear()


class StandIns:
    def __init__(self) -> None:
        stock = _Pictures()
        sandbox.discord.limits.OTHERS = NO_LIMIT
        sizes = sandbox.telegram.files._photo_sizes(stock.next(), 1280)
        sandbox.telegram.files._photo_sizes = lambda data, side: sizes
        self.telegram, self.discord = TelegramSandbox(rates=Rates.unlimited()), DiscordSandbox()
        self.discord.limits.global_limit = NO_LIMIT[0]
        self.discord.limits.windows = {}
        # Of its three seconds, too: how soon it is answered is a measurement of its own.
        self.discord.interactions.answer_seconds = 600.0
        self.apiyi, self.aihubmix = _Apiyi(), _Aihubmix()
        self.apiyi.stock = self.aihubmix.stock = stock
        self.telegram.world.people.clear()
        self.telegram.world.chats.clear()
        for number in range(PEOPLE):
            self.telegram.add_person(f"p{number}", f"Person {number}", "en")
            self.discord.people[f"p{number}"] = Person(
                f"p{number}", str(1_170_000_000_001_000_000 + number), f"Person {number}", "en-US"
            )
            self.discord.add_channel(f"c{number}")
        self.telegram.add_group("crowd", "Crowd")
        self._recorders = {"telegram": _Recorder(self.telegram.feed), "discord": _Recorder(self.discord.feed)}

    # -- commands -----------------------------------------------------------------------------------------------------

    async def addresses(self) -> Json:
        """The environment that leads to everything here."""
        return {
            "TELEGRAM_BOT_TOKEN": self.telegram.token,
            "TELEGRAM_API_URL": self.telegram.base_url,
            "DISCORD_BOT_TOKEN": self.discord.token,
            "DISCORD_API_URL": self.discord.api_url,
            "APIYI_API_KEY": self.apiyi.default_key,
            "APIYI_BASE_URL": self.apiyi.base_url,
            "AIHUBMIX_API_KEY": self.aihubmix.default_key,
            "AIHUBMIX_BASE_URL": self.aihubmix.base_url,
        }

    async def seconds(self, seconds: float) -> Json:
        """From now on a picture takes so long."""
        self.apiyi.seconds = self.aihubmix.seconds = seconds
        return {}

    async def limits(self, on: bool) -> Json:
        """Telegram's real rate limits, on or off."""
        self.telegram.rates = Rates() if on else Rates.unlimited()
        return {}

    async def listening(self, platform: str, wanted: bool = True, timeout: float = 60.0) -> Json:
        """Wait until a bot listens, or none does any more."""
        await until(lambda: self._is_listening(platform) == wanted, timeout=timeout)
        return {}

    def _is_listening(self, platform: str) -> bool:
        if platform == "discord":
            return bool(self.discord.gateway.connected and self.discord.commands.all(None))
        poll = self.telegram._service.updates._poll
        return poll is not None and not poll.done()

    async def burst(self, platform: str, count: int, prompt: str, *, every: float = 0.0, timeout: float = 90.0) -> Json:
        """``count`` people ask at once (or one ``every`` seconds): when each got a picture, and what it took."""
        recorder = self._recorders[platform]
        recorder.clear()
        before = self._marks()
        asked, interactions = recorder.asked, dict[str, float]()
        began = time.time()
        for number in range(count):
            if platform == "telegram":
                await self.telegram.say(f"p{number}", f"private:p{number}", f"/imagine {prompt}")
            else:
                asked[f"c{number}"] = now = time.time()
                interaction = await self.discord.command(f"p{number}", f"c{number}", "imagine", {"prompt": prompt})
                interactions[interaction] = now
            if every:
                await asyncio.sleep(every)
        await recorder.until(lambda: len(recorder.posted) >= count, timeout)
        ended = time.time()
        quiet_since = await self._quiet()
        return {
            "asked": count,
            "seconds": [recorder.posted[chat] - asked[chat] for chat in asked if chat in recorder.posted],
            "makespan": ended - began,
            "quiet": quiet_since - began,
            "acks": self._acks(interactions),
            "calls": self._calls(platform, before),
            "gateway": self._gateway_calls(before),
        }

    async def crowd(self, prompt: str, *, timeout: float = 300.0) -> Json:
        """The people of the group ask at once, while Telegram's limits hold."""
        recorder = self._recorders["telegram"]
        recorder.clear()
        before = self._marks()
        began = time.time()
        for number in range(GROUP):
            await self.telegram.say(f"p{number}", "crowd", f"/imagine@{self.telegram.username} {prompt}")
        answered = set[str]()

        def all_there() -> bool:
            posts = self.telegram.feed.posts("crowd", author="bot")
            answered.update(post.reply_to for post in posts if post.attachments and post.reply_to)
            return len(answered) >= GROUP

        await recorder.until(all_there, timeout)
        results = sorted(moment - began for moment in recorder.results)
        await self._quiet()
        writing = ("sendMessage", "sendPhoto", "sendMediaGroup", "editMessageText", "editMessageMedia", "sendDocument")
        calls = [call for call in self.telegram.calls[before["telegram"] :] if call.method in writing]
        taken = [call for call in calls if call.answer and call.answer.get("ok")]
        return {
            "asked": GROUP,
            "answered": len(answered),
            "results": results,
            "written": sorted(call.at - began for call in taken),
            "refused": sum(1 for call in calls if call.answer and call.answer.get("error_code") == 429),
            "calls": dict(Counter(call.method for call in taken)),
        }

    # -- looking ------------------------------------------------------------------------------------------------------

    def _marks(self) -> dict[str, int]:
        return {
            "telegram": len(self.telegram.calls),
            "discord": len(self.discord.calls),
            "apiyi": len(self.apiyi.requests),
            "aihubmix": len(self.aihubmix.requests),
            "apiyi files": len(self.apiyi.deliveries),
            "aihubmix files": len(self.aihubmix.deliveries),
        }

    async def _quiet(self) -> float:
        """Wait until nobody has called for a while; when the last call was."""
        marks, since = self._without_polls(), time.time()
        while time.time() - since < QUIET:
            await asyncio.sleep(0.02)
            now = self._without_polls()
            if now != marks:
                marks, since = now, time.time()
        return since

    def _without_polls(self) -> list[int]:
        polls = sum(1 for call in reversed(self.telegram.calls[-50:]) if call.method == "getUpdates")
        marks = self._marks()
        return [*marks.values(), -polls]

    def _acks(self, interactions: dict[str, float]) -> list[float]:
        """Seconds from each interaction to the arrival of its first answer."""
        return [
            call.at - interactions[asked]
            for call in self.discord.calls
            if call.route.startswith("/interactions/") and (asked := call.path.split("/")[-3]) in interactions
        ]

    def _calls(self, platform: str, before: dict[str, int]) -> dict[str, int]:
        if platform == "telegram":
            calls = self.telegram.calls[before["telegram"] :]
            return dict(Counter(call.method for call in calls if call.method != "getUpdates"))
        return dict(Counter(f"{call.method} {call.route}" for call in self.discord.calls[before["discord"] :]))

    def _gateway_calls(self, before: dict[str, int]) -> dict[str, int]:
        asked = [*self.apiyi.requests[before["apiyi"] :], *self.aihubmix.requests[before["aihubmix"] :]]
        found = Counter("submit" if each.method == "POST" else "question" for each in asked)
        files = len(self.apiyi.deliveries) - before["apiyi files"]
        files += len(self.aihubmix.deliveries) - before["aihubmix files"]
        return {**found, "download": files}


async def _serve() -> None:
    stand_ins = StandIns()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with contextlib.AsyncExitStack() as stack:
        for each in (stand_ins.telegram, stand_ins.discord, stand_ins.apiyi, stand_ins.aihubmix):
            await stack.enter_async_context(each.running())
        while line := await reader.readline():
            asked = json.loads(line)
            method: Callable[..., Coroutine[Any, Any, Json]] = getattr(stand_ins, asked.pop("do"))
            try:
                answer = await method(**asked)
            except (TimeoutError, LookupError, ValueError) as error:
                answer = {"error": repr(error)}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
