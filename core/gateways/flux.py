"""What Black Forest Labs' FLUX asks of every gateway that wraps it, and how its tasks answer."""

from collections.abc import Mapping
from typing import Any

from core.errors import (
    AnswerUnreadable,
    Charged,
    GatewayError,
    GatewayFailed,
    GatewayGaveUp,
    PictureGone,
    PromptRefused,
)
from core.gateways.answers import text_of, whole
from core.types import Failed, Finished, Outcome, Pending, RemotePicture, Ticket

#: The laxest ``safety_tolerance`` by family (gateways §5.1; trap 16): with a reference picture Kontext takes 2.
KONTEXT, FLUX_2 = "kontext", "flux-2"
_LAXEST = {KONTEXT: 6, FLUX_2: 5}
_LAXEST_KONTEXT_EDIT = 2
#: What is sent when a row names none: every vendor's default.
TOLERANCE = 2

#: Seconds until a task is asked about (again): BFL's own guidance is a fixed 2 s (BFL-skill).
ASK_IN = 2.0
#: Seconds during which "Task not found" may only mean that another of BFL's clusters has not heard of it yet.
UNHEARD = 30.0


def tolerance(wanted: object, family: str, *, with_picture: bool) -> int:
    """``safety_tolerance`` within what the family takes; 0 is the strictest."""
    laxest = _LAXEST_KONTEXT_EDIT if family == KONTEXT and with_picture else _LAXEST.get(family, TOLERANCE)
    asked = wanted if isinstance(wanted, int) and not isinstance(wanted, bool) else TOLERANCE
    return min(max(asked, 0), laxest)


def progress(value: object) -> float | None:
    """0.0-1.0 from a share or a percentage; None when it is neither."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 100:
        return None
    return float(value) if value <= 1 else value / 100


def task_outcome(answer: Mapping[str, Any], ticket: Ticket, *, age: float, raw: str) -> Outcome:
    """What a task's status means; ``age`` is seconds since the order was accepted.

    An unknown status counts as pending: new ones have appeared (``Reasoning``, ``Generating``), and the model's
    deadline ends the wait.
    """
    status = text_of(answer.get("status"))
    if status is None:
        return Failed(GatewayFailed(detail=raw, charged=Charged.NO))  # no answer to the question: asked again
    match " ".join(status.lower().replace("_", " ").split()):
        case "ready" | "succeeded" | "completed":  # the last two: aihubmix's own client reads them too
            return _ready(answer.get("result"), raw)
        case "request moderated" | "content moderated":
            return Failed(PromptRefused(detail=raw))  # BFL charges neither
        case "error" | "failed":
            return Failed(GatewayGaveUp(detail=raw))
        case "task not found":
            return Failed(lost(age=age, raw=raw))
        case _:
            return Pending(ticket, ASK_IN, progress(answer.get("progress")))


def lost(*, age: float, raw: str) -> GatewayError:
    """The gateway does not know the task: not yet, or no longer."""
    return GatewayFailed(detail=raw, charged=Charged.NO) if age < UNHEARD else PictureGone(detail=raw)


def _ready(result: object, raw: str) -> Outcome:
    """``{"sample": url}``, also ``{"samples": [url, …]}``."""
    if not isinstance(result, dict):
        return Failed(AnswerUnreadable(detail=raw))
    samples = result.get("samples")
    links = [text_of(result.get("sample"))] + [text_of(link) for link in (samples if isinstance(samples, list) else ())]
    urls = dict.fromkeys(link for link in links if link and link.startswith(("http://", "https://")))
    if not urls:
        return Failed(AnswerUnreadable(detail=raw))
    return Finished(tuple(RemotePicture(url) for url in urls), seed=whole(result.get("seed")))
