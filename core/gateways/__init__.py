"""The gateways there are, and which of them the settings switch on. A new wire is one module and one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from core.errors import SettingsError
from core.gateway import Gateway
from core.gateways.aihubmix import Aihubmix
from core.gateways.apiyi import Apiyi
from core.masking import Masker
from core.settings import Settings
from core.transport import Api

AIHUBMIX, AIHUBMIX_TASKS = "https://aihubmix.com", "https://api.aihubmix.com"
APIYI = "https://api.apiyi.com"


@dataclass(frozen=True)
class Configured:
    """What the settings say about one gateway."""

    name: str
    key: str  #: empty: it is absent
    base: str  #: without ``/v1``
    proxy: str | None
    concurrency: int
    timeout: float | None

    def api(self, masker: Masker, base: str | None = None) -> Api:
        return Api(base or self.base, key=self.key, masker=masker, proxy=self.proxy)


class _Make(Protocol):
    def __call__(self, row: Configured, masker: Masker) -> Gateway: ...


def _apiyi(row: Configured, masker: Masker) -> Gateway:
    return Apiyi(row.api(masker), timeout=row.timeout)


def _aihubmix(row: Configured, masker: Masker) -> Gateway:
    # Tasks have a host of their own at the real thing only; both hosts answer, this one is the documented.
    tasks = row.api(masker, AIHUBMIX_TASKS) if row.base == AIHUBMIX else None
    return Aihubmix(row.api(masker), tasks=tasks, timeout=row.timeout)


#: Name (as in the settings and in ``models.toml``) to its usual address and its maker.
REGISTRY: Mapping[str, tuple[str, _Make]] = {"apiyi": (APIYI, _apiyi), "aihubmix": (AIHUBMIX, _aihubmix)}
