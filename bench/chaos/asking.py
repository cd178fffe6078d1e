"""People who ask for pictures in every way there is, one after the other, whether the bots are alive or not."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.chaos.heard import Heard
from bench.chaos.place import Place
from bench.chaos.rows import OVER, Rows
from bench.chaos.wishes import Asked, Wishes

#: Seconds after which somebody asks again what nobody heard: an interaction's three and some, and as long as anybody
#: waits for a sign after a message. On Telegram an update waits for the bots: nobody has to ask twice.
UNANSWERED, UNHEARD = 5.0, 25.0
#: Seconds after which a person goes on to something else although the picture has not come.
PATIENCE = 120.0


@dataclass
class People:
    """``wanted`` requests are to be heard; each person waits for one before asking for the next."""

    place: Place
    rows: Rows
    random: random.Random
    wanted: int
    kinds: Sequence[str] | None = None
    asked: list[Asked] = field(default_factory=list)
    states: dict[str, tuple[str, str]] = field(default_factory=dict)  #: task id and delivery state by event
    spoke: asyncio.Event = field(default_factory=asyncio.Event)  #: set whenever somebody has asked

    def __post_init__(self) -> None:
        self._left = self.wanted
        self.heard = Heard(self.place.telegram, self.place.discord)
        self._by_task: dict[str, Asked] = {}
        self._wishes = Wishes(self.place, self.random, self._by_task.get, self.kinds)

    @property
    def unfinished(self) -> int:
        """Tasks without their last word."""
        return sum(delivery not in OVER for _, delivery in self.states.values())

    @property
    def is_waiting(self) -> bool:
        """Whether anything that was asked for has no end yet."""
        return any(not asked.given_up and self._state(asked) not in OVER for asked in self.asked) or bool(
            self.unfinished
        )

    async def watch(self) -> None:
        """Keep :attr:`states` up to date, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(0.4)

    async def look(self) -> None:
        self.states = await self.rows.states() or self.states
        self.heard.look()
        for asked in self.asked:
            asked.event = asked.event or self.heard.events.get(asked.key, "")
            if asked.event in self.states:
                self._by_task[self.states[asked.event][0]] = asked

    async def live(self, each: int) -> None:
        """``each`` persons on either side, until all that was wanted has been heard."""
        async with asyncio.TaskGroup() as group:
            for who in list(self.place.telegram.people)[:each]:
                group.create_task(self._person("telegram", who))
                group.create_task(self._person("discord", who))

    async def _person(self, chat: str, who: str) -> None:
        await asyncio.sleep(self.random.uniform(0, 3))
        while self._left > 0:
            self._left -= 1
            asked = await self._wishes.ask(chat, who)
            self.asked.append(asked)
            self.spoke.set()
            if await self._is_heard(asked):
                await _within(PATIENCE, lambda asked=asked: self._state(asked) in OVER)  # type: ignore[misc]
            else:
                asked.given_up = True
                self._left += 1

    def _state(self, asked: Asked) -> str:
        """Where the delivery of a request stands; "" for one that is not stored."""
        return self.states.get(asked.event, ("", ""))[1]

    async def _is_heard(self, asked: Asked) -> bool:
        if asked.chat == "telegram":
            await _within(PATIENCE, lambda: self._state(asked))
            return True
        seconds = UNHEARD if asked.is_a_message else UNANSWERED
        return await _within(seconds, lambda: self._state(asked) or self.heard.has_acknowledged(asked.key))


async def _within(seconds: float, fact: Callable[[], object]) -> bool:
    """Whether ``fact`` came true in time."""
    try:
        async with asyncio.timeout(seconds):
            while not fact():  # noqa: ASYNC110  # other processes make it true
                await asyncio.sleep(0.1)
    except TimeoutError:
        return False
    return True
