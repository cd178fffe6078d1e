"""The rows of a models file: TOML in, models out, or one sentence about what is wrong."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.capabilities import Capabilities, Preset
from core.errors import SettingsError
from core.gateway import Given, Model
from core.settings import PACKAGED_MODELS
from core.types import Operation

_Range = tuple[Annotated[int, Field(ge=0, le=16)], Annotated[int, Field(ge=0, le=16)]]


class _Preset(BaseModel):
    """A ``[presets.…]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: str = Field(min_length=1)
    fields: dict[str, Any] = Field(default_factory=dict)


class _Given(BaseModel):
    """An entry of ``[gateways.….operations]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field("", pattern=r"^(/[\w./-]*)?$")
    fields: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _plain_yes(cls, value: object) -> object:
        return {} if value is True else value


class _Gateway(BaseModel):
    """A ``[gateways.…]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operations: dict[Operation, _Given] = Field(default_factory=dict)


class _Row(BaseModel):
    """A ``[[model]]`` of the file: every key a reader of the README meets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,47}$")
    gateway: str
    wire: str
    route: str = ""
    about: str = ""
    operations: tuple[Operation, ...] = ()
    credits: int = Field(ge=0, le=100_000)
    seconds: float = Field(15.0, gt=0)
    timeout: float = Field(180.0, gt=0, le=3600)
    deadline: float = Field(600.0, gt=0, le=86_400)
    prompt_max: int = Field(4000, ge=1)
    ratios: tuple[str, ...] = ()
    sizes: dict[str, str] = Field(default_factory=dict)
    edit_ratio: bool = True
    per_call: int = Field(1, ge=1, le=10)
    seed_max: int | None = Field(None, ge=1)
    negative: bool = False
    images_max: int = Field(0, ge=0, le=16)
    image_bytes: int = Field(10_000_000, ge=1)
    image_pixels: int = Field(4_000_000, ge=1)
    image_multiple: int = Field(1, ge=1)
    image_mimes: tuple[str, ...] = ("image/png", "image/jpeg", "image/webp")
    idempotent: bool = False
    fields: dict[str, Any] = Field(default_factory=dict)
    makes: dict[Operation, Annotated[int, Field(ge=1, le=10)]] = Field(default_factory=dict)
    inputs: dict[Operation, _Range] = Field(default_factory=dict)
    wordless: tuple[Operation, ...] = ()
    by_link: bool = False
    presets: dict[Operation, str] = Field(default_factory=dict)
    prices: dict[Operation, Annotated[int, Field(ge=0, le=100_000)]] = Field(default_factory=dict)
    steps: tuple[Operation, ...] = ()
    closed: dict[Operation, str] = Field(default_factory=dict)
    unknown: dict[Operation, str] = Field(default_factory=dict)
    fallbacks: tuple[str, ...] = ()
    unverified: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        everything = [*self.operations, *self.closed, *self.unknown]
        doubled = sorted({operation.value for operation in everything if everything.count(operation) > 1})
        if doubled:
            raise ValueError(f"an operation is in one of operations, closed and unknown: {', '.join(doubled)}")
        for name in ("makes", "inputs", "presets", "prices"):
            known = (*everything, *self.steps)
            strange = sorted(operation.value for operation in getattr(self, name) if operation not in known)
            if strange:
                raise ValueError(f"{name} names operations the row does not have: {', '.join(strange)}")
        if any(fewest > most for fewest, most in self.inputs.values()):
            raise ValueError("inputs are [fewest, most]")
        if not {*self.steps}.isdisjoint(self.operations):
            raise ValueError("an operation is in operations or in steps")
        return self

    def model(self, given: Mapping[Operation, _Given], presets: Mapping[str, _Preset]) -> Model:
        """``given``: what the file says about the gateway's operations; ``presets``: those it names."""
        opened = {operation for operation in self.closed if operation in given}
        opened |= {name for name in self.unknown if name in given and (given[name].path or given[name].fields)}
        off = {operation: why for operation, why in {**self.closed, **self.unknown}.items() if operation not in opened}
        can = Capabilities(
            operations=(frozenset(self.operations) | opened) - {*self.steps},
            prompt_max=self.prompt_max,
            ratios=self.ratios or tuple(self.sizes),
            sizes=self.sizes,
            edit_ratio=self.edit_ratio,
            per_call=self.per_call,
            seed_max=self.seed_max,
            negative=self.negative,
            images_max=self.images_max,
            image_bytes=self.image_bytes,
            image_pixels=self.image_pixels,
            image_multiple=self.image_multiple,
            image_mimes=self.image_mimes,
            idempotent=self.idempotent,
            makes=self.makes,
            inputs=self.inputs,
            wordless=frozenset(self.wordless),
            by_link=self.by_link,
            presets={name: Preset(presets[key].prompt, presets[key].fields) for name, key in self.presets.items()},
        )
        return Model(
            name=self.name,
            gateway=self.gateway,
            wire=self.wire,
            credits=self.credits,
            can=can,
            route=self.route,
            seconds=self.seconds,
            timeout=self.timeout,
            deadline=self.deadline,
            fields=self.fields,
            about=self.about,
            prices=self.prices,
            fallbacks=self.fallbacks,
            given={name: Given(told.path, told.fields) for name, told in given.items()},
            off=off,
            steps=frozenset(self.steps) - off.keys(),
            unverified=self.unverified,
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    packaged: bool = False
    model: tuple[_Row, ...] = ()
    presets: dict[str, _Preset] = Field(default_factory=dict)
    gateways: dict[str, _Gateway] = Field(default_factory=dict)


def read(path: Path) -> list[Model]:
    """The rows of a models file, in its order; with ``packaged = true`` those of the packaged file after them, but for
    names that the file has itself. Raises SettingsError naming MODELS_FILE and what is wrong."""
    file = _read(path)
    rows = list(file.model)
    names = [row.name for row in rows]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SettingsError("MODELS_FILE", f"{path.name} names these models twice: {', '.join(doubled)}")
    presets = dict(file.presets)
    if file.packaged:
        usual = _read(PACKAGED_MODELS)
        presets = usual.presets | presets
        rows += [row for row in usual.model if row.name not in names]
    if not rows:
        raise SettingsError("MODELS_FILE", f"{path.name} has no [[model]]; `packaged = true` brings the usual ones")
    known = {row.name for row in rows}
    for row in rows:
        strange = [name for name in row.fallbacks if name not in known or name == row.name]
        if strange:
            raise SettingsError("MODELS_FILE", f"{path.name}, {row.name}: no other model is named {strange[0]}")
        for operation, told in file.gateways.get(row.gateway, _Gateway()).operations.items():
            if operation in row.unknown and not (told.path or told.fields):
                where = f"gateways.{row.gateway}.operations.{operation}"
                why = row.unknown[operation]
                raise SettingsError("MODELS_FILE", f"{path.name}, {where}: give a path or fields: {why}")
        missing = [name for name in row.presets.values() if name not in presets]
        if missing:
            raise SettingsError("MODELS_FILE", f"{path.name}, {row.name}: there is no [presets.{missing[0]}]")
    nowhere = _Gateway()
    return [row.model(file.gateways.get(row.gateway, nowhere).operations, presets) for row in rows]


def _read(path: Path) -> _File:
    try:
        return _File.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError("MODELS_FILE", f"{path.name} cannot be read: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError("MODELS_FILE", f"{path.name}, {where}: {first['msg']}") from None
