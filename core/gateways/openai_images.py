"""OpenAI, and every service that is compatible with its images endpoints: one blocking request (gateways §5.5)."""

from core.gateway import Call
from core.gateways.answers import finished
from core.gateways.openai_wire import sending
from core.transport import Api
from core.types import Outcome


class OpenAiImages:
    """A gateway that answers at once, with base64 or links. A row's ``route`` is one of ``openai_wire.FAMILIES``."""

    name = "openai"

    def __init__(self, api: Api, *, timeout: float | None = None) -> None:
        """``timeout`` in seconds overrides the models' own."""
        self._api, self._timeout = api, timeout

    async def start(self, call: Call, *, key: str) -> Outcome:
        """Order pictures and wait for them. ``key`` is not used: these endpoints document no idempotency key.

        Raises GatewayError.
        """
        request = await sending(call)
        timeout = self._timeout or call.model.timeout
        answer, raw = await self._api.submit(request.path, timeout=timeout, fields=request.fields, files=request.files)
        return await finished(answer, raw=raw)

    async def check(self) -> str:
        """For ``imagine doctor``. Raises GatewayError."""
        return await self._api.key_works()

    async def close(self) -> None:
        await self._api.close()
