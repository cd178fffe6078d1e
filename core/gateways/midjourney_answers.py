"""What midjourney-proxy says: codes of a submit, states of a task, what it has made (gateways §5.2, §5.3). Pure.

========================================  ===================================================================
``imageUrl`` of a grid                    four pictures in one: a link for each quarter
``imageUrls[].url``                       the same four, where a proxy has cut them itself
``imageUrl`` below which no U1-U4 stand   one picture: an enlargement, a swapped face
``videoUrl``, ``videoUrls[].url``         a film, or several
``properties.finalPrompt``                the numbered texts of describe and shorten
========================================  ===================================================================
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from core.errors import (
    AnswerUnreadable,
    BalanceEmpty,
    CallbackRefused,
    Charged,
    GatewayBusy,
    GatewayDown,
    GatewayFailed,
    GatewayGaveUp,
    OrderInvalid,
    PromptRefused,
)
from core.gateways.answers import text_of, whole
from core.gateways.midjourney_buttons import changes, has_buttons, is_below_a_grid, offers_of
from core.gateways.midjourney_texts import texts_of
from core.pictures import QUARTERS
from core.refusals import is_balance, is_moderation, said_in
from core.types import Failed, Finished, Offer, Outcome, Pending, RemotePicture, Ticket

#: Seconds until a task is asked about (again); a picture takes about a minute.
ASK_IN = 5.0
#: Seconds between new-api's own looks at its tasks: asking more often is answered from what it saw last.
REFRESH = 15.0
#: Characters of a task id: a time in milliseconds and three digits, or ``task_`` and a word.
_ID_LIMIT = 200

_ENDED_WELL = frozenset({"SUCCESS", "SUCCEEDED", "FINISHED", "COMPLETED"})
_ENDED_BADLY = frozenset({"FAILURE", "FAILED", "ERROR", "CANCEL", "CANCELLED", "CANCELED", "TIMEOUT"})
#: Actions whose results are words, and those whose result is one picture or film. ACTION is what MJT calls whatever
#: has no name of its own: its buttons tell, and without any it is better not to cut.
_TELLING = frozenset({"DESCRIBE", "SHORTEN"})
_SINGLE = frozenset({"UPSCALE", "SWAP_FACE", "SWAP_VIDEO_FACE", "VIDEO", "VIDEO_EXTEND", "ACTION"})
#: What proxies and Midjourney itself call a prompt or a picture they will not make.
_BANNED = re.compile(r"banned|moderator|moderation|community (standards|guidelines)")
#: What they say where the result that a step belongs to is forgotten.
_FORGOTTEN = re.compile(r"任务不存在|task[ _]not?[ _](found|exist)")
#: How a window that waits to be filled in is called, in the answer to a pressed button.
_WINDOW = re.compile(r"window|modal|弹窗|窗口")
_PERCENT = re.compile(r"(\d{1,3})(\.\d+)?\s*%?")


def task_id(value: object) -> str | None:
    """An id as text, whether it came as text or as a number. A float has lost digits already, and is none; so is what
    could not be sent again."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else text_of(value)
    return text.strip() if text is not None and len(text) <= _ID_LIMIT and text.strip().isprintable() else None


