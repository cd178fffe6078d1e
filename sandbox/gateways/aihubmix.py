"""aihubmix: one endpoint for many models with five shapes of answer, tasks to ask about, and OpenAI's endpoint."""

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from sandbox.gateways import fields, openai_images, references
from sandbox.gateways.base import GatewaySandbox, Job, Json
from sandbox.gateways.families import FAMILIES, Body, Input
from sandbox.gateways.faults import REFUSALS, TASKS, Fault, Stage
from sandbox.gateways.line import Line
from sandbox.gateways.records import Received
from sandbox.gateways.refusals import HungUp, Refusal, envelope
from sandbox.gateways.shapes import Shape
from sandbox.gateways.tasks import NOT_FOUND, Task

#: Codes of aihubmix's own checks; anything else wrong is passed on as upstream worded it.
_CODES = {"prompt": "prompt_missing", "size": "size_not_supported", "n": "n_not_within_range"}


class AihubmixSandbox(GatewaySandbox):
    """A stand-in for aihubmix.

    Tasks are answered on ``base_url`` and on ``tasks_url``, as the real service answers on two hosts. ``bfl_url`` is
    where ``polling_url`` points: it answers 403 and remembers in ``bfl_requests`` who came; a client must not go
    there. ``shapes`` says in which shape each model answers and may be changed.
    """

    default_key = "sk-sandbox-aihubmix-000000"

    def __init__(
        self,
        *,
        keys: Iterable[str] | None = None,
        seconds: float | tuple[float, float] = 0.0,
        clock: Callable[[], float] = time.time,
        webhooks: bool = False,
    ) -> None:
        """``webhooks``: it takes BFL's ``webhook_url`` and ``webhook_secret``, which its document does not name, and
        keeps them in ``hooks`` by task id; :meth:`signed` is what would be posted there."""
        super().__init__(keys=keys, seconds=seconds, clock=clock)
        self._webhooks = webhooks
        self.hooks: dict[str, tuple[str, str]] = {}
        self.tasks_url = ""  #: root of the second host for ``/v1/tasks``
        self.bfl_url = ""
        self.bfl_requests: list[Received] = []
        self.tasks: dict[str, Task] = {}  #: by task id
        self.shapes: dict[str, Shape] = {model: shape for model, (_, shape) in FAMILIES.items()}

    def _hosts(self) -> dict[str, ASGIApp]:
        hosts = super()._hosts()
        bfl = JSONResponse({"detail": "Not authenticated - Invalid Authentication"}, 403)
        return {**hosts, "tasks": hosts["api"], "bfl": self._host(bfl, self.bfl_requests)}

    def _moved_in(self, bases: Mapping[str, str]) -> None:
        super()._moved_in(bases)
        self.tasks_url, self.bfl_url = bases["tasks"], bases["bfl"]

    def _routes(self) -> list[BaseRoute]:
        return [
            Route("/v1/models/{model:path}/predictions", self._predict, methods=["POST"]),
            Route("/v1/tasks/{task}", self._task, methods=["GET"]),
            Route("/v1/images/generations", self._generate, methods=["POST"]),
            Route("/v1/images/edits", self._edit, methods=["POST"]),
            Route("/v1/models", self._models, methods=["GET"]),
        ]

    # -- predictions and tasks ----------------------------------------------------------------------------------

    async def _predict(self, request: Request) -> Response:
        key = self._key(request)
        sent = await self._json(request)
        model = request.path_params["model"]
        if model not in FAMILIES:
            raise self._no_channel(model)
        body = fields.read(Body, sent, self._invalid)
        hook = (
            {name: str(body.input.pop(name, "")) for name in ("webhook_url", "webhook_secret")}
            if self._webhooks
            else {}
        )
        form = fields.read(FAMILIES[model][0], body.input, self._invalid)
        pictures = await self._references(form)
        shape = form.shape(self.shapes[model])
        gpt = model.partition("/")[2].startswith("gpt-image")

        def answer(entries: Sequence[str]) -> Json:
            said = shape.answer(entries, f"image/{form.encoding()}")
            if gpt:
                said["usage"] = openai_images.usage(form.prompt, len(pictures), len(entries))
            return said

        job = self._job(model, form, body.input, pictures, answer, shape=shape)
        if shape is not Shape.TASK:
            return await self._serve(request, key, job)
        before = set(self.tasks)
        answer_now = await self._submit_task(request, key, job)
        self.hooks |= {task: (hook["webhook_url"], hook["webhook_secret"]) for task in set(self.tasks) - before if hook}
        return answer_now

    def signed(self, task: str) -> tuple[dict[str, str], bytes]:
        """Headers and body of the call-back about ``task``, signed as BFL's clients have seen it."""
        body = json.dumps({"id": task, "status": "SUCCESS"}).encode()
        digest = hmac.new(self.hooks[task][1].encode(), body, hashlib.sha256).hexdigest()
        return {"content-type": "application/json", "x-bfl-signature": f"sha256={digest}"}, body

    async def _submit_task(self, request: Request, key: str, job: Job) -> Response:
        line: Line = request.scope["line"]
        order, fault = await self._order(line, key, job)
        now = self.clock()
        task = Task(order, job, now, now + self._takes(job, order.seed), fault)
        # BFL does not charge what it moderates, and takes the charge back for what fails.
        order.charged = fault not in TASKS or fault is Fault.UNKNOWN_STATUS
        self.tasks[task.id] = task
        address = f"{self.bfl_url}/v1/get_result?id={task.upstream}"
        return await self._reply(line, order, fault, job.answer([task.id, address]))

    async def _task(self, request: Request) -> Response:
        key = self._key(request)
        line: Line = request.scope["line"]
        task = self.tasks.get(request.path_params["task"])
        if task is None or task.order.key != key:
            return JSONResponse(NOT_FOUND, headers=self._answer_headers())
        fault = self._faults.take(Stage.TASK, model=task.job.model)
        if fault in REFUSALS or fault is Fault.CLOUDFLARE_524:
            raise self._refusal(fault, task.job.model)
        if fault is Fault.HANG:
            await line.stays(None)
        if fault in (Fault.HANG, Fault.DROP_BEFORE, Fault.DROP_AFTER):
            await line.cut()
            raise HungUp
        if fault in TASKS:
            passing = Task(task.order, task.job, task.started_at, task.started_at, fault)
            return JSONResponse(await passing.status(self.clock(), self._finish), headers=self._answer_headers())
        status = await task.status(self.clock(), self._finish)
        return self._say(json.dumps(status), fault)

    async def _finish(self, task: Task) -> str:
        pictures = await self._paint(task.job, task.order.seed)
        addresses = await self._hand_over(pictures, task.job, task.fault)
        return addresses[0]

    # -- OpenAI's endpoint --------------------------------------------------------------------------------------

    async def _generate(self, request: Request) -> Response:
        key = self._key(request)
        sent = await self._json(request)
        model = sent.get("model")
        if not isinstance(model, str) or model not in openai_images.GENERATIONS:
            raise self._no_channel(str(model))
        form = fields.read(openai_images.GENERATIONS[model], sent, self._invalid)
        return await self._serve(request, key, self._job(model, form, sent, (), self._openai_answer(model, form, 0)))

    async def _edit(self, request: Request) -> Response:
        key = self._key(request)
        sent = await openai_images.read_edit(request, self._invalid)
        model = sent.texts.get("model")
        if model != "gpt-image-1":
            raise self._no_channel(str(model))
        form = fields.read(openai_images.GptEdit, sent.texts, self._invalid)
        answer = self._openai_answer(model, form, len(sent.pictures))
        job = replace(self._job(model, form, sent.texts, sent.pictures, answer), mask=sent.mask)
        return await self._serve(request, key, job)

    # -- shared -------------------------------------------------------------------------------------------------

    def _job(
        self,
        model: str,
        form: Input,
        sent: Mapping[str, object],
        pictures: tuple[bytes, ...],
        answer: Callable[[Sequence[str]], Json],
        *,
        shape: Shape = Shape.B64_LIST,
    ) -> Job:
        objection = form.objection()
        if objection:
            raise self._invalid(*objection)
        return Job(
            model=model,
            prompt=form.prompt,
            fields=sent,
            size=form.dimensions(references.size(pictures[0]) if pictures else None),
            format=form.encoding(),
            answer=answer,
            seed=form.chosen_seed(),
            count=form.how_many(),
            pictures=pictures,
            transparent=form.see_through(),
            inline=shape.inline,
            task=shape is Shape.TASK,
            lifetime=form.lifetime,
            folder=f"/{model}",
        )

    async def _references(self, form: Input) -> tuple[bytes, ...]:
        return tuple(
            [
                await references.picture(value, form.limits, partial(self._invalid, param=name))
                for name, value in form.sources()
            ]
        )

    def _openai_answer(self, model: str, form: Input, pictures: int) -> Callable[[Sequence[str]], Json]:
        def answer(entries: Sequence[str]) -> Json:
            used = openai_images.usage(form.prompt, pictures, len(entries)) if model == "gpt-image-1" else None
            return openai_images.answer(entries, created=int(self.clock()), usage=used)

        return answer

    async def _models(self, request: Request) -> Response:
        self._key(request)
        names = [*FAMILIES, *openai_images.GENERATIONS]
        data = [{"id": name, "object": "model", "owned_by": name.partition("/")[0]} for name in names]
        return JSONResponse({"object": "list", "data": data}, headers=self._answer_headers())

    def _key(self, request: Request) -> str:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            raise self._trouble(401, "No token provided")
        if key not in self.keys:
            raise self._trouble(401, "Invalid token")
        return key

    def _trouble(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        type: str = "invalid_request_error",  # noqa: A002  # the wire's word
    ) -> Refusal:
        text = f"{message} (tid: {uuid.uuid4().hex})"
        return Refusal(status, envelope(text, type=type, param=param, code=code))

    def _no_channel(self, model: str) -> Refusal:
        text = f"There is no available channel for model {model} under the current group"
        return self._trouble(503, text, param="model", type="new_api_error")

    def _no_route(self, request: Request) -> Refusal:
        return self._trouble(404, f"Invalid URL ({request.method} {request.url.path})")

    def _invalid(self, message: str, param: str, reason: str = "") -> Refusal:
        name = param.rpartition(".")[2]
        code = _CODES.get(name, "invalid_request")
        if name == "prompt" and reason in ("string_too_long", "too_long"):
            code = "prompt_too_long"
        return self._trouble(400, message, param=param, code=code)

    def _own_words(self, fault: Fault, model: str) -> Refusal:
        if fault is Fault.UNAUTHORIZED_401:
            return self._trouble(401, "Invalid token")
        if fault is Fault.NOT_FOUND_404:
            return self._trouble(404, f"The model {model} has been taken offline", param="model")
        return self._trouble(429, f"The {model} model Too many requests", type="rate_limit_error")

    def _answer_headers(self) -> dict[str, str]:
        return {"x-request-id": uuid.uuid4().hex}

    async def _refused(self, request: Request, error: Exception) -> Response:
        response = await super()._refused(request, error)
        response.headers.update(self._answer_headers())
        return response
