"""The contract checker by itself, and that the packaged contract is whole."""

from typing import Any

import pytest

from sandbox.discord import DiscordSandbox
from sandbox.discord.contract import TOLERATED, Contract, contract
from sandbox.discord.errors import Problems

PATHS: dict[str, Any] = {}
SCHEMAS = {
    "Id": {"type": "string", "format": "snowflake", "pattern": "^(0|[1-9][0-9]*)$"},
    "Cat": {
        "type": "object",
        "properties": {
            "type": {"type": "integer", "enum": [1]},
            "lives": {"type": "integer", "minimum": 1, "maximum": 9},
        },
        "required": ["type", "lives"],
    },
    "Dog": {
        "type": "object",
        "properties": {"type": {"type": "integer", "enum": [2]}, "name": {"type": "string", "minLength": 1}},
        "required": ["type", "name"],
    },
    "Pet": {"oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}]},
}


def codes(value: Any, schema: dict[str, Any], *, strict: bool = True) -> list[tuple[tuple[str | int, ...], str]]:
    problems = Problems()
    Contract({"paths": PATHS, "components": {"schemas": SCHEMAS}}).check(value, schema, problems, strict=strict)
    return [(path, code) for path, code, _ in problems._found]


PET = {"$ref": "#/components/schemas/Pet"}


@pytest.mark.parametrize(
    ("value", "schema", "found"),
    [
        ({"type": 1, "lives": 9}, PET, []),
        ({"type": 1, "lives": 10}, PET, [(("lives",), "NUMBER_TYPE_MAX")]),
        ({"type": 1, "lives": 0}, PET, [(("lives",), "NUMBER_TYPE_MIN")]),
        ({"type": 2}, PET, [(("name",), "BASE_TYPE_REQUIRED")]),
        ({"type": 2, "name": ""}, PET, [(("name",), "BASE_TYPE_MIN_LENGTH")]),
        ({"type": 3}, PET, [(("type",), "BASE_TYPE_CHOICES")]),
        ({"type": 1, "lives": 9, "name": "x"}, PET, [(("name",), "UNKNOWN_FIELD")]),
        ("cat", PET, [((), "MODEL_TYPE_CONVERT")]),
        (True, {"type": "integer"}, [((), "NUMBER_TYPE_COERCE")]),
        (1.5, {"type": "integer"}, [((), "NUMBER_TYPE_COERCE")]),
        (1.5, {"type": "number"}, []),
        (1, {"type": "boolean"}, [((), "BOOLEAN_TYPE_CONVERT")]),
        (None, {"type": ["string", "null"]}, []),
        (None, {"type": "string"}, [((), "BASE_TYPE_REQUIRED")]),
        (None, {"oneOf": [{"type": "null"}, PET]}, []),
        (
            [1, 1],
            {"type": "array", "items": {"type": "integer"}, "uniqueItems": True},
            [((), "SET_TYPE_ALREADY_CONTAINS_VALUE")],
        ),
        ([], {"type": "array", "items": {}, "minItems": 1}, [((), "BASE_TYPE_MIN_LENGTH")]),
        ("x", {"type": "array", "items": {}}, [((), "LIST_TYPE_CONVERT")]),
        ("-5", {"$ref": "#/components/schemas/Id"}, [((), "NUMBER_TYPE_COERCE")]),
        ("ftp://x", {"type": "string", "format": "uri"}, [((), "URL_TYPE_INVALID_URL")]),
        ({"a": 1}, {"type": "object", "additionalProperties": {"type": "string"}}, [(("a",), "STRING_TYPE_CONVERT")]),
        (
            {"a": "b"},
            {"type": "object", "additionalProperties": {}, "maxProperties": 0},
            [((), "BASE_TYPE_MAX_LENGTH")],
        ),
    ],
)
def test_each_kind_of_fault_has_discord_s_code(
    value: Any, schema: dict[str, Any], found: list[tuple[tuple[str | int, ...], str]]
) -> None:
    assert codes(value, schema) == found


def test_an_answer_may_have_more_fields_than_promised() -> None:
    assert codes({"type": 1, "lives": 9, "name": "x"}, PET, strict=False) == []


def test_snowflakes_sent_as_numbers_become_text() -> None:
    problems = Problems()
    checked = Contract({"paths": PATHS, "components": {"schemas": SCHEMAS}})
    assert checked.check(5, {"$ref": "#/components/schemas/Id"}, problems) == "5"
    assert not len(problems)


def test_every_reference_of_the_packaged_contract_can_be_followed() -> None:
    seen = 0

    def walk(node: Any) -> None:
        nonlocal seen
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                contract().resolve(node)
                seen += 1
            for each in node.values():
                walk(each)
        elif isinstance(node, list):
            for each in node:
                walk(each)

    walk(dict(contract().paths))
    walk(dict(contract()._schemas))
    assert seen > 500


def test_every_tolerated_field_is_one_that_the_contract_does_not_know() -> None:
    assert TOLERATED
    for name, fields in TOLERATED.items():
        _, schema = contract().resolve({"$ref": f"#/components/schemas/{name}"})
        assert not fields & set(schema["properties"]), name


def test_every_operation_of_the_contract_is_served() -> None:
    sandbox = DiscordSandbox()
    promised = {(m.upper(), path) for path, methods in contract().paths.items() for m in methods if m != "parameters"}
    assert set(sandbox.door._handlers) == promised
    assert len(promised) > 40
