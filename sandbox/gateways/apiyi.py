"""apiyi: FLUX by one blocking JSON request that answers with an address; nothing can be fetched again later."""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.gateways import fields, references
from sandbox.gateways.base import GatewaySandbox, Job, Json
from sandbox.gateways.faults import Fault
from sandbox.gateways.fields import Form, Prompt, Ratio, Reference
from sandbox.gateways.refusals import Refusal, envelope

#: Seconds that a result's address works; afterwards it answers 404 (apiyi, BFL).
LIFETIME = 600.0
#: Output sides are multiples of 16 from 64, and 4 MP together at most (apiyi: 400 otherwise).
STEP, SHORTEST, MOST_PIXELS = 16, 64, 2048 * 2048
#: Quota units that make one US dollar (new-api), and those a fresh sandbox account has.
QUOTA_PER_DOLLAR, QUOTA = 500_000, 24_997_909


class _Flux(Form):
    model: str
    prompt: Prompt
    input_image: Reference | None = None
    aspect_ratio: Ratio | None = None
    size: str | None = None
    width: int | None = None
    height: int | None = None
    seed: int | None = None
    safety_tolerance: Annotated[int, Field(ge=0, le=5)] = 2  # FLUX.2 upstream; apiyi prints 6 for the whole family
    output_format: Literal["jpeg", "png"] = "jpeg"
    prompt_upsampling: bool = False


class _Kontext(_Flux):
    safety_tolerance: Annotated[int, Field(ge=0, le=6)] = 2


class _Klein(_Flux):
    input_image_2: Reference | None = None
    input_image_3: Reference | None = None
    input_image_4: Reference | None = None


class _Two(_Klein):
    input_image_5: Reference | None = None
    input_image_6: Reference | None = None
    input_image_7: Reference | None = None
    input_image_8: Reference | None = None


class _Flex(_Two):
    steps: Annotated[int, Field(ge=1, le=50)] = 50
    guidance: Annotated[float, Field(ge=1.5, le=10)] = 4.5


_FORMS: Mapping[str, type[_Flux]] = {
    "flux-2-pro": _Two,
    "flux-2-max": _Two,
    "flux-2-flex": _Flex,
    "flux-2-klein-9b": _Klein,
    "flux-2-klein-4b": _Klein,
    "flux-kontext-max": _Kontext,
    "flux-kontext-pro": _Kontext,
}


