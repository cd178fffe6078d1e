"""OpenAI's images endpoints: generations as JSON, edits as multipart, each field checked by the model's family."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.gateways import fields, openai_images, references
from sandbox.gateways.base import GatewaySandbox, Job, Json
from sandbox.gateways.families import DallE3, GptFields, Input, Pair
from sandbox.gateways.faults import Fault
from sandbox.gateways.fields import Prompt
from sandbox.gateways.refusals import Refusal, envelope


class DallE(DallE3):
    """dall-e-3: one picture a call, from words only."""

    model: str
    prompt: Annotated[Prompt, Field(max_length=4000)]
    response_format: Literal["url", "b64_json"] = "url"
    user: str | None = None


def _size(text: str) -> str:
    if "x" not in text or fields.pixels(text) is None:
        raise ValueError("must look like 1024x1024")
    return text


class Plain(Input):
    """Any other compatible model: the fields that all of them share."""

    model: str
    n: Annotated[int, Field(ge=1, le=10)] = 1
    size: Annotated[str, AfterValidator(_size)] = "1024x1024"
    response_format: Literal["url", "b64_json"] = "url"
    seed: int | None = None
    user: str | None = None
    limits: ClassVar[references.Limits] = references.OPENAI
    lifetime: ClassVar[float] = DallE3.lifetime

    def dimensions(self, first: Pair | None) -> Pair:
        return fields.pixels(self.size) or (1024, 1024)

    def how_many(self) -> int:
        return self.n


class OpenAiSandbox(GatewaySandbox):
    """A stand-in for OpenAI, or with ``models`` (further names) for any service that is compatible with it."""

    default_key = "sk-sandbox-openai-000000000"

    def __init__(
        self,
        *,
        models: Iterable[str] = (),
        keys: Iterable[str] | None = None,
        seconds: float | tuple[float, float] = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(keys=keys, seconds=seconds, clock=clock)
        further = dict.fromkeys(models, Plain)
        #: Name to the form of each path.
        self.generations: dict[str, type[Input]] = {
            "gpt-image-1": openai_images.GptGeneration,
            "dall-e-3": DallE,
            **further,
        }
        self.edits: dict[str, type[Input]] = {"gpt-image-1": openai_images.GptEdit, **further}

    def _routes(self) -> list[BaseRoute]:
        return [
            Route("/v1/images/generations", self._generate, methods=["POST"]),
            Route("/v1/images/edits", self._edit, methods=["POST"]),
            Route("/v1/models", self._models, methods=["GET"]),
        ]

    async def _generate(self, request: Request) -> Response:
        key = self._key(request)
        sent = await self._json(request)
        form = self._form(self.generations, sent)
        pictures = [
            await references.picture(value, form.limits, partial(self._invalid, param=name))
            for name, value in form.sources()
        ]
        return await self._take(request, key, form, sent, tuple(pictures))

    async def _edit(self, request: Request) -> Response:
        key = self._key(request)
        sent = await openai_images.read_edit(request, self._invalid)
        form = self._form(self.edits, sent.texts)
        return await self._take(request, key, form, sent.texts, sent.pictures, mask=sent.mask)

    def _form(self, forms: Mapping[str, type[Input]], sent: Mapping[str, object]) -> Input:
        model = sent.get("model")
        if not isinstance(model, str):
            raise self._invalid("you must provide a model parameter", "model")
        if model not in forms:
            raise self._no_model(model)
        for name, value in sent.items():
            if value == "null" and name != "prompt":
                raise self._invalid(f"Invalid value for '{name}': is the string \"null\".", name)
        form = fields.read(forms[model], sent, self._invalid)
        objection = form.objection()
        if objection:
            raise self._invalid(*objection)
        return form

    async def _take(
        self,
        request: Request,
        key: str,
        form: Input,
        sent: Mapping[str, object],
        pictures: tuple[bytes, ...],
        *,
        mask: bytes | None = None,
    ) -> Response:
        linked = getattr(form, "response_format", "b64_json") == "url"

        def answer(entries: Sequence[str]) -> Json:
            data = [self._entry("url" if linked else "b64_json", entry, form) for entry in entries]
            return {"created": int(self.clock()), "data": data} | self._about(form, len(pictures), len(entries))

        job = Job(
            model=str(sent["model"]),
            prompt=form.prompt,
            fields=sent,
            size=form.dimensions(references.size(pictures[0]) if pictures else None),
            format=form.encoding(),
            answer=answer,
            seed=form.chosen_seed(),
            count=form.how_many(),
            pictures=pictures,
            mask=mask,
            transparent=form.see_through(),
            inline=not linked,
            lifetime=form.lifetime,
            folder=self._folder(form),
        )
        return await self._serve(request, key, job)

    def _folder(self, form: Input) -> str:
        """Where the delivery host keeps it."""
        return "/private/org-sandbox"

    def _entry(self, name: str, entry: str, form: Input) -> Json:
        """One picture of the answer."""
        said: Json = {name: entry}
        return said | ({"revised_prompt": form.prompt} if isinstance(form, DallE) else {})

    def _about(self, form: Input, pictures: int, results: int) -> Json:
        """What the answer says besides the pictures."""
        if not isinstance(form, GptFields):
            return {}
        width, height = form.dimensions(None)
        return {
            "background": form.background,
            "output_format": form.output_format,
            "quality": form.quality,
            "size": form.size or f"{width}x{height}",
            "usage": openai_images.usage(form.prompt, pictures, results),
        }

    async def _models(self, request: Request) -> Response:
        self._key(request)
        data = [{"id": name, "object": "model", "owned_by": "system"} for name in self.generations]
        return JSONResponse({"object": "list", "data": data})

    def _key(self, request: Request) -> str:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or key not in self.keys:
            raise self._own_words(Fault.UNAUTHORIZED_401, "")
        return key

    def _no_model(self, model: str) -> Refusal:
        text = f"The model '{model}' does not exist or cannot be used here."
        return Refusal(404, envelope(text, type="invalid_request_error", param="model", code="model_not_found"))

    def _no_route(self, request: Request) -> Refusal:
        text = f"Invalid URL ({request.method} {request.url.path})"
        return Refusal(404, envelope(text, type="invalid_request_error"))

    def _invalid(self, message: str, param: str, reason: str = "") -> Refusal:
        code = "unknown_parameter" if reason == "extra_forbidden" else "invalid_value"
        return Refusal(400, envelope(message, type="invalid_request_error", param=param, code=code))

    def _own_words(self, fault: Fault, model: str) -> Refusal:
        if fault is Fault.UNAUTHORIZED_401:
            text = "Incorrect API key provided. You can find your API key in your account."
            return Refusal(401, envelope(text, type="invalid_request_error", code="invalid_api_key"))
        if fault is Fault.NOT_FOUND_404:
            return self._no_model(model)
        text = f"Rate limit reached for {model} in organization org-sandbox on images per min"
        return Refusal(429, envelope(text, type="requests", code="rate_limit_exceeded"))
