"""How our connections are made safe."""

import functools
import ssl

import httpx


@functools.cache
def tls() -> ssl.SSLContext:
    """One for all clients: reading the certificates takes some 30 ms each time. No variable of the machine's counts."""
    return httpx.create_ssl_context(trust_env=False)