class ApiyiSandbox(GatewaySandbox):
    """A stand-in for apiyi's FLUX.

    ``size`` is held to multiples of 16 like ``width`` and ``height``: the vendor prints both the rule and an example
    that breaks it, so only a client that keeps the rule is safe. Kontext takes ``safety_tolerance`` up to 2 with a
    reference. ``account_token`` is the secret of the balance query, which takes no ``sk-`` key.
    """

    default_key = "sk-sandbox-apiyi-0000000000"

    def __init__(
        self,
        *,
        keys: Iterable[str] | None = None,
        seconds: float | tuple[float, float] = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(keys=keys, seconds=seconds, clock=clock)
        self.account_token = f"sandbox-account-{secrets.token_hex(8)}"

    def _routes(self) -> list[BaseRoute]:
        return [
            Route("/v1/images/generations", self._generate, methods=["POST"]),
            Route("/v1/models", self._models, methods=["GET"]),
            Route("/api/user/self", self._account, methods=["GET"]),
        ]

    async def _generate(self, request: Request) -> Response:
        key = self._key(request)
        sent = await self._json(request)
        model = sent.get("model")
        if not isinstance(model, str):
            raise self._invalid("you must provide a model parameter", "model")
        if model not in _FORMS:
            raise self._no_model(model)
        form = fields.read(_FORMS[model], sent, self._invalid)
        pictures = await self._references(form)
        if isinstance(form, _Kontext) and pictures and form.safety_tolerance > 2:
            raise self._invalid("safety_tolerance is at most 2 with a reference image", "safety_tolerance")
        job = Job(
            model=model,
            prompt=form.prompt,
            fields=sent,
            size=self._size(form, pictures),
            format=form.output_format,
            answer=self._answer,
            seed=form.seed,
            pictures=pictures,
            lifetime=LIFETIME,
        )
        return await self._serve(request, key, job)

    async def _references(self, form: _Flux) -> tuple[bytes, ...]:
        names = ["input_image", *(f"input_image_{number}" for number in range(2, 9))]
        values = [(name, getattr(form, name, None)) for name in names]
        given = [(name, value) for name, value in values if value is not None]
        if [name for name, _ in given] != names[: len(given)]:
            raise self._invalid("Reference images must be numbered without gaps from input_image on", given[-1][0])

        async def read(name: str, value: str) -> bytes:
            return await references.picture(value, references.FLUX, lambda message: self._invalid(message, name))

        return tuple([await read(name, value) for name, value in given])

    def _size(self, form: _Flux, pictures: Sequence[bytes]) -> tuple[int, int]:
        if form.size is not None and (form.width is not None or form.height is not None):
            raise self._invalid("size and width/height exclude each other", "size")
        size: tuple[int, int] | None = None
        if form.size is not None:
            size = fields.pixels(form.size) if "x" in form.size else None
            if size is None:
                raise self._invalid("size must look like 1024x1024", "size")
        elif form.width is not None or form.height is not None:
            size = (1024 if form.width is None else form.width, 1024 if form.height is None else form.height)
        if size is None:
            if form.aspect_ratio is not None:
                return fields.for_ratio(form.aspect_ratio)
            return fields.like(*references.size(pictures[0])) if pictures else (1024, 1024)
        for name, side in zip(("width", "height"), size, strict=True):
            if side % STEP or side < SHORTEST:
                raise self._invalid(f"{name} must be a multiple of {STEP} and at least {SHORTEST}", name)
        if size[0] * size[1] > MOST_PIXELS:
            raise self._invalid("width x height must not exceed 4 megapixels", "width")
        return size

    def _answer(self, entries: Sequence[str]) -> Json:
        data: list[Json] = [{"url": entry} for entry in entries]
        if entries and not entries[0]:  # new-api writes out what it has not got
            data = [{"url": "", "b64_json": "", "revised_prompt": ""} for _ in entries]
        return {"created": int(self.clock()), "data": data}

    async def _models(self, request: Request) -> Response:
        self._key(request)
        return JSONResponse(
            {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "bfl"} for name in _FORMS]}
        )

    async def _account(self, request: Request) -> Response:
        """The balance: the account's token, bare, without ``Bearer``."""
        if request.headers.get("authorization") != self.account_token:
            return JSONResponse({"success": False, "message": "Access token is invalid"}, 401)
        charged = sum(order.charged for order in self.orders)
        used = charged * round(0.04 * QUOTA_PER_DOLLAR)
        data = {
            "id": 1,
            "username": "sandbox",
            "display_name": "sandbox",
            "role": 1,
            "status": 1,
            "email": "",
            "quota": QUOTA - used,
            "used_quota": used,
            "request_count": len(self.orders),
            "group": "default",
            "inviter_id": 0,
            "access_token": self.account_token,
            "ModelFixedPrice": [],
        }
        return JSONResponse({"success": True, "message": None, "data": data})

    def _key(self, request: Request) -> str:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or key not in self.keys:
            raise self._own_words(Fault.UNAUTHORIZED_401, "")
        return key

    def _no_model(self, model: str) -> Refusal:
        text = f"The model '{model}' does not exist or you do not have access to it."
        return Refusal(404, envelope(text, type="invalid_request_error", code="model_not_found"))

    def _no_route(self, request: Request) -> Refusal:
        text = f"Invalid URL ({request.method} {request.url.path})"
        return Refusal(404, envelope(text, type="invalid_request_error", param="", code=""))

    def _invalid(self, message: str, param: str, reason: str = "") -> Refusal:
        text = envelope(message, type="invalid_request_error", param=param, code="invalid_request_error")
        return Refusal(400, text)

    def _own_words(self, fault: Fault, model: str) -> Refusal:
        if fault is Fault.UNAUTHORIZED_401:
            text = "Invalid API key provided"
            return Refusal(401, envelope(text, type="invalid_request_error", code="invalid_api_key"))
        if fault is Fault.NOT_FOUND_404:
            return self._no_model(model)
        text = f"Rate limit reached for {model}. Please slow down."
        return Refusal(429, envelope(text, type="rate_limit_error", code="rate_limit_exceeded"))
