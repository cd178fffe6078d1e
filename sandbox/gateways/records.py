"""What a stand-in remembers for the tests: every request, and every order it took money for."""

from collections.abc import Mapping
from dataclasses import dataclass

#: Bytes of a request's body that are remembered; reference pictures are kept decoded in ``Order.pictures``.
KEPT_BODY = 65_536


@dataclass(frozen=True)
class Received:
    """A request as it came in, the refused ones too."""

    at: float  #: seconds, by the stand-in's clock
    method: str
    path: str
    query: str
    headers: Mapping[str, str]  #: names in lower case
    body: bytes  #: the first ``KEPT_BODY`` bytes
    size: int  #: bytes of the whole body


@dataclass
class Order:
    """A submit that was accepted, and so is paid for unless ``charged`` was taken back by a moderation or an error."""

    number: int  #: 1 is the first order of this stand-in
    at: float  #: seconds, by the stand-in's clock
    key: str
    model: str
    prompt: str
    seed: int  #: as asked for, or rolled by the stand-in
    fields: Mapping[str, object]  #: the request's fields as they were sent, defaults not filled in
    pictures: tuple[bytes, ...] = ()  #: the reference pictures, decoded
    mask: bytes | None = None  #: what may change of the first of them
    charged: bool = True
    answered: bool = False  #: the answer to the submit was handed to the connection
    abandoned: bool = False  #: the client hung up before the answer; charged all the same
