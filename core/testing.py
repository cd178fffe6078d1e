"""Scripted twins, shipped with the real things: a clock, a gateway and a front that do what they are told."""

import asyncio
import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from core.errors import CallbackRefused, GatewayError, ImageGone, ImagineError
from core.gateway import Call
from core.gateways.signatures import signatures, signed
from core.types import Address, Follow, FrontFile, Json, Outcome, Picture, PostedMessage, Receipt, Stage, Ticket, View


class ManualClock:
    """A clock that only moves when told; aware UTC."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> datetime:
        """Move on; returns the new now."""
        self.now += timedelta(seconds=seconds)
        return self.now


Step = Outcome | GatewayError


class ScriptedGateway:
    """Answers each start and each question with the next step of its script; the last step repeats."""

    def __init__(self, name: str, starts: Iterable[Step], answers: Iterable[Step] = ()) -> None:
        self.name = name
        self._starts, self._answers = deque(starts), deque(answers)
        self.calls: list[tuple[str, Call]] = []  #: (key, call) of every start
        self.steps: list[Follow] = []
        self.questions: list[tuple[Ticket, ...]] = []
        self.open = asyncio.Event()  #: while it is clear, starts hang as a slow gateway's do
        self.open.set()
        self.started = asyncio.Event()  #: set by every start
        self.closed = False

    async def start(self, call: Call, *, key: str) -> Outcome:
        self.calls.append((key, call))
        self.started.set()
        await self.open.wait()
        return _played(self._starts)

    async def act(self, follow: Follow, call: Call, *, key: str) -> Outcome:
        """A next step is answered like a start, and remembered with the call it came with."""
        self.steps.append(follow)
        return await self.start(call, key=key)

    async def ask(self, tickets: Sequence[Ticket]) -> Mapping[Ticket, Outcome]:
        self.questions.append(tuple(tickets))
        return {ticket: _played(self._answers) for ticket in tickets}

    async def close(self) -> None:
        self.closed = True


class ScriptedSeeds(ScriptedGateway):
    """One that tells a seed only afterwards."""

    async def seed(self, ticket: Ticket) -> int | None:
        return 4242


class ScriptedCaller(ScriptedGateway):
    """One that calls back: ``{"id": ticket id}``, signed as Black Forest Labs sign theirs where it has a secret."""

    def __init__(self, name: str, starts: Iterable[Step], answers: Iterable[Step] = (), *, secret: str = "") -> None:
        super().__init__(name, starts, answers)
        self._secret = secret
        self.heard: list[str] = []

    def hear(self, headers: Mapping[str, str], body: bytes) -> Sequence[str]:
        if self._secret and signatures(headers) and not signed(headers, body, self._secret):
            raise CallbackRefused("the signature is wrong")
        try:
            named = json.loads(body)
            ticket = str(named["id"])
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise CallbackRefused(f"no task in it: {type(error).__name__}") from None
        self.heard.append(ticket)
        return [ticket]


def _played(script: deque[Step]) -> Outcome:
    step = script[0] if len(script) == 1 else script.popleft()
    if isinstance(step, GatewayError):
        raise step
    return step


@dataclass
class ScriptedFront:
    """A chat that remembers what it was shown. Errors in ``show_errors`` and ``hand_errors`` are raised first."""

    name: str = "scripted"
    pace: float = 0.0
    quiet: float = 0.0
    files: dict[str, bytes] = field(default_factory=dict)
    fetch_error: ImagineError | None = None  #: raised by every fetch
    show_errors: deque[ImagineError] = field(default_factory=deque)
    hand_errors: deque[ImagineError] = field(default_factory=deque)
    shown: list[View] = field(default_factory=list)
    handed: list[tuple[View, tuple[Picture, ...], int]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def show(self, address: Address, view: View) -> Address:
        if self.show_errors:
            raise self.show_errors.popleft()
        self.shown.append(view)
        self.changed.set()
        data: Json = {**address.data, "status": address.data.get("status") or f"status of {view.task_id}"}
        return replace(address, data=data)

    async def hand_over(self, address: Address, view: View, pictures: Sequence[Picture], *, attempt: int) -> Receipt:
        if self.hand_errors:
            raise self.hand_errors.popleft()
        self.handed.append((view, tuple(pictures), attempt))
        self.changed.set()
        return Receipt(
            tuple(
                PostedMessage(f"{address.data.get('chat')}:{view.task_id}-{picture.index}", view.task_id, picture.index)
                for picture in pictures
            )
        )

    async def fetch(self, file: FrontFile, *, limit: int) -> bytes:
        if self.fetch_error is not None:
            raise self.fetch_error
        try:
            return self.files[str(file.data["name"])]
        except KeyError:
            raise ImageGone from None

    def stages(self) -> list[Stage]:
        """What was shown, in order."""
        return [view.stage for view in self.shown]

    async def until_handed(self, count: int, *, timeout: float = 10.0) -> None:
        """Wait until ``count`` results were handed over. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while len(self.handed) < count:
                self.changed.clear()
                await self.changed.wait()


def known_errors() -> dict[str, type[ImagineError]]:
    """Every concrete error class by its key's owner name: for tests that nothing is left out."""
    found: dict[str, type[ImagineError]] = {}
    todo: list[type[ImagineError]] = [ImagineError]
    while todo:
        kind = todo.pop()
        found[kind.__name__] = kind
        todo.extend(kind.__subclasses__())
    return found
