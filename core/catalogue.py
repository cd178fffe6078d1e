"""The catalogue: which models there are, which of them can be used now, and which serves a request."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from core.capabilities import fit
from core.errors import ImagineError, ModelUnknown, NoModel, NotOffered, OwnOnly, SettingsError
from core.gateway import Model
from core.types import Operation, Request

#: What is missing where pictures would have to go out by public address.
NO_LINKS = "PUBLIC_URL is not set, and this gateway takes pictures by public address only"


@dataclass(frozen=True)
class Listed:
    """A model as people and ``imagine models`` see it. ``why_not`` is empty when it can be used."""

    model: Model
    why_not: str = ""
    off: Mapping[Operation, str] = field(default_factory=dict)  #: operations it could do, and why they are off


class Catalogue:
    """All rows, and the judge of which serves a request."""

    def __init__(
        self,
        models: Iterable[Model],
        *,
        gateways: Mapping[str, str],
        default: str | None = None,
        default_edit: str | None = None,
        links: bool = True,
    ) -> None:
        """``gateways``: name → "" when it is configured, else why not. ``links``: pictures can be given public
        addresses. Raises SettingsError for a default that is no row."""
        everything = list(models)
        self._rows = {model.name: model if links else _without_links(model) for model in everything}
        self._gateways = dict(gateways)
        self._defaults = {Operation.IMAGINE: default, Operation.EDIT: default_edit}
        for setting, name in (("DEFAULT_MODEL", default), ("DEFAULT_EDIT_MODEL", default_edit)):
            if name is not None and name not in self._rows:
                raise SettingsError(setting, f"there is no model named {name!r}; `imagine models` lists them")

    def listed(self) -> list[Listed]:
        """Every row, in the file's order."""
        return [Listed(model, self._why_not(model), model.off) for model in self._rows.values()]

    def _why_not(self, model: Model) -> str:
        missing = self._gateways.get(model.gateway, "unknown gateway")
        return missing or ("" if model.can.operations else "; ".join(dict.fromkeys(model.off.values())))

    def usable(self, operation: Operation | None = None, *, pictures: int | None = None) -> list[Model]:
        """The rows that can be used now (for ``operation``, from so many ``pictures``)."""
        return [
            model
            for model in self._rows.values()
            if not self._why_not(model)
            and (operation is None or operation in model.can.operations)
            and (operation is None or pictures is None or model.can.starts_from(operation, pictures))
        ]

    def operations(self, *, steps: bool = False) -> frozenset[Operation]:
        """All that can be done now, with any picture; with ``steps`` also what is for a gateway's own results only."""
        able = (model.can.operations | model.steps if steps else model.can.operations for model in self.usable())
        return frozenset(operation for each in able for operation in each)

    def get(self, name: str) -> Model | None:
        """A row by its exact name, usable or not: for orders already made."""
        return self._rows.get(name)

    def choose(
        self,
        name: str | None,
        operation: Operation,
        *,
        pictures: int | None = None,
        resting: Collection[str] = (),
    ) -> Model:
        """The model for a request that starts from so many ``pictures``. Without a name none at a ``resting`` gateway,
        if that can be. Raises ModelUnknown, NotOffered, NoModel, OwnOnly."""
        able = self.usable(operation)
        if not able:
            own = [model.name for model in self.usable() if operation in model.steps]
            raise OwnOnly(models=", ".join(own[:5])) if own else NoModel(operation=operation.value)
        if name is None:
            fitting = self.usable(operation, pictures=pictures) or able
            awake = [model for model in fitting if model.gateway not in resting] or fitting
            kind = Operation.EDIT if pictures or operation is Operation.EDIT else Operation.IMAGINE
            preferred = self._defaults[kind] or self._defaults[Operation.IMAGINE]
            return next((model for model in awake if model.name == preferred), awake[0])
        known = {model.name.casefold(): model for model in self.usable()}
        found = known.get(name.strip().casefold())
        if found is None:
            near = difflib.get_close_matches(name.strip().casefold(), known, n=3, cutoff=0.4)
            raise ModelUnknown(model=name.strip()[:60], near=", ".join(known[key].name for key in near))
        if operation not in found.can.operations:
            raise NotOffered(model=found.name, what=operation.value, others=", ".join(model.name for model in able[:5]))
        return found

    def elsewhere(
        self, request: Request, count: int, *, passed: Collection[str], resting: Collection[str]
    ) -> Model | None:
        """The next row that serves the same at another gateway, exactly as asked for. ``passed``: rows that had their
        turn; ``count``: results of one call."""
        first = self._rows.get(request.model or "")
        if first is None or request.follow is not None:
            return None
        for name in (first.name, *first.fallbacks):
            model = self._rows.get(name)
            if model is None or name in passed or model.gateway in resting or self._why_not(model):
                continue
            if _serves_alike(model, first, request, count):
                return model
        return None


def _serves_alike(model: Model, first: Model, request: Request, count: int) -> bool:
    """Whether ``model`` makes of ``request`` what the ``first`` one was to make."""
    if model.name == first.name:
        return True
    try:
        fitted = fit(request, model.can, model=model.name)
    except ImagineError:
        return False
    kept = replace(fitted.request, model=request.model) == request and not fitted.dropped
    return kept and max(fitted.calls) >= count


def _without_links(model: Model) -> Model:
    """The row of a gateway that cannot be given pictures: only what starts from words is left."""
    if not model.can.by_link:
        return model
    can, off = model.can, dict(model.off)
    inputs = dict(can.inputs)
    left = set(can.operations)
    for operation in can.operations:
        if can.needs(operation).fewest > 0:
            left.discard(operation)
            off[operation] = NO_LINKS
        elif can.needs(operation).most > 0:
            inputs[operation] = (0, 0)
    return replace(model, can=replace(can, operations=frozenset(left), inputs=inputs), off=off)
