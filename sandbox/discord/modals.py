"""A person fills in a form: checks the values and writes the ``components`` of the submit.

Source: Discord "Component Reference" (interaction response structures of each component).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.chat import Upload
from sandbox.discord.cdn import keep
from sandbox.discord.commands import Filling
from sandbox.discord.interactions import OpenModal
from sandbox.discord.message_rules import FILE_UPLOAD, LABEL, ROW, TEXT_INPUT
from sandbox.discord.world import World

Json = dict[str, Any]
Given = str | bool | Upload | Sequence[str] | Sequence[Upload]

RADIO, CHECKBOXES, CHECKBOX = 21, 22, 23


class Form:
    """One filling-in of one form."""

    def __init__(self, world: World, filling: Filling, modal: OpenModal, values: Mapping[str, Given]) -> None:
        self._world = world
        self._filling = filling
        self._modal = modal
        self._unused = dict(values)
        self._resolved: dict[str, Json] = {}

    async def data(self) -> Json:
        """The data of a modal submit. Raises ``ValueError`` for an unknown, missing or unfit value."""
        components: list[Json] = []
        for top in self._modal.data["components"]:
            shape: Json = {"type": top["type"], "id": top["id"]}
            if top["type"] == LABEL:
                shape["component"] = await self._one(top["component"])
            elif top["type"] == ROW:
                shape["components"] = [await self._one(each) for each in top["components"]]
            components.append(shape)
        if self._unused:
            raise ValueError(f"the form has no field {', '.join(self._unused)}")
        data: Json = {"custom_id": self._modal.data["custom_id"], "components": components}
        return data | ({"resolved": self._resolved} if self._resolved else {})

    async def _one(self, part: Json) -> Json:
        kind, value = part["type"], self._unused.pop(part["custom_id"], None)
        shape: Json = {"type": kind, "id": part["id"], "custom_id": part["custom_id"]}
        if kind == TEXT_INPUT:
            return shape | {"value": _text(part, value)}
        if kind == CHECKBOX:
            return shape | {"value": bool(part.get("default")) if value is None else bool(value)}
        several = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        if kind == FILE_UPLOAD:
            uploads = [each for each in several if isinstance(each, Upload)]
            if value is not None and len(uploads) < len(several):
                raise ValueError(f"{part['custom_id']} takes files")
            _count(part, len(uploads))
            place = self._modal.interaction.channel
            files = [await keep(self._world, each, place, ephemeral=True) for each in uploads]
            return shape | {"values": [self._filling.resolve_file(file, self._resolved) for file in files]}
        options = part.get("options") or []
        given = [each["value"] for each in options if each.get("default")] if value is None else several
        for each in given:
            if each not in [option["value"] for option in options]:
                raise ValueError(f"{part['custom_id']} has no choice {each!r}")
        _count(part, len(given))
        if kind == RADIO:
            return shape | {"value": given[0] if given else None}
        return shape | {"values": given}


def _text(part: Json, value: Given | None) -> str:
    text = part.get("value") or "" if value is None else value
    if not isinstance(text, str):
        raise ValueError(f"{part['custom_id']} takes a text")
    required = part.get("required") is not False
    low, high = part.get("min_length") or int(required), part.get("max_length") or 4000
    if (text or required) and not low <= len(text) <= high:
        raise ValueError(f"{part['custom_id']} takes {low} to {high} characters, not {len(text)}")
    return text


def _count(part: Json, given: int) -> None:
    low: int = 1 if part.get("min_values") is None else part["min_values"]
    high: int = part.get("max_values") or (len(part["options"]) if part["type"] == CHECKBOXES else 1)
    required = part.get("required") is not False
    if (given or required) and not low <= given <= high:
        raise ValueError(f"{part['custom_id']} takes {low} to {high} choices, not {given}")
