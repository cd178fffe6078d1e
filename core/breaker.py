"""The circuit breaker: a gateway that fails again and again is left alone for a while, and everybody is told so.

Failures are counted here, by worker; the rest itself is a row in the store, for all workers and all fronts.
"""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from core.errors import (
    BalanceEmpty,
    GatewayDown,
    GatewayError,
    GatewayFailed,
    GatewayResting,
    GatewaySilent,
    GatewayUnreachable,
)
from core.ports import Clock, Rest, Store

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Failures that say something about a gateway, and not about one order or one model (as a refused key often does).
TROUBLE = (BalanceEmpty, GatewayDown, GatewayFailed, GatewaySilent, GatewayUnreachable)
#: Failures in a row after which a gateway rests, and the orders they must come from at least: one order that is tried
#: again and again proves nothing about the others.
FAILURES, ORDERS = 5, 3
#: How long the first rest takes; each that follows at once is twice as long.
REST, LONGEST_REST = timedelta(seconds=30), timedelta(minutes=5)
#: The longest rest of an empty account: somebody tops it up, and nobody tells us.
EMPTY_REST = timedelta(minutes=2)

#: Seconds for which another worker's word may be unknown here.
FRESH = 0.5


class Breaker:
    """One per worker."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._failures: dict[str, list[str]] = {}  # the orders of the failures in a row, by gateway
        self._times: dict[str, int] = {}  # rests in a row
        self._rested: dict[str, datetime] = {}  # when the last rest ended, or will
        self._resting: dict[str, Rest] = {}
        self._stale_at = 0.0  # monotonic seconds

    async def begin(self) -> None:
        """A worker starts: an account that was empty may have been topped up, by the very operator who starts it.
        Raises StoreDown."""
        for gateway, rest in (await self._store.rests(self._clock())).items():
            if rest.why == BalanceEmpty.__name__:
                await self._store.rest(gateway, None)

    async def look(self) -> None:
        """Learn which gateways rest now, by whichever worker's word; asked again after :data:`FRESH`."""
        if time.monotonic() < self._stale_at:
            return
        before = self._resting
        found = await self._store.rests(self._clock())
        if self._resting is before:  # else what began meanwhile may be missing in what was found
            self._resting, self._stale_at = found, time.monotonic() + FRESH

    @property
    def resting(self) -> Mapping[str, Rest]:
        """As of the last look; some may be over by now."""
        now = self._clock()
        return {name: rest for name, rest in self._resting.items() if rest.until > now}

    def refusal(self, gateway: str) -> GatewayError | None:
        """What an order for this gateway gets while it rests: its last trouble where an operator has to act, else a
        wait. None: it may be called."""
        rest = self.resting.get(gateway)
        if rest is None:
            return None
        if rest.why == BalanceEmpty.__name__:
            return BalanceEmpty(detail=f"{gateway} rests until {rest.until.isoformat()}")
        wait = (rest.until - self._clock()).total_seconds()
        return GatewayResting(detail=f"{gateway} rests after {rest.why}", retry_after=wait)

    async def heard(self, gateway: str, order: str, error: GatewayError | None) -> None:
        """A call for ``order`` was answered (None, or an error that a working gateway gives), or failed.
        Raises StoreDown."""
        if not isinstance(error, TROUBLE):
            self._failures.pop(gateway, None)
            if self._times.pop(gateway, None):
                log.info("a gateway works again", gateway=gateway)
                await self._store.rest(gateway, None)
            return
        if gateway in self._rested and self._clock() - self._rested[gateway] > LONGEST_REST:
            self._times.pop(gateway, None)  # it was well (or idle) for so long that this begins anew
        failures = self._failures.setdefault(gateway, [])
        failures.append(order)
        # The first call after a rest is a trial: one failure is enough.
        is_enough = len(failures) >= FAILURES and len(set(failures)) >= ORDERS
        if not is_enough and gateway not in self._times:
            return
        if gateway in self.resting:
            return
        times = self._times[gateway] = self._times.get(gateway, 0) + 1
        longest = EMPTY_REST if isinstance(error, BalanceEmpty) else LONGEST_REST
        rest = Rest(self._clock() + min(REST * 2 ** min(times - 1, 10), longest), type(error).__name__, times)
        self._rested[gateway] = rest.until
        self._failures.pop(gateway, None)
        # At once: others of this moment's calls fail too, and are no further reason.
        self._resting = {**self._resting, gateway: rest}
        await self._store.rest(gateway, rest)
        log.warning("a gateway rests", gateway=gateway, why=rest.why, until=rest.until.isoformat(), times=times)
