"""aihubmix: one endpoint for many models, at once or by task id, and OpenAI's endpoint beside it (gateways §4)."""

import asyncio
import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.errors import CallbackRefused, Charged, GatewayError, GatewayFailed, ModelGone, OrderInvalid, PromptRefused
from core.gateway import Call
from core.gateways import flux
from core.gateways.aihubmix_routes import ROUTES
from core.gateways.answers import finished, has_picture, text_of
from core.gateways.openai_wire import Sending
from core.gateways.signatures import signatures, signed
from core.transport import Api
from core.types import Failed, Outcome, Pending, Ticket

#: Questions that are out at once; aihubmix answers one task a request.
QUESTIONS = 10
#: Task ids as they come, such as ``api.us1.bfl.f9821dbf-…``; one that is no such word never becomes part of a path.
_TASK_ID = re.compile(r"(?!\.+$)[\w.:-]{1,200}")


class Aihubmix:
    """A gateway with questions. A row's ``route`` is one of ``aihubmix_routes.ROUTES``.

    A ticket's id is ``<task id>@<Unix time of acceptance>``: with the time, a later life of this process still knows
    whether an unknown task is too new to be known or gone.
    """

    name = "aihubmix"

    def __init__(
        self,
        api: Api,
        *,
        tasks: Api | None = None,
        timeout: float | None = None,
        hook: str | None = None,
        hook_secret: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``tasks``: the host for questions, where it is another. ``timeout`` in seconds overrides the models' own.
        ``hook`` is our address for call-backs, which are signed with ``hook_secret``; it is only told where the
        operator says that aihubmix passes it on (``webhook = true``), for its document does not name the field."""
        self._hook, self._hook_secret = hook, hook_secret
        self._api, self._tasks, self._timeout, self._clock = api, tasks or api, timeout, clock
        self._room = asyncio.Semaphore(QUESTIONS)

    async def start(self, call: Call, *, key: str) -> Outcome:
        """Order pictures. ``key`` is not used: aihubmix knows no idempotency key. Raises GatewayError."""
        model = call.model
        route = ROUTES.get(model.route)
        if route is None:
            raise OrderInvalid(detail=f"{model.name}: no route {model.route!r}; there are {', '.join(ROUTES)}")
        sending = self._with_hook(await route(call), call)
        answer, raw = await self._api.submit(
            sending.path, timeout=self._timeout or model.timeout, fields=sending.fields, files=sending.files
        )
        task = task_id(answer)
        if task is not None:
            ticket = Ticket(self.name, f"{task}@{int(self._clock())}", model.name)
            return Pending(ticket, flux.ASK_IN)
        return await finished(answer, raw=raw)

    def _with_hook(self, sending: Sending, call: Call) -> Sending:
        """BFL's two fields (gateways §5.1) inside ``input``, where they were asked for."""
        given = call.model.given.get(call.operation) if call.model.route == "kontext" else None
        inner = sending.fields.get("input")
        if (
            given is None
            or given.fields.get("webhook") is not True
            or self._hook is None
            or not isinstance(inner, dict)
        ):
            return sending
        told = {"webhook_url": self._hook, "webhook_secret": self._hook_secret}
        return replace(sending, fields={**sending.fields, "input": inner | told})

    def hear(self, headers: Mapping[str, str], body: bytes) -> Sequence[str]:
        """The task that a call-back names. Raises CallbackRefused, also for a signature that is not ours."""
        if signatures(headers) and not signed(headers, body, self._hook_secret):
            raise CallbackRefused("its signature is not made with our secret")
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            raise CallbackRefused("no JSON") from None
        found = [text_of(told.get(name)) for name in ("taskId", "task_id", "id")] if isinstance(told, dict) else []
        ids = [task for task in found if task is not None and _TASK_ID.fullmatch(task)]
        if not ids:
            raise CallbackRefused("no task's id in it")
        return ids

    async def ask(self, tickets: Sequence[Ticket]) -> Mapping[Ticket, Outcome]:
        """How far these are; each is answered for itself, so that one bad answer holds up no other."""
        outcomes = await asyncio.gather(*(self._ask(ticket) for ticket in tickets))
        return dict(zip(tickets, outcomes, strict=True))

    async def _ask(self, ticket: Ticket) -> Outcome:
        task, _, accepted = ticket.id.rpartition("@")
        age = self._clock() - int(accepted) if accepted.isdecimal() else math.inf
        try:
            async with self._room:
                # Never the answer's polling_url: it is BFL's own host, and our key is not for it.
                answer, raw = await self._tasks.ask(f"/v1/tasks/{task}")
        except PromptRefused as error:
            return Failed(error)
        except ModelGone as error:
            return Failed(flux.lost(age=age, raw=error.detail))
        except GatewayError as error:
            # The order is out there, whatever happened to the question: it is asked again.
            again = GatewayFailed(detail=str(error), charged=Charged.NO, retry_after=error.retry_after)
            return Failed(again)
        return flux.task_outcome(answer, ticket, age=age, raw=raw)

    async def check(self) -> str:
        """For ``imagine doctor``. Raises GatewayError."""
        return await self._api.key_works()

    async def close(self) -> None:
        await asyncio.gather(self._api.close(), self._tasks.close())


def task_id(answer: Mapping[str, Any]) -> str | None:
    """``output[0].taskId`` (older: ``id``, unless there is a picture beside it), a word that may stand in a path."""
    output = answer.get("output")
    first = output[0] if isinstance(output, list) and output else output
    if not isinstance(first, dict):
        return None
    found = text_of(first.get("taskId")) or (None if has_picture(output) else text_of(first.get("id")))
    return found if found is not None and _TASK_ID.fullmatch(found) else None
