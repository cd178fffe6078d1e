"""The doorway from httpx to our own errors, for gateway APIs: one call out, one JSON object or one GatewayError back.

What a failure says about the money is for *submits*: only what certainly never reached the gateway, or was refused
by it, is free. Questions never cost anything; :meth:`Api.ask` says so.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from core.errors import (
    AnswerUnreadable,
    Charged,
    GatewayError,
    GatewaySilent,
    GatewayUnreachable,
    ModelGone,
    OrderInvalid,
)
from core.masking import Masker
from core.refusals import parsed_json, refusal
from core.tls import tls

#: Seconds for a connection (also: for a free place in the pool), and for one write of a request.
CONNECT, WRITE = 10.0, 60.0
#: Seconds a question about a task may take in all; it is asked again anyway.
QUESTION = 30.0
#: Bytes of an answer: ten 1536x1024 PNGs as base64 (gpt-image, n=10) stay below 64 MB; more is no answer of ours.
ANSWER_LIMIT = 128 * 1024 * 1024
#: Characters of a raw answer that are kept for the log and the stored failure.
DETAIL = 2000
#: Bytes of the longest secret that a raw answer may hold.
_LONGEST_SECRET = 512

#: (name, file name, bytes, MIME type) of a multipart part.
Part = tuple[str, tuple[str, bytes, str]]


def nothing(*_told: object) -> None:
    """For whoever need not be told."""


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: httpx.Headers
    body: bytes


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Whatever httpx raises, as the most specific GatewayError; nothing of httpx gets through."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
        # A proxy's refusal answers our CONNECT: like the others, it comes before the request itself could leave.
        raise GatewayUnreachable(detail=_named(error)) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        raise OrderInvalid(detail=_named(error)) from error
    except httpx.TooManyRedirects as error:
        raise AnswerUnreadable(detail=_named(error), charged=Charged.NO) from error
    except (httpx.DecodingError, httpx.HTTPStatusError, httpx.StreamError, httpx.CookieConflict) as error:
        raise AnswerUnreadable(detail=_named(error)) from error
    except (httpx.HTTPError, TimeoutError) as error:
        # Reads, writes, cut connections: part of the request had left, so the order may have been taken.
        raise GatewaySilent(detail=_named(error)) from error


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def detail_of(answer: Answer, masker: Masker) -> str:
    """The raw answer for the log: status, the gateway's own request id, the first 2,000 characters, masked."""
    request_id = answer.headers.get("x-request-id", "")
    where = f"HTTP {answer.status}" + (f" (request {request_id})" if request_id else "")
    # A secret that the cut goes through is not known any more: what may be part of one is left out.
    body = answer.body[: DETAIL + _LONGEST_SECRET]
    told = masker.mask(f"{where}: {body.decode('utf-8', 'replace')}")
    return (told if len(body) == len(answer.body) else told[:-_LONGEST_SECRET])[:DETAIL]


def answered(answer: Answer, *, masker: Masker) -> None:
    """Raise the GatewayError that an answer's status (and then its text) stands for; a success passes."""
    if refusal(answer.status, answer.headers, answer.body, detail="") is not None:
        # Told only now: most answers are good ones, and masking takes its time.
        error = refusal(answer.status, answer.headers, answer.body, detail=detail_of(answer, masker))
        assert error is not None
        raise error


async def json_value(answer: Answer, *, masker: Masker) -> Any:
    """The JSON of a successful answer, whatever its content type says. Raises AnswerUnreadable."""
    try:
        # Megabytes of base64 are parsed off the event loop.
        return await asyncio.to_thread(parsed_json, answer.body)
    except ValueError as error:
        raise AnswerUnreadable(detail=detail_of(answer, masker)) from error


async def json_object(answer: Answer, *, masker: Masker) -> dict[str, Any]:
    """The same where it must be an object. Raises AnswerUnreadable."""
    parsed = await json_value(answer, masker=masker)
    if not isinstance(parsed, dict):
        raise AnswerUnreadable(detail=detail_of(answer, masker))
    return parsed


def _client(proxy: str | None, *, kept: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=1000, max_keepalive_connections=kept, keepalive_expiry=2.0)
    return httpx.AsyncClient(verify=tls(), proxy=proxy, trust_env=False, follow_redirects=False, limits=limits)


