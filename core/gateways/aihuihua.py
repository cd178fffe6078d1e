"""aihuihua's "AI绘画API": FLUX, Midjourney, Nano Banana and tools, every one a task (gateways §1).

It fetches pictures itself, so they go out as public links. Its documents want a call-back for every task and forbid
asking often: with a call-back address a task is asked about after five minutes of silence, else every quarter of a
minute, up to twenty tasks in one question. A task may make one picture of two by two, which is handed on as four links.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.errors import (
    CallbackRefused,
    Charged,
    GatewayBusy,
    GatewayError,
    GatewayFailed,
    ImageTooLarge,
    ImageUnreadable,
    OrderInvalid,
    PictureBroken,
    StoreDown,
)
from core.gateway import Call
from core.gateways import aihuihua_routes as routes
from core.gateways.aihuihua_codes import accepted
from core.gateways.aihuihua_tasks import heard, listed, named, outcome, task_of, ticket_id
from core.gateways.inputs import fitted
from core.links import Publisher
from core.masking import MASK, Masker
from core.transport import Api
from core.types import Failed, Follow, Operation, Outcome, Pending, Ticket

#: Task ids of one question (page of the list query).
BATCH = 20
#: Seconds without a call-back after which a task may be asked about (page of the single query), and between questions
#: from then on.
SILENCE, AFTER_SILENCE = 300.0, 60.0
#: Seconds between questions where there is no address for call-backs. Pictures take about a minute.
ASK_IN = 15.0
#: Characters of a raw task that are kept.
ANSWER_LIMIT = 4000


class Aihuihua:
    """A gateway with questions, call-backs and next steps. A row's ``route`` is one of ``aihuihua_routes.ROUTES``.

    A ticket's id is the task's, with an ``@`` and what it makes behind it where the task itself may not tell.
    """

    name = "aihuihua"

    def __init__(
        self,
        api: Api,
        *,
        masker: Masker,
        hook: str | None = None,
        publisher: Publisher | None = None,
        timeout: float | None = None,
    ) -> None:
        """``hook``: where it calls back. ``publisher``: without one no pictures can go out. ``timeout`` in seconds
        overrides the models' own."""
        self._api, self._masker, self._hook = api, masker, hook
        self._publisher, self._timeout = publisher, timeout
        self._ours = f"{publisher.links.public}/" if publisher is not None else ""
        ours = [_pattern(address) for address in (self._ours, hook) if address]
        self._addresses = re.compile("|".join(ours)) if ours else None
        self._pace = AFTER_SILENCE if hook else ASK_IN

    async def start(self, call: Call, *, key: str) -> Outcome:
        """Order a task. ``key`` is not used: the wire knows no idempotency key. Raises GatewayError."""
        return await self._submit(routes.sending(call, await self._links(call)), call)

    async def act(self, follow: Follow, call: Call, *, key: str) -> Outcome:
        """Press a button; for an area to be made anew, also fill in the window that it opens. Raises GatewayError."""
        parent, kind = task_of(follow.ticket.id)
        step = routes.step(call, parent, follow.token, parent=kind)
        if call.operation is not Operation.INPAINT:
            return await self._submit(step, call)
        repaint = await routes.repaint(call)  # first: what cannot be sent opens no window
        window = await self._accepted(step, call)
        try:
            return await self._submit(replace(repaint, fields={**repaint.fields, "taskId": window}), call)
        except GatewayError as error:
            # The window is open: the button is not pressed again, for that would open another.
            raise error.with_charged(Charged.UNKNOWN) from error.__cause__

    async def ask(self, tickets: Sequence[Ticket]) -> Mapping[Ticket, Outcome]:
        """How far these are. A batch that cannot be asked about holds up no other."""
        batches = [tickets[start : start + BATCH] for start in range(0, len(tickets), BATCH)]
        answers = await asyncio.gather(*(self._ask(batch) for batch in batches))
        return {ticket: found for answer in answers for ticket, found in answer.items()}

    def hear(self, headers: Mapping[str, str], body: bytes) -> Sequence[str]:
        """The task that a call-back names; it is not signed, and nothing else in it is believed."""
        tasks = heard(body)
        if not tasks:
            raise CallbackRefused("no task's id in it")
        return tasks[:BATCH]

    async def check(self) -> str:
        """For ``imagine doctor``: ask about no task at all, which costs nothing. Raises GatewayError."""
        answer, raw = await self._api.inquire(routes.TASKS, fields={"ids": []})
        listed(answer, raw=raw)
        return "answers, takes the key"

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def _submit(self, sending: routes.Sending, call: Call) -> Outcome:
        task = await self._accepted(sending, call)
        ticket = Ticket(self.name, ticket_id(task, sending.kind), call.model.name)
        return Pending(ticket, SILENCE) if self._hook else Pending(ticket, ASK_IN, together=True)

    async def _accepted(self, sending: routes.Sending, call: Call) -> str:
        fields = {**sending.fields, **({"notifyHook": self._hook} if self._hook else {})}
        timeout = self._timeout or call.model.timeout
        try:
            answer, raw = await self._api.submit(sending.path, timeout=timeout, fields=fields)
            return accepted(answer, raw=raw)
        except GatewayError as error:
            error.detail = self._private(error.detail)
            raise

    async def _links(self, call: Call) -> list[str]:
        """Where its pictures are, made to fit first. Raises GatewayError (nothing was charged)."""
        if not call.images:
            return []
        if self._publisher is None:
            raise OrderInvalid(detail=f"{call.model.name}: PUBLIC_URL is not set, and pictures go out as links only")
        try:
            pictures = await fitted(call)
            return [await self._publisher.publish(picture.data) for picture in pictures]
        except (ImageUnreadable, ImageTooLarge) as error:
            raise PictureBroken(detail=f"input: {error}", charged=Charged.NO) from error
        except StoreDown as error:
            # Our own store: nothing has left, and it may be back in a moment.
            raise GatewayBusy(detail=str(error)) from error

    async def _ask(self, tickets: Sequence[Ticket]) -> dict[Ticket, Outcome]:
        by_task = {task_of(ticket.id)[0]: ticket for ticket in tickets}
        try:
            answer, raw = await self._api.inquire(routes.TASKS, fields={"ids": list(by_task)})
            tasks = listed(answer, raw=raw)
        except GatewayError as error:
            # The orders are out there, whatever happened to the question: they are asked about again, not too soon.
            return {ticket: self._again(self._private(str(error)), error.retry_after) for ticket in tickets}
        found: dict[Ticket, Outcome] = {ticket: self._again("the answer left it out") for ticket in tickets}
        for task in tasks:
            ticket = by_task.get(named(task) or "")
            if ticket is not None:
                found[ticket] = outcome(task, ticket, ask_in=self._pace, raw=self._told(task), ours=self._ours)
        return found

    def _again(self, detail: str, retry_after: float | None = None) -> Failed:
        wait = max(self._pace, retry_after or 0.0)
        return Failed(GatewayFailed(detail=detail, charged=Charged.NO, retry_after=wait))

    def _told(self, task: Mapping[str, object]) -> str:
        """The raw task, for those who will learn its shape from it."""
        return self._private(self._masker.mask(json.dumps(task, ensure_ascii=False)))[:ANSWER_LIMIT]

    def _private(self, text: str) -> str:
        """Without our own addresses, which an answer may repeat: to know them is to be let in."""
        return self._addresses.sub(MASK, text) if self._addresses is not None else text


def _pattern(address: str) -> str:
    """Everything that begins with it, in JSON whose slashes may be escaped, as PHP does it."""
    return re.escape(address).replace("/", r"\\?/") + r"(?:[^\s\"'\\]|\\/)*"
