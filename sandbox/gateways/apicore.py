"""apicore: a new-api gateway with flux-kontext, OpenAI's models, Midjourney, and what a key has spent."""

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.gateways import fields
from sandbox.gateways.families import Input, Pair
from sandbox.gateways.faults import Fault
from sandbox.gateways.midjourney import MidjourneySandbox
from sandbox.gateways.openai import OpenAiSandbox
from sandbox.gateways.refusals import Refusal, envelope
from sandbox.gateways.shapes import Json
from sandbox.pictures import Format

#: Quota units that make one US dollar (new-api), what a call costs here, and what a fresh key may spend.
PER_DOLLAR, PRICE, GRANTED = 500_000, 20_000, 1_000_000
#: ``hard_limit_usd`` of a key without a limit.
UNLIMITED = 100_000_000


def _data_url(text: str) -> str:
    if not text.startswith(("data:image/jpeg;base64,", "data:image/png;base64,")):
        raise ValueError("must be a data URL of a jpeg or png")
    return text


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("must be an http(s) address")
    return text


class Kontext(Input):
    """flux-kontext-pro and -max: seven ratios; always a link to a PNG, whatever ``output_format`` asks for."""

    model: str
    input_image: Annotated[str, AfterValidator(_data_url)] | None = None
    seed: int | None = None
    aspect_ratio: Literal["21:9", "16:9", "4:3", "1:1", "3:4", "9:16", "9:21"] = "1:1"
    output_format: Literal["jpeg", "png"] = "jpeg"
    webhook_url: Annotated[str, AfterValidator(_address)] | None = None
    webhook_secret: str | None = None
    prompt_upsampling: bool = False
    safety_tolerance: Annotated[int, Field(ge=0, le=6)] = 2
    lifetime: ClassVar[float] = 600.0  # not documented; BFL's ten minutes, the shortest known
    response_format: ClassVar[str] = "url"

    def sources(self) -> list[tuple[str, str]]:
        return [("input_image", self.input_image)] if self.input_image is not None else []

    def dimensions(self, first: Pair | None) -> Pair:
        return fields.for_ratio(self.aspect_ratio)

    def encoding(self) -> Format:
        return "png"

    def objection(self) -> tuple[str, str] | None:
        if self.input_image is not None and self.safety_tolerance > 2:
            return "safety_tolerance is at most 2 with a reference image", "safety_tolerance"
        return None


class ApicoreSandbox(OpenAiSandbox):
    """A stand-in for apicore.

    The pages about a key's money: ``granted`` in quota units (None: no limit); ``token_usage`` and ``billing`` say
    which of the two kinds this gateway has; ``billing_error``, if any, is answered under HTTP 200.
    """

    default_key = "sk-sandbox-apicore-00000000"

    def __init__(
        self,
        *,
        keys: Iterable[str] | None = None,
        seconds: float | tuple[float, float] = 0.0,
        clock: Callable[[], float] = time.time,
        area: int = 1024 * 1024,
    ) -> None:
        """``area``: pixels of one of Midjourney's grids."""
        super().__init__(keys=keys, seconds=seconds, clock=clock)
        #: Its Midjourney: midjourney-proxy behind new-api, under this address and with these keys.
        self.midjourney = MidjourneySandbox(seconds=seconds, clock=clock, new_api=True, area=area, within=self)
        self.generations |= {"flux-kontext-pro": Kontext, "flux-kontext-max": Kontext}
        self.granted: int | None = GRANTED
        self.token_usage = True
        self.billing = True
        self.billing_error = ""

    def _routes(self) -> list[BaseRoute]:
        return [
            *super()._routes(),
            *self.midjourney.routes(),
            Route("/api/usage/token", self._token, methods=["GET"]),
            Route("/v1/dashboard/billing/subscription", self._subscription, methods=["GET"]),
            Route("/v1/dashboard/billing/usage", self._usage, methods=["GET"]),
        ]

    def _moved_in(self, bases: Mapping[str, str]) -> None:
        super()._moved_in(bases)
        self.midjourney.base_url = self.base_url

    def _folder(self, form: Input) -> str:
        return "/files/elephant" if isinstance(form, Kontext) else super()._folder(form)

    def _entry(self, name: str, entry: str, form: Input) -> Json:
        """fal's entry as it comes; new-api writes out the strings it has not got."""
        return (
            {name: entry}
            if isinstance(form, Kontext)
            else {"url": "", "b64_json": "", "revised_prompt": "", name: entry}
        )

    # -- the key's money ----------------------------------------------------------------------------------------

    def _used(self) -> int:
        return PRICE * sum(order.charged for order in self.orders)

    async def _token(self, request: Request) -> Response:
        if not self.token_usage:
            raise self._no_route(request)
        given = request.headers.get("authorization", "")
        if not given:
            return JSONResponse({"success": False, "message": "No Authorization header"}, 401)
        if given.removeprefix("Bearer ") not in self.keys:
            return JSONResponse({"success": False, "message": "token not found"})
        granted = self.granted or 0
        data = {
            "object": "token_usage",
            "name": "sandbox",
            "total_granted": granted,
            "total_used": self._used(),
            "total_available": granted - self._used(),
            "unlimited_quota": self.granted is None,
            "model_limits": {},
            "model_limits_enabled": False,
            "expires_at": 0,
        }
        return JSONResponse({"code": True, "message": "ok", "data": data})

    async def _subscription(self, request: Request) -> Response:
        limit = UNLIMITED if self.granted is None else self.granted / PER_DOLLAR
        limits = {"soft_limit_usd": limit, "hard_limit_usd": limit, "system_hard_limit_usd": limit, "access_until": 0}
        return self._bill(request, {"object": "billing_subscription", "has_payment_method": True, **limits})

    async def _usage(self, request: Request) -> Response:
        return self._bill(request, {"object": "list", "total_usage": 100 * self._used() / PER_DOLLAR})

    def _bill(self, request: Request, answer: Json) -> Response:
        if not self.billing:
            raise self._no_route(request)
        self._key(request)
        if self.billing_error:
            return JSONResponse(envelope(self.billing_error, type="upstream_error", param="", code=""))
        return JSONResponse(answer)

    # -- new-api's words ----------------------------------------------------------------------------------------

    def _trouble(self, status: int, message: str, *, code: str, param: str = "") -> Refusal:
        text = f"{message} (request id: {uuid.uuid4().hex})"
        return Refusal(status, envelope(text, type="new_api_error", param=param, code=code))

    def _no_model(self, model: str) -> Refusal:
        return self._trouble(503, f"当前分组 default 下对于模型 {model} 无可用渠道", code="model_not_found")

    def _invalid(self, message: str, param: str, reason: str = "") -> Refusal:
        return self._trouble(400, message, code="invalid_image_request", param=param)

    def _own_words(self, fault: Fault, model: str) -> Refusal:
        if fault is Fault.UNAUTHORIZED_401:
            return self._trouble(401, "Invalid token", code="")
        if fault is Fault.NOT_FOUND_404:
            return self._trouble(404, f"The model {model} does not exist", code="model_not_found")
        return self._trouble(429, "Too many requests", code="rate_limit_exceeded")
