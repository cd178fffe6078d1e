"""What operators are told about the gateways' accounts: in time, in a few words, and without a secret."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import pytest

from core import admin
from core.admin import Admin, Report, Standing
from core.clock import utc_now
from core.errors import BalanceEmpty, KeyRejected
from core.gateway import Call, Gateway
from core.gateways import REGISTRY, Access
from core.masking import Masker
from core.store import open_store
from core.types import Outcome
from sandbox.gateways import ApicoreSandbox, ApiyiSandbox
from tests.databases import sqlite_template, sqlite_url  # noqa: F401  # fixtures are found by name

WRONG = "sk-a-key-that-nobody-knows"


async def told(url: str, places: Mapping[str, tuple[str, str]]) -> Report:
    """What is said about gateways at these addresses, with these keys."""
    masker = Masker(key for _, key in places.values())
    gateways: dict[str, Gateway] = {
        name: REGISTRY[name][1](Access(key, base, None, None), masker) for name, (base, key) in places.items()
    }
    store = await open_store(url)
    try:
        asked = Admin(store, gateways, accounts=(), timezone="UTC", clock=utc_now, masker=masker)
        return await asked.report()
    finally:
        await asyncio.gather(store.close(), *(gateway.close() for gateway in gateways.values()))


@contextlib.asynccontextmanager
async def silence() -> AsyncIterator[str]:
    """An address where calls are taken and never answered."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_apicores_usage_and_quota_are_told(sqlite_url: str) -> None:  # noqa: F811
    async with ApicoreSandbox().running() as apicore:
        report = await told(sqlite_url, {"apicore": (apicore.base_url, apicore.default_key)})
        assert report.standings == {"apicore": Standing("takes the key; spent $0.00, $2.00 left")}
        apicore.granted = 0
        report = await told(sqlite_url, {"apicore": (apicore.base_url, apicore.default_key)})
        assert report.standings == {"apicore": Standing(trouble=BalanceEmpty.__name__)}


async def test_a_key_that_is_refused_and_a_gateway_that_is_away_do_not_hide_the_others(
    sqlite_url: str,  # noqa: F811
) -> None:
    async with ApicoreSandbox().running() as apicore, ApiyiSandbox().running() as apiyi:
        places = {
            "apicore": (apicore.base_url, WRONG),
            "apiyi": (apiyi.base_url, apiyi.default_key),
            "aihubmix": ("http://127.0.0.1:9", WRONG),
        }
        report = await told(sqlite_url, places)
    assert report.standings["apicore"] == Standing(trouble=KeyRejected.__name__)
    assert report.standings["apiyi"].trouble is None
    assert report.standings["aihubmix"] == Standing(trouble="GatewayUnreachable")
    assert WRONG not in repr(report)
    assert apiyi.default_key not in repr(report)


async def test_a_gateway_that_does_not_answer_is_not_waited_for_long(
    sqlite_url: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert admin.PATIENCE == 5.0
    monkeypatch.setattr(admin, "PATIENCE", 0.2)
    async with silence() as base, asyncio.timeout(10):
        report = await told(sqlite_url, {"apicore": (base, WRONG)})
    assert report.standings == {"apicore": Standing(trouble="GatewaySilent")}


class Meeting:
    """A gateway that answers once all others are asked too."""

    def __init__(self, name: str, all_of_them: asyncio.Barrier) -> None:
        self.name, self._all = name, all_of_them

    async def start(self, call: Call, *, key: str) -> Outcome:
        raise AssertionError("nothing is ordered here")

    async def check(self) -> str:
        await self._all.wait()
        return "spent $1.50,\nwith sk-a-key-of-the-gateway " + "x" * 500

    async def close(self) -> None:
        pass


async def test_all_are_asked_at_once_and_each_gets_a_line_without_a_secret(
    sqlite_url: str,  # noqa: F811
) -> None:
    together = asyncio.Barrier(3)
    gateways = {name: Meeting(name, together) for name in ("one", "two", "three")}
    store = await open_store(sqlite_url)
    asked = Admin(store, gateways, accounts=(), timezone="UTC", clock=utc_now, masker=Masker())
    report = await asked.report()
    await store.close()
    for name in gateways:
        line = report.standings[name].line
        assert line.startswith("spent $1.50, with *** xxx")
        assert len(line) == admin.LINE
