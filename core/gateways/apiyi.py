"""apiyi: FLUX by one blocking JSON request, which answers with links that live ten minutes (gateways §3, §9).

Nothing can be fetched again later: a connection that breaks loses a picture that was paid for.
"""

from core.gateway import Call
from core.gateways import flux
from core.gateways.answers import finished
from core.gateways.inputs import data_urls, numbered
from core.transport import Api
from core.types import Outcome

#: Generation and editing share the path; JSON, never multipart.
PATH = "/v1/images/generations"


class Apiyi:
    """A gateway that answers at once. A row's ``route`` is its family: ``flux-2`` or ``kontext``."""

    name = "apiyi"

    def __init__(self, api: Api, *, timeout: float | None = None) -> None:
        """``timeout`` in seconds overrides the models' own."""
        self._api, self._timeout = api, timeout

    async def start(self, call: Call, *, key: str) -> Outcome:
        """Order one picture and wait for its link. ``key`` is not used: apiyi knows no idempotency key.

        Raises GatewayError.
        """
        model = call.model
        answer, raw = await self._api.submit(
            PATH, timeout=self._timeout or model.timeout, fields=fields_of(call) | numbered(await data_urls(call))
        )
        return await finished(answer, raw=raw)

    async def check(self) -> str:
        """For ``imagine doctor``. Raises GatewayError."""
        return await self._api.key_works()

    async def close(self) -> None:
        await self._api.close()


def fields_of(call: Call) -> dict[str, object]:
    """The request without its pictures. What decides the outcome is sent explicitly: defaults differ by vendor."""
    model = call.model
    fields: dict[str, object] = {"output_format": "png", **model.fields, "model": model.wire, "prompt": call.prompt}
    family = model.route or flux.FLUX_2
    fields["safety_tolerance"] = flux.tolerance(fields.get("safety_tolerance"), family, with_picture=bool(call.images))
    if call.ratio is not None:
        fields["aspect_ratio"] = call.ratio
    if call.seed is not None:
        fields["seed"] = call.seed
    return fields
