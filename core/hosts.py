"""Keeps downloads away from internal addresses (server-side request forgery): resolve, check, connect to what was
checked."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv6Address

import httpx

from core.errors import HostRefused, PictureUnreachable

Address = IPv4Address | IPv6Address
#: What a host may consist of once it is written in ASCII: httpx lets others through, percent-encoded.
_HOST = re.compile(r"[a-z0-9._:-]+")
#: (host name, port) to its addresses as text. Raises OSError when the name has none.
Resolve = Callable[[str, int], Awaitable[list[str]]]

#: IPv6 ranges that carry an IPv4 address, and where in the 128 bits it stands (bits to shift right). RFC 6052
#: (NAT64), RFC 3056 (6to4), RFC 4291 §2.5.5.1 (IPv4-compatible).
_CARRIERS = (
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
    (ipaddress.IPv6Network("::/96"), 0),
)
#: Never a public host, though `ipaddress` calls some of them global: site-local (RFC 3879), discard and local-use
#: translation (RFC 6666, RFC 8215), segment routing (RFC 9602), 6to4 relays (RFC 7526).
_CLOSED = tuple(
    ipaddress.ip_network(network)
    for network in ("fec0::/10", "100::/64", "64:ff9b:1::/48", "5f00::/16", "192.88.99.0/24")
)


async def resolve(host: str, port: int) -> list[str]:
    """The system's answer, off the event loop."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(text: str) -> bool:
    """Whether an address belongs to the open internet: not private, loopback, link-local, shared (CGNAT), multicast,
    reserved, unspecified, nor any of these inside an IPv6 address."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_public(address.ipv4_mapped)
        for network, shift in _CARRIERS:
            if address in network:
                return _is_public(IPv4Address(int(address) >> shift & 0xFFFF_FFFF))
    return _is_public(address)


def _is_public(address: Address) -> bool:
    if any(address in network for network in _CLOSED if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast


class HostGuard:
    """Says to which addresses a link may be followed."""

    def __init__(self, allow_hosts: Iterable[str] = (), *, resolve: Resolve = resolve) -> None:
        """``allow_hosts``: hosts that may be internal, because the operator has named them himself: host names or
        addresses as they stand in a link, with any port."""
        self._allowed = frozenset(host.lower().strip("[]").rstrip(".") for host in allow_hosts)
        self._resolve = resolve

    async def addresses(self, link: httpx.URL, *, came_from: httpx.URL | None = None) -> list[str]:
        """The checked addresses to connect to for ``link``. ``came_from`` is the link that redirected here, if any: an
        internal host may only be redirected to from itself, port included.

        Raises HostRefused, or PictureUnreachable when the name cannot be resolved.
        """
        host = link.raw_host.decode("ascii").lower().rstrip(".")
        if link.scheme not in ("http", "https") or not _HOST.fullmatch(host):
            raise HostRefused(detail=f"not a web link: {link.scheme}:")
        if link.userinfo:
            raise HostRefused(detail=f"a link with a user name, to {host}")
        port = link.port or (443 if link.scheme == "https" else 80)
        try:
            found = [str(ipaddress.ip_address(host))]
        except ValueError:
            try:
                found = await self._resolve(host, port)
            except (OSError, UnicodeError) as error:
                raise PictureUnreachable(detail=f"{host} cannot be resolved: {error}") from error
        if host in self._allowed and (came_from is None or _origin(came_from) == _origin(link)):
            return found
        public = [address for address in found if is_public(address)]
        if not public:
            raise HostRefused(detail=f"{host} is an internal address: {', '.join(found)}")
        return public


def _origin(link: httpx.URL) -> tuple[str, str, int | None]:
    return link.scheme, link.host, link.port
