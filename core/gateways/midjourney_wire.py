"""midjourney-proxy's wire, for every gateway that speaks it (gateways §5.2, §5.3, §8).

A submit is answered with a task id, under HTTP 200 for refusals too; tasks are asked about twenty at a time. A button
is pressed with ``action``; some open a window, which is filled in with ``modal`` at once.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from core.errors import Charged, GatewayError, GatewayFailed, ModelGone, OrderInvalid
from core.gateway import Call
from core.gateways import midjourney_answers as answers
from core.gateways import midjourney_forms as forms
from core.gateways.midjourney_buttons import change_of
from core.masking import Masker
from core.transport import Api
from core.types import Failed, Finished, Follow, Operation, Outcome, Pending, Ticket

TASKS = "/mj/task/list-by-condition"
#: Task ids of one question: what its relatives take (aihuihua's task list).
BATCH = 20
#: Characters of a task that are kept where its shape is not documented.
ANSWER = 4000


class MidjourneyWire:
    """The calls. A row's ``wire`` is the ``botType``, its ``fields.speed`` the path's ``/mj-fast``, ``-relax``…"""

    def __init__(
        self,
        api: Api,
        *,
        gateway: str,
        timeout: float | None = None,
        hook: str | None = None,
        ask_in: float = answers.ASK_IN,
        animates: bool = True,
        masker: Masker | None = None,
        keep: bool = False,
    ) -> None:
        """``gateway``: the name in the tickets. ``timeout`` in seconds overrides the models' own. ``hook``: our address
        for call-backs. ``ask_in``: seconds between two questions about a task. ``animates``: whether the buttons that
        make films work. ``masker``: for what is told of tasks. ``keep``: whether they are kept as they came."""
        self._api, self._gateway, self._timeout, self._hook = api, gateway, timeout, hook
        self._ask_in, self._animates = ask_in, animates
        self._masker, self._keep = masker or Masker(), keep

    async def start(self, call: Call) -> Outcome:
        """Order what ``call.operation`` makes. Raises GatewayError."""
        answer, raw = await self._submit(call, await forms.form_of(call))
        return self._pending(call, answers.accepted(answer, raw=raw))

    async def act(self, follow: Follow, call: Call) -> Outcome:
        """Press a button of a finished task; where that opens a window, fill it in. Raises GatewayError."""
        change = change_of(follow.token)
        step = {"customId": follow.token} if change is None else change
        path = forms.path_of(call.model, forms.ACTION if change is None else forms.CHANGE)
        answer, raw = await self._step(call, forms.Form(path, {"taskId": follow.ticket.id, **step}))
        task = answers.accepted(answer, raw=raw)
        # Making a part anew always goes through a window, whatever the answer calls it.
        if call.operation is Operation.INPAINT or answers.opens_window(answer):
            window = await forms.window_of(call, task, shown=answers.window_prompt(answer))
            try:
                answer, raw = await self._step(call, window)
                task = answers.accepted(answer, raw=raw)
            except GatewayError as error:
                # The window is open: the button is not pressed again, for that would open another.
                raise error.with_charged(Charged.UNKNOWN) from error.__cause__
        return self._pending(call, task)

    async def ask(self, tickets: Sequence[Ticket]) -> Mapping[Ticket, Outcome]:
        """How far these are. A batch that cannot be asked about holds up no other; what the proxy does not name is
        left out."""
        batches = [tickets[start : start + BATCH] for start in range(0, len(tickets), BATCH)]
        found = await asyncio.gather(*(self._ask(batch) for batch in batches))
        return {ticket: outcome for answer in found for ticket, outcome in answer.items()}

    async def seed(self, ticket: Ticket) -> int | None:
        """The seed of a finished task, where the proxy can find it out. Raises GatewayError."""
        answer, _ = await self._api.ask(f"/mj/task/{quote(ticket.id, safe='')}/image-seed")
        return answers.seed_in(answer.get("result"))

    async def check(self) -> str:
        """For ``imagine doctor``: ask about no task at all, which costs nothing. Raises GatewayError."""
        answer, raw = await self._api.inquire(TASKS, fields={"ids": []})
        answers.listed(answer, raw=raw)
        return "answers, takes the secret"

    def _pending(self, call: Call, task: str) -> Pending:
        return Pending(Ticket(self._gateway, task, call.model.name), self._ask_in, together=True)

    async def _submit(self, call: Call, form: forms.Form) -> tuple[dict[str, object], str]:
        fields = form.fields | ({"notifyHook": self._hook} if self._hook else {})
        return await self._api.submit(form.path, timeout=self._timeout or call.model.timeout, fields=fields)

    async def _step(self, call: Call, form: forms.Form) -> tuple[dict[str, object], str]:
        try:
            return await self._submit(call, form)
        except ModelGone as error:
            # MJT's 404 is about the task that the button belongs to: it has been forgotten.
            raise OrderInvalid(detail=error.detail) from error

    async def _ask(self, tickets: Sequence[Ticket]) -> dict[Ticket, Outcome]:
        by_id = {ticket.id: ticket for ticket in tickets}
        try:
            answer, raw = await self._api.inquire(TASKS, fields={"ids": list(by_id)})
            tasks = answers.listed(answer, raw=raw)
        except GatewayError as error:
            # The orders are out there, whatever happened to the question: they are asked about again.
            again = GatewayFailed(detail=str(error), charged=Charged.NO, retry_after=error.retry_after)
            return dict.fromkeys(tickets, Failed(again))
        named = ((answers.task_id(task.get("id")), task) for task in tasks)
        return {by_id[name]: self._outcome(task, by_id[name]) for name, task in named if name in by_id}

    def _outcome(self, task: Mapping[str, object], ticket: Ticket) -> Outcome:
        outcome = answers.task_outcome(task, ticket, ask_in=self._ask_in)
        if isinstance(outcome, Failed):
            # A task says whatever it likes, its own call-back address and the key included.
            outcome.error.detail = self._masker.mask(outcome.error.detail)
        if not isinstance(outcome, Finished):
            return outcome
        if not self._animates:
            still = tuple(offer for offer in outcome.offers if offer.operation is not Operation.ANIMATE)
            outcome = replace(outcome, offers=still)
        if self._keep:
            outcome = replace(outcome, answer=self._masker.mask(json.dumps(task, ensure_ascii=False))[:ANSWER])
        return outcome
