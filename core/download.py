"""Fetches the results that gateways answer with links to: guarded, bounded, and without any credential of ours."""

import asyncio
from collections.abc import Iterable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from core.errors import (
    GatewayError,
    ImageTooLarge,
    ImageUnreadable,
    PictureBroken,
    PictureGone,
    PictureTooLarge,
    PictureUnreachable,
)
from core.hosts import HostGuard, Resolve, resolve
from core.pictures import QUARTERS, quarters, sniff
from core.refusals import retry_after
from core.tls import tls
from core.videos import sniff_video

#: Bytes of one result; a 4 MP PNG has about 12 MB (BFL's largest), a 4K one of Seedream's about 30 MB, a video of ten
#: seconds in 720p about 10 MB.
LIMIT = 64 * 1024 * 1024
#: Seconds for one fetch in all, its redirects included; below the minute for which the tracker leases an order.
TOTAL = 50.0
#: Seconds for a connection, and between two pieces.
CONNECT, READ = 10.0, 20.0
REDIRECTS = 5


class Downloader:
    """One per process. ``fetch`` may be repeated: links are read-only."""

    def __init__(
        self,
        *,
        allow_hosts: Iterable[str] = (),
        proxies: Mapping[str, str] | None = None,
        limit: int = LIMIT,
        total: float = TOTAL,
        resolve: Resolve = resolve,
    ) -> None:
        """``allow_hosts``: internal hosts that are fine, see :class:`core.hosts.HostGuard`. ``proxies``: gateway name
        to the proxy its results are fetched through. ``limit`` in bytes, ``total`` in seconds."""
        self._guard = HostGuard(allow_hosts, resolve=resolve)
        self._limit, self._total = limit, total
        self._direct = _client(None)
        self._proxied = {gateway: _client(proxy) for gateway, proxy in (proxies or {}).items()}
        self._grids: dict[tuple[str, str], asyncio.Task[dict[str, bytes]]] = {}  #: by gateway and link

    async def fetch(self, url: str, *, gateway: str) -> bytes:
        """The picture behind ``url``, a result of ``gateway``. With one of :data:`core.pictures.QUARTERS` behind its
        ``#`` it is that quarter of it; those who want quarters of one grid at the same time share the download.

        Raises HostRefused, PictureGone, PictureUnreachable (worth repeating), PictureTooLarge, PictureBroken.
        """
        link, _, part = url.partition("#")
        if part not in QUARTERS:
            return await self._fetch(url, gateway)
        wanted = (gateway, link)
        if wanted not in self._grids:
            self._grids[wanted] = asyncio.create_task(self._quarters(link, gateway))
            self._grids[wanted].add_done_callback(lambda done: self._forget(wanted, done))
        # One who no longer waits takes nothing away from the others.
        return (await asyncio.shield(self._grids[wanted]))[part]

    async def _quarters(self, url: str, gateway: str) -> dict[str, bytes]:
        grid = await self._fetch(url, gateway)
        try:
            return await asyncio.to_thread(quarters, grid)
        except ImageTooLarge as error:
            raise PictureTooLarge(detail=f"grid: {error}") from error
        except ImageUnreadable as error:
            raise PictureBroken(detail=f"grid: {error}") from error

    def _forget(self, wanted: tuple[str, str], done: asyncio.Task[dict[str, bytes]]) -> None:
        del self._grids[wanted]
        if not done.cancelled():
            done.exception()  # looked at, even when nobody waits any more

    async def _fetch(self, url: str, gateway: str) -> bytes:
        try:
            link = httpx.URL(url)
        except (httpx.InvalidURL, TypeError, UnicodeError) as error:
            raise PictureBroken(detail="the result's link is no link") from error
        try:
            async with asyncio.timeout(self._total):
                return await self._follow(link, gateway)
        except TimeoutError as error:
            raise PictureUnreachable(detail=f"{link.host}: not whole after {self._total:g} s") from error
        except httpx.InvalidURL as error:
            raise PictureBroken(detail=f"{link.host}: redirects to what is no link") from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise PictureUnreachable(detail=f"{link.host}: {type(error).__name__} {error}") from error

    async def _follow(self, link: httpx.URL, gateway: str) -> bytes:
        came_from: httpx.URL | None = None
        for _ in range(REDIRECTS + 1):
            addresses = await self._addresses(link, came_from, gateway)
            found = await self._get(link, addresses, self._proxied.get(gateway, self._direct))
            if isinstance(found, bytes):
                return found
            came_from, link = link, found
        raise PictureBroken(detail=f"{link.host}: more than {REDIRECTS} redirects")

    async def _addresses(self, link: httpx.URL, came_from: httpx.URL | None, gateway: str) -> list[str]:
        """Where to connect; empty: leave the name to the proxy."""
        try:
            checked = await self._guard.addresses(link, came_from=came_from)
        except PictureUnreachable:
            if gateway not in self._proxied:
                raise
            return []  # only the proxy's side knows this name
        return [] if gateway in self._proxied else checked

    async def _get(self, link: httpx.URL, addresses: list[str], client: httpx.AsyncClient) -> bytes | httpx.URL:
        """One hop: the bytes, or where to go on."""
        if not addresses:
            return await self._read(client, client.build_request("GET", link), link)
        for address in addresses:
            # The checked address itself: a name that resolves differently a moment later (DNS rebinding) gains nothing.
            request = client.build_request(
                "GET",
                link.copy_with(host=address),
                headers={"Host": link.netloc.decode("ascii")},
                extensions={"sni_hostname": link.raw_host.decode("ascii")},
            )
            try:
                return await self._read(client, request, link)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if address == addresses[-1]:
                    raise
        raise AssertionError("addresses is not empty")

    async def _read(self, client: httpx.AsyncClient, request: httpx.Request, link: httpx.URL) -> bytes | httpx.URL:
        response = await client.send(request, stream=True)
        try:
            location = response.headers.get("location")
            if 300 <= response.status_code < 400 and location:
                return link.join(location)
            refused = _refused(response, link.host)
            if refused is not None:
                raise refused
            declared = response.headers.get("content-length", "")
            if declared.isdigit() and int(declared) > self._limit:
                raise PictureTooLarge(detail=f"{link.host}: {declared} bytes")
            data = bytearray()
            async for piece in response.aiter_bytes():
                data += piece
                if len(data) > self._limit:
                    raise PictureTooLarge(detail=f"{link.host}: more than {self._limit} bytes")
        finally:
            await response.aclose()
        if sniff(data) is None and sniff_video(data) is None:
            kind = response.headers.get("content-type", "no content type")
            raise PictureBroken(detail=f"{link.host}: no picture or video but {kind}: {bytes(data[:200])!r}")
        return bytes(data)

    async def close(self) -> None:
        """Close the connections."""
        for grid in self._grids.values():
            grid.cancel()
        await asyncio.gather(self._direct.aclose(), *(client.aclose() for client in self._proxied.values()))


def _client(proxy: str | None) -> httpx.AsyncClient:
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx.AsyncClient(
        verify=tls(),
        proxy=proxy,
        trust_env=False,
        follow_redirects=False,
        # Two hosts may share an address: a connection is never used for a second link, whose name it was not made for.
        limits=httpx.Limits(max_connections=200, max_keepalive_connections=0),
        timeout=httpx.Timeout(READ, connect=CONNECT),
        headers={"Accept": "image/*,*/*;q=0.5", "Accept-Encoding": "identity", "User-Agent": "imagine-bots"},
        cookies=no_cookies,
    )


def _refused(response: httpx.Response, host: str) -> GatewayError | None:
    status = response.status_code
    told = f"{host}: HTTP {status}"
    if status in (200, 203):
        return None
    if status in (408, 425, 429) or status >= 500:
        return PictureUnreachable(detail=told, retry_after=retry_after(response.headers))
    if 400 <= status < 500:
        # Signed links answer 404 (BFL) or 403 (S3 and its kin) when their time is over.
        return PictureGone(detail=told)
    return PictureBroken(detail=told)
