"""What new-api's pages about a key's money say."""

from typing import Any

import pytest

from core.gateways.new_api import billing_line, token_line

TOKEN: dict[str, Any] = {
    "code": True,
    "message": "ok",
    "data": {"total_granted": 9, "total_used": 12345, "total_available": 987655, "unlimited_quota": False},
}
BILL: dict[str, Any] = {
    "subscription": {"object": "billing_subscription", "hard_limit_usd": 5, "access_until": 0},
    "usage": {"object": "list", "total_usage": 123.4567},
}


def billed(answer: dict[str, Any]) -> str | None:
    halves = [half if isinstance(half, dict) else {} for half in (answer.get("subscription"), answer.get("usage"))]
    return billing_line(halves[0], halves[1])


def test_500_000_units_are_a_dollar_and_the_bill_is_in_hundredths() -> None:
    assert token_line(TOKEN) == "takes the key; spent $0.02, $1.98 left"
    assert billed(BILL) == "takes the key; spent 1.23, 3.77 left"


@pytest.mark.parametrize("changes", [{"code": 1}, {"code": False}, {"data": None}, {"data": {"total_used": "1"}}])
def test_another_answer_is_no_token_usage(changes: dict[str, Any]) -> None:
    assert token_line(TOKEN | changes) is None
