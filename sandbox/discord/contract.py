"""Checks requests against Discord's published OpenAPI contract, by the parts of JSON Schema that it uses.

The trimmed contract is ``sandbox/data/discord_openapi.json``. Problems are reported in Discord's own error
codes. One rule is stricter than the real service: a field that the contract does not know is refused, where
Discord would ignore it and the bot would never learn of its typing error.
"""

import functools
import json
import re
from collections.abc import Mapping
from datetime import datetime
from importlib import resources
from typing import Any

from sandbox.discord.errors import Path, Problems

Schema = Mapping[str, Any]

#: Fields that Discord takes although its contract does not list them, by schema. discord.py 2.7.1 sends all of them:
#: ``nsfw`` is documented for commands; the rest are parts of its own objects handed back (kept attachments, embeds
#: received earlier, the ``tts`` of every message call), which Discord ignores.
TOLERATED: Mapping[str, frozenset[str]] = {
    "ApplicationCommandUpdateRequest": frozenset({"nsfw"}),
    "ApplicationCommandCreateRequest": frozenset({"nsfw"}),
    "ApplicationCommandPatchRequestPartial": frozenset({"nsfw"}),
    "MessageAttachmentRequest": frozenset(
        {"proxy_url", "size", "url", "spoiler", "height", "width", "content_type", "flags", "ephemeral"}
    ),
    "MessageEditRequestPartial": frozenset({"tts"}),
    "IncomingWebhookUpdateRequestPartial": frozenset({"tts"}),
    "IncomingWebhookUpdateForInteractionCallbackRequestPartial": frozenset({"tts"}),
    "RichEmbed": frozenset({"flags"}),
    "RichEmbedImage": frozenset({"proxy_url", "content_type", "flags"}),
    "RichEmbedThumbnail": frozenset({"proxy_url", "content_type", "flags"}),
    "RichEmbedFooter": frozenset({"proxy_icon_url"}),
    "RichEmbedAuthor": frozenset({"proxy_icon_url"}),
}

_URI = re.compile(r"(https?|attachment)://\S+")
_DIGITS = re.compile(r"0|[1-9][0-9]*")


