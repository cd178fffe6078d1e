"""midjourney-proxy: Midjourney behind an operator's own proxy, or behind a gateway that speaks its wire (gateways §5.2,
§5.3, §8).

A submit is answered with a task id, under HTTP 200 for refusals too; tasks are asked about twenty at a time. One task
makes one 2x2 grid, which is handed on as four links to one picture, each naming its quarter.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.errors import (
    AnswerUnreadable,
    BalanceEmpty,
    Charged,
    GatewayBusy,
    GatewayDown,
    GatewayError,
    GatewayFailed,
    GatewayGaveUp,
    OrderInvalid,
    PromptRefused,
)
from core.gateway import Call
from core.gateways.answers import text_of, whole
from core.gateways.inputs import data_urls
from core.pictures import QUARTERS
from core.refusals import is_balance, is_moderation, said_in
from core.transport import Api
from core.types import Failed, Finished, Outcome, Pending, RemotePicture, Ticket

IMAGINE, TASKS = "/mj/submit/imagine", "/mj/task/list-by-condition"
#: The header of the proxy's own secret; gateways in front of it take the Bearer's key there too (new-api).
SECRET_HEADER = "mj-api-secret"  # noqa: S105 - a header's name
#: Task ids of one question: what its relatives take (aihuihua's task list).
BATCH = 20
#: Seconds until a task is asked about (again); a picture takes about a minute.
ASK_IN = 5.0
#: Seconds between new-api's own looks at its tasks: asking more often is answered from what it saw last.
REFRESH = 15.0
#: Characters of a task id: a time in milliseconds and three digits, or ``task_`` and a word.
_ID_LIMIT = 200

_ENDED_WELL = frozenset({"SUCCESS", "SUCCEEDED", "FINISHED", "COMPLETED"})
_ENDED_BADLY = frozenset({"FAILURE", "FAILED", "ERROR", "CANCEL", "CANCELLED", "CANCELED", "TIMEOUT"})
#: What proxies and Midjourney itself call a prompt or a picture they will not make.
_BANNED = re.compile(r"banned|moderator|moderation|community (standards|guidelines)")
_PERCENT = re.compile(r"(\d{1,3})(\.\d+)?\s*%?")


class MidjourneyProxy:
    """A gateway with questions. A row's ``wire`` is the proxy's ``botType``."""

    name = "midjourney_proxy"

    def __init__(self, api: Api, *, timeout: float | None = None) -> None:
        """``timeout`` in seconds overrides the models' own."""
        self._api, self._timeout = api, timeout

    async def start(self, call: Call, *, key: str) -> Outcome:
        """Order one grid. ``key`` is not used: the wire knows no idempotency key. Raises GatewayError."""
        model = call.model
        fields: dict[str, object] = {**model.fields, "botType": model.wire, "prompt": prompt_of(call)}
        pictures = await data_urls(call)
        if pictures:
            fields["base64Array"] = pictures
        answer, raw = await self._api.submit(IMAGINE, timeout=self._timeout or model.timeout, fields=fields)
        return Pending(Ticket(self.name, accepted(answer, raw=raw), model.name), ASK_IN)

    async def ask(self, tickets: Sequence[Ticket]) -> Mapping[Ticket, Outcome]:
        """How far these are. A batch that cannot be asked about holds up no other; what the proxy does not name is
        left out."""
        batches = [tickets[start : start + BATCH] for start in range(0, len(tickets), BATCH)]
        answers = await asyncio.gather(*(self._ask(batch) for batch in batches))
        return {ticket: outcome for answer in answers for ticket, outcome in answer.items()}

    async def _ask(self, tickets: Sequence[Ticket]) -> dict[Ticket, Outcome]:
        by_id = {ticket.id: ticket for ticket in tickets}
        try:
            answer, raw = await self._api.inquire(TASKS, fields={"ids": list(by_id)})
            tasks = _listed(answer, raw=raw)
        except GatewayError as error:
            # The orders are out there, whatever happened to the question: they are asked about again.
            again = GatewayFailed(detail=str(error), charged=Charged.NO, retry_after=error.retry_after)
            return dict.fromkeys(tickets, Failed(again))
        named = ((task_id(task.get("id")), task) for task in tasks)
        return {by_id[name]: task_outcome(task, by_id[name]) for name, task in named if name in by_id}

    async def check(self) -> str:
        """For ``imagine doctor``: ask about no task at all, which costs nothing. Raises GatewayError."""
        answer, raw = await self._api.inquire(TASKS, fields={"ids": []})
        _listed(answer, raw=raw)
        return "answers, takes the secret"

    async def close(self) -> None:
        await self._api.close()


