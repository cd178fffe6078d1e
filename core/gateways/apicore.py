"""apicore: FLUX Kontext by one blocking JSON request, and OpenAI's endpoints beside it (gateways §2, §5.4)."""

from core.gateway import Call
from core.gateways import flux, new_api
from core.gateways.answers import finished
from core.gateways.inputs import data_urls
from core.gateways.openai_wire import GENERATIONS, Sending, sending
from core.transport import Api
from core.types import Outcome


class Apicore:
    """A gateway that answers at once. A row's ``route`` is ``kontext`` or one of ``openai_wire.FAMILIES``."""

    name = "apicore"

    def __init__(self, api: Api, *, timeout: float | None = None) -> None:
        """``timeout`` in seconds overrides the models' own."""
        self._api, self._timeout = api, timeout

    async def start(self, call: Call, *, key: str) -> Outcome:
        """Order pictures and wait for them. ``key`` is not used: apicore knows no idempotency key.

        Raises GatewayError.
        """
        request = await (kontext(call) if call.model.route == flux.KONTEXT else sending(call))
        timeout = self._timeout or call.model.timeout
        answer, raw = await self._api.submit(request.path, timeout=timeout, fields=request.fields, files=request.files)
        return await finished(answer, raw=raw)

    async def check(self) -> str:
        """For ``imagine doctor``: what the key has spent and may still spend. Raises GatewayError."""
        return await new_api.account(self._api)

    async def close(self) -> None:
        await self._api.close()


async def kontext(call: Call) -> Sending:
    """flux-kontext-pro and -max, from words or one picture.

    The document's own example sends the string "null" for what there is none of; such fields are left out (trap 17).
    """
    fields: dict[str, object] = {name: value for name, value in call.model.fields.items() if value != "null"}
    fields |= {"model": call.model.wire, "prompt": call.prompt}
    fields["safety_tolerance"] = flux.tolerance(
        fields.get("safety_tolerance"), flux.KONTEXT, with_picture=bool(call.images)
    )
    ratio = call.ratio or _ratio_of_the_picture(call)
    if ratio is not None:
        fields["aspect_ratio"] = ratio
    if call.seed is not None:
        fields["seed"] = call.seed
    for url in await data_urls(call):
        fields["input_image"] = url
    return Sending(GENERATIONS, fields)


def _ratio_of_the_picture(call: Call) -> str | None:
    """The nearest ratio there is: apicore's default is 1:1 for edits too, where BFL's own follows the picture."""
    if not call.images or not call.model.can.ratios:
        return None
    shape = call.images[0].width / call.images[0].height

    def distance(ratio: str) -> float:
        across, _, down = ratio.partition(":")
        share = int(across) / int(down)
        return max(share / shape, shape / share)

    return min(call.model.can.ratios, key=distance)
