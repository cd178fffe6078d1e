"""apicore: FLUX Kontext by one blocking JSON request, OpenAI's endpoints and midjourney-proxy's wire beside it
(gateways §2, §5.3, §5.4, §8)."""

from collections.abc import Mapping, Sequence

from core.gateway import Call
from core.gateways import flux, new_api
from core.gateways.answers import finished
from core.gateways.inputs import data_urls
from core.gateways.midjourney_answers import REFRESH, heard
from core.gateways.midjourney_wire import MidjourneyWire
from core.gateways.openai_wire import GENERATIONS, Sending, sending
from core.masking import Masker
from core.transport import Api
from core.types import Follow, Outcome, Ticket

#: The route of its Midjourney, which answers with a task and has next steps.
MIDJOURNEY = "midjourney"


class Apicore:
    """A row's ``route`` is ``kontext`` or one of ``openai_wire.FAMILIES``, which answer at once, or ``midjourney``."""

    name = "apicore"

    def __init__(
        self, api: Api, *, timeout: float | None = None, hook: str | None = None, masker: Masker | None = None
    ) -> None:
        """``timeout`` in seconds overrides the models' own. ``hook``: our address for call-backs; a new-api gateway
        forwards them only if its operator wants it to, so tasks are asked about all the same. ``masker``: for what
        is told and kept of its Midjourney's tasks, whose shape is not documented."""
        self._api, self._timeout = api, timeout
        # new-api does not know the buttons that make films (§5.3, its CoverPlusActionToNormalAction).
        self._midjourney = MidjourneyWire(
            api,
            gateway=self.name,
            timeout=timeout,
            hook=hook,
            ask_in=REFRESH,
            animates=False,
            masker=masker,
            keep=True,
        )

    async def start(self, call: Call, *, key: str) -> Outcome:
        """Order pictures, and wait for them unless it is Midjourney's. ``key`` is not used: apicore knows no
        idempotency key. Raises GatewayError.
        """
        if call.model.route == MIDJOURNEY:
            return await self._midjourney.start(call)
        request = await (kontext(call) if call.model.route == flux.KONTEXT else sending(call))
        timeout = self._timeout or call.model.timeout
        answer, raw = await self._api.submit(request.path, timeout=timeout, fields=request.fields, files=request.files)
        return await finished(answer, raw=raw)

    async def act(self, follow: Follow, call: Call, *, key: str) -> Outcome:
        """Press a button below a result of Midjourney's. Raises GatewayError."""
        return await self._midjourney.act(follow, call)

    async def ask(self, tickets: Sequence[Ticket]) -> Mapping[Ticket, Outcome]:
        """How far these tasks of Midjourney's are; what is not named is left out."""
        return await self._midjourney.ask(tickets)

    def hear(self, headers: Mapping[str, str], body: bytes) -> Sequence[str]:
        """The task that a call-back is about. Raises CallbackRefused."""
        return heard(body)

    async def seed(self, ticket: Ticket) -> int | None:
        """The seed of a finished task of Midjourney's. Raises GatewayError."""
        return await self._midjourney.seed(ticket)

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