def prompt_of(call: Call) -> str:
    """The prompt with Midjourney's parameters behind it: everything that is chosen goes inside the text."""
    parts = [" ".join(call.prompt.split())]
    if call.negative:
        parts.append(f"--no {' '.join(call.negative.split())}")
    if call.ratio is not None:
        parts.append(f"--ar {call.ratio}")
    if call.seed is not None:
        parts.append(f"--seed {call.seed}")
    return " ".join(parts)


def task_id(value: object) -> str | None:
    """An id as text, whether it came as text or as a number. A float has lost digits already, and is none."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else text_of(value)
    return text.strip() if text is not None and len(text) <= _ID_LIMIT else None


def accepted(answer: Mapping[str, Any], *, raw: str) -> str:
    """The task id of an accepted submit. Raises the GatewayError that any other code stands for.

    1 accepted, 22 queued, 21 "there already" (the id names the task then); new-api writes 1 for all three.
    """
    words = said_in(answer)
    match _code(answer.get("code")):
        case 1 | 21 | 22:
            found = task_id(answer.get("result"))
            if found is None:
                raise AnswerUnreadable(detail=raw)
            return found
        case 23 | 30:  # the queue is full, though 23 may carry an id; 30: new-api's channels are
            raise GatewayBusy(detail=raw)
        case 24:
            raise PromptRefused(detail=raw)
        case 3:  # no Discord account is at hand
            raise GatewayDown(detail=raw)
        case code:
            if is_moderation(words) or _BANNED.search(words.text):
                raise PromptRefused(detail=raw)
            if is_balance(words):
                raise BalanceEmpty(detail=raw)
            if code == 4:
                raise OrderInvalid(detail=raw)
            raise AnswerUnreadable(detail=raw) if code is None else GatewayFailed(detail=raw)


def task_outcome(task: Mapping[str, Any], ticket: Ticket) -> Outcome:
    """What a task's state means. A picture before SUCCESS is a preview, and never the result.

    An unknown state counts as pending, and the model's deadline ends the wait; new-api's first one is ``""``.
    """
    status = re.sub(r"[\s_-]+", "_", (text_of(task.get("status")) or "").strip().upper())
    if status in _ENDED_WELL:
        return _made(task)
    if status in _ENDED_BADLY:
        words = said_in(task)
        refused = is_moderation(words) or _BANNED.search(words.text)
        # new-api gives the money back; a proxy of one's own takes none.
        kind = PromptRefused if refused else GatewayGaveUp
        return Failed(kind(detail=_told(task), charged=Charged.NO))
    if status == "MODAL":
        # It waits for a window to be filled in, which an imagine never opens by itself.
        return Failed(GatewayGaveUp(detail=_told(task), charged=Charged.NO))
    return Pending(ticket, ASK_IN if status else REFRESH, progress(task.get("progress")))


def progress(value: object) -> float | None:
    """0.0-1.0 from ``"50%"``; None for ``""`` and whatever else there is."""
    found = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    return min(float(found[1] + (found[2] or "")) / 100, 1.0) if found else None


def _made(task: Mapping[str, Any]) -> Outcome:
    """Four pictures: the grid's quarters, or what a proxy has cut itself (``imageUrls``)."""
    grid = _link(task.get("imageUrl"))
    cut = list(dict.fromkeys(_links(task.get("imageUrls"))))
    if len(cut) == len(QUARTERS) and grid not in cut:
        links = cut
    elif grid is not None:
        links = [f"{grid}#{quarter}" for quarter in QUARTERS]
    else:
        return Failed(AnswerUnreadable(detail=_told(task)))
    return Finished(tuple(RemotePicture(link) for link in links), seed=whole(task.get("seed")))


def _links(value: object) -> Iterator[str]:
    for item in value if isinstance(value, list) else ():
        link = _link(item.get("url")) if isinstance(item, dict) else None
        if link is not None:
            yield link


def _link(value: object) -> str | None:
    text = text_of(value)
    return text.partition("#")[0] if text is not None and text.startswith(("http://", "https://")) else None


def _listed(answer: object, *, raw: str) -> list[Mapping[str, Any]]:
    """The tasks of an answer. Raises AnswerUnreadable when it is no list."""
    if not isinstance(answer, list):
        raise AnswerUnreadable(detail=raw, charged=Charged.NO)
    return [task for task in answer if isinstance(task, dict)]


def _code(value: object) -> int | None:
    """A code, which some write as text."""
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,4}\s*", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _told(task: Mapping[str, Any]) -> str:
    """What is worth keeping of a task that came to nothing."""
    return str({name: task.get(name) for name in ("id", "status", "failReason", "description", "imageUrl")})
