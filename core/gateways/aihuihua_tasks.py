"""aihuihua's tasks, read with tolerance: what one looks like is not published (gateways §1.3, 16 and 17; §1.4).

Known is that a task has ``id``, ``status``, ``action`` and ``cost``, may have ``Buttons``, and that its codes and its
buttons are midjourney-proxy's. So that family's names are expected, in any spelling and wrapping. The guesses are in
this file and in ``aihuihua_buttons``; the raw task goes along with what is made of it. Pure.
"""

import json
import math
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from core.errors import AnswerUnreadable, Charged
from core.gateways import midjourney_texts
from core.gateways.aihuihua_buttons import below_a_grid, offers
from core.gateways.aihuihua_codes import code_of, failure, id_of, plain, refused
from core.gateways.answers import text_of
from core.pictures import QUARTERS
from core.types import Failed, Finished, Outcome, Pending, RemotePicture, Ticket

_ENDED_WELL = frozenset(
    {"SUCCESS", "SUCCEEDED", "SUCCEED", "FINISHED", "FINISH", "COMPLETED", "COMPLETE", "DONE", "成功", "完成", "已完成"}
)
_ENDED_BADLY = frozenset(
    {"FAILURE", "FAILED", "FAIL", "ERROR", "CANCEL", "CANCELLED", "CANCELED", "TIMEOUT", "失败", "已失败", "已取消"}
)
#: A window that is open (MODAL) is filled in by us at once: the task only says so late.
_UNFINISHED = frozenset(
    {"", "NOT_START", "SUBMITTED", "QUEUED", "PENDING", "WAITING", "IN_PROGRESS", "PROCESSING", "RUNNING", "MODAL"}
    | {"QUEUE", "IN_QUEUE", "GENERATING", "DRAWING", "STARTED", "排队中", "进行中", "处理中", "生成中", "绘制中"}
)
#: Where a list or a task may be wrapped, and how deep.
_ENVELOPES, _DEEPEST = ("result", "data", "list", "tasks", "task", "rows", "records"), 4
#: Where a result's address may be. ``imgUrl`` comes last: requests have a field of that name, and a task may repeat it.
_LINKS = (
    *("videourl", "videourls", "video", "videos", "imageurls", "imageurl", "images", "urls", "url"),
    *("resulturls", "resulturl", "outputurl", "outputs", "output", "results", "result", "data", "imgurls", "imgurl"),
)
#: Where describe's prompts may be. ``description`` says "success" in other answers: it counts with several lines only.
_TEXTS = ("prompts", "prompt", "texts", "text", "result", "content", "prompten", "finalprompt", "data", "description")
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%?", re.ASCII)


class Kind(StrEnum):
    """What a task was ordered to make: it stands behind the task's id in our tickets, for a later life to know."""

    PICTURES = ""  #: as the task itself shows
    GRID = "grid"  #: four in one, by the documents
    REGION = "region"  #: a picture, of which an area can be made anew
    WORDS = "words"


def ticket_id(task: str, kind: Kind) -> str:
    return f"{task}@{kind}" if kind else task


def task_of(ticket: str) -> tuple[str, Kind]:
    """The task's own id, and what it makes."""
    task, _, kind = ticket.partition("@")
    return task, Kind(kind) if kind in set(Kind) else Kind.PICTURES


def listed(answer: object, *, raw: str) -> list[Mapping[str, Any]]:
    """The tasks of an answer: bare, or wrapped in whatever way. Raises GatewayError, without a charge."""
    found = _tasks(answer, _DEEPEST)
    if found is not None:
        return found
    told = plain(answer) if isinstance(answer, dict) else {}
    code = code_of(told.get("code"))
    if code in (0, 1, 200):
        return []
    raise refused(code, told, raw).with_charged(Charged.NO)


def heard(body: bytes) -> list[str]:
    """The ids of the tasks a call-back is about; of its fields, only the id is expected."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return []
    found = _tasks(told, _DEEPEST) or ([told] if isinstance(told, dict) else [])
    return list(dict.fromkeys(task for task in map(named, found) if task is not None))


def named(task: Mapping[str, Any]) -> str | None:
    """A task's own id, as text or number."""
    told = plain(task)
    return id_of(told.get("id")) or id_of(told.get("taskid"))


