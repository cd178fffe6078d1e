"""What a worker has in hand, and its word for it, so that no other worker takes it for abandoned."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

import structlog

from core.errors import StoreDown
from core.orders import CLAIM_LEASE
from core.ports import Clock, Store
from core.types import Order

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Seconds between two signs of life for the orders in hand; three fit into CLAIM_LEASE.
SIGN_OF_LIFE = 6.0


class InHand:
    """Orders whose calls, questions or pictures are out."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._revisions: dict[str, int] = {}  # by order

    @contextlib.contextmanager
    def holding(self, orders: Sequence[Order]) -> Iterator[None]:
        """They are in hand, as they are now, until the block ends."""
        revisions = {order.id: order.revision for order in orders}
        self._revisions.update(revisions)
        try:
            yield
        finally:
            for order_id, revision in revisions.items():
                if self._revisions.get(order_id) == revision:
                    del self._revisions[order_id]

    async def keep_saying(self) -> None:
        """Give signs of life until cancelled."""
        while True:
            await asyncio.sleep(SIGN_OF_LIFE)
            if not self._revisions:
                continue
            try:
                # A copy: what is in hand changes while the database is asked.
                await self._store.still_in_hand(dict(self._revisions), self._clock() + CLAIM_LEASE)
            except StoreDown as error:
                log.warning("no sign of life could be given", reason=str(error))
            except Exception:  # whatever it is: silence would cost other people's paid pictures
                log.exception("no sign of life could be given")
