"""The gateway seam: what a wire module is, and what it is given.

A gateway never sleeps, loops, retries, stores, or knows credits or chats. It translates between the wire
and the vocabulary, and raises nothing but :class:`core.errors.GatewayError`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from core.capabilities import Capabilities
from core.types import Operation, Outcome, Ticket


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


class Gateway(Protocol):
    """A synchronous provider is this and nothing more."""

    name: str

    async def start(self, call: Call, *, key: str) -> Outcome:
        """Order the pictures. ``key`` is the order's id, for wires that take an idempotency key.

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
