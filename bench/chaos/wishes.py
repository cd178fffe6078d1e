"""What people ask for: every style of gateway, several pictures, edits of photos and results, next steps."""

import asyncio
import itertools
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.chaos.place import CHANNELS, GROUPS, Place
from bots.buttons import decode
from core.types import Action
from sandbox.chat import Post, Upload
from sandbox.pictures import draw

#: How often something is asked for, and of which models.
KINDS: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "link in the answer": (3, ("flux-2-pro", "apicore-flux-kontext-pro")),
    "picture in the answer": (3, ("gpt-image-1", "hub-gpt-image-1")),
    "several calls": (2, ("flux-2-klein-4b",)),
    "several in a call": (2, ("gpt-image-1",)),
    "a task": (4, ("hub-flux-kontext-max",)),
    "a grid": (3, ("midjourney", "midjourney", "apicore-midjourney")),
    "a grid, called back": (3, ("hui-flux",)),
    "a step": (5, ("",)),
    "a photo edited": (4, ("flux-2-pro", "hub-flux-kontext-max", "gpt-image-1", "hui-nano-banana")),
    "a result edited": (3, ("flux-2-pro", "hub-flux-kontext-max")),
    "refused": (1, ("flux-2-pro", "hub-flux-kontext-max")),
    "busy at first": (1, ("flux-2-pro", "gpt-image-1")),
}
#: Which gateway is busy then.
_BUSY = {"flux-2-pro": "apiyi", "gpt-image-1": "openai"}
_COUNTS = {"several calls": 3, "several in a call": 2}
#: Below a grid, in whatever language.
_STEP = re.compile(r"[UV][1-4]\Z")


@dataclass
class Asked:
    """One request. ``key`` tells it in what the stand-ins have delivered: its marker, the button, Discord's id."""

    marker: str  #: of a step: that of the picture it was made on
    kind: str
    chat: str  #: "telegram" or "discord"
    key: str
    event: str = ""  #: as the bots write it down; on Telegram known once the update has been handed out
    step: str = ""  #: "U1"
    given_up: bool = False  #: the person saw that nobody had heard it, and asked anew

    @property
    def is_a_message(self) -> bool:
        """On Discord nobody acknowledges one."""
        return self.event.startswith("discord:m")


@dataclass(frozen=True)
class _Wish:
    prompt: str
    model: str
    count: int
    photo: Upload | None  #: to be edited
    result: Post | None  #: likewise


@dataclass(frozen=True)
class _Step:
    """A button below a grid: where it is, what it is called, and who asked for the grid."""

    post: Post
    button: str
    label: str
    grid: Asked


