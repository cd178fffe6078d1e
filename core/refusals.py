"""What a gateway's refusal means: status first, then its text, in every envelope they use. Pure.

Envelopes: OpenAI and new-api ``{"error": {"message", "type", "code"}}``, upstreams ``{"error": "text"}`` and
``{"detail": …}``, midjourney-proxy ``{"code", "description"}``, management APIs ``{"success": false, "message"}``,
plain text, and the HTML pages of proxies in front.
"""

import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from core.errors import (
    AnswerUnreadable,
    BalanceEmpty,
    Charged,
    GatewayBusy,
    GatewayDown,
    GatewayError,
    GatewayFailed,
    KeyRejected,
    ModelGone,
    OrderInvalid,
    PromptRefused,
)

#: Bytes of a refusal that are looked at: error envelopes are short.
LOOKED_AT = 65_536
#: Levels of an answer's JSON; the deepest known has eight. Python reads some hundreds more than it can write again.
DEEPEST = 100

_MODERATION_CODES = frozenset(
    {"moderation_blocked", "content_policy_violation", "image_safety", "content_filter", "sensitive_words_detected"}
)
#: "safety" alone is no sign: ``safety_tolerance`` is a field that may simply be out of range.
_MODERATION_WORDS = re.compile(
    r"moderation_blocked|content[_ ]policy|image_safety|safety[ _](system|policy|filter|violation)|content moderated"
    r"|safety checks?\b|request moderated|flagged|sensitive (word|content)|敏感|违规|内容安全",
)
_BALANCE_CODES = frozenset(
    {"insufficient_quota", "insufficient_user_quota", "insufficient_balance", "billing_hard_limit_reached"}
)
#: Certain under any status. A bare "quota exceeded" is not: it also names the requests of a minute.
_BALANCE_WORDS = re.compile(
    r"insufficient[_ ](user[_ ])?(quota|credits?|balance|funds)|quota( is |_)not[ _]enough|exceeded your current quota"
    r"|billing hard limit|余额不足|额度不足|额度已用尽|欠费",
)
#: Enough where the status speaks of rights (401, 403): an exhausted new-api token is a 401.
_BALANCE_HINTS = re.compile(r"quota|balance|credits|余额|额度")
_NO_CHANNEL = re.compile(r"no available channel|无可用渠道|model_not_found")


@dataclass(frozen=True)
class Said:
    """A refusal's words: ``code`` (or type) as given, ``text`` everything there is, both in lower case."""

    code: str
    text: str


def parsed_json(text: str | bytes) -> Any:
    """JSON with which anything can be done. Raises ValueError for any other, and for what is nested too deeply."""
    try:
        parsed = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    level = [parsed]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return parsed
    raise ValueError("nested too deeply")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def said(body: bytes) -> Said:
    """Read any envelope; text that is none is taken as it is."""
    text = body[:LOOKED_AT].decode("utf-8", "replace")
    try:
        parsed = parsed_json(text)
    except ValueError:
        return Said("", text.lower())
    return said_in(parsed) if isinstance(parsed, dict) else Said("", str(parsed).lower())


def said_in(parsed: Mapping[str, Any]) -> Said:
    """The same of an answer that was parsed already."""
    inner = parsed.get("error")
    envelope = inner if isinstance(inner, dict) else parsed
    words = [envelope.get(name) for name in ("code", "type", "message", "description", "detail", "error", "failReason")]
    return Said(str(envelope.get("code") or "").lower(), " ".join(str(word) for word in words if word).lower())


def is_moderation(words: Said) -> bool:
    """Whether the words say that the prompt or the picture was refused for its content."""
    return words.code in _MODERATION_CODES or _MODERATION_WORDS.search(words.text) is not None


def is_balance(words: Said) -> bool:
    """Whether the words say that the operator's account is empty."""
    return words.code in _BALANCE_CODES or _BALANCE_WORDS.search(words.text) is not None


def refusal(status: int, headers: Mapping[str, str], body: bytes, *, detail: str) -> GatewayError | None:
    """The error an answer stands for; None for a 2xx."""
    if 200 <= status < 300:
        return None
    words = said(body)
    match status:
        case 400 | 413 | 415 | 422:
            return _invalid(words, detail)
        case 451:
            return PromptRefused(detail=detail)
        case 401 | 403:
            if is_moderation(words):
                return PromptRefused(detail=detail)
            spent = is_balance(words) or _BALANCE_HINTS.search(words.text)
            return BalanceEmpty(detail=detail) if spent else KeyRejected(detail=detail)
        case 402:
            return BalanceEmpty(detail=detail)
        case 404:
            return ModelGone(detail=detail)
        case 429:
            if is_balance(words):
                return BalanceEmpty(detail=detail)
            return GatewayBusy(detail=detail, retry_after=retry_after(headers))
        case 503:
            if _NO_CHANNEL.search(words.text):
                return ModelGone(detail=detail)
            return GatewayDown(detail=detail, retry_after=retry_after(headers))
        case _ if status >= 500:
            return GatewayFailed(detail=detail, retry_after=retry_after(headers))
        case _ if 300 <= status < 400:
            # Not followed: a POST would arrive as a GET, and a key would travel to a host that an answer names.
            return AnswerUnreadable(detail=detail, charged=Charged.NO)
        case _:
            return AnswerUnreadable(detail=detail)


def _invalid(words: Said, detail: str) -> GatewayError:
    if is_moderation(words):
        return PromptRefused(detail=detail)
    if is_balance(words):  # OpenAI's billing_hard_limit_reached is a 400
        return BalanceEmpty(detail=detail)
    if words.code == "model_not_found":
        return ModelGone(detail=detail)
    return OrderInvalid(detail=detail)


def retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Retry-After in seconds from ``now`` (Unix time), given as seconds or as an HTTP date; None when there is none."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,6}(\.\d+)?", value):
        return float(value)
    try:
        then = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, then.timestamp() - (time.time() if now is None else now))
