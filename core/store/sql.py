"""The store: each method opens one transaction and leaves the work to its topic's module."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, literal, select
from sqlalchemy.exc import IntegrityError

from core.ports import Rest, Stats
from core.quota import Limits
from core.store import changing, claiming, gateways, intake, ledger, looking, messages, outbox, stats, submitting
from core.store.database import Database
from core.store.whole import wholly
from core.types import Address, DeliveryState, FrontFile, MediaRef, NewTask, Order, PostedMessage, Receipt, Task, Usage

if TYPE_CHECKING:
    from psycopg import AsyncConnection


@wholly
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
        async with self._database.read() as session:
            return await session.scalar(select(literal(1)).where(condition).limit(1)) is None

    # -- submitting -------------------------------------------------------------------------------------------------

    async def submit(self, new: NewTask, limits: Limits, now: datetime) -> Task:
        try:
            async with self._database.write() as session:
                return await submitting.submit(session, new, limits, now)
        except IntegrityError:
            # The same event by another account at the same moment: no lock is shared, the unique event decides.
            known = await self.task_of_event(new.event)
            if known is None:
                raise
            return known

    async def add_input(self, event: str, file: FrontFile, now: datetime) -> bool:
        async with self._database.write() as session:
            return await intake.add_input(session, event, file)

    async def task(self, task_id: str) -> Task:
        async with self._database.read() as session:
            return await looking.task(session, task_id)

    async def task_of_event(self, event: str) -> Task | None:
        async with self._database.read() as session:
            return await looking.task_of_event(session, event)

    async def orders(self, task_id: str) -> tuple[Order, ...]:
        async with self._database.read() as session:
            return await looking.orders(session, task_id)

    # -- inputs that are still in the chat --------------------------------------------------------------------------

    async def intake_due(self, fronts: Sequence[str], now: datetime, limit: int) -> list[Task]:
        if await self._nothing(intake.is_due(fronts, now)):
            return []
        async with self._database.write() as session:
            return await intake.intake_due(session, fronts, now, limit)

    async def inputs_kept(
        self, task_id: str, images: Sequence[MediaRef], now: datetime, *, mask: MediaRef | None = None
    ) -> bool:
        async with self._database.write() as session:
            return await intake.inputs_kept(session, task_id, images, mask, now)

    async def intake_postponed(self, task_id: str, due: datetime) -> None:
        async with self._database.write() as session:
            await intake.intake_postponed(session, task_id, due)

    # -- orders -----------------------------------------------------------------------------------------------------

    async def claim(self, now: datetime, *, room: Mapping[str, int], running: int, limit: int = 64) -> list[Order]:
        free = {gateway: places for gateway, places in room.items() if places > 0}
        if not free or await self._nothing(claiming.is_claimable(now, free)):
            return []
        async with self._database.write() as session:
            return await claiming.claim(session, now, free=free, running=running, limit=limit)

    async def waiting_due(self, now: datetime, limit: int) -> list[Order]:
        if await self._nothing(changing.is_waiting_due(now)):
            return []
        async with self._database.write() as session:
            return await changing.waiting_due(session, now, limit)

    async def apply(self, before: Order, after: Order, now: datetime) -> Task | None:
        async with self._database.write() as session:
            return await changing.apply(session, before, after, now)

    async def in_state_starting(self) -> list[Order]:
        async with self._database.read() as session:
            return await looking.in_state_starting(session)

    async def abandoned(self, now: datetime) -> list[Order]:
        async with self._database.read() as session:
            return await looking.in_state_starting(session, due_by=now)

    async def still_in_hand(self, revisions: Mapping[str, int], due: datetime) -> None:
        async with self._database.write() as session:
            await changing.still_in_hand(session, revisions, due)

    async def release_leases(self, now: datetime) -> None:
        async with self._database.write() as session:
            await changing.release_leases(session, now)

    async def running_by_gateway(self) -> dict[str, int]:
        async with self._database.read() as session:
            return await looking.running_by_gateway(session)

    async def asked(self, revisions: Mapping[str, int], due: datetime) -> None:
        async with self._database.write() as session:
            await changing.asked(session, revisions, due)

    async def hasten(self, gateway: str, ticket_ids: Sequence[str], now: datetime) -> int:
        async with self._database.write() as session:
            return await changing.hasten(session, gateway, ticket_ids, now)

    async def seed_known(self, order_id: str, seed: int) -> None:
        async with self._database.write() as session:
            await changing.seed_known(session, order_id, seed)

    # -- gateways ---------------------------------------------------------------------------------------------------

    async def rests(self, now: datetime) -> dict[str, Rest]:
        async with self._database.read() as session:
            return await gateways.rests(session, now)

    async def rest(self, gateway: str, rest: Rest | None) -> None:
        async with self._database.write() as session:
            await gateways.rest(session, gateway, rest)

    async def verified(self) -> frozenset[str]:
        async with self._database.read() as session:
            return await gateways.verified(session)

    async def verify(self, model: str, now: datetime) -> None:
        async with self._database.write() as session:
            await gateways.verify(session, model, now)

    async def secret(self, name: str) -> str:
        async with self._database.write() as session:
            return await gateways.secret(session, name)

    # -- outbox -----------------------------------------------------------------------------------------------------

    async def outbox_due(self, fronts: Sequence[str], now: datetime, limit: int) -> list[Task]:
        if await self._nothing(outbox.is_due(fronts, now)):
            return []
        async with self._database.write() as session:
            return await outbox.outbox_due(session, fronts, now, limit)

    async def shown(self, task_id: str, address: Address, revision: int, next_due: datetime | None) -> None:
        async with self._database.write() as session:
            await outbox.shown(session, task_id, address, revision, next_due)

    async def handing(self, task_id: str) -> bool:
        async with self._database.write() as session:
            return await outbox.handing(session, task_id)

    async def delivered(self, task_id: str, address: Address, receipt: Receipt, now: datetime) -> None:
        async with self._database.write() as session:
            await outbox.delivered(session, task_id, address, receipt, now)

    async def delivery_postponed(self, task_id: str, due: datetime, address: Address | None = None) -> None:
        async with self._database.write() as session:
            await outbox.postponed(session, task_id, due, address)

    async def progress_postponed(self, task_id: str, due: datetime) -> None:
        async with self._database.write() as session:
            await outbox.postponed(session, task_id, due, None, only=DeliveryState.OPEN)

    async def undeliverable(self, task_id: str, reason: str, now: datetime) -> None:
        async with self._database.write() as session:
            await outbox.undeliverable(session, task_id, reason, now)

    # -- what people ask --------------------------------------------------------------------------------------------

    async def usage(self, account: str, limits: Limits, now: datetime) -> Usage:
        async with self._database.read() as session:
            return await ledger.usage(session, account, limits, now)

    async def unfinished(self, account: str) -> list[Task]:
        async with self._database.read() as session:
            return await looking.unfinished(session, account)

    async def position(self, task_id: str) -> int | None:
        async with self._database.read() as session:
            return await claiming.position(session, task_id)

    # -- what operators ask -----------------------------------------------------------------------------------------

    async def stats(self, now: datetime, timezone: str) -> Stats:
        async with self._database.read() as session:
            return await stats.stats(session, now, timezone)

    # -- messages ---------------------------------------------------------------------------------------------------

    async def remember(self, front: str, message: PostedMessage) -> None:
        async with self._database.write() as session:
            await messages.remember(session, front, message)

    async def posted(self, front: str, key: str) -> PostedMessage | None:
        async with self._database.read() as session:
            return await messages.posted(session, front, key)

    async def messages_of(self, front: str, task_id: str) -> list[PostedMessage]:
        async with self._database.read() as session:
            return await messages.messages_of(session, front, task_id)
