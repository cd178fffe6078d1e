"""The other seams: the store, the media store, the front, the clock."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.quota import Limits
from core.types import (
    Address,
    FrontFile,
    MediaRef,
    NewTask,
    Order,
    OrderState,
    Picture,
    PostedMessage,
    Receipt,
    Task,
    Usage,
    View,
)


@dataclass(frozen=True)
class Rest:
    """A gateway that fails again and again is left alone for a while."""

    until: datetime
    why: str  #: the kind of the last failure, such as "BalanceEmpty"
    times: int = 1  #: in a row


@dataclass(frozen=True)
class Credits:
    """Credits of everybody that were held within a window, and what has become of them."""

    settled: int  #: used
    held: int  #: of what is still under way
    released: int  #: given back


@dataclass(frozen=True)
class GatewayFigures:
    """One gateway's orders; today is the day so far."""

    running: int = 0
    finished: int = 0  #: today
    failed: int = 0  #: today
    seconds: float | None = None  #: the median from taking up to the end, of those finished today; None: there are none


@dataclass(frozen=True)
class Stats:
    """How everything stands, for operators."""

    orders: Mapping[OrderState, int]  #: unfinished ones
    next_due: datetime | None  #: the earliest time anything (order, intake or outbox) is due; None: nothing is open
    to_post: int  #: tasks whose last word is still to be said
    tasks: int  #: stored today
    people: int  #: who asked for them
    day: Credits
    month: Credits
    rests: Mapping[str, Rest]
    gateways: Mapping[str, GatewayFigures]  #: those with something running, or ended today


@dataclass(frozen=True)
class Depths:
    """How much is open, for a watch that looks every few seconds."""

    orders: Mapping[tuple[OrderState, str], int]  #: unfinished ones, by state and gateway
    to_post: Mapping[str, int]  #: tasks whose last word is still to be said, by front
    to_fetch: Mapping[str, int]  #: tasks whose pictures are still to be fetched from the chat, by front
    oldest: Mapping[str, datetime]  #: the earliest due of each kind of open work that there is
    day: Credits
    rests: Mapping[str, Rest]


class Clock(Protocol):
    """Aware UTC now."""

    def __call__(self) -> datetime: ...


