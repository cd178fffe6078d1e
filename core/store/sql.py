"""The store: each method opens one transaction and leaves the work to its topic's module."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, literal, select
from sqlalchemy.exc import IntegrityError

from core.ports import Depths, Rest, Stats
from core.quota import Limits
from core.store import (
    changing,
    claiming,
    clocks,
    depths,
    forgetting,
    gateways,
    intake,
    ledger,
    looking,
    media,
    messages,
    outbox,
    stats,
    submitting,
)
from core.store.database import Database
from core.types import Address, FrontFile, MediaRef, NewTask, Order, PostedMessage, Receipt, Task, Usage

if TYPE_CHECKING:
    from psycopg import AsyncConnection


class SqlStore:
    """:class:`core.ports.Store` on SQLite and PostgreSQL. Get one from :func:`core.store.open_store`.

    What a method is for and raises is said there; every one raises StoreDown.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self) -> str:
        """Empty when the database answers, else why not."""
        return await self._database.check()

    async def close(self) -> None:
        await self._database.close()

    @property
    def connect(self) -> "Callable[[], Awaitable[AsyncConnection]] | None":
        """Makes a connection in autocommit beside the store's own, for what has to listen; None on SQLite, where
        nobody speaks. Whoever calls it closes what it gives. It raises psycopg.Error."""
        return self._database.connect if self._database.is_postgres else None

    async def _nothing(self, condition: ColumnElement[bool]) -> bool:
        """An idle loop's round reads; only when there is something to take does it stand in the writers' line."""
        return await self._database.read(_is_none, condition)

    # -- submitting -------------------------------------------------------------------------------------------------

    async def submit(self, new: NewTask, limits: Limits, now: datetime) -> Task:
        try:
            return await self._database.write(submitting.submit, new, limits, now)
        except IntegrityError:
            # The same event by another account at the same moment: no lock is shared, the unique event decides.
            known = await self.task_of_event(new.event)
            if known is None:
                raise
            return known

    async def add_input(self, event: str, file: FrontFile, now: datetime) -> bool:
        return await self._database.write(intake.add_input, event, file)

    async def task(self, task_id: str) -> Task:
        return await self._database.read(looking.task, task_id)

    async def task_of_event(self, event: str) -> Task | None:
        return await self._database.read(looking.task_of_event, event)

    async def tasks(self, task_ids: Collection[str]) -> dict[str, Task]:
        return await self._database.read(looking.tasks, task_ids) if task_ids else {}

    async def orders(self, task_id: str) -> tuple[Order, ...]:
        return await self._database.read(looking.orders, task_id)

    async def orders_of(self, task_ids: Collection[str]) -> dict[str, tuple[Order, ...]]:
        return await self._database.read(looking.all_orders, task_ids) if task_ids else {}

    # -- inputs that are still in the chat --------------------------------------------------------------------------

    async def intake_due(self, fronts: Sequence[str], now: datetime, limit: int) -> list[Task]:
        if await self._nothing(intake.is_due(fronts, now)):
            return []
        return await self._database.write(intake.intake_due, fronts, now, limit)

    async def inputs_kept(
        self, task_id: str, images: Sequence[MediaRef], now: datetime, *, mask: MediaRef | None = None
    ) -> bool:
        return await self._database.write(intake.inputs_kept, task_id, images, mask, now)

    async def intake_postponed(self, task_id: str, due: datetime) -> None:
        await self._database.write(intake.intake_postponed, task_id, due)

    # -- orders -----------------------------------------------------------------------------------------------------

    async def claim(self, now: datetime, *, room: Mapping[str, int], running: int, limit: int = 64) -> list[Order]:
        if not await self._database.read(claiming.is_any, now, room):
            return []
        return await self._database.write(claiming.claim, now, room=room, running=running, limit=limit)

    async def waiting_due(self, now: datetime, limit: int, busy: Collection[str] = ()) -> list[Order]:
        if not self._database.is_postgres:
            return await self._database.read(changing.see_waiting_due, now, limit, busy)
        if not await self._database.read(changing.is_any_waiting_due, now, busy):
            return []
        return await self._database.write(changing.take_waiting_due, now, limit, busy)

    async def leaving(self, order: Order) -> bool:
        return await self._database.write(changing.leaving, order)

    async def apply(self, before: Order, after: Order, now: datetime) -> bool:
        return await self._database.write(changing.apply, before, after, now)

    async def in_state_starting(self) -> list[Order]:
        return await self._database.read(looking.in_state_starting)

    async def still_in_hand(self, revisions: Mapping[str, int], due: datetime) -> None:
        await self._database.write(changing.still_in_hand, revisions, due)

    async def clock_was_set(self, now: datetime, by: float | None) -> None:
        await self._database.write(clocks.clock_was_set, now, by)

    async def release_leases(self, now: datetime) -> None:
        await self._database.write(changing.release_leases, now)

    async def asked(self, revisions: Mapping[str, int], due: datetime) -> None:
        await self._database.write(changing.asked, revisions, due)

    async def hasten(self, gateway: str, ticket_ids: Sequence[str], now: datetime) -> int:
        return await self._database.write(changing.hasten, gateway, ticket_ids, now)

    async def seed_known(self, order_id: str, seed: int) -> None:
        await self._database.write(changing.seed_known, order_id, seed)

    # -- gateways ---------------------------------------------------------------------------------------------------

    async def rests(self, now: datetime) -> dict[str, Rest]:
        return await self._database.read(gateways.rests, now)

    async def rest(self, gateway: str, rest: Rest | None) -> None:
        await self._database.write(gateways.rest, gateway, rest)

    async def verified(self) -> frozenset[str]:
        return await self._database.read(gateways.verified)

    async def verify(self, model: str, now: datetime) -> None:
        await self._database.write(gateways.verify, model, now)

    async def secret(self, name: str) -> str:
        return await self._database.write(gateways.secret, name)

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
        looking = outbox.Looking(fronts, now, limit, busy, limit if last_words is None else last_words)
        is_ready, progress = await self._database.read(outbox.see, looking)
        ready = await self._database.write(outbox.take_ready, looking) if is_ready else []
        if progress and self._database.is_postgres:
            progress = await self._database.write(outbox.take_open, looking)
        # All of them: what is leased and left out would wait for the end of its lease.
        return [*ready, *progress]

    async def still_handing(self, attempts: Mapping[str, int], now: datetime) -> None:
        await self._database.write(outbox.still_handing, attempts, now)

    async def shown(
        self,
        task_id: str,
        address: Address,
        revision: int,
        next_due: datetime | None,
        not_before: datetime | None = None,
    ) -> None:
        times = {"next_due": next_due, "not_before": not_before}
        await self._database.write(outbox.shown, task_id, address, revision, **times)

    async def delivered(self, task_id: str, address: Address, receipt: Receipt, now: datetime) -> None:
        await self._database.write(outbox.delivered, task_id, address, receipt, now)

    async def delivery_postponed(self, task_id: str, due: datetime, address: Address | None = None) -> None:
        await self._database.write(outbox.postponed, task_id, due, address)

    async def progress_postponed(self, task_id: str, due: datetime) -> None:
        await self._database.write(outbox.progress_postponed, task_id, due)

    async def undeliverable(self, task_id: str, reason: str, now: datetime) -> None:
        await self._database.write(outbox.undeliverable, task_id, reason, now)

    # -- what people ask --------------------------------------------------------------------------------------------

    async def usage(self, account: str, limits: Limits, now: datetime) -> Usage:
        return await self._database.read(ledger.usage, account, limits, now)

    async def unfinished(self, account: str) -> list[Task]:
        return await self._database.read(looking.unfinished, account)

    async def positions(self, gateway: str) -> dict[str, int]:
        return await self._database.read(claiming.positions, gateway)

    async def position(self, task_id: str) -> int | None:
        return await self._database.read(claiming.position, task_id)

    # -- what operators ask -----------------------------------------------------------------------------------------

    async def stats(self, now: datetime, timezone: str) -> Stats:
        return await self._database.read(stats.stats, now, timezone)

    async def media_in_use(self) -> frozenset[str]:
        return await self._database.read(media.in_use)

    async def forget(self, account: str) -> tuple[int, frozenset[str]]:
        return await self._database.write(forgetting.forget, account)

    async def depths(self, now: datetime, timezone: str) -> Depths:
        return await self._database.read(depths.depths, now, timezone)

    # -- messages ---------------------------------------------------------------------------------------------------

    async def remember(self, front: str, message: PostedMessage) -> None:
        await self._database.write(messages.remember, front, message)

    async def posted(self, front: str, key: str) -> PostedMessage | None:
        return await self._database.read(messages.posted, front, key)

    async def messages_of(self, front: str, task_id: str) -> list[PostedMessage]:
        return await self._database.read(messages.messages_of, front, task_id)


def _is_none(connection: Connection, condition: ColumnElement[bool]) -> bool:
    return connection.scalar(select(literal(1)).where(condition).limit(1)) is None
