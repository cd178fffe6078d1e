"""What a new-api gateway says about a key: how much it has spent and may still spend (gateways §2.5, §5.4)."""

import math
from collections.abc import Mapping
from typing import Any

from core.errors import AnswerUnreadable, BalanceEmpty, Charged, GatewayFailed, ModelGone
from core.refusals import is_balance, said_in
from core.transport import Api

TOKEN_USAGE = "/api/usage/token"  # noqa: S105  # a path
SUBSCRIPTION, USAGE = "/v1/dashboard/billing/subscription", "/v1/dashboard/billing/usage"
#: Quota units that make one US dollar (§5.4).
PER_DOLLAR = 500_000
#: ``hard_limit_usd`` of a token without a limit (§2.5).
UNLIMITED = 100_000_000


async def account(api: Api) -> str:
    """A line about the key's money: by the token's usage, else by the older billing pages; else only that it works.

    Raises GatewayError; BalanceEmpty also when nothing is left.
    """
    return await _by_token(api) or await _by_billing(api) or await api.key_works()


async def _by_token(api: Api) -> str | None:
    try:
        answer, _ = await api.ask(TOKEN_USAGE)
    except (ModelGone, AnswerUnreadable):
        return None  # an older gateway: not there, or its web page in that place
    return token_line(answer)


async def _by_billing(api: Api) -> str | None:
    try:
        subscription, first = await api.ask(SUBSCRIPTION)
        usage, second = await api.ask(USAGE)
    except (ModelGone, AnswerUnreadable):
        return None
    for answer, raw in ((subscription, first), (usage, second)):
        if answer.get("error"):  # under HTTP 200
            if is_balance(said_in(answer)):
                raise BalanceEmpty(detail=raw)
            raise GatewayFailed(detail=raw, charged=Charged.NO)
    return billing_line(subscription, usage)


def token_line(answer: Mapping[str, Any]) -> str | None:
    """The answer of ``/api/usage/token``, in dollars; None when it is none. Raises BalanceEmpty.

    A wrong key's ``{"success": false}`` under HTTP 200 is none either: the pages asked next refuse it with 401.
    """
    data = answer.get("data")
    if answer.get("code") is not True or not isinstance(data, dict):  # a boolean here, unlike anywhere else
        return None
    used, left = _amount(data.get("total_used")), _amount(data.get("total_available"))
    if used is None:
        return None
    spent = f"spent ${used / PER_DOLLAR:.2f}"
    if data.get("unlimited_quota") is True:
        return _good(spent, "no limit")
    return None if left is None else _left(spent, left / PER_DOLLAR, "$")


def billing_line(subscription: Mapping[str, Any], usage: Mapping[str, Any]) -> str | None:
    """The two billing answers; None when they are none. Raises BalanceEmpty.

    In the gateway's own money: its ``_usd`` may be yuan or quota units (trap 37).
    """
    limit, hundredths = _amount(subscription.get("hard_limit_usd")), _amount(usage.get("total_usage"))
    if limit is None or hundredths is None:
        return None
    spent = f"spent {hundredths / 100:.2f}"
    return _good(spent, "no limit") if limit >= UNLIMITED else _left(spent, limit - hundredths / 100, "")


def _left(spent: str, left: float, unit: str) -> str:
    if left <= 0:
        raise BalanceEmpty(detail=f"{spent}, nothing left")
    return _good(spent, f"{unit}{left:.2f} left")


def _good(spent: str, left: str) -> str:
    return f"takes the key; {spent}, {left}"


def _amount(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None