class Store(Protocol):
    """The one truth. Every method is one transaction; nothing in it waits for the network.

    Raises ``StoreDown`` when the database does not answer.
    """

    # -- submitting -------------------------------------------------------------------------------------------------

    async def submit(self, new: NewTask, limits: Limits, now: datetime) -> Task:
        """Check the limits, hold the credits and store the task with its orders, at once.

        The same ``event`` again returns the first task and holds nothing. Raises CreditsUsedUp, TooManyTasks.
        Holds under parallel calls: the account (and, where limited, the chat and the whole) is locked first.
        Orders whose task still has FrontFile images, or ``not_before``, are not claimable yet.
        """
        ...

    async def add_input(self, event: str, file: FrontFile, now: datetime) -> bool:
        """One more picture for a task that is still waiting for its inputs (an album's later parts)."""
        ...

    async def task(self, task_id: str) -> Task:
        """Raises TaskUnknown."""
        ...

    async def task_of_event(self, event: str) -> Task | None: ...

    async def tasks(self, task_ids: Collection[str]) -> dict[str, Task]:
        """Those that are known, by id."""
        ...

    async def orders(self, task_id: str) -> tuple[Order, ...]:
        """A task's orders in their order; empty for an unknown task."""
        ...

    async def orders_of(self, task_ids: Collection[str]) -> dict[str, tuple[Order, ...]]:
        """The same for several tasks; unknown ones are left out."""
        ...

    # -- inputs that are still in the chat --------------------------------------------------------------------------

    async def intake_due(self, fronts: Sequence[str], now: datetime, limit: int) -> list[Task]:
        """Tasks of these fronts whose inputs are to be fetched now; leased for a minute."""
        ...

    async def inputs_kept(
        self, task_id: str, images: Sequence[MediaRef], now: datetime, *, mask: MediaRef | None = None
    ) -> bool:
        """All inputs (and the mask, where there is one) are in the media store: the orders become claimable. False if
        the task gained another FrontFile meanwhile (fetch again) or has moved on."""
        ...

    async def intake_postponed(self, task_id: str, due: datetime) -> None: ...

    # -- orders -----------------------------------------------------------------------------------------------------

    async def claim(self, now: datetime, *, room: Mapping[str, int], running: int, limit: int = 64) -> list[Order]:
        """Take up queued orders: QUEUED → STARTING, so that at most ``room[gateway]`` of a gateway and at most
        ``running`` of an account are in hand at once (STARTING or WAITING), people in turn (who has fewest running
        first, then each person's oldest, then age). Two callers never get the same order. The change is
        ``core.orders.claimed``."""
        ...

    async def waiting_due(self, now: datetime, limit: int, busy: Collection[str] = ()) -> list[Order]:
        """WAITING orders whose time has come, but those in ``busy`` (ids), which the caller has in hand. Where there
        may be other workers they are leased: their due moves on by ``core.orders.CLAIM_LEASE``, so no one else takes
        them. The lease is no revision."""
        ...

    async def leaving(self, order: Order) -> bool:
        """The call of a STARTING order is about to leave: its ``deadline`` is stored, as the mark of this. False where
        somebody else has moved the order meanwhile: then it must not leave. No revision."""
        ...

    async def apply(self, before: Order, after: Order, now: datetime) -> bool:
        """Store ``after`` where ``before.revision`` still stands; else False and nothing changes.

        In the same transaction: a FAILED or CANCELLED order releases its hold, the task's revision grows,
        and when its last order ended the outbox row becomes READY and due.
        """
        ...

    async def in_state_starting(self) -> list[Order]:
        """Orders whose call may be out: a former life's at a start, other workers' later. Their due moves with each
        sign of life."""
        ...

    async def still_in_hand(self, revisions: Mapping[str, int], due: datetime) -> None:
        """A worker's sign of life: nobody else looks before ``due`` after its STARTING and WAITING orders, given by id
        with the revision it knows; what has moved on since is left alone. No revision."""
        ...

    async def clock_was_set(self, now: datetime, by: float | None) -> None:
        """The clock was set by so many seconds, negative is back; None: perhaps, before this worker started.

        Back: everything that is due later than any lease lasts is due now, so that nothing waits for its time of day to
        come again. For what was rightly put off that long it comes too early once, which costs a question or a look.
        Forward: what is waited for gets that much more time (its revision grows), as no time has passed for it.
        """
        ...

    async def release_leases(self, now: datetime) -> None:
        """At boot of the only process: what a former life had leased (WAITING, intake, HANDING) is due at once."""
        ...

    async def asked(self, revisions: Mapping[str, int], due: datetime) -> None:
        """These WAITING orders (id → revision) were asked about, and there is nothing new: again at ``due``.
        No revision; nothing for one that has moved on meanwhile."""
        ...

    async def hasten(self, gateway: str, ticket_ids: Sequence[str], now: datetime) -> int:
        """A gateway called back about these: their WAITING orders are due at once, and what was asked before says
        nothing any more (their revisions grow). Returns how many."""
        ...

    async def seed_known(self, order_id: str, seed: int) -> None:
        """A finished order's seed, learned afterwards. No revision."""
        ...

    # -- gateways ---------------------------------------------------------------------------------------------------

    async def rests(self, now: datetime) -> dict[str, Rest]:
        """The gateways that are resting now."""
        ...

    async def rest(self, gateway: str, rest: Rest | None) -> None:
        """Let a gateway rest; None: it works again."""
        ...

    async def verified(self) -> frozenset[str]:
        """Models that have succeeded at least once."""
        ...

    async def verify(self, model: str, now: datetime) -> None:
        """This model has succeeded. A second call changes nothing."""
        ...

    async def secret(self, name: str) -> str:
        """A secret of this database's own (64 hex digits), made at its first use: the same for every process."""
        ...

    # -- outbox -----------------------------------------------------------------------------------------------------

    async def outbox_due(
        self,
        fronts: Sequence[str],
        now: datetime,
        limit: int,
        busy: Collection[str] = (),
        *,
        last_words: int | None = None,
    ) -> list[Task]:
        """Tasks of these fronts to show or hand over now, but those in ``busy`` (ids), which the caller has in hand.
        Last words (at most ``last_words`` of them, None: ``limit``) before progress (at most ``limit``), each oldest
        first. Where there may be other processes they are leased for a minute.

        OPEN rows are due when their revision is above the shown one, and not before ``core.orders.FIRST_LOOK``;
        READY and HANDING ones when their due has come, and their hand-over begins with this: they are HANDING, and
        ``attempt`` has grown.
        """
        ...

    async def still_handing(self, attempts: Mapping[str, int], now: datetime) -> None:
        """The hand-overs of these tasks (id → attempt) are still under way: their leases begin anew."""
        ...

    async def shown(
        self,
        task_id: str,
        address: Address,
        revision: int,
        next_due: datetime | None,
        not_before: datetime | None = None,
    ) -> None:
        """Progress up to ``revision`` is on the screen. ``next_due``: look again then even without a change;
        ``not_before``: with one, no sooner than then. The last word waits for neither."""
        ...

    async def delivered(self, task_id: str, address: Address, receipt: Receipt, now: datetime) -> None:
        """The platform has it: settle the finished orders (releasing what did not come), remember the messages.
        A second call changes nothing."""
        ...

    async def delivery_postponed(self, task_id: str, due: datetime, address: Address | None = None) -> None:
        """The last word could not be posted: again at ``due``."""
        ...

    async def progress_postponed(self, task_id: str, due: datetime) -> None:
        """Progress could not be shown: again at ``due``. Nothing where the last word is due by now."""
        ...

    async def undeliverable(self, task_id: str, reason: str, now: datetime) -> None:
        """The chat is gone: release everything; the pictures stay in the media store."""
        ...

    # -- what people ask --------------------------------------------------------------------------------------------

    async def usage(self, account: str, limits: Limits, now: datetime) -> Usage: ...

    async def unfinished(self, account: str) -> list[Task]:
        """A person's tasks with unfinished orders, oldest first."""
        ...

    async def positions(self, gateway: str) -> dict[str, int]:
        """:meth:`position` of all tasks that are queued at a gateway."""
        ...

    async def position(self, task_id: str) -> int | None:
        """1 = the next to be taken up at its gateway, in the order :meth:`claim` would; None: not queued."""
        ...

    # -- what operators ask -----------------------------------------------------------------------------------------

    async def stats(self, now: datetime, timezone: str) -> Stats:
        """How everything stands; days and months begin in ``timezone``."""
        ...

    async def media_in_use(self) -> frozenset[str]:
        """The ``MediaRef.key`` of every input, mask and result of the tasks that are unfinished or have still to say
        their last word: nobody may remove these."""
        ...

    async def forget(self, account: str) -> tuple[int, frozenset[str]]:
        """Erase a person: words, pictures, chats and messages of theirs are gone, and their tasks unknown; the credits
        stay in everybody's sums, as nobody's. Returns how many tasks there were, and the ``MediaRef.key`` of what
        nobody else's tasks refer to. Raises SettingsError while one is unfinished or has still to be posted."""
        ...

    async def depths(self, now: datetime, timezone: str) -> Depths:
        """How much is open; the day begins in ``timezone``."""
        ...

    # -- messages ---------------------------------------------------------------------------------------------------

    async def remember(self, front: str, message: PostedMessage) -> None: ...

    async def posted(self, front: str, key: str) -> PostedMessage | None: ...

    async def messages_of(self, front: str, task_id: str) -> list[PostedMessage]: ...

    async def close(self) -> None: ...


