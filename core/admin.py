"""What operators ask: how everything stands, here and at the gateways."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from core.errors import AnswerUnreadable, GatewayError, GatewaySilent
from core.gateway import Checks, Gateway
from core.masking import Masker
from core.ports import Clock, Stats, Store

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Seconds a gateway gets to answer about its account: somebody waits for the report in a chat.
PATIENCE = 5.0
#: Characters of what a gateway says about its account: a line.
LINE = 200


@dataclass(frozen=True)
class Standing:
    """What a gateway answers when it is asked about our account there; no secrets in it."""

    line: str = ""  #: such as "takes the key; spent $1.00, $4.00 left"; empty: it has nothing to tell
    trouble: str | None = None  #: the kind of its failure, such as "KeyRejected"; None: it would work


@dataclass(frozen=True)
class Report:
    """As of ``at``."""

    at: datetime
    stats: Stats
    standings: Mapping[str, Standing]  #: of the gateways that are switched on


class Admin:
    """What a front holds for those whom ``accounts`` names ("telegram:123"). Unlike the client's, its answers may take
    seconds: gateways are asked."""

    def __init__(
        self,
        store: Store,
        gateways: Mapping[str, Gateway],
        *,
        accounts: Collection[str],
        timezone: str,
        clock: Clock,
        masker: Masker,
    ) -> None:
        """``timezone``: where days and months begin."""
        self._store, self._gateways = store, gateways
        self.accounts = frozenset(accounts)
        self._timezone, self._clock, self._masker = timezone, clock, masker

    async def report(self) -> Report:
        """How everything stands, in :data:`PATIENCE` seconds and a little. Raises StoreDown."""
        at = self._clock()
        stats = await self._store.stats(at, self._timezone)
        standings = await asyncio.gather(*map(self._standing, self._gateways.values()))
        return Report(at, stats, dict(zip(self._gateways, standings, strict=True)))

    async def _standing(self, gateway: Gateway) -> Standing:
        if not isinstance(gateway, Checks):
            return Standing()
        try:
            async with asyncio.timeout(PATIENCE):
                said = await gateway.check()
        except TimeoutError:
            return Standing(trouble=GatewaySilent.__name__)
        except GatewayError as error:
            log.info("a gateway's account", gateway=gateway.name, trouble=type(error).__name__, detail=error.detail)
            return Standing(trouble=type(error).__name__)
        except Exception:
            log.exception("a gateway module failed while checking", gateway=gateway.name)
            return Standing(trouble=AnswerUnreadable.__name__)
        return Standing(" ".join(self._masker.mask(said).split())[:LINE])
