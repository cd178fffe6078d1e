"""Result links are fetched from the open internet only, within bounds, and with nothing of ours on them."""

import asyncio
import contextlib
import io
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from core import hosts
from core.download import Downloader
from core.errors import GatewayError, HostRefused, PictureBroken, PictureGone, PictureTooLarge, PictureUnreachable
from core.hosts import HostGuard, is_public
from core.tls import tls
from sandbox.serving import serve


def _png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, "PNG")
    return out.getvalue()


PNG = _png()
INTERNAL = [
    "127.0.0.1",
    "127.255.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "0.1.2.3",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "100::1",
    "2001:db8::1",
    "2001::1",
    "5f00::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "no address",
]
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "172.32.0.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]


@pytest.mark.parametrize("address", INTERNAL)
def test_an_internal_address_is_known_in_every_disguise(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)


def answers(**names: list[str]) -> Callable[[str, int], Any]:
    """A resolver that knows these names (with ``_`` for dots)."""

    async def resolve(host: str, port: int) -> list[str]:
        try:
            return names[host.replace(".", "_")]
        except KeyError:
            raise OSError("no such name") from None

    return resolve


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1/a",
        "http://[::1]/a",
        "http://[::ffff:10.0.0.1]/a",
        "http://169.254.169.254/latest/meta-data/",
        "https://inside.example/a",
        "ftp://outside.example/a",
        "file:///etc/passwd",
        "http://user:pass@outside.example/a",
    ],
)
async def test_a_link_to_the_inside_is_refused(link: str) -> None:
    guard = HostGuard(resolve=answers(inside_example=["10.1.2.3"], outside_example=["8.8.8.8"]))
    with pytest.raises(HostRefused):
        await guard.addresses(httpx.URL(link))


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001"])
async def test_a_name_or_number_that_the_system_takes_for_this_machine_is_refused(host: str) -> None:
    with pytest.raises(HostRefused):
        await HostGuard().addresses(httpx.URL(f"http://{host}/a"))


async def test_a_name_with_both_kinds_of_address_is_reached_by_its_public_one() -> None:
    guard = HostGuard(resolve=answers(mixed_example=["10.0.0.1", "8.8.8.8"]))
    assert await guard.addresses(httpx.URL("http://mixed.example/a")) == ["8.8.8.8"]


async def test_only_the_hosts_that_the_operator_named_may_be_internal() -> None:
    guard = HostGuard(["127.0.0.1", "Gateway.LAN"], resolve=answers(gateway_lan=["10.0.0.9"]))
    assert await guard.addresses(httpx.URL("http://127.0.0.1:81/a")) == ["127.0.0.1"]
    assert await guard.addresses(httpx.URL("http://gateway.lan/a")) == ["10.0.0.9"]
    for other in ("http://127.0.0.2/", "http://[::1]/", "http://10.0.0.9/"):
        with pytest.raises(HostRefused):
            await guard.addresses(httpx.URL(other))


async def test_a_redirect_leads_to_the_inside_only_from_the_very_same_place() -> None:
    guard = HostGuard(["127.0.0.1"])
    link = httpx.URL("http://127.0.0.1:81/b")
    assert await guard.addresses(link, came_from=httpx.URL("http://127.0.0.1:81/a"))
    for place in ("http://127.0.0.1:82/a", "http://8.8.8.8/a", "https://127.0.0.1:81/a"):
        with pytest.raises(HostRefused):
            await guard.addresses(link, came_from=httpx.URL(place))


# -- over sockets ---------------------------------------------------------------------------------------------------


async def _picture(request: Request) -> Response:
    request.app.state.seen.append(request)
    return Response(PNG, headers={"set-cookie": "a=b; Path=/"})


async def _hop(request: Request) -> Response:
    left = int(request.path_params["left"])
    return RedirectResponse(f"/hop/{left - 1}" if left else "/picture", 302)


async def _page(request: Request) -> Response:
    return Response("<!doctype html><p>Sign in", media_type="image/png")


async def _status(request: Request) -> Response:
    return PlainTextResponse("no", int(request.path_params["status"]))


async def _packed(request: Request) -> Response:
    import gzip

    return Response(gzip.compress(b"\x89PNG\r\n\x1a\n" + bytes(50_000_000)), headers={"content-encoding": "gzip"})


@pytest.fixture
async def host() -> AsyncIterator[tuple[str, list[Request]]]:
    app = Starlette(
        routes=[
            Route("/picture", _picture),
            Route("/hop/{left}", _hop),
            Route("/page", _page),
            Route("/packed", _packed),
            Route("/status/{status}", _status),
            Route("/nowhere", lambda _: Response(status_code=302, headers={"location": "http://[broken"})),
        ]
    )
    app.state.seen = []
    async with serve(app) as base:
        yield base, app.state.seen


@contextlib.asynccontextmanager
async def downloading(**options: Any) -> AsyncIterator[Downloader]:
    downloader = Downloader(**({"allow_hosts": ["127.0.0.1"]} | options))
    yield downloader
    await downloader.close()


