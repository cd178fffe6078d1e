"""Signed call-backs: every spelling that clients of Black Forest Labs have met, and nothing else."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.gateways.signatures import signatures, signed

SECRET, BODY = "a-secret-of-ours", b'{"id": "f9821dbf", "status": "Ready"}'
DIGEST = hmac.new(SECRET.encode(), BODY, hashlib.sha256).digest()


@pytest.mark.parametrize("header", ["X-BFL-Signature", "x-bfl-signature", "X-Signature", "X-SIGNATURE"])
@pytest.mark.parametrize(
    "spelling",
    [
        DIGEST.hex(),
        DIGEST.hex().upper(),
        f"sha256={DIGEST.hex()}",
        f"SHA256={DIGEST.hex()}",
        f" {DIGEST.hex()} ",
        base64.b64encode(DIGEST).decode(),
        f"sha256={base64.b64encode(DIGEST).decode()}",
    ],
)
def test_every_known_spelling_is_honoured(header: str, spelling: str) -> None:
    assert signed({"content-type": "application/json", header: spelling}, BODY, SECRET)


def test_a_signature_of_another_body_or_secret_is_none() -> None:
    headers = {"X-BFL-Signature": f"sha256={DIGEST.hex()}"}
    assert not signed(headers, BODY + b" ", SECRET)
    assert not signed(headers, BODY, "another-secret")


def test_no_signature_is_no_signature() -> None:
    for headers in ({}, {"X-BFL-Signature": ""}, {"Authorization": DIGEST.hex()}):
        assert not signatures(headers)
        assert not signed(headers, BODY, SECRET)


def test_a_right_signature_beside_a_wrong_one_does_not_count() -> None:
    assert not signed({"X-BFL-Signature": DIGEST.hex(), "X-Signature": "0" * 64}, BODY, SECRET)


@given(some.text() | some.sampled_from([DIGEST.hex(), base64.b64encode(DIGEST).decode()]).map(lambda text: text[:-1]))
def test_no_other_text_is_a_signature_and_none_is_too_odd_to_look_at(text: str) -> None:
    assert not signed({"X-Signature": text}, BODY, SECRET)
