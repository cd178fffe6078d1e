"""The gateways there are, and which of them the settings switch on. A new wire is one module and one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlsplit

from pydantic import SecretStr

from core.errors import SettingsError
from core.gateway import Gateway
from core.gateways.aihubmix import Aihubmix
from core.gateways.aihuihua import Aihuihua
from core.gateways.apicore import Apicore
from core.gateways.apiyi import Apiyi
from core.gateways.midjourney import SECRET_HEADER, MidjourneyProxy
from core.gateways.openai_images import OpenAiImages
from core.links import Publisher
from core.masking import Masker
from core.settings import Settings
from core.transport import Api, nothing

AIHUBMIX, AIHUBMIX_TASKS = "https://aihubmix.com", "https://api.aihubmix.com"
APIYI = "https://api.apiyi.com"
APICORE = "https://api.apicore.ai"
OPENAI = "https://api.openai.com"
AIHUIHUA = "https://api.aihuihua.com"
#: Gateways that operators run themselves, with an example of an address: it switches them on; their secret is optional.
_OWN = {"midjourney_proxy": "http://127.0.0.1:8080"}


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
#: Proxies httpx speaks to without further packages.
_PROXY_SCHEMES = ("http", "https")


@dataclass(frozen=True)
class Access:
    """What the settings say about one gateway that is switched on."""

    key: str
    base: str  #: without ``/v1`` and without a slash at its end
    proxy: str | None
    timeout: float | None  #: seconds, instead of the models' own
    hook: str | None = None  #: our address for its call-backs; None: it is polled
    hook_secret: str = ""  #: what it signs them with, where it signs them
    publisher: Publisher | None = None  #: for pictures that it fetches itself; None: it cannot be given any
    limited: Callable[[], None] = nothing  #: told of each answer with status 429

    def api(self, masker: Masker, base: str | None = None, *, key_header: str | None = None) -> Api:
        """Its API, on another host if ``base`` names one."""
        return Api(
            base or self.base,
            key=self.key,
            masker=masker,
            proxy=self.proxy,
            key_header=key_header,
            limited=self.limited,
        )


def _apiyi(access: Access, masker: Masker) -> Gateway:
    return Apiyi(access.api(masker), timeout=access.timeout)


def _aihubmix(access: Access, masker: Masker) -> Gateway:
    # Only the real service has a second host for tasks; both answer, the second is the documented one.
    tasks = access.api(masker, AIHUBMIX_TASKS) if access.base == AIHUBMIX else None
    return Aihubmix(
        access.api(masker), tasks=tasks, timeout=access.timeout, hook=access.hook, hook_secret=access.hook_secret
    )


def _apicore(access: Access, masker: Masker) -> Gateway:
    return Apicore(access.api(masker), timeout=access.timeout, hook=access.hook, masker=masker)


def _openai(access: Access, masker: Masker) -> Gateway:
    return OpenAiImages(access.api(masker), timeout=access.timeout)


def _midjourney(access: Access, masker: Masker) -> Gateway:
    api = access.api(masker, key_header=SECRET_HEADER)
    return MidjourneyProxy(api, timeout=access.timeout, hook=access.hook, masker=masker)


def _aihuihua(access: Access, masker: Masker) -> Gateway:
    api = access.api(masker)
    return Aihuihua(api, masker=masker, hook=access.hook, publisher=access.publisher, timeout=access.timeout)


#: Name (in ``models.toml``, and in capitals at the head of its settings) to its usual address and its maker.
REGISTRY: Mapping[str, tuple[str, Callable[[Access, Masker], Gateway]]] = {
    "apiyi": (APIYI, _apiyi),
    "aihubmix": (AIHUBMIX, _aihubmix),
    "apicore": (APICORE, _apicore),
    "openai": (OPENAI, _openai),
    "midjourney_proxy": (_OWN["midjourney_proxy"], _midjourney),
    "aihuihua": (AIHUIHUA, _aihuihua),
}


def configured(
    settings: Settings,
    *,
    masker: Masker,
    publisher: Publisher | None = None,
    limited: Callable[[str], None] = nothing,
) -> dict[str, Gateway]:
    """The gateways that are switched on, by name; each has connections to close. ``publisher``: where there is a
    public address, for call-backs and pictures; ``limited`` is told which gateway answered with status 429.
    Raises SettingsError."""
    accesses = {
        name: replace(access_of(settings, name), limited=partial(limited, name))
        for name, why in why_not(settings).items()
        if not why
    }
    if publisher is not None:
        links = publisher.links
        accesses = {
            name: replace(access, hook=links.hook(name), hook_secret=links.hook_secret(name), publisher=publisher)
            for name, access in accesses.items()
        }
    return {name: REGISTRY[name][1](access, masker) for name, access in accesses.items()}


def why_not(settings: Settings) -> dict[str, str]:
    """Every gateway with "" when it is switched on, else with what is missing."""
    needed = {name: (_url if name in _OWN else _key)(settings, name) for name in REGISTRY}
    named = {name: _setting(name, "base_url" if name in _OWN else "api_key").upper() for name in REGISTRY}
    return {name: "" if needed[name] else f"{named[name]} is not set" for name in REGISTRY}


def concurrency(settings: Settings) -> dict[str, int]:
    """Orders that every gateway works on at once."""
    return {name: int(getattr(settings, f"{name}_concurrency")) for name in REGISTRY}


def proxies(settings: Settings) -> dict[str, str]:
    """The proxy of every gateway that has one, by name: for its calls and for the downloads of its results."""
    named = {name: getattr(settings, f"{name}_proxy", None) for name in REGISTRY}
    return {name: proxy for name, proxy in named.items() if proxy}


def trusted_hosts(settings: Settings) -> frozenset[str]:
    """Hosts that may be internal because the operator has named them in a ``…_BASE_URL``. Raises SettingsError."""
    named = [name for name in REGISTRY if _url(settings, name)]
    hosts = {urlsplit(_base(settings, name)).hostname or "" for name in named}
    # This machine has three names; a gateway on it may use any of them in its links.
    return frozenset(hosts | _LOOPBACK if hosts & _LOOPBACK else hosts)


def _setting(name: str, what: str) -> str:
    """The setting's name; shorter for what operators run themselves."""
    shorter = {"api_key": "secret", "base_url": "url"}
    return f"{name}_{shorter[what] if name in _OWN else what}"


