"""The doorway for the library's errors is total, and tells refusals apart."""

import inspect
from typing import Any

import pytest
import telegram.error
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError, TimedOut

from bots.telegram.errors import delivery_error, is_picture_refused, opt_in_to_timedeltas, translated
from core.errors import ChatBusy, ChatGone, DeliveryError

ARGUMENTS: dict[str, Any] = {"RetryAfter": 7, "ChatMigrated": -100}


def raised() -> list[TelegramError]:
    """One of every kind that ``telegram.error`` has."""
    opt_in_to_timedeltas()
    kinds = [kind for _, kind in inspect.getmembers(telegram.error, inspect.isclass) if issubclass(kind, TelegramError)]
    return [kind(ARGUMENTS.get(kind.__name__, "some reason")) for kind in kinds]


def test_every_error_of_the_library_means_gone_or_later() -> None:
    errors = raised()
    assert len(errors) >= 11
    gone = {type(error).__name__ for error in errors if isinstance(delivery_error(error), ChatGone)}
    later = {type(error).__name__ for error in errors if isinstance(delivery_error(error), ChatBusy)}
    assert gone == {"BadRequest", "Forbidden"}
    assert gone | later == {type(error).__name__ for error in errors}
    assert set(telegram.error.__all__) == gone | later


def test_translated_lets_nothing_of_the_library_through() -> None:
    for error in raised():
        with pytest.raises(DeliveryError), translated():
            raise error


def test_a_429_keeps_its_seconds() -> None:
    opt_in_to_timedeltas()
    busy = delivery_error(RetryAfter(41))
    assert isinstance(busy, ChatBusy)
    assert busy.retry_after == 41


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (BadRequest("PHOTO_INVALID_DIMENSIONS"), True),
        (NetworkError("Request Entity Too Large"), True),
        (BadRequest("some words that nobody has seen yet"), True),
        (BadRequest("not enough rights to send photos to the chat"), True),
        (BadRequest("not enough rights to send videos to the chat"), True),
        (BadRequest("not enough rights to send text messages to the chat"), False),
        (BadRequest("need administrator rights in the channel chat"), False),
        (BadRequest("chat not found"), False),
        (BadRequest("PEER_ID_INVALID"), False),
        (BadRequest("message thread not found"), False),
        (BadRequest("TOPIC_CLOSED"), False),
        (BadRequest("message to be replied not found"), False),
        (TimedOut(), False),
        (Forbidden("bot was kicked"), False),
        (ChatMigrated(-1), False),
    ],
)
def test_only_what_a_file_could_cure_counts_as_a_refused_picture(error: TelegramError, expected: bool) -> None:
    assert is_picture_refused(error) is expected


def test_a_token_the_library_rejects_is_not_repeated_in_what_is_logged() -> None:
    error = telegram.error.InvalidToken("The token `123456:SANDBOX-telegram-token-AAAA` was rejected by the server.")
    assert "SANDBOX" not in str(delivery_error(error))
