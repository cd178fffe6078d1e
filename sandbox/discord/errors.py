"""Discord's refusals: one class, the codes we use, and the tree of field problems that code 50035 carries.

Statuses, codes and texts: Discord's "Opcodes and Status Codes" page (JSON error codes).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]


class ApiError(Exception):
    """An answer that is not 2xx. ``errors`` is the tree of field problems, ``extra`` goes into the body beside it."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        *,
        errors: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def body(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"message": self.message, "code": self.code, **self.extra}
        if self.errors:
            answer["errors"] = self.errors
        return answer


@dataclass(frozen=True)
class Refusal:
    """A row of Discord's table of errors; calling it makes the exception to raise."""

    status: int
    code: int
    message: str

    def __call__(self) -> ApiError:
        return ApiError(self.status, self.code, self.message)


UNAUTHORIZED = Refusal(401, 0, "401: Unauthorized")
NOT_FOUND = Refusal(404, 0, "404: Not Found")
METHOD_NOT_ALLOWED = Refusal(405, 0, "405: Method Not Allowed")
UNKNOWN_APPLICATION = Refusal(404, 10002, "Unknown Application")
UNKNOWN_CHANNEL = Refusal(404, 10003, "Unknown Channel")
UNKNOWN_GUILD = Refusal(404, 10004, "Unknown Guild")
UNKNOWN_MEMBER = Refusal(404, 10007, "Unknown Member")
UNKNOWN_MESSAGE = Refusal(404, 10008, "Unknown Message")
UNKNOWN_USER = Refusal(404, 10013, "Unknown User")
UNKNOWN_WEBHOOK = Refusal(404, 10015, "Unknown Webhook")
UNKNOWN_STICKER = Refusal(404, 10060, "Unknown sticker")
UNKNOWN_INTERACTION = Refusal(404, 10062, "Unknown interaction")
UNKNOWN_COMMAND = Refusal(404, 10063, "Unknown application command")
TOO_MANY_COMMANDS = Refusal(400, 30032, "Maximum number of application commands reached")
TOO_MANY_FILES = Refusal(400, 30015, "Maximum number of attachments in a message reached (10)")
TOO_LARGE = Refusal(413, 40005, "Request entity too large")
ALREADY_ACKNOWLEDGED = Refusal(400, 40060, "Interaction has already been acknowledged.")
TOO_MANY_FOLLOW_UPS = Refusal(400, 40094, "This interaction token has reached its max number of follow-up messages")
MISSING_ACCESS = Refusal(403, 50001, "Missing Access")
NOT_THE_AUTHOR = Refusal(403, 50005, "Cannot edit a message authored by another user")
EMPTY_MESSAGE = Refusal(400, 50006, "Cannot send an empty message")
CANNOT_DM = Refusal(403, 50007, "Cannot send messages to this user")
MISSING_PERMISSIONS = Refusal(403, 50013, "Missing Permissions")
WRONG_CHANNEL_TYPE = Refusal(400, 50024, "Cannot execute action on this channel type")
INVALID_WEBHOOK_TOKEN = Refusal(401, 50027, "Invalid Webhook Token")
THREAD_ARCHIVED = Refusal(400, 50083, "Thread is archived")
INVALID_JSON = Refusal(400, 50109, "The request body contains invalid JSON.")
THREAD_EXISTS = Refusal(400, 160004, "A thread has already been created for this message")
REPLY_NEEDS_HISTORY = Refusal(400, 160002, "Cannot reply without permission to read message history")


class Problems:
    """Collects what is wrong with a body, field by field, and raises it all at once as code 50035."""

    def __init__(self) -> None:
        self._found: list[tuple[Path, str, str]] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, path: Sequence[str | int], code: str, message: str) -> None:
        self._found.append((tuple(path), code, message))

    def take(self, other: "Problems") -> None:
        self._found.extend(other._found)

    def under(self, path: Sequence[str | int]) -> "Problems":
        """The same problems further down, for a body that lies inside another."""
        moved = Problems()
        moved._found = [((*path, *rest), code, message) for rest, code, message in self._found]
        return moved

    def tree(self) -> dict[str, Any]:
        """The nested form Discord answers with: field names and list positions down to ``_errors`` lists."""
        root: dict[str, Any] = {}
        for path, code, message in self._found:
            node = root
            for part in path:
                node = node.setdefault(str(part), {})
            node.setdefault("_errors", []).append({"code": code, "message": message})
        return root

    def raise_if_any(self) -> None:
        if self._found:
            raise ApiError(400, 50035, "Invalid Form Body", errors=self.tree())


def invalid(path: Sequence[str | int], code: str, message: str) -> ApiError:
    """The 50035 for a single field."""
    problems = Problems()
    problems.add(path, code, message)
    return ApiError(400, 50035, "Invalid Form Body", errors=problems.tree())
