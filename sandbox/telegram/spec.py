"""Judges calls and objects by the Bot API specification, so that no misspelt field or wrong type goes unnoticed.

The specification is ``sandbox/data/telegram_bot_api.json`` (its origin is in the README beside it). Unlike Telegram,
which ignores what it does not know, the stand-in refuses an unknown parameter: it is always a mistake of the bot.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from sandbox.telegram.errors import bad_request

_ARRAY = "Array of "
#: core.telegram.org/bots/api#sending-files
_ATTACH = "attach://"
_FILE_FIELDS = frozenset({"media", "thumbnail", "cover"})
_INTEGER = re.compile(r"-?\d{1,19}\Z")
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_PRIMITIVES = frozenset({"Integer", "Float", "String", "Boolean", "True", "InputFile"})


@dataclass(frozen=True)
class UploadedFile:
    """A file part of a multipart call."""

    filename: str
    mime: str
    data: bytes


class Spec:
    """The methods and types of the specification. Immutable; see :func:`specification` for the shared one."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.version: str = document["version"]
        self._methods: dict[str, dict[str, Any]] = {name.lower(): item for name, item in document["methods"].items()}
        self._types: dict[str, dict[str, Any]] = dict(document["types"])

    @property
    def methods(self) -> list[str]:
        """The names of all methods, as documented."""
        return [item["name"] for item in self._methods.values()]

    def method(self, name: str) -> str | None:
        """The documented spelling of a method; Telegram does not mind the case. ``None`` for an unknown one."""
        found = self._methods.get(name.lower())
        return None if found is None else str(found["name"])

    def parameters(self, method: str, raw: Mapping[str, object], uploads: Mapping[str, UploadedFile]) -> dict[str, Any]:
        """The typed parameters of a call.

        ``raw`` holds text (from a form or query) or JSON values; ``uploads`` the file parts by name, which also
        take the place of the ``attach://<name>`` that points to them. Raises ``ApiError`` 400 for an unknown or
        missing parameter or a wrong type.
        """
        fields = {field["name"]: field for field in self._methods[method.lower()]["fields"]}
        for name in raw:
            if name not in fields:
                raise bad_request(f"unknown parameter {name}")
        known: dict[str, Any] = {}
        for name, field in fields.items():
            if name in uploads and "InputFile" in field["types"]:
                known[name] = uploads[name]
            elif name in raw and raw[name] is not None:
                value = self._from_text(field["types"], raw[name], name)
                known[name] = self._value(field, value, name)
            elif field["required"]:
                raise bad_request(f"parameter {name} is required")
        unused = uploads.keys() - {name for name, value in known.items() if isinstance(value, UploadedFile)}
        attached = {name: _attached(value, uploads, unused) for name, value in known.items()}
        for name in unused:
            raise bad_request(f"unknown parameter {name}")
        return attached

    def check(self, type_name: str, value: object) -> None:
        """Raise ``ApiError`` naming the first field of an outgoing object that its type does not have."""
        self._typed([type_name], value, type_name)

    def _from_text(self, types: list[str], value: object, where: str) -> object:
        """A form field as the JSON value it stands for; what is already JSON passes."""
        if not isinstance(value, str):
            return value
        if "Integer" in types and _INTEGER.match(value.strip()):
            return int(value)
        if "String" in types:
            return value
        if "Boolean" in types and value.lower() in _BOOLEANS:
            return _BOOLEANS[value.lower()]
        if set(types) <= _PRIMITIVES - {"Float"}:
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {where.replace('_', ' ')} JSON object") from None

    def _value(self, field: Mapping[str, Any], value: object, where: str) -> object:
        if "const" in field and value != field["const"]:
            raise bad_request(f"wrong value of {where} specified")
        if "enum" in field and value not in field["enum"]:
            raise bad_request("REACTION_INVALID")
        return self._typed(field["types"], value, where)

    def _typed(self, types: list[str], value: object, where: str) -> object:
        arrays = [name.removeprefix(_ARRAY) for name in types if name.startswith(_ARRAY)]
        if arrays and isinstance(value, list):
            return [self._typed(arrays, item, f"{where}[{index}]") for index, item in enumerate(value)]
        plain = [name for name in types if not name.startswith(_ARRAY)]
        if isinstance(value, dict):
            objects = [name for name in plain if name not in _PRIMITIVES]
            if objects:
                return self._object(objects, value, where)
        elif any(_is_primitive(name, value) for name in plain):
            return value
        raise bad_request(f"wrong type of {where}: expected {' or '.join(types)}")

    def _object(self, types: Iterable[str], value: dict[str, Any], where: str) -> dict[str, Any]:
        leaves = [leaf for name in types for leaf in self._types[name].get("subtypes", [name])]
        fitting = [name for name in leaves if self._fits(name, value)]
        if not fitting:
            if len(leaves) == 1:
                missing = [field["name"] for field in self._types[leaves[0]]["fields"] if self._misses(field, value)]
                raise bad_request(f"parameter {where}.{missing[0]} is required")
            raise bad_request(f"can't parse {where}: not one of {', '.join(leaves)}")
        # Of several kinds that could be meant, the one that knows all the fields.
        best = min(fitting, key=lambda name: len(value.keys() - self._fields(name).keys()))
        fields = self._fields(best)
        for name, item in value.items():
            if name not in fields:
                raise bad_request(f"unknown parameter {where}.{name}")
            self._value(fields[name], item, f"{where}.{name}")
        return value

    def _fields(self, type_name: str) -> dict[str, dict[str, Any]]:
        return {field["name"]: field for field in self._types[type_name]["fields"]}

    @staticmethod
    def _misses(field: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
        return bool(field["required"]) and field["name"] not in value

    def _fits(self, type_name: str, value: Mapping[str, Any]) -> bool:
        return all(
            not self._misses(field, value) and ("const" not in field or value.get(field["name"]) == field["const"])
            for field in self._types[type_name]["fields"]
        )


def _attached(value: Any, uploads: Mapping[str, UploadedFile], unused: set[str]) -> Any:
    """``value`` with the uploads in place; takes what it finds off ``unused``."""
    if isinstance(value, list):
        return [_attached(item, uploads, unused) for item in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for name, item in value.items():
        if name in _FILE_FIELDS and isinstance(item, str) and item.startswith(_ATTACH):
            part = item.removeprefix(_ATTACH)
            if part not in uploads:
                raise bad_request(f"can't parse {name}: there is no file {part} in the request")
            unused.discard(part)
            found[name] = uploads[part]
        else:
            found[name] = _attached(item, uploads, unused)
    return found


def _is_primitive(name: str, value: object) -> bool:
    if name == "String":
        return isinstance(value, str)
    if name == "Boolean":
        return isinstance(value, bool)
    if name == "True":
        return value is True
    if name == "Integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return name == "Float" and isinstance(value, int | float) and not isinstance(value, bool)


@cache
def specification() -> Spec:
    """The specification that ships with the sandbox."""
    text = files("sandbox").joinpath("data/telegram_bot_api.json").read_text(encoding="utf-8")
    return Spec(json.loads(text))
