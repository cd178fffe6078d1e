"""A host that speaks no wire of its own: it answers every request alike, as any gateway may for once."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from core.gateway import Gateway
from core.gateways import REGISTRY, Access
from core.masking import Masker
from sandbox.serving import serve

#: Shaped like no key that anybody could know without being told.
KEY = "the.key=of/this+house~4711"


@dataclass(frozen=True)
class Heard:
    """A request as it came in."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]  #: names in lower case
    body: bytes


@dataclass
class Host:
    """``gateways`` are all there are, with this host's address and ``key``."""

    key: str = KEY
    base: str = ""
    answer: Response = field(default_factory=Response)
    heard: list[Heard] = field(default_factory=list)
    gateways: dict[str, Gateway] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)  #: by the name it is asked under, as a proxy is

    def has(self, data: bytes, mime: str) -> None:
        """From now on, these bytes."""
        self.answer = Response(data, media_type=mime)

    def says(self, answer: object, *, status: int = 200, location: str = "http://127.0.0.1:9/") -> None:
        """From now on, text or JSON; where ``{key}`` stands in it, the key is put."""
        text = answer if isinstance(answer, str) else json.dumps(answer)
        headers = {"location": location} if 300 <= status < 400 else {}
        self.answer = Response(text.replace("{key}", self.key), status, headers, "application/json")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        headers = {name.lower(): value for name, value in request.headers.items()}
        path, query = request.url.path, request.url.query
        self.heard.append(Heard(request.method, path, query, headers, await request.body()))
        elsewhere = self.redirects.get(headers.get("host", ""))
        answer = self.answer if elsewhere is None else Response(status_code=302, headers={"location": elsewhere})
        await answer(scope, receive, send)


@contextlib.asynccontextmanager
async def hosting(*, hook: str | None = None) -> AsyncIterator[Host]:
    """Such a host, with its gateways. ``hook``: the address of ours that they give away for call-backs."""
    host = Host()
    async with serve(host) as host.base:
        masker = Masker([host.key])
        for name, (_, make) in REGISTRY.items():
            host.gateways[name] = make(Access(host.key, host.base, None, None, hook=hook), masker)
        yield host
        for gateway in host.gateways.values():
            await gateway.close()