class Wishes:
    """Thinks of something to ask for, and asks. ``asked_of`` knows the requests of tasks; ``kinds``: only these."""

    def __init__(
        self,
        place: Place,
        random: random.Random,
        asked_of: Callable[[str], Asked | None],
        kinds: Sequence[str] | None = None,
    ) -> None:
        self._place, self._random, self._asked_of = place, random, asked_of
        self._kinds = list(kinds or KINDS)
        self._numbers = itertools.count(1)
        self._pressed: set[str] = set()
        self._photos = [
            Upload(f"lake-{seed}.jpg", "image/jpeg", draw("a lake", seed=seed, width=512, height=384, format="jpeg"))
            for seed in range(6)
        ]

    async def ask(self, chat: str, who: str) -> Asked:
        """Ask for the next picture. What a kind needs and is not there yet (a result) is asked for instead."""
        while True:
            kind = self._random.choices(self._kinds, [KINDS[name][0] for name in self._kinds])[0]
            try:
                return await self._ask(chat, who, kind)
            except KeyError:
                await asyncio.sleep(0.2)  # the post has gone just now

    async def _ask(self, chat: str, who: str, kind: str) -> Asked:
        if kind == "a step":
            step = self._step(chat, who)
            if step is not None:
                return await self._press(chat, who, step)
            kind = "a grid"
        result = self._result(chat, who) if kind == "a result edited" else None
        if kind == "a result edited" and result is None:
            kind = "a task"
        model = self._random.choice(KINDS[kind][1])
        marker = f"c{next(self._numbers):05}"
        if kind == "busy at first":
            self._place.gateways[_BUSY[model]].fail_next("busy_503")
        prompt = f"a red fox {marker}" + (" [fault:moderation_400]" if kind == "refused" else "")
        photo = self._random.choice(self._photos) if kind == "a photo edited" else None
        wish = _Wish(prompt, model, _COUNTS.get(kind, 1), photo, result)
        asked = Asked(marker, kind, chat, marker)
        await (self._say if chat == "telegram" else self._command)(asked, who, wish)
        return asked

    async def _say(self, asked: Asked, who: str, wish: _Wish) -> None:
        chat = self._chat(asked.chat, who) if wish.result is None else wish.result.chat
        command = "imagine" if wish.photo is None and wish.result is None else "edit"
        several = f" --n {wish.count}" if wish.count > 1 else ""
        await self._place.telegram.say(
            who,
            chat,
            f"/{command} {wish.prompt} --model {wish.model}{several}",
            files=[] if wish.photo is None else [wish.photo],
            reply_to=None if wish.result is None else wish.result.id,
        )

    async def _command(self, asked: Asked, who: str, wish: _Wish) -> None:
        discord = self._place.discord
        if wish.result is not None:
            text = f"{wish.prompt} --model {wish.model}"
            post = await discord.say(who, wish.result.chat, text, reply_to=wish.result.id)
            asked.event = f"discord:m{post.id}"
            return
        options: dict[str, str | int | Upload] = {"prompt": wish.prompt, "model": wish.model}
        if wish.count > 1:
            options["count"] = wish.count
        if wish.photo is not None:
            options["image"] = wish.photo
        name = "imagine" if wish.photo is None else "edit"
        asked.key = await discord.command(who, self._chat(asked.chat, who), name, options)
        asked.event = f"discord:{asked.key}"

    def _chat(self, chat: str, who: str) -> str:
        if chat == "telegram":
            return self._random.choice([f"private:{who}", f"private:{who}", *GROUPS])
        return self._random.choice([f"dm:{who}", *CHANNELS])

    def _result(self, chat: str, who: str) -> Post | None:
        """A picture of the bots that ``who`` sees."""
        shown = [post for post in self._seen(chat, who) if post.attachments]
        return self._random.choice(shown) if shown else None

    def _step(self, chat: str, who: str) -> _Step | None:
        """A button of a grid that nobody has pressed."""
        found = []
        for post in self._seen(chat, who):
            for button in (button for row in post.buttons for button in row):
                label = _STEP.search(button.label)
                press = decode(button.id)
                if label is None or press is None or press.action is not Action.FOLLOW:
                    continue
                grid = self._asked_of(press.task_id)
                # Below the variations of a grid there are the same buttons again: they would not be told apart.
                if grid is not None and not grid.step and button.id not in self._pressed:
                    found.append(_Step(post, button.id, label[0], grid))
        return self._random.choice(found) if found else None

    def _seen(self, chat: str, who: str) -> list[Post]:
        feed = (self._place.telegram if chat == "telegram" else self._place.discord).feed
        mine = {f"private:{who}", f"dm:{who}", *GROUPS, *CHANNELS}
        return [post for post in feed.posts(author="bot") if post.chat in mine and post.only_for in (None, who)]

    async def _press(self, chat: str, who: str, step: _Step) -> Asked:
        self._pressed.add(step.button)
        asked = Asked(step.grid.marker, "a step", chat, step.button, step=step.label)
        if chat == "telegram":
            await self._place.telegram.press(who, step.post.chat, step.post.id, step.button)
        else:
            asked.key = await self._place.discord.press(who, step.post.chat, step.post.id, step.button)
            asked.event = f"discord:{asked.key}"
        return asked
