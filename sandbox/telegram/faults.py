"""Scripted failures: the next call of a method is refused, cut off or never answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from sandbox.telegram.errors import ApiError

#: "answer" refuses; "drop_before" cuts the connection and does nothing; "drop_after" does what was asked, then cuts;
#: "hang" does nothing and never answers.
Mode = Literal["answer", "drop_before", "drop_after", "hang"]


@dataclass
class Fault:
    method: str
    mode: Mode
    error: ApiError
    times: int
    when: Callable[[Mapping[str, Any]], bool] | None = field(default=None, repr=False)


class Faults:
    """The failures still to come."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Raises ``ValueError`` for a mode there is not."""
        if fault.mode not in get_args(Mode):
            raise ValueError(f"mode is one of {', '.join(get_args(Mode))}")
        self._waiting.append(fault)

    def take(self, method: str, parameters: Mapping[str, Any]) -> Fault | None:
        """The failure meant for this call, used up once."""
        for fault in self._waiting:
            if fault.method == method and (fault.when is None or fault.when(parameters)):
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None
