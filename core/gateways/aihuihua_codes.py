"""aihuihua's codes, and what it says where no document does (gateways §1.1). Pure."""

import re
from collections.abc import Mapping
from typing import Any

from core.errors import (
    AnswerUnreadable,
    BalanceEmpty,
    Charged,
    GatewayBusy,
    GatewayError,
    GatewayFailed,
    GatewayGaveUp,
    KeyRejected,
    OrderInvalid,
    PromptRefused,
)
from core.gateways.answers import text_of
from core.refusals import Said, is_balance, is_moderation

#: Characters of a task's id; the samples have three digits.
_ID_LIMIT = 100
_REASONS = ("failreason", "reason", "errormsg", "errormessage", "error", "msg", "message", "description")
#: What its balance may be called; the rest of such words is in ``core.refusals``.
_POINTS = re.compile("(积分|点数|分数)不足")
#: What Midjourney calls a prompt or a picture that it will not make.
_BANNED = re.compile(r"banned|moderat(or|ion)|community (standards|guidelines)")
_DIGITS = re.compile(r"-?\d{1,6}", re.ASCII)


def plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """Its fields by names in small letters without underscores: ``fail_reason``, ``failReason`` and ``FailReason`` are
    one. Of two that are, the one that says something counts."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        short = str(name).replace("_", "").lower()
        if found.get(short) in (None, "", "null", [], {}):
            found[short] = value
    return found


def accepted(answer: Mapping[str, Any], *, raw: str) -> str:
    """The task's id in a submit's answer. Raises the GatewayError that any other code stands for.

    1 accepted, 22 queued, 21 (never listed) the family's "waits for a window" or "there already": each names a task.
    """
    code = code_of(answer.get("code"))
    if code in (1, 21, 22):
        found = id_of(answer.get("result"))
        if found is None:
            raise AnswerUnreadable(detail=raw)
        return found
    if code == 23:  # the queue is full, though an id may come with it
        raise GatewayBusy(detail=raw)
    if code == 24:
        raise PromptRefused(detail=raw)
    raise refused(code, plain(answer), raw)


def refused(code: int | None, told: Mapping[str, Any], raw: str) -> GatewayError:
    """What an undocumented code means, by its words first."""
    said = _said(told)
    if _is_refusal(said):
        return PromptRefused(detail=raw)
    if is_balance(said) or _POINTS.search(said.text):
        return BalanceEmpty(detail=raw)
    match code:
        case None:
            return AnswerUnreadable(detail=raw)
        case 401 | 403:
            return KeyRejected(detail=raw)
        case 4 | 400:
            return OrderInvalid(detail=raw)
        case 429:
            return GatewayBusy(detail=raw)
        case _:
            return GatewayFailed(detail=raw)


def failure(told: Mapping[str, Any], raw: str) -> GatewayError:
    """Why a task has failed. Whether it is paid all the same is not to be found."""
    kind = PromptRefused if _is_refusal(_said(told)) else GatewayGaveUp
    return kind(detail=raw, charged=Charged.UNKNOWN)


def code_of(value: object) -> int | None:
    """A code, which the tables call text and the examples show as a number."""
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def id_of(value: object) -> str | None:
    """An id as text, whether it came as text or as a number. A float has lost digits already, and is none; so is what
    could not be sent again."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else (text_of(value) or "").strip()
    return text if text and len(text) <= _ID_LIMIT and text.isprintable() and "@" not in text else None


def _is_refusal(said: Said) -> bool:
    return is_moderation(said) or _BANNED.search(said.text) is not None


def _said(told: Mapping[str, Any]) -> Said:
    return Said("", " ".join(str(told[name]) for name in _REASONS if told.get(name)).lower())