class MediaStore(Protocol):
    """Pictures and videos by the hash of their bytes."""

    async def keep(self, data: bytes) -> MediaRef:
        """Check (whole, within the pixel bound) and keep. The same bytes are kept once.
        Raises ImageUnreadable, ImageTooLarge."""
        ...

    async def read(self, ref: MediaRef) -> bytes:
        """Raises KeyError when it is no longer kept."""
        ...

    async def find(self, key: str) -> bytes:
        """The same by ``MediaRef.key`` alone. Raises KeyError."""
        ...

    async def check(self) -> str:
        """A line of good news for ``imagine doctor``. Raises StoreDown."""
        ...


class Front(Protocol):
    """A chat program: the life of an image task in it."""

    name: str
    pace: float  #: seconds between two edits of one status message
    quiet: float  #: seconds from the request in which the first status is all that is shown

    async def show(self, address: Address, view: View) -> Address:
        """Put progress on the screen (first call: post the status message). Returns the address to store.
        Raises ChatGone, ChatBusy."""
        ...

    async def hand_over(self, address: Address, view: View, pictures: Sequence[Picture], *, attempt: int) -> Receipt:
        """Post the result, or (no pictures) the failure, as the task's last word. ``attempt`` counts from 1: a
        second one may follow a first that reached the chat. Raises ChatGone, ChatBusy."""
        ...

    async def fetch(self, file: FrontFile, *, limit: int) -> bytes:
        """The bytes of a picture in the chat, at most ``limit``. Raises ImageGone, ImageTooLarge, ChatBusy."""
        ...
