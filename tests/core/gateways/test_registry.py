"""Which gateways the settings switch on, and what they say when something is wrong."""

from typing import Any

import pytest

from core.errors import SettingsError
from core.gateway import Asks
from core.gateways import REGISTRY, access_of, concurrency, configured, trusted_hosts, why_not
from core.masking import Masker
from core.settings import Settings


def settings(**values: Any) -> Settings:
    return Settings(**values)


async def names(given: Settings) -> list[str]:
    found = configured(given, masker=Masker())
    for gateway in found.values():
        await gateway.close()
    return list(found)


async def test_a_gateway_without_a_key_is_absent_and_says_which() -> None:
    given = settings(apiyi_api_key="sk-1234567890", aihubmix_api_key=" ")
    assert await names(given) == ["apiyi"]
    assert why_not(given).keys() == REGISTRY.keys()
    assert why_not(given)["apiyi"] == ""
    assert why_not(given)["aihubmix"] == "AIHUBMIX_API_KEY is not set"


async def test_a_proxy_of_ones_own_is_switched_on_by_its_address_and_needs_no_secret() -> None:
    assert await names(settings(midjourney_proxy_secret="1234567890")) == []
    given = settings(midjourney_proxy_url="http://proxy.lan:8080/mj/")
    assert await names(given) == ["midjourney_proxy"]
    assert why_not(settings())["midjourney_proxy"] == "MIDJOURNEY_PROXY_URL is not set"
    assert access_of(given, "midjourney_proxy").base == "http://proxy.lan:8080"
    assert trusted_hosts(given) == {"proxy.lan"}


async def test_only_aihubmix_can_be_asked() -> None:
    found = configured(settings(apiyi_api_key="sk-1234567890", aihubmix_api_key="sk-1234567890"), masker=Masker())
    assert {name: isinstance(gateway, Asks) for name, gateway in found.items()} == {"apiyi": False, "aihubmix": True}
    assert all(gateway.name == name for name, gateway in found.items())
    for gateway in found.values():
        await gateway.close()


@pytest.mark.parametrize("written", ["http://h:8/x", "http://h:8/x/", "http://h:8/x/v1", " http://h:8/x/v1/ "])
def test_a_base_url_may_be_written_in_any_usual_way(written: str) -> None:
    given = settings(apiyi_api_key="sk-1234567890", apiyi_base_url=written)
    assert access_of(given, "apiyi").base == "http://h:8/x"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("apiyi_base_url", "api.apiyi.com"),
        ("apiyi_base_url", "ftp://api.apiyi.com"),
        ("apiyi_base_url", "https://me:secret@api.apiyi.com"),
        ("midjourney_proxy_url", "proxy.lan:8080"),
        ("apiyi_proxy", "socks5://127.0.0.1:1080"),
        ("apiyi_proxy", "127.0.0.1:7890"),
        ("apiyi_api_key", "sk-123 456"),
        ("apiyi_api_key", "sk-ключ-123456"),
        ("apiyi_api_key", "sk-123\n456"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name.upper()) as caught:
        configured(settings(**{"apiyi_api_key": "sk-1234567890", name: value}), masker=Masker())
    assert "secret" not in str(caught.value)


def test_hosts_that_the_operator_named_are_trusted_and_the_usual_ones_are_not() -> None:
    given = settings(apiyi_base_url="http://127.0.0.1:4000/v1", aihubmix_base_url="https://Gate.LAN")
    # This machine has three names.
    assert trusted_hosts(given) == {"127.0.0.1", "localhost", "::1", "gate.lan"}
    assert trusted_hosts(settings(apiyi_base_url="https://gate.lan")) == {"gate.lan"}
    assert trusted_hosts(settings()) == frozenset()


def test_concurrency_is_the_settings() -> None:
    assert (
        concurrency(settings(apiyi_concurrency=3)).items()
        >= {"apiyi": 3, "aihubmix": 10, "midjourney_proxy": 3}.items()
    )


def test_the_timeout_of_the_settings_goes_before_the_models() -> None:
    assert access_of(settings(apiyi_api_key="sk-1234567890", gateway_timeout=77), "apiyi").timeout == 77