async def test_a_picture_is_fetched_without_cookies_or_other_credentials(host: tuple[str, list[Request]]) -> None:
    base, seen = host
    async with downloading() as downloader:
        for _ in range(2):
            assert await downloader.fetch(f"{base}/picture?signature=1", gateway="apiyi") == PNG
    assert all(not {"cookie", "authorization", "referer"} & set(request.headers.keys()) for request in seen)
    assert len(seen) == 2


async def test_five_redirects_are_followed_and_six_are_not(host: tuple[str, list[Request]]) -> None:
    base, _ = host
    async with downloading() as downloader:
        assert await downloader.fetch(f"{base}/hop/4", gateway="apiyi") == PNG
        with pytest.raises(PictureBroken):
            await downloader.fetch(f"{base}/hop/5", gateway="apiyi")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/page", PictureBroken),
        ("/packed", PictureTooLarge),
        ("/nowhere", HostRefused),
        ("/status/404", PictureGone),
        ("/status/410", PictureGone),
        ("/status/403", PictureGone),
        ("/status/429", PictureUnreachable),
        ("/status/500", PictureUnreachable),
        ("/status/503", PictureUnreachable),
        ("/status/304", PictureBroken),
        ("/status/206", PictureBroken),
    ],
)
async def test_what_is_no_picture_is_told_apart(
    path: str, kind: type[GatewayError], host: tuple[str, list[Request]]
) -> None:
    async with downloading(limit=1_000_000) as downloader:
        with pytest.raises(kind):
            await downloader.fetch(f"{host[0]}{path}", gateway="apiyi")


@pytest.mark.parametrize("link", ["", "no link", "http://", "http://[", "data:image/png;base64,AAAA"])
async def test_what_is_no_link_is_never_fetched(link: str) -> None:
    async with downloading() as downloader:
        with pytest.raises((PictureBroken, HostRefused)):
            await downloader.fetch(link, gateway="apiyi")


async def test_the_connection_goes_to_the_address_that_was_checked(
    host: tuple[str, list[Request]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the name is resolved once, and a second answer would be of no use. The host keeps its name."""
    base, seen = host
    asked: list[str] = []

    async def rebinding(name: str, port: int) -> list[str]:
        asked.append(name)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.9.9.9"]

    monkeypatch.setattr(hosts, "is_public", lambda address: address == "127.0.0.1")
    port = base.rpartition(":")[2]
    async with downloading(allow_hosts=(), resolve=rebinding) as downloader:
        assert await downloader.fetch(f"http://cdn.example:{port}/picture", gateway="apiyi") == PNG
    assert asked == ["cdn.example"]
    assert seen[0].headers["host"] == f"cdn.example:{port}"


async def test_the_next_address_of_a_name_is_tried_when_one_does_not_answer(
    host: tuple[str, list[Request]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = host[0].rpartition(":")[2]
    monkeypatch.setattr(hosts, "is_public", lambda address: True)
    resolve = answers(cdn_example=["127.0.0.2", "127.0.0.1"])
    async with downloading(allow_hosts=(), resolve=resolve) as downloader:
        assert await downloader.fetch(f"http://cdn.example:{port}/picture", gateway="apiyi") == PNG


async def test_a_name_that_cannot_be_resolved_is_tried_again_later() -> None:
    async with downloading(resolve=answers()) as downloader:
        with pytest.raises(PictureUnreachable) as caught:
            await downloader.fetch("https://nowhere.example/a", gateway="apiyi")
    assert caught.value.transient


async def test_tls_is_checked_against_the_name_and_not_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate for cdn.example is accepted at 127.0.0.1 for that name, and refused for another."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=cdn.example -addext subjectAltName=DNS:cdn.example"
    )
    subprocess.run([*make.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate, key)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(PNG) + PNG)
        await writer.drain()
        writer.close()

    monkeypatch.setattr(hosts, "is_public", lambda address: True)
    monkeypatch.setattr("certifi.where", lambda: str(certificate))
    tls.cache_clear()
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_side) as server:
        port = server.sockets[0].getsockname()[1]
        resolve = answers(cdn_example=["127.0.0.1"], other_example=["127.0.0.1"])
        async with downloading(allow_hosts=(), resolve=resolve) as downloader:
            assert await downloader.fetch(f"https://cdn.example:{port}/a", gateway="apiyi") == PNG
            with pytest.raises(PictureUnreachable):
                await downloader.fetch(f"https://other.example:{port}/a", gateway="apiyi")
    tls.cache_clear()


async def test_a_gateways_proxy_fetches_its_results_and_the_guard_still_looks_at_the_name() -> None:
    heard: list[str] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(PNG) + PNG)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        resolve = answers(cdn_example=["8.8.8.8"], inside_example=["10.0.0.1"])
        async with downloading(proxies={"aihubmix": address}, resolve=resolve) as downloader:
            for name in ("cdn.example", "known-to-the-proxy.example"):
                assert await downloader.fetch(f"http://{name}/a", gateway="aihubmix") == PNG
            with pytest.raises(HostRefused):
                await downloader.fetch("http://inside.example/a", gateway="aihubmix")
    assert [line.split()[1] for line in heard] == ["http://cdn.example/a", "http://known-to-the-proxy.example/a"]
