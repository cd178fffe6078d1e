"""Rules for every test: loopback or nothing, and no settings from outside."""

import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest
import structlog

from core.settings import Settings


@pytest.fixture(autouse=True, scope="session")
def loopback_or_nothing() -> Iterator[None]:
    """Any connection that would leave this machine fails at once, naming the address."""
    patch = pytest.MonkeyPatch()
    original = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if (
            self.family in (socket.AF_INET, socket.AF_INET6)
            and not ip_address(address[0].partition("%")[0]).is_loopback
        ):
            raise AssertionError(f"a test tried to reach {address}")
        original(self, address)

    patch.setattr(socket.socket, "connect", connect)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No variable of the machine's, no ``.env`` of the checkout and no test before leaks into a test."""
    structlog.reset_defaults()
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name in list(os.environ):
        if name.upper().endswith(("_PROXY",)):
            monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)


#: The tests that take longest, a minute and more: they go first, so that no worker sits over one of them at the end.
LONGEST = ("tests/test_demo_script.py", "tests/core/test_polling_cost.py", "tests/test_demo_page.py", "tests/e2e/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the same order in every worker, as pytest-xdist needs it."""
    places = range(len(LONGEST))
    items.sort(
        key=lambda item: next((place for place in places if item.nodeid.startswith(LONGEST[place])), len(LONGEST))
    )