class Api:
    """A gateway's API under one base address with one key. The key goes to this address only."""

    def __init__(
        self,
        base: str,
        *,
        key: str,
        masker: Masker,
        proxy: str | None = None,
        key_header: str | None = None,
        limited: Callable[[], None] = nothing,
    ) -> None:
        """``base`` without ``/v1`` and without a slash at its end. ``key`` may be empty: then none is sent; else it is
        the Bearer's, and stands in ``key_header`` as well where there is one. ``limited`` is told of each answer with
        status 429."""
        self._base, self._masker, self._limited = base, masker, limited
        self._auth = {"Authorization": f"Bearer {key}", **({key_header: key} if key_header else {})} if key else {}
        # HTTP/1.1 on purpose: where calls share an HTTP/2 connection, httpcore ends all of them when one read times
        # out (`AsyncHTTP2Connection._read_incoming_data`), and a picture that is lost on the wire is paid for.
        # trust_env off: neither a machine's proxy variables nor its .netrc have a say in where a key goes.
        # An order gets a connection of its own: one that was used before may be closed by the other side at the very
        # moment it leaves, and then nobody knows whether it was taken. A question that meets this is asked again.
        # A client of its own as well: httpcore looks at all connections of a client for each request and each answer.
        self._proxy, self._questions = proxy, _client(proxy, kept=50)

    async def submit(
        self,
        path: str,
        *,
        timeout: float,
        fields: Mapping[str, object],
        files: Sequence[Part] | None = None,
    ) -> tuple[dict[str, Any], str]:
        """POST an order as JSON, or as multipart when there are ``files``; wait ``timeout`` seconds for the answer.

        Returns the answer's JSON object, and the raw answer for an error's detail. Raises GatewayError.
        """
        request: dict[str, Any]
        if files is None:
            body = await asyncio.to_thread(_dumped, fields)
            request = {"content": body, "headers": {"Content-Type": "application/json"}}
        else:
            request = {"data": {name: str(value) for name, value in fields.items()}, "files": list(files)}
        async with _client(self._proxy, kept=0) as client:
            answer = await self._exchange(client, "POST", path, timeout=timeout, **request)
        return await self._read(answer)

    async def ask(self, path: str) -> tuple[dict[str, Any], str]:
        """GET the answer to a question, as :meth:`submit` returns it.

        Raises GatewayError, never with a charge: a question costs nothing.
        """
        try:
            return await self._read(await self._exchange(self._questions, "GET", path, timeout=QUESTION))
        except GatewayError as error:
            raise error.with_charged(Charged.NO) from error.__cause__

    async def inquire(self, path: str, *, fields: Mapping[str, object]) -> tuple[Any, str]:
        """POST a question as JSON, where a wire asks that way: the answer's JSON of any kind, and the raw answer.

        Raises GatewayError as :meth:`ask`.
        """
        body = await asyncio.to_thread(_dumped, fields)
        asked = {"content": body, "headers": {"Content-Type": "application/json"}}
        try:
            answer = await self._exchange(self._questions, "POST", path, timeout=QUESTION, **asked)
            answered(answer, masker=self._masker)
            return await json_value(answer, masker=self._masker), detail_of(answer, self._masker)
        except GatewayError as error:
            raise error.with_charged(Charged.NO) from error.__cause__

    async def key_works(self) -> str:
        """For ``imagine doctor``: list the models, which costs nothing and needs the key. Returns a line of good news.

        ``/v1/models`` is the OpenAI API's and its gateways'; where a gateway lacks it, only that it answers is known.
        Raises GatewayError.
        """
        try:
            answer, _ = await self.ask("/v1/models")
        except ModelGone:
            return "answers; whether the key works shows with the first order"
        models = answer.get("data")
        return f"takes the key, offers {len(models)} models" if isinstance(models, list) else "takes the key"

    async def _read(self, answer: Answer) -> tuple[dict[str, Any], str]:
        answered(answer, masker=self._masker)
        return await json_object(answer, masker=self._masker), detail_of(answer, self._masker)

    async def _exchange(
        self, client: httpx.AsyncClient, method: str, path: str, *, timeout: float, **request: Any
    ) -> Answer:
        # `timeout` bounds the wait for each piece; the second bound ends an answer that only drips.
        pace = httpx.Timeout(timeout, connect=CONNECT, pool=CONNECT, write=WRITE)
        headers = {**self._auth, "Accept": "application/json", **request.pop("headers", {})}
        with translated():
            async with (
                asyncio.timeout(timeout + CONNECT + WRITE),
                client.stream(method, self._base + path, timeout=pace, headers=headers, **request) as response,
            ):
                if response.status_code == 429:
                    self._limited()
                body = bytearray()
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > ANSWER_LIMIT:
                        raise AnswerUnreadable(detail=f"HTTP {response.status_code}: more than {ANSWER_LIMIT} bytes")
                return Answer(response.status_code, response.headers, bytes(body))

    async def close(self) -> None:
        """Close the connections of the questions; each order closes its own."""
        await self._questions.aclose()


def _dumped(fields: Mapping[str, object]) -> bytes:
    # Half a letter (a lone surrogate), which a gateway's own words may bring back to it, is no reason to fail.
    return json.dumps(fields, ensure_ascii=False).encode(errors="replace")
