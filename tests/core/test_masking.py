"""No secret survives the mask."""

import pytest

from core.masking import Masker

TELEGRAM = "123456789:AAE-abcdefghijklmnopqrstuvwxyz12345"
DISCORD = "MTIzNDU2Nzg5MDEyMzQ1Njc4OQ.GabcdE.abcdefghijklmnopqrstuvwxyz1234567890AB"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("the password is hunter2hunter2!", "the password is ***!"),
        ("https://x/?k=a%2Fb%2Bc%3Ddef", "https://x/?k=***"),
        ("hunter2hunter2hunter2", "***hunter2"),
        ("hunter2hunter2-extended", "***"),
        ("Authorization: Bearer abcdefgh.ijkl", "Authorization: Bearer ***"),
        ("Proxy-Authorization: Basic dXNlcjpwYXNzd29yZA==", "Proxy-Authorization: Basic ***"),
        ("Incorrect API key provided: sk-proj-abc_123", "Incorrect API key provided: ***"),
        (
            f"https://api.telegram.org/file/bot{TELEGRAM}/photos/1.jpg",
            "https://api.telegram.org/file/bot***/photos/1.jpg",
        ),
        (f"token={DISCORD} refused", "token=*** refused"),
        ("a task-force of basic robots, bearer of news; 12:30:45, id 1234567:short", None),
    ],
)
def test_secrets_known_and_unknown_become_stars_and_plain_words_stay(text: str, masked: str | None) -> None:
    masker = Masker(["hunter2hunter2", "hunter2hunter2-extended", "a/b+c=def", "abc"])
    assert masker.mask(text) == (text if masked is None else masked)


def test_a_mask_without_secrets_still_knows_their_shapes() -> None:
    assert Masker().mask("Bearer sk-0123456789") == "Bearer ***"
