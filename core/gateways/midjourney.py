"""midjourney-proxy: Midjourney behind an operator's own proxy, or behind a gateway that speaks its wire (gateways §5.2,
§5.3). What is said on the wire is in :mod:`core.gateways.midjourney_wire`.
"""

from collections.abc import Mapping, Sequence

from core.gateway import Call
from core.gateways.midjourney_answers import ASK_IN, heard
from core.gateways.midjourney_wire import MidjourneyWire
from core.masking import Masker
from core.transport import Api
from core.types import Follow, Outcome, Ticket

#: The header of the proxy's own secret; gateways in front of it take the Bearer's key there too (new-api).
SECRET_HEADER = "mj-api-secret"  # noqa: S105 - a header's name
#: Seconds until a task is asked about where the proxy calls back: it never repeats a call-back that was lost.
HOOKED_ASK_IN = 60.0


class MidjourneyProxy:
    """A gateway with questions, next steps and call-backs. A row's ``wire`` is the proxy's ``botType``."""

    name = "midjourney_proxy"

    def __init__(
        self, api: Api, *, timeout: float | None = None, hook: str | None = None, masker: Masker | None = None
    ) -> None:
        """``timeout`` in seconds overrides the models' own; ``hook`` is our address for its call-backs; ``masker`` is
        for what is told of its tasks."""
        self._api = api
        ask_in = HOOKED_ASK_IN if hook else ASK_IN
        self._wire = MidjourneyWire(api, gateway=self.name, timeout=timeout, hook=hook, ask_in=ask_in, masker=masker)

    async def start(self, call: Call, *, key: str) -> Outcome:
        """Order one task. ``key`` is not used: the wire knows no idempotency key. Raises GatewayError."""
        return await self._wire.start(call)

    async def act(self, follow: Follow, call: Call, *, key: str) -> Outcome:
        """Press a button below a result. Raises GatewayError."""
        return await self._wire.act(follow, call)

    async def ask(self, tickets: Sequence[Ticket]) -> Mapping[Ticket, Outcome]:
        """How far these are; what the proxy does not name is left out."""
        return await self._wire.ask(tickets)

    def hear(self, headers: Mapping[str, str], body: bytes) -> Sequence[str]:
        """The task that a call-back is about. Raises CallbackRefused."""
        return heard(body)

    async def seed(self, ticket: Ticket) -> int | None:
        """The seed of a finished task. Raises GatewayError."""
        return await self._wire.seed(ticket)

    async def check(self) -> str:
        """For ``imagine doctor``: whether it answers and takes the secret. Raises GatewayError."""
        return await self._wire.check()

    async def close(self) -> None:
        await self._api.close()
