"""The root of all errors, and those that belong to the program as a whole."""

from collections.abc import Mapping
from typing import ClassVar

Param = str | int | float
Params = Mapping[str, Param]


class ImagineError(Exception):
    """The root. ``key`` names the sentence, ``params`` fill it."""

    key: ClassVar[str] = "error.unknown"

    def __init__(self, **params: Param) -> None:
        self.params: dict[str, Param] = params
        super().__init__(self.key, params)

    def __str__(self) -> str:
        return f"{self.key} {self.params}" if self.params else self.key


class SettingsError(ImagineError):
    """``setting`` names the variable, ``fix`` says what to do: shown to the operator as one sentence."""

    key = "error.settings"

    def __init__(self, setting: str, fix: str) -> None:
        super().__init__(setting=setting, fix=fix)
        self.setting, self.fix = setting, fix

    def __str__(self) -> str:
        return f"{self.setting}: {self.fix}"


class StoreDown(ImagineError):
    """The database does not answer (gone, locked, disk full): nothing was stored. ``reason`` is for the log."""

    key = "error.store_down"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def __str__(self) -> str:
        return self.reason
