"""Failures on demand: the next requests that match are refused, dropped or left without an answer."""

import re
from dataclasses import dataclass, field
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from sandbox.discord.errors import ApiError
from sandbox.discord.limits import too_many
from sandbox.discord.sessions import transport_of

#: ``answer`` an error; ``drop_before`` close the connection unprocessed; ``drop_after`` process, then close it;
#: ``hang`` process nothing and never answer; ``late`` process and answer it as ever, ``seconds`` later.
Mode = Literal["answer", "drop_before", "drop_after", "hang", "late"]


@dataclass
class Fault:
    method: str
    path: re.Pattern[str]
    mode: Mode
    status: int
    code: int
    message: str
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    seconds: float = 0.0

    def error(self) -> ApiError:
        if self.status == 429:
            scope = "global" if "X-RateLimit-Global" in self.headers else self.headers.get("X-RateLimit-Scope", "user")
            refused = too_many(float(self.headers.get("Retry-After", "1")), scope=scope)
            refused.headers |= {key: value for key, value in self.headers.items() if key != "Retry-After"}
            return refused
        text = self.message or f"{self.status}: {'Internal Server Error' if self.status >= 500 else 'Error'}"
        return ApiError(self.status, self.code, text, headers=self.headers)


class Faults:
    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def take(self, method: str, path: str) -> Fault | None:
        """The first waiting fault for this request, used up by one."""
        for fault in self._waiting:
            if fault.method in (method, "*") and fault.path.search(path):
                fault.times -= 1
                if not fault.times:
                    self._waiting.remove(fault)
                return fault
        return None


async def withhold(request: Request, fault: Fault) -> Response:
    """Give no answer: close the connection, or keep it open for as long as the client waits."""
    transport = transport_of(request.scope)
    if fault.mode != "hang" and transport is not None:
        transport.abort()
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response(status_code=500)  # goes nowhere: the client has left
