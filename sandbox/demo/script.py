"""Play a conversation from a file among the real bots, and say whether all came as expected."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from bots.buttons import Press, decode
from sandbox.chat import Feed, Modal, Post, Upload
from sandbox.demo.checks import Outcome, checks
from sandbox.demo.conversation import PAINTED, TASK, Step, read
from sandbox.demo.samples import is_picture, painted_over, picture
from sandbox.demo.stage import BotsEnded, Stage, staged
from sandbox.demo.telling import Teller
from sandbox.discord import DiscordSandbox
from sandbox.discord.commands import Value
from sandbox.discord.modals import Given
from sandbox.telegram import TelegramSandbox

#: Seconds for a picture: quick, but long enough for progress to be shown.
SECONDS = (0.2, 0.6)
#: Seconds at aihubmix, whose models are the slow ones here: long enough to ask for more and take it back on a busy
#: machine; meanwhile the script goes on.
SLOW_SECONDS = (20.0, 21.0)
#: Seconds in which a person reads an answer before acting on it: no bot has to be ready for less.
READING = 0.5
#: Seconds for a form to open: three would be Discord's own limit for the bot.
FORM_WITHIN = 10.0


async def play(path: Path, *, out: Console, debug: bool) -> bool:
    """Play the file and print it. Returns whether every expectation was met.

    Raises SettingsError for a file that cannot be played.
    """
    steps = await asyncio.to_thread(read, path)
    began = time.monotonic()
    try:
        async with staged(seconds=SECONDS, slow_seconds=SLOW_SECONDS, debug=debug) as stage:
            await stage.ready()
            player = _Player(stage, out)
            async with player.telling():
                for number, step in enumerate(steps, 1):
                    await player.play(number, step)
    except BotsEnded as ended:
        if debug:
            raise
        why = f": {type(ended.__cause__).__name__}" if ended.__cause__ else ""
        out.print(f"The bots stopped{why}. Run it again with --debug to see why.", markup=False)
        return False
    player.sum_up(len(steps), time.monotonic() - began)
    return not player.missed


class _Player:
    """Carries out one step after the other."""

    def __init__(self, stage: Stage, out: Console) -> None:
        self._stage = stage
        self._teller = Teller(stage, out)
        self._outcomes: dict[str, Outcome] = {}
        self.met = 0
        self.missed: list[str] = []

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Print what the bots post while this is open."""
        feeds = (self._stage.telegram.feed, self._stage.discord.feed)
        tasks = [asyncio.create_task(self._tell(feed)) for feed in feeds]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _tell(self, feed: Feed) -> None:
        async for event in feed.subscribe():
            self._teller.heard(event)

    async def play(self, number: int, step: Step) -> None:
        """Do what the step says, wait for what it expects. Raises ImagineError, BotsEnded when the bots end."""
        self._teller.step(number, step)
        feed = self._sandbox(step).feed
        outcome = self._outcomes[step.watch] if step.watch else Outcome(step, feed, len(feed.events))
        if step.watch:
            outcome = replace(outcome, step=step, until=None)
        if step.id:
            self._outcomes[step.id] = outcome
        try:
            await self._act(step, outcome)
        except (KeyError, ValueError, TimeoutError) as error:
            self._note(number, str(error.args[0] if error.args else error), met=False)
            return
        wanted = checks(outcome)
        await self._wait(outcome, [question for _, question in wanted])
        await asyncio.sleep(0)  # the teller has its turn before the verdict
        self._teller.settle()
        for what, question in wanted:
            self._note(number, what, met=question())
        outcome.until = len(feed.events)

    async def _wait(self, outcome: Outcome, questions: list[Any]) -> None:
        if not questions:
            self._stage.check()
            return
        within = outcome.step.expect.within
        feed, since = outcome.feed, len(outcome.feed.events)
        if all(question() for question in questions):
            return
        came = asyncio.create_task(
            feed.wait_for(lambda _: all(question() for question in questions), timeout=within, since=since)
        )
        await asyncio.wait({came, self._stage.bots}, return_when=asyncio.FIRST_COMPLETED)
        if not came.done():
            came.cancel()
        await asyncio.wait({came})
        if not came.cancelled():
            came.exception()  # what was missed is said line by line
        self._stage.check()

    def _note(self, number: int, what: str, *, met: bool) -> None:
        self._teller.result(what, met=met)
        if met:
            self.met += 1
        else:
            self.missed.append(f"step {number}: {what}")

    def sum_up(self, steps: int, seconds: float) -> None:
        """Print the end of it."""
        self._teller.say("")
        total = self.met + len(self.missed)
        if self.missed:
            self._teller.say(f"✗ {len(self.missed)} of {total} expectations missed:", "bold red")
            for each in self.missed:
                self._teller.say(f"  {each}")
        else:
            self._teller.say(f"✓ {steps} steps, {total} expectations met in {seconds:.0f} s", "bold green")

    # -- what people do -----------------------------------------------------------------------------------------------

    async def _act(self, step: Step, outcome: Outcome) -> None:
        if step.mentions:
            await asyncio.sleep(READING)
        if step.of is not None:
            outcome.target = self._post(step.of, pressed=step.press is not None)
        if step.fault is not None:
            self._stage.gateways[step.fault.gateway].fail_next(step.fault.kind)
        match self._sandbox(step):
            case TelegramSandbox() as telegram:
                await self._on_telegram(telegram, step, outcome)
            case discord:
                await self._on_discord(discord, step, outcome)

    async def _on_telegram(self, telegram: TelegramSandbox, step: Step, outcome: Outcome) -> None:
        if step.press is not None:
            target = _there(outcome.target)
            await telegram.press(step.who, step.place, target.id, _button(target, step))
        elif step.watch is None:
            files, reply_to = await _files(step), self._replied(step)
            outcome.own = await telegram.say(
                step.who, step.place, step.say or "", files=files, reply_to=reply_to, thread=step.thread
            )

    async def _on_discord(self, discord: DiscordSandbox, step: Step, outcome: Outcome) -> None:
        if step.autocomplete is not None and step.command is not None:
            given = await self._filled(step)
            offered = await discord.autocomplete(
                step.who, step.place, step.command, step.autocomplete, step.typed, options=given
            )
            outcome.choices = [name for name, _ in offered]
        elif step.command is not None:
            await discord.command(step.who, step.place, step.command, await self._filled(step))
        elif step.menu is not None:
            await discord.context_menu(step.who, step.place, step.menu, _there(outcome.target).id)
        elif step.press is not None:
            target = _there(outcome.target)
            await discord.press(step.who, step.place, target.id, _button(target, step))
        elif step.watch is None:
            files, reply_to = await _files(step), self._replied(step)
            outcome.own = await discord.say(step.who, step.place, step.say or "", files=files, reply_to=reply_to)
        if step.fill:
            await self._fill(discord, step, outcome)

    async def _fill(self, discord: DiscordSandbox, step: Step, outcome: Outcome) -> None:
        opened = await outcome.feed.wait_for(
            lambda event: isinstance(event, Modal) and event.person == step.who,
            timeout=FORM_WITHIN,
            since=outcome.since,
        )
        assert isinstance(opened, Modal)
        selects = {each.id for each in opened.fields if each.style == "select"}
        values: dict[str, Given] = {}
        for name, value in step.fill.items():
            if value.startswith(PAINTED):
                values[name] = await painted_over(await self._shown(value.removeprefix(PAINTED)))
            else:
                values[name] = [value] if name in selects else value
        await discord.submit(step.who, opened.id, values)

    async def _shown(self, name: str) -> bytes:
        """The picture that the bots posted in that step."""
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(self._post(name).attachments[0].url)
        return answer.raise_for_status().content

    async def _filled(self, step: Step) -> dict[str, Value]:
        filled: dict[str, Value] = {}
        for name, value in step.options.items():
            text = str(value)
            if is_picture(text):
                filled[name] = await picture(text)
            elif text.startswith(TASK):
                filled[name] = _pressed(self._post(text.removeprefix(TASK), pressed=True))[0][1].task_id
            else:
                filled[name] = value
        return filled

    def _sandbox(self, step: Step) -> TelegramSandbox | DiscordSandbox:
        return self._stage.telegram if step.on == "telegram" else self._stage.discord

    def _replied(self, step: Step) -> str | None:
        return None if step.reply is None else self._post(step.reply).id

    def _post(self, name: str, *, pressed: bool = False) -> Post:
        outcome = self._outcomes[name]
        return _there(outcome.with_buttons() if pressed else outcome.result(), name)


def _there(post: Post | None, name: str = "that step") -> Post:
    if post is None:
        raise ValueError(f"the bots posted nothing for {name}")
    return post


def _pressed(post: Post) -> list[tuple[str, Press]]:
    """The buttons of a post that are the bots' own, with their meaning. Raises ``ValueError`` when there is none."""
    found = [(button.id, press) for row in post.buttons for button in row if (press := decode(button.id))]
    if not found:
        raise ValueError("there are no buttons")
    return found


def _button(post: Post, step: Step) -> str:
    labels = {button.id: button.label for row in post.buttons for button in row}
    for button, press in _pressed(post):
        if press.action is step.press and step.label in labels[button]:
            return button
    named = f" “{step.label}”" if step.label else ""
    raise ValueError(f"there is no button {step.press}{named} under {step.of!r}")


async def _files(step: Step) -> list[Upload]:
    return [await picture(each, as_file=step.as_file) for each in step.attach]