def accepted(answer: Mapping[str, Any], *, raw: str) -> str:
    """The task id of an accepted submit. Raises the GatewayError that any other code stands for.

    1 accepted, 22 queued, 21 "there already" or "a window waits" (the id names the task then, see
    :func:`opens_window`); new-api writes 1 for all three.
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
        case 3:  # the task of a step is forgotten, or no Discord account is at hand
            raise OrderInvalid(detail=raw) if _FORGOTTEN.search(words.text) else GatewayDown(detail=raw)
        case code:
            if is_moderation(words) or _BANNED.search(words.text):
                raise PromptRefused(detail=raw)
            if is_balance(words):
                raise BalanceEmpty(detail=raw)
            if code == 4:
                raise OrderInvalid(detail=raw)
            raise AnswerUnreadable(detail=raw) if code is None else GatewayFailed(detail=raw)


def opens_window(answer: Mapping[str, Any]) -> bool:
    """Whether an accepted button waits for a window to be filled in before anything is made.

    Code 21 says this as well as "it was done before"; then the answer names the earlier result. The words tell, since
    new-api leaves them as they are and makes the code 1.
    """
    properties = answer.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    if text_of(properties.get("imageUrl")) or text_of(properties.get("status")):
        return False
    return properties.get("remix") is True or _WINDOW.search(str(answer.get("description")).lower()) is not None


def window_prompt(answer: Mapping[str, Any]) -> str | None:
    """The words that such a window shows: what the earlier result was made from, parameters and all."""
    properties = answer.get("properties")
    return text_of(properties.get("finalPrompt")) if isinstance(properties, dict) else None


def task_outcome(task: Mapping[str, Any], ticket: Ticket, *, ask_in: float = ASK_IN) -> Outcome:
    """What a task's state means. A picture before SUCCESS is a preview, and never the result.

    An unknown state counts as pending, and the model's deadline ends the wait; new-api's first one is ``""``. MODAL is
    pending too: windows are filled in as they open, and new-api sees that a quarter of a minute later.
    """
    status = _name(task.get("status"))
    if status in _ENDED_WELL:
        return _made(task)
    if status in _ENDED_BADLY:
        words = said_in(task)
        refused = is_moderation(words) or _BANNED.search(words.text)
        # new-api gives the money back; a proxy of one's own takes none.
        kind = PromptRefused if refused else GatewayGaveUp
        return Failed(kind(detail=_told(task), charged=Charged.NO))
    wait = ask_in if status else max(ask_in, REFRESH)
    return Pending(ticket, wait, progress(task.get("progress")), together=True)


def progress(value: object) -> float | None:
    """0.0-1.0 from ``"50%"``; None for ``""`` and whatever else there is."""
    found = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    return min(float(found[1] + (found[2] or "")) / 100, 1.0) if found else None


def seed_in(value: object) -> int | None:
    """A seed, which most write as text."""
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,18}\s*", value, re.ASCII):
        return int(value)
    return whole(value)


def listed(answer: object, *, raw: str) -> list[Mapping[str, Any]]:
    """The tasks of an answer. Raises AnswerUnreadable when it is no list."""
    if not isinstance(answer, list):
        raise AnswerUnreadable(detail=raw, charged=Charged.NO)
    return [task for task in answer if isinstance(task, dict)]


def heard(body: bytes) -> list[str]:
    """The id in a call-back's task; nothing else in it is believed, for it is not signed. Raises CallbackRefused."""
    try:
        task = json.loads(body)
    except (ValueError, RecursionError):
        raise CallbackRefused("no JSON") from None
    found = task_id(task.get("id")) if isinstance(task, dict) else None
    if found is None:
        raise CallbackRefused("no task with an id")
    return [found]


def _made(task: Mapping[str, Any]) -> Outcome:
    action = _name(task.get("action"))
    if action in _TELLING:
        texts = texts_of(task, described=action == "DESCRIBE")
        return Finished(texts=texts) if texts else Failed(AnswerUnreadable(detail=_told(task)))
    offers = offers_of(task.get("buttons"))
    films = list(dict.fromkeys(_links([{"url": task.get("videoUrl")}, *_items(task.get("videoUrls"))])))
    links, offers = (films, offers) if films else _pictures(task, action, offers)
    if not links:
        return Failed(AnswerUnreadable(detail=_told(task)))
    return Finished(tuple(RemotePicture(link) for link in links), seed=seed_in(task.get("seed")), offers=offers)


def _pictures(task: Mapping[str, Any], action: str, offers: tuple[Offer, ...]) -> tuple[list[str], tuple[Offer, ...]]:
    """The links to what is in ``imageUrl`` or ``imageUrls``, and the next steps."""
    whole_link = _link(task.get("imageUrl"))
    cut = list(dict.fromkeys(_links(_items(task.get("imageUrls")))))
    is_grid = is_below_a_grid(offers)
    if is_grid is None:
        is_grid = action not in _SINGLE and not (whole_link or "").partition("?")[0].endswith(".mp4")
    if not is_grid:
        return ([whole_link] if whole_link is not None else cut[:1]), offers
    if not has_buttons(task.get("buttons")):
        offers = changes()
    if len(cut) == len(QUARTERS) and whole_link not in cut:
        return cut, offers
    return ([f"{whole_link}#{quarter}" for quarter in QUARTERS] if whole_link is not None else []), offers


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _links(items: list[Any]) -> Iterator[str]:
    for item in items:
        link = _link(item.get("url") if isinstance(item, dict) else item)
        if link is not None:
            yield link


def _link(value: object) -> str | None:
    text = text_of(value)
    return text.partition("#")[0] if text is not None and text.startswith(("http://", "https://")) else None


def _name(value: object) -> str:
    """A state or an action in one spelling."""
    return re.sub(r"[\s_-]+", "_", (text_of(value) or "").strip().upper())


def _code(value: object) -> int | None:
    """A code, which some write as text."""
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,4}\s*", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _told(task: Mapping[str, Any]) -> str:
    """What is worth keeping of a task that came to nothing."""
    return str({name: task.get(name) for name in ("id", "action", "status", "failReason", "description", "imageUrl")})
