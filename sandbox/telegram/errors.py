"""The refusals of the Bot API, in Telegram's own words, so that a bot's error handling meets what it will meet.

The wording is what the hosted Bot API answers; sources are tdlib/telegram-bot-api ``Client.cpp`` and the threads named
in the project's notes on platforms.
"""

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """A method call that Telegram refuses.

    ``code`` is both HTTP status and ``error_code``; ``parameters`` is the answer's ResponseParameters object.
    """

    def __init__(self, code: int, description: str, parameters: Mapping[str, Any] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = dict(parameters or {})

    def answer(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return body


def bad_request(reason: str) -> ApiError:
    """400 with the prefix Telegram puts before every reason."""
    return ApiError(400, f"Bad Request: {reason}")


def forbidden(reason: str) -> ApiError:
    """403: the bot may not write there."""
    return ApiError(403, f"Forbidden: {reason}")


def too_many_requests(retry_after: int) -> ApiError:
    """429 with the whole seconds to wait, in the text and in ``parameters``."""
    return ApiError(429, f"Too Many Requests: retry after {retry_after}", {"retry_after": retry_after})


def too_large() -> ApiError:
    """413: an upload above the limit of its method."""
    return ApiError(413, "Request Entity Too Large")


NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
OTHER_POLLER = "terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_ACTIVE = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
QUERY_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
