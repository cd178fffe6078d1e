"""The gateway seam: what a wire module is, and what it is given.

A gateway never sleeps, loops, retries, stores, or knows credits or chats. It translates between the wire
and the vocabulary, and raises nothing but :class:`core.errors.GatewayError`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from core.capabilities import Capabilities
from core.types import Follow, Operation, Outcome, Ticket


@dataclass(frozen=True)
class Given:
    """What an operator says about a call that the gateway's documents do not describe."""

    path: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)  #: the wire's names for our values, and fixed values


@dataclass(frozen=True)
class Model:
    """A row of the catalogue."""

    name: str  #: what ``--model`` takes
    gateway: str
    wire: str  #: the gateway's own id for it
    credits: int  #: per picture
    can: Capabilities
    route: str = ""  #: which of the gateway's calls serves it, where it has several
    seconds: float = 15.0  #: what it usually takes, for the progress line
    timeout: float = 180.0  #: how long one synchronous call may take
    deadline: float = 600.0  #: after this the order counts as overdue
    fields: Mapping[str, Any] = field(default_factory=dict)  #: fixed wire fields
    about: str = ""  #: one line for people
    prices: Mapping[Operation, int] = field(default_factory=dict)  #: credits of one call, where not ``credits``
    fallbacks: tuple[str, ...] = ()  #: rows that serve the same elsewhere, in this order
    given: Mapping[Operation, Given] = field(default_factory=dict)  #: by the operator, see ``[gateways]`` in the file
    off: Mapping[Operation, str] = field(default_factory=dict)  #: what it could do, and why it may not
    steps: frozenset[Operation] = frozenset()  #: what it does with results of its own only
    unverified: bool = False  #: its answers are not documented; true until a first success

    def price(self, operation: Operation, count: int) -> int:
        """Credits of one call that makes ``count`` results."""
        if operation in self.prices:
            return self.prices[operation]
        return self.credits if operation in self.can.makes else self.credits * count


@dataclass(frozen=True)
class InputImage:
    """A picture to work on, already within the model's limits."""

    data: bytes
    mime: str
    width: int
    height: int


@dataclass(frozen=True)
class Call:
    """One order as a gateway gets it: fitted to the model, pictures loaded."""

    model: Model
    operation: Operation
    prompt: str
    count: int = 1
    ratio: str | None = None
    seed: int | None = None
    negative: str | None = None
    images: tuple[InputImage, ...] = ()
    mask: InputImage | None = None  #: PNG as large as the first picture, transparent where it is to be made anew


class Gateway(Protocol):
    """A synchronous provider is this and nothing more."""

    name: str

    async def start(self, call: Call, *, key: str) -> Outcome:
        """Order what ``call.operation`` makes. ``key`` is the order's id, for wires that take an idempotency key.

        Raises GatewayError, whose ``charged`` says what is known about the money.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


@runtime_checkable
class Asks(Protocol):
    """A gateway that hands out tickets and can be asked about them."""

    async def ask(self, tickets: Sequence[Ticket]) -> Mapping[Ticket, Outcome]:
        """How far these are. A ticket that is missing from the answer is simply asked for again later.

        Raises GatewayError when the question itself failed (nothing is lost: it is asked again).
        """
        ...


@runtime_checkable
class Acts(Protocol):
    """A gateway whose results have next steps."""

    async def act(self, follow: Follow, call: Call, *, key: str) -> Outcome:
        """Take the step. ``call`` has its operation, words and mask, but no pictures. Raises as ``start``."""
        ...


@runtime_checkable
class Hears(Protocol):
    """A gateway that can call back."""

    def hear(self, headers: Mapping[str, str], body: bytes) -> Sequence[str]:
        """The gateway's own ids (a ticket's up to its "@") of what a call-back is about: they are asked about at once,
        and nothing else in it is believed. No I/O. Raises CallbackRefused."""
        ...


@runtime_checkable
class Checks(Protocol):
    """A gateway that can be asked whether it would work, and, where its wire tells, what the account has spent."""

    async def check(self) -> str:
        """A line of good news for operators. Raises GatewayError."""
        ...


@runtime_checkable
class Seeds(Protocol):
    """A gateway that tells a result's seed only when it is asked for it."""

    async def seed(self, ticket: Ticket) -> int | None:
        """The seed of a finished order. Raises GatewayError."""
        ...