class Contract:
    """The contract document with look-ups by operation and a checker for values."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.paths: Mapping[str, Mapping[str, Any]] = document["paths"]
        self._schemas: Mapping[str, Schema] = document["components"]["schemas"]

    def operation(self, method: str, template: str) -> Mapping[str, Any]:
        """The operation object. Raises ``KeyError`` for one that the contract does not have."""
        found: Mapping[str, Any] = self.paths[template][method.lower()]
        return found

    def parameters(self, method: str, template: str, where: str) -> dict[str, Mapping[str, Any]]:
        """Path or query parameters of an operation, by name."""
        both = [*self.paths[template].get("parameters", ()), *self.operation(method, template).get("parameters", ())]
        return {each["name"]: each for each in both if each["in"] == where}

    def body_schema(self, method: str, template: str) -> Schema | None:
        content = self.operation(method, template).get("requestBody", {}).get("content", {})
        schema: Schema | None = content.get("application/json", {}).get("schema")
        return schema

    def takes_files(self, method: str, template: str) -> bool:
        return "multipart/form-data" in self.operation(method, template).get("requestBody", {}).get("content", {})

    def answer_schema(self, method: str, template: str, status: int) -> Schema | None:
        answers = self.operation(method, template)["responses"]
        schema: Schema | None = (
            answers.get(str(status), {}).get("content", {}).get("application/json", {}).get("schema")
        )
        return schema

    def resolve(self, schema: Schema) -> tuple[str, Schema]:
        """A schema with its references followed, and the name of the last one."""
        name = ""
        while "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            schema = self._schemas[name]
        return name, schema

    def check(self, value: Any, schema: Schema, problems: Problems, path: Path = (), *, strict: bool = True) -> Any:
        """Add to ``problems`` what is wrong with ``value``; return it with snowflakes as text.

        ``strict`` False is for Discord's own answers: more fields than promised are fine there.
        """
        name, schema = self.resolve(schema)
        for union in ("oneOf", "anyOf"):
            if union in schema:
                return self._union(value, schema[union], problems, path, strict)
        types = _types(schema)
        if value is None:
            if types and "null" not in types:
                problems.add(path, "BASE_TYPE_REQUIRED", "This field is required")
            return None
        if schema.get("format") == "snowflake":
            return _snowflake(value, problems, path)
        if "object" in types:
            return self._object(value, (name, schema), problems, path, strict)
        if "array" in types:
            return self._array(value, schema, problems, path, strict)
        before = len(problems)
        if "string" in types:
            _string(value, schema, problems, path)
            if strict and schema.get("format") == "uri" and not _URI.fullmatch(str(value)):
                problems.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
        elif "boolean" in types:
            if not isinstance(value, bool):
                problems.add(path, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
        elif "integer" in types or "number" in types:
            _number(value, schema, problems, path, whole="integer" in types)
        if len(problems) == before and "enum" in schema and value not in schema["enum"]:
            problems.add(path, "BASE_TYPE_CHOICES", f"Value must be one of {{{', '.join(map(str, schema['enum']))}}}.")
        return value

    def _union(self, value: Any, branches: Any, problems: Problems, path: Path, strict: bool) -> Any:
        resolved = [self.resolve(branch)[1] for branch in branches]
        if value is None and any(branch.get("type") == "null" for branch in resolved):
            return None
        named = [branch for branch in resolved if branch.get("type") != "null"]
        kinds = [self.resolve(branch.get("properties", {}).get("type", {}))[1].get("enum") for branch in named]
        if isinstance(value, dict) and len(named) > 1 and all(kinds):
            fitting = [i for i, kind in enumerate(kinds) if kind and value.get("type") in kind]
            if not fitting:
                every = sorted({one for kind in kinds if kind for one in kind})
                choices = ", ".join(map(str, every))
                problems.add((*path, "type"), "BASE_TYPE_CHOICES", f"Value must be one of {{{choices}}}.")
                return value
            candidates = [b for b in branches if any(self.resolve(b)[1] is named[i] for i in fitting)]
        else:
            candidates = [branch for branch in branches if self.resolve(branch)[1].get("type") != "null"]
        best: Problems | None = None
        for candidate in candidates:
            attempt = Problems()
            result = self.check(value, candidate, attempt, path, strict=strict)
            if not len(attempt):
                return result
            if best is None or len(attempt) < len(best):
                best = attempt
        if best is not None:
            problems.take(best)
        return value

    def _object(self, value: Any, named: tuple[str, Schema], problems: Problems, path: Path, strict: bool) -> Any:
        name, schema = named
        if not isinstance(value, dict):
            problems.add(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
            return value
        known: Mapping[str, Schema] = schema.get("properties", {})
        others = schema.get("additionalProperties")
        result: dict[str, Any] = {}
        for key, each in value.items():
            if key in known:
                result[key] = self.check(each, known[key], problems, (*path, key), strict=strict)
            elif isinstance(others, dict):
                result[key] = self.check(each, others, problems, (*path, key), strict=strict)
            elif not strict or others is True or key in TOLERATED.get(name, ()):
                result[key] = each
            else:
                text = "Discord's contract has no such field (the real service ignores it, this stand-in does not)"
                problems.add((*path, key), "UNKNOWN_FIELD", text)
        for key in schema.get("required", ()):
            if key not in value:
                problems.add((*path, key), "BASE_TYPE_REQUIRED", "This field is required")
        _length(len(value), schema.get("minProperties"), schema.get("maxProperties"), problems, path)
        return result

    def _array(self, value: Any, schema: Schema, problems: Problems, path: Path, strict: bool) -> Any:
        if not isinstance(value, list):
            problems.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return value
        _length(len(value), schema.get("minItems"), schema.get("maxItems"), problems, path)
        items: Schema = schema.get("items", {})
        result = [self.check(each, items, problems, (*path, i), strict=strict) for i, each in enumerate(value)]
        if schema.get("uniqueItems") and any(each in result[:i] for i, each in enumerate(result)):
            problems.add(path, "SET_TYPE_ALREADY_CONTAINS_VALUE", "The set already contains this value")
        return result


def _types(schema: Schema) -> tuple[str, ...]:
    kind = schema.get("type", ())
    return (kind,) if isinstance(kind, str) else tuple(kind)


def _snowflake(value: Any, problems: Problems, path: Path) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _DIGITS.fullmatch(text):
        problems.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
    return text


def _string(value: Any, schema: Schema, problems: Problems, path: Path) -> None:
    if not isinstance(value, str):
        problems.add(path, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
        return
    _length(len(value), schema.get("minLength"), schema.get("maxLength"), problems, path)
    if schema.get("format") == "date-time":
        try:
            datetime.fromisoformat(value)
        except ValueError:
            problems.add(path, "DATE_TIME_TYPE_PARSE", f'Could not parse "{value}". Should be ISO8601.')


def _number(value: Any, schema: Schema, problems: Problems, path: Path, *, whole: bool) -> None:
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        problems.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not {"int" if whole else "float"}.')
        return
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and value < low:
        problems.add(path, "NUMBER_TYPE_MIN", f"int value should be greater than or equal to {low}.")
    if high is not None and value > high:
        problems.add(path, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {high}.")


def _length(size: int, low: int | None, high: int | None, problems: Problems, path: Path) -> None:
    if low and high is not None and not low <= size <= high:
        problems.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")
    elif low and size < low:
        problems.add(path, "BASE_TYPE_MIN_LENGTH", f"Must be {low} or more in length.")
    elif high is not None and size > high:
        problems.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.")


@functools.cache
def contract() -> Contract:
    """The packaged contract, read once."""
    text = resources.files("sandbox").joinpath("data", "discord_openapi.json").read_text(encoding="utf-8")
    return Contract(json.loads(text))
