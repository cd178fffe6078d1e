"""The catalogue: models as rows of a TOML file, and which of them can be used now."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.capabilities import Capabilities
from core.errors import ModelUnknown, NoModel, NotOffered, SettingsError
from core.gateway import Model
from core.types import Operation


class _Row(BaseModel):
    """A ``[[model]]`` of the file: every key a reader of the README meets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,47}$")
    gateway: str
    wire: str
    route: str = ""
    about: str = ""
    operations: tuple[Operation, ...]
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

    def model(self) -> Model:
        can = Capabilities(
            operations=frozenset(self.operations),
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
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    model: tuple[_Row, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Listed:
    """A model as people and ``imagine models`` see it. ``why_not`` is empty when it can be used."""

    model: Model
    why_not: str = ""


class Catalogue:
    """All rows, and the judge of which serves a request."""

    def __init__(
        self,
        models: Iterable[Model],
        *,
        gateways: Mapping[str, str],
        default: str | None = None,
        default_edit: str | None = None,
    ) -> None:
        """``gateways``: name → "" when it is configured, else why not. Raises SettingsError for a default that is no
        row."""
        self._rows = {model.name: model for model in models}
        self._gateways = dict(gateways)
        self._defaults = {Operation.IMAGINE: default, Operation.EDIT: default_edit}
        for setting, name in (("DEFAULT_MODEL", default), ("DEFAULT_EDIT_MODEL", default_edit)):
            if name is not None and name not in self._rows:
                raise SettingsError(setting, f"there is no model named {name!r}; `imagine models` lists them")

    def listed(self) -> list[Listed]:
        """Every row, in the file's order."""
        return [Listed(model, self._gateways.get(model.gateway, "unknown gateway")) for model in self._rows.values()]

    def usable(self, operation: Operation | None = None) -> list[Model]:
        """The rows that can be used now (for ``operation``)."""
        return [
            row.model
            for row in self.listed()
            if not row.why_not and (operation is None or operation in row.model.can.operations)
        ]

    def get(self, name: str) -> Model | None:
        """A row by its exact name, usable or not: for orders already made."""
        return self._rows.get(name)

    def choose(self, name: str | None, operation: Operation) -> Model:
        """The model for a request. Raises ModelUnknown, NotOffered, NoModel."""
        able = self.usable(operation)
        if not able:
            raise NoModel(operation=operation.value)
        if name is None:
            preferred = self._defaults.get(operation) or self._defaults[Operation.IMAGINE]
            return next((model for model in able if model.name == preferred), able[0])
        known = {model.name.casefold(): model for model in self.usable()}
        found = known.get(name.strip().casefold())
        if found is None:
            near = difflib.get_close_matches(name.strip().casefold(), known, n=3, cutoff=0.4)
            raise ModelUnknown(model=name.strip()[:60], near=", ".join(known[key].name for key in near))
        if operation not in found.can.operations:
            raise NotOffered(model=found.name, what=operation.value, others=", ".join(model.name for model in able[:5]))
        return found


def read(path: Path) -> list[Model]:
    """The rows of a models file. Raises SettingsError naming MODELS_FILE and what is wrong."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        rows = _File.model_validate(raw).model
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError("MODELS_FILE", f"{path.name} cannot be read: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError("MODELS_FILE", f"{path.name}, {where}: {first['msg']}") from None
    names = [row.name for row in rows]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SettingsError("MODELS_FILE", f"{path.name} names these models twice: {', '.join(doubled)}")
    return [row.model() for row in rows]