def _url(settings: Settings, name: str) -> str:
    given: str | None = getattr(settings, _setting(name, "base_url"))
    return (given or "").strip()


def _key(settings: Settings, name: str) -> str:
    secret: SecretStr | None = getattr(settings, _setting(name, "api_key"))
    return secret.get_secret_value().strip() if secret is not None else ""


def access_of(settings: Settings, name: str) -> Access:
    """What the settings say about the gateway ``name``. Raises SettingsError."""
    key, proxy = _key(settings, name), getattr(settings, f"{name}_proxy", None)
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise SettingsError(_setting(name, "api_key").upper(), "has characters that no key has; copy it again")
    if proxy is not None and (urlsplit(proxy).scheme not in _PROXY_SCHEMES or not urlsplit(proxy).hostname):
        raise SettingsError(f"{name.upper()}_PROXY", "use an address such as http://127.0.0.1:7890")
    return Access(key, _base(settings, name), proxy, settings.gateway_timeout)


def _base(settings: Settings, name: str) -> str:
    """The API's root, however it was written: with or without ``/v1`` (``/mj``) and a slash at its end."""
    given = _url(settings, name) or REGISTRY[name][0]
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise SettingsError(_setting(name, "base_url").upper(), f"use an address such as {REGISTRY[name][0]}")
    return given.rstrip("/").removesuffix("/v1").removesuffix("/mj").rstrip("/")
