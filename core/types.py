"""The vocabulary: Request → Task/Order → Outcome → Change → View. Frozen values, no behaviour that touches the world.

Times are aware UTC ``datetime``; durations are seconds; sizes bytes; credits whole numbers; ``None`` is unknown.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.errors import GatewayError, Params

Json = dict[str, Any]  # a JSON object that only its writer reads


class Operation(StrEnum):
    """What a person asks for."""

    IMAGINE = "imagine"  #: words → picture
    EDIT = "edit"  #: pictures + words → picture
    BLEND = "blend"  #: pictures → one of them all
    DESCRIBE = "describe"  #: picture → words that could have made it
    SHORTEN = "shorten"  #: words → fewer words
    UPSCALE = "upscale"  #: picture → the same, larger
    VARY = "vary"  #: picture → one much like it
    ZOOM = "zoom"  #: picture → the same with more around it
    PAN = "pan"  #: picture → the same with more at one side
    INPAINT = "inpaint"  #: picture + mask + words → the same with that area made anew
    CUTOUT = "cutout"  #: picture → the same without its background
    LINEART = "lineart"  #: picture → black lines on white
    RESTYLE = "restyle"  #: portrait + words (or a picture in that style) → the same person in another style
    FACESWAP = "faceswap"  #: a face + a picture → the picture with that face
    ANIMATE = "animate"  #: words, or a picture and words → video


class OrderState(StrEnum):
    """Where one call to a gateway stands; the moves are in :mod:`core.states`."""

    QUEUED = "queued"  #: stored, credits held, nothing has left
    STARTING = "starting"  #: the call may have left
    WAITING = "waiting"  #: the gateway has it (a ticket to ask with), or has made it (sources to fetch)
    FINISHED = "finished"  #: the pictures are in our media store
    FAILED = "failed"  #: no picture; credits released
    CANCELLED = "cancelled"  #: taken back by the person before it left; credits released


class DeliveryState(StrEnum):
    """Where a task's outbox row stands."""

    OPEN = "open"  #: orders are unfinished: progress may be shown
    READY = "ready"  #: all orders ended: hand over
    HANDING = "handing"  #: a hand-over was begun: it may have reached the chat
    DELIVERED = "delivered"  #: the front has posted, credits are settled
    UNDELIVERABLE = "undeliverable"  #: the chat is gone; the pictures stay in the media store


# --- who and where -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Who:
    """The one who asks (and pays)."""

    account: str  #: "telegram:123" or "discord:456"
    chat: str  #: "telegram:-100123", "discord:789"
    locale: str = "en"  #: one of bots.words' languages
    name: str = ""


@dataclass(frozen=True)
class Address:
    """Where a task lives in a chat program: written by the front, stored, given back, never read by core."""

    front: str  #: "telegram", "discord", "terminal"
    data: Json = field(default_factory=dict)


# --- pictures ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MediaRef:
    """A picture or video in the media store, by the sha256 of its bytes."""

    key: str  #: 64 hex digits
    mime: str  #: "image/png", "image/jpeg", "image/webp", "video/mp4"
    size: int
    width: int
    height: int
    seconds: float | None = None  #: of a video

    @property
    def is_picture(self) -> bool:
        return self.mime.startswith("image/")


@dataclass(frozen=True)
class FrontFile:
    """A picture that is still in the chat: ``data`` is what the front named ``front`` needs to fetch it."""

    front: str
    data: Json


Input = MediaRef | FrontFile


# --- what a gateway knows of an order ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ticket:
    """What a gateway wants to hear when it is asked about an order. Hashable."""

    gateway: str
    id: str  #: the gateway's own, and behind an "@" what the wire's module wants to remember
    model: str = ""  #: the catalogue name, for wires whose questions depend on it


@dataclass(frozen=True)
class Offer:
    """A next step that a gateway offers on a result of its own: one of its buttons."""

    operation: Operation
    token: str  #: the gateway's own name of the button
    label: str  #: as the gateway writes it: "U1", "Zoom Out 2x"
    index: int | None = None  #: 0-based place among the pictures; None: the result as a whole


@dataclass(frozen=True)
class Follow:
    """An offer that was taken up: the result it was made on, and the button."""

    ticket: Ticket
    token: str
    label: str


# --- the request ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """What a person asked for, before and after it was fitted to a model."""

    operation: Operation
    prompt: str
    model: str | None = None  #: a catalogue name; None = the default for the operation
    ratio: str | None = None  #: "16:9"; None = the model's own (or the first picture's)
    count: int = 1
    seed: int | None = None
    negative: str | None = None
    images: tuple[Input, ...] = ()
    mask: Input | None = None  #: the first picture again, with the area to be made anew transparent or painted over
    follow: Follow | None = None  #: a next step on a gateway's own result; it needs no picture
    private: bool = False  #: Discord: only the one who asks sees the answer


@dataclass(frozen=True)
class NewOrder:
    """One call to make: ``count`` results for ``credits`` in all."""

    count: int
    credits: int
    seed: int | None = None


@dataclass(frozen=True)
class NewTask:
    """A fitted request, ready to be stored with its holds in one transaction."""

    id: str
    event: str  #: the platform's own event id, with the front's name: the idempotency key
    who: Who
    address: Address
    request: Request  #: with ``model`` set
    gateway: str
    orders: tuple[NewOrder, ...]
    dropped: tuple[str, ...] = ()  #: options the model does not have and the person is told of
    parent: str | None = None  #: the task whose button or picture this came from
    not_before: datetime | None = None  #: an album's parts are waited for


