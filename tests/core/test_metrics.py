"""What the loops and the doorway to gateways tell of their work."""

from collections import Counter
from collections.abc import Awaitable, Mapping
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.errors import ChatBusy, ChatGone, GatewayBusy, GatewayError, PromptRefused
from core.masking import Masker
from core.metrics import Meter
from core.testing import ScriptedGateway
from core.transport import Api
from core.types import Finished, InlinePicture, Outcome, Pending, Ticket
from sandbox.serving import serve
from tests.core.world import core_world, png
from tests.waiting import until

TICKET = Ticket("alpha", "77")
MADE = Finished((InlinePicture(png("red")),))


class Counts(Meter):
    """Counts what it is told."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()

    async def call(self, gateway: str, answer: Awaitable[Outcome]) -> Outcome:
        outcome = await answer
        self.told[f"call {gateway} {type(outcome).__name__}"] += 1
        return outcome

    async def question(self, gateway: str, answers: Awaitable[Mapping[Ticket, Outcome]]) -> Mapping[Ticket, Outcome]:
        self.told[f"question {gateway}"] += 1
        return await answers

    def delivery(self, front: str, outcome: str) -> None:
        self.told[f"{front} {outcome}"] += 1


async def test_calls_questions_and_last_words_are_told(tmp_path: Path) -> None:
    meter = Counts()
    gateway = ScriptedGateway("alpha", [Pending(TICKET, 0.01), PromptRefused(), MADE, MADE], [MADE])
    async with core_world(tmp_path, [gateway], meter=meter) as world, world.alive():
        await world.ask()
        await world.front.until_handed(1)
        await world.ask()
        await world.front.until_handed(2)
        world.front.hand_errors.append(ChatBusy(0.01))
        await world.ask()
        await world.front.until_handed(3)
        world.front.hand_errors.append(ChatGone("left"))
        await world.ask()
        await until(lambda: meter.told["scripted given_up"])
    assert meter.told == {
        "call alpha Pending": 1,
        "call alpha Failed": 1,
        "call alpha Finished": 2,
        "question alpha": 1,
        "scripted posted": 2,
        "scripted told": 1,
        "scripted put_off": 1,
        "scripted given_up": 1,
    }


async def test_an_answer_that_there_was_too_much_is_told_whatever_it_means() -> None:
    limited: list[str] = []

    async def busy(_request: Request) -> Response:
        return JSONResponse({"error": {"message": "slow down"}}, 429)

    async def fine(_request: Request) -> Response:
        return JSONResponse({})

    app = Starlette(routes=[Route("/busy", busy, methods=["POST"]), Route("/fine", fine)])
    async with serve(app) as base:
        api = Api(base, key="sk-a-key", masker=Masker([]), limited=lambda: limited.append("alpha"))
        await api.ask("/fine")
        assert limited == []
        with pytest.raises(GatewayError) as error:
            await api.submit("/busy", timeout=5.0, fields={})
        await api.close()
    assert (type(error.value), limited) == (GatewayBusy, ["alpha"])