def outcome(task: Mapping[str, Any], ticket: Ticket, *, ask_in: float, raw: str, ours: str = "") -> Outcome:
    """What a task's state means. An address before its end is a preview, and never the result.

    ``ours``: how our own links begin; they are inputs, wherever they stand. An unknown state with a result is a
    success; without one it counts as pending, and the model's deadline ends the wait.
    """
    told = plain(task)
    status = _status(told.get("status"))
    if status in _ENDED_BADLY:
        return Failed(failure(told, raw))
    share = progress(told.get("progress"))
    if status not in _UNFINISHED and (status in _ENDED_WELL or share in (None, 1.0)):
        made = _made(told, task_of(ticket.id)[1], ours=ours, raw=raw)
        if made is not None:
            return made
        if status in _ENDED_WELL:
            return Failed(AnswerUnreadable(detail=raw))
    return Pending(ticket, ask_in, share, together=True, answer=raw)


def progress(value: object) -> float | None:
    """0.0-1.0 from ``"50%"``, ``50`` or ``0.5``; None for anything else."""
    found = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        return min(float(found[1]) / 100, 1.0)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        return None
    return value if isinstance(value, float) and value < 1 else min(value, 100) / 100


def _made(told: Mapping[str, Any], kind: Kind, *, ours: str, raw: str) -> Finished | None:
    """None where there is no result."""
    if kind is Kind.WORDS:
        texts = _prompts(told)
        return Finished(texts=texts, answer=raw) if texts else None
    places = [links for links in (_links(told.get(name), ours, _DEEPEST) for name in _LINKS) if links]
    if not places:
        return None
    buttons = told.get("buttons")
    is_grid = kind is Kind.GRID or below_a_grid(buttons)
    links = places[0]
    if is_grid:
        cut = next((links for links in places if len(links) == len(QUARTERS)), None)
        links = cut or [f"{links[0]}#{quarter}" for quarter in QUARTERS]
    steps = offers(buttons, grid=is_grid, region=kind is Kind.REGION)
    return Finished(tuple(RemotePicture(link) for link in links), offers=steps, answer=raw)


def _links(value: object, ours: str, deepest: int) -> list[str]:
    """The addresses in a field: one, several, or inside objects."""
    if isinstance(value, str):
        link = value.strip().partition("#")[0]
        is_link = link.startswith(("http://", "https://")) and not (ours and link.startswith(ours))
        return [link] if is_link else []
    if deepest and isinstance(value, list):
        return list(dict.fromkeys(link for item in value for link in _links(item, ours, deepest - 1)))
    if deepest and isinstance(value, dict):
        told = plain(value)
        found = (_links(told.get(name), ours, deepest - 1) for name in _LINKS)
        return next((links for links in found if links), [])
    return []


def _prompts(told: Mapping[str, Any]) -> tuple[str, ...]:
    """Describe's prompts, a line each, from whichever field has most of them."""
    inner = told.get("properties")  # where the family keeps them (gateways §5.2)
    places = [plain(inner), told] if isinstance(inner, dict) else [told]
    found = {(place, name): _lines(each.get(name)) for place, each in enumerate(places) for name in _TEXTS}
    told_by_one = [key for key, lines in found.items() if key[1] == "description" and len(lines) < 2]
    # Of as many lines, those of the first place.
    return max((lines for key, lines in found.items() if key not in told_by_one), key=len)


def _lines(value: object) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else [value]
    texts = (text for part in parts if (text := text_of(part)) is not None)
    lines = (line for text in texts for line in midjourney_texts.split(text))
    # A task may repeat the address it was given: that is no prompt, and may be a link of ours.
    return tuple(line for line in lines if not line.startswith(("http://", "https://")))


def _tasks(value: object, deepest: int) -> list[Mapping[str, Any]] | None:
    """The tasks inside; None where there is no place for any."""
    if not deepest:
        return None
    if isinstance(value, list):
        return [task for item in value for task in _tasks(item, deepest - 1) or ()]
    if not isinstance(value, dict):
        return None
    told = plain(value)
    wrapped = [tasks for name in _ENVELOPES if (tasks := _tasks(told.get(name), deepest - 1)) is not None]
    inner = next((tasks for tasks in wrapped if tasks), None)
    if inner is None and "status" in told and named(value) is not None:
        return [value]
    return inner or (wrapped[0] if wrapped else None)


def _status(value: object) -> str:
    """In capitals, its words joined by underscores."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return "_".join(re.split(r"[\s_-]+", (text_of(value) or "").strip().upper()))