@dataclass(frozen=True)
class Task:
    """A stored request."""

    id: str
    who: Who
    address: Address
    request: Request
    gateway: str
    created_at: datetime
    revision: int  #: grows with every change of any of its orders
    delivery: DeliveryState
    dropped: tuple[str, ...] = ()
    parent: str | None = None
    attempt: int = 0  #: hand-overs that have begun


@dataclass(frozen=True)
class Failure:
    """Why an order failed: a key and its parameters for the words, the rest for operators."""

    key: str
    params: Params = field(default_factory=dict)
    kind: str = ""  #: the error's class name
    detail: str = ""


@dataclass(frozen=True)
class Order:
    """One call to a gateway, with its place in time."""

    id: str  #: "<task id>.<n>", n from 1
    task_id: str
    account: str
    gateway: str
    model: str
    state: OrderState
    revision: int
    due: datetime  #: when somebody has to look at it next
    count: int
    credits: int
    attempts: int = 0
    ticket: Ticket | None = None
    sources: tuple[str, ...] = ()  #: result links that are still to be fetched
    progress: float | None = None  #: 0.0-1.0
    seed: int | None = None
    results: tuple[MediaRef, ...] = ()
    texts: tuple[str, ...] = ()  #: results that are words
    offers: tuple[Offer, ...] = ()  #: next steps the gateway offers on the results
    passed: tuple[str, ...] = ()  #: models whose gateways could not take it, in this round of tries
    answer: str = ""  #: the gateway's last raw answer, where its shape is not documented
    failure: Failure | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    deadline: datetime | None = None


# --- outcomes of talking to a gateway -------------------------------------------------------------------------------


@dataclass(frozen=True)
class RemotePicture:
    """A result to be fetched; links die in ten minutes at BFL, so this is stored before the fetch."""

    url: str


@dataclass(frozen=True)
class InlinePicture:
    """A result that came inside the answer, decoded."""

    data: bytes


@dataclass(frozen=True)
class Pending:
    """The gateway has taken the order. ``ask_in`` seconds from now is a good time to ask (again)."""

    ticket: Ticket
    ask_in: float
    progress: float | None = None
    together: bool = False  #: asked about with others: all of its gateway come due at the same moments
    answer: str = ""  #: raw, where the wire's shape is not documented


@dataclass(frozen=True)
class Finished:
    """The gateway has made at least one picture, video or text."""

    pictures: tuple[RemotePicture | InlinePicture, ...] = ()
    seed: int | None = None
    texts: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    answer: str = ""  #: raw, where the wire's shape is not documented


@dataclass(frozen=True)
class Failed:
    """The gateway has not, or we cannot know."""

    error: GatewayError


Outcome = Pending | Finished | Failed


@dataclass(frozen=True)
class Kept:
    """The results are in the media store: the one outcome that does not come from a gateway."""

    results: tuple[MediaRef, ...]
    seed: int | None = None
    texts: tuple[str, ...] = ()  #: of the answer that came with them; empty: what the order has stands
    offers: tuple[Offer, ...] = ()
    answer: str = ""


# --- what is shown -------------------------------------------------------------------------------------------------


class Stage(StrEnum):
    """What a person sees of a task."""

    QUEUED = "queued"
    WORKING = "working"
    RETRYING = "retrying"  #: no gateway takes it just now
    DONE = "done"  #: at least one result
    FAILED = "failed"
    CANCELLED = "cancelled"


class Action(StrEnum):
    """Buttons under a result."""

    AGAIN = "again"
    EDIT = "edit"
    UPSCALE = "upscale"  #: where a model can, and the gateway offers no step of its own for it
    VARY = "vary"  #: likewise
    FOLLOW = "follow"  #: one of the view's offers, by its number
    IMAGINE = "imagine"  #: one of the view's texts, by its number
    DETAILS = "details"
    DELETE = "delete"
    CANCEL = "cancel"


@dataclass(frozen=True)
class View:
    """A task as numbers and keys; the front turns it into sentences in ``locale``."""

    task_id: str
    revision: int
    stage: Stage
    locale: str
    account: str
    request: Request
    position: int | None = None  #: place in the queue, 1 = next
    progress: float | None = None  #: 0.0-1.0 over the whole task
    started_at: datetime | None = None
    expected_seconds: float | None = None  #: what this model usually takes
    failure: Failure | None = None  #: why, or why some are missing
    missing: int = 0  #: pictures asked for that did not come
    dropped: tuple[str, ...] = ()
    credits: int = 0  #: what it cost (settled) or would have cost
    seeds: tuple[int, ...] = ()
    seconds: float | None = None  #: how long it took
    actions: tuple[Action, ...] = ()
    texts: tuple[str, ...] = ()  #: results that are words
    offers: tuple[Offer, ...] = ()  #: of all orders; their ``index`` counts the task's pictures


@dataclass(frozen=True)
class Picture:
    """A result (picture or video, see ``ref.mime``) to hand over."""

    ref: MediaRef
    data: bytes
    filename: str
    index: int  #: 0-based place among the task's pictures


@dataclass(frozen=True)
class PostedMessage:
    """A message of ours in a chat: which task (and which of its pictures) it shows."""

    key: str  #: the front's own "<chat>:<message>"
    task_id: str
    index: int | None = None  #: None: it shows none or all of them


@dataclass(frozen=True)
class Receipt:
    """The platform has taken the result: these messages carry it."""

    messages: tuple[PostedMessage, ...] = ()


@dataclass(frozen=True)
class Usage:
    """A person's credits; limits of 0 mean no limit."""

    day_used: int  #: settled, this day
    day_held: int
    day_limit: int
    day_refills_at: datetime
    month_used: int
    month_held: int
    month_limit: int
    month_refills_at: datetime


@dataclass(frozen=True)
class QueueEntry:
    """One of a person's unfinished tasks."""

    task: Task
    stage: Stage
    position: int | None
