"""Every way a gateway can fail, when it fails, and whether the order is charged all the same."""

import re
from dataclasses import dataclass
from enum import StrEnum

_TRIGGER = re.compile(r"\[fault:([^\]]*)\]")


class Stage(StrEnum):
    """Where a planned fault strikes."""

    SUBMIT = "submit"  #: the next submit, and what comes of it (answer, task, picture)
    TASK = "task"  #: the next question about a task; the task itself is well
    DOWNLOAD = "download"  #: the next download of a result; the result itself is well


class Fault(StrEnum):
    """A kind of failure. A prompt that contains ``[fault:KIND]`` asks for it as ``fail_next`` does."""

    # Refused before anything is ordered: no order, no charge.
    MODERATION_400 = "moderation_400"  #: the prompt is refused, ``moderation_blocked``
    UNAUTHORIZED_401 = "unauthorized_401"  #: as if the key had just been revoked
    BALANCE_402 = "balance_402"  #: upstream's "insufficient credits"
    BALANCE_403 = "balance_403"  #: ``insufficient_user_quota``
    BALANCE_429 = "balance_429"  #: ``insufficient_quota`` under the status of a rate limit
    NOT_FOUND_404 = "not_found_404"  #: the model has gone
    RATE_429 = "rate_429"  #: too many requests, without Retry-After
    RATE_429_AFTER = "rate_429_after"  #: too many requests, Retry-After: 2
    SERVER_500 = "server_500"
    BUSY_503 = "busy_503"  #: upstream overloaded
    HTML_502 = "html_502"  #: an HTML page of the proxy in front
    DROP_BEFORE = "drop_before"  #: the connection closes without a byte; nothing was ordered

    # Ordered and charged; the answer does not arrive or is useless.
    MODERATION_451 = "moderation_451"  #: the finished picture is filtered; ordered, charge taken back
    CLOUDFLARE_524 = "cloudflare_524"  #: the proxy in front gives up waiting, the order goes on
    HANG = "hang"  #: never answers
    DROP_AFTER = "drop_after"  #: the connection closes without a byte, after the order was taken
    BROKEN_JSON = "broken_json"  #: the answer stops in the middle
    WRONG_TYPE = "wrong_type"  #: the right JSON as text/plain
    EMPTY_DATA = "empty_data"  #: 200 without a picture
    EMPTY_STRINGS = "empty_strings"  #: ``"url": ""`` and ``"b64_json": ""``
    FEWER_PICTURES = "fewer_pictures"  #: of several pictures one is silently left out

    # Ordered, charged and answered well; the picture is bad.
    TRUNCATED_PICTURE = "truncated_picture"  #: half of the file
    HTML_PICTURE = "html_picture"  #: an HTML page where the picture should be, status 200
    BOMB_PICTURE = "bomb_picture"  #: a small PNG that decodes to 30000 x 30000

    # Ordered, charged and answered well; the download is bad (answers with addresses only).
    EXPIRED_URL = "expired_url"  #: 404 from the start
    SLOW_DOWNLOAD = "slow_download"  #: 64 bytes every 0.2 s
    HUGE_PICTURE = "huge_picture"  #: Content-Length 10 GiB, and it does send
    ENDLESS_PICTURE = "endless_picture"  #: no Content-Length and no end
    REDIRECT_INTERNAL = "redirect_internal"  #: 302 to a cloud's metadata address
    REDIRECT_LOOPBACK = "redirect_loopback"  #: 302 to another port of this machine, which records who comes

    # Ordered; the task goes wrong (asynchronous models only). The charge is taken back except for UNKNOWN_STATUS.
    MODERATED_REQUEST = "moderated_request"  #: status "Request Moderated"
    MODERATED_CONTENT = "moderated_content"  #: status "Content Moderated", once finished
    TASK_NOT_FOUND = "task_not_found"  #: status "Task not found"
    TASK_ERROR = "task_error"  #: status "Error"
    UNKNOWN_STATUS = "unknown_status"  #: a status nobody has heard of, for ever


REFUSALS = frozenset(
    {
        Fault.MODERATION_400,
        Fault.UNAUTHORIZED_401,
        Fault.BALANCE_402,
        Fault.BALANCE_403,
        Fault.BALANCE_429,
        Fault.NOT_FOUND_404,
        Fault.RATE_429,
        Fault.RATE_429_AFTER,
        Fault.SERVER_500,
        Fault.BUSY_503,
        Fault.HTML_502,
    }
)
PICTURES = frozenset({Fault.TRUNCATED_PICTURE, Fault.HTML_PICTURE, Fault.BOMB_PICTURE})
DOWNLOADS = frozenset(
    {
        Fault.EXPIRED_URL,
        Fault.SLOW_DOWNLOAD,
        Fault.HUGE_PICTURE,
        Fault.ENDLESS_PICTURE,
        Fault.REDIRECT_INTERNAL,
        Fault.REDIRECT_LOOPBACK,
    }
)
TASKS = frozenset(
    {
        Fault.MODERATED_REQUEST,
        Fault.MODERATED_CONTENT,
        Fault.TASK_NOT_FOUND,
        Fault.TASK_ERROR,
        Fault.UNKNOWN_STATUS,
    }
)
_LINES = frozenset({Fault.HANG, Fault.DROP_BEFORE, Fault.DROP_AFTER})
_ALLOWED = {
    Stage.SUBMIT: frozenset(Fault),
    Stage.TASK: REFUSALS | _LINES | TASKS | {Fault.BROKEN_JSON, Fault.WRONG_TYPE, Fault.CLOUDFLARE_524},
    Stage.DOWNLOAD: REFUSALS | _LINES | PICTURES | DOWNLOADS | {Fault.CLOUDFLARE_524},
}


@dataclass
class _Plan:
    kind: Fault
    left: int
    model: str | None
    at: Stage


class Faults:
    """The failures still to come, first planned first served."""

    def __init__(self) -> None:
        self._plans: list[_Plan] = []

    def plan(self, kind: str, *, times: int, model: str | None, at: str) -> None:
        """Add ``times`` failures. Raises ``ValueError`` for an unknown kind or one that cannot strike there."""
        fault, stage = Fault(kind), Stage(at)
        if fault not in _ALLOWED[stage]:
            raise ValueError(f"{fault} cannot strike at {stage}")
        self._plans.append(_Plan(fault, times, model, stage))

    def take(self, at: Stage, *, model: str) -> Fault | None:
        """The failure that is due for this model at this stage, used up by asking."""
        for plan in self._plans:
            if plan.at is at and plan.model in (None, model):
                plan.left -= 1
                if plan.left <= 0:
                    self._plans.remove(plan)
                return plan.kind
        return None


def wished(prompt: str) -> Fault | None:
    """The failure a prompt asks for with ``[fault:KIND]``. Raises ``ValueError`` for a KIND there is not."""
    found = _TRIGGER.search(prompt)
    return Fault(found.group(1)) if found else None
