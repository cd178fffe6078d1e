"""The REST doorway: every request of the API goes through faults, token, size, rate limit and contract, in that order.

Answers carry ``Content-Type: application/json`` exactly (discord.py parses nothing else) and ``Via``, without
which it takes a 429 for a ban by Cloudflare.
"""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.background import BackgroundTask
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.discord import errors
from sandbox.discord.contract import Contract, Schema, contract
from sandbox.discord.errors import ApiError, Problems
from sandbox.discord.faults import Faults, withhold
from sandbox.discord.limits import Limiter
from sandbox.discord.messenger import Incoming
from sandbox.discord.world import REQUEST_LIMIT

Json = dict[str, Any]

_FILE_PART = re.compile(r"files\[(\d+)\]")


@dataclass(frozen=True)
class Ask:
    """A request that passed the door: parameters and body are checked, snowflakes are text."""

    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any
    files: Sequence[Incoming]


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: Any = None
    after: Callable[[], None] | None = None  #: called when the answer has been sent


Handler = Callable[[Ask], Awaitable[Answer]]


@dataclass
class Call:
    """A request and its answer, for tests. ``status`` 0: no answer was given."""

    method: str
    path: str
    route: str  #: the contract's template, such as "/channels/{channel_id}/messages"
    query: dict[str, str]
    at: float
    body: Any = None
    files: tuple[tuple[str, int], ...] = ()  #: (filename, bytes)
    status: int = 0
    answer: Any = None
    headers: dict[str, str] = field(default_factory=dict)  #: of the answer


class Door:
    """Collects handlers and turns them into routes."""

    def __init__(self, *, token: str, limiter: Limiter, faults: Faults) -> None:
        self.calls: list[Call] = []
        self.request_limit = REQUEST_LIMIT
        self._token = token
        self._limiter = limiter
        self._faults = faults
        self._contract: Contract = contract()
        self._handlers: dict[tuple[str, str], Handler] = {}

    def add(self, method: str, template: str, handler: Handler) -> None:
        """Raises ``KeyError`` for an operation that Discord's contract does not have."""
        self._contract.operation(method, template)
        self._handlers[method, template] = handler

    def routes(self, prefix: str) -> list[Route]:
        """One route per path, in the contract's order (``@me`` before ``{user_id}``), then one for all others."""
        every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        found = [
            Route(prefix + template, self._endpoint(template), methods=every)
            for template in self._contract.paths
            if any(known == template for _, known in self._handlers)
        ]
        return [*found, Route(prefix + "/{rest:path}", self._endpoint(None), methods=every)]

    def _endpoint(self, template: str | None) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            call = Call(request.method, request.url.path, template or "", dict(request.query_params), time.time())
            self.calls.append(call)
            fault = self._faults.take(request.method, request.url.path)
            if fault is not None and fault.mode in ("drop_before", "hang"):
                return await withhold(request, fault)
            if fault is not None and fault.mode == "late":
                await asyncio.sleep(fault.seconds)
            try:
                if fault is not None and fault.mode == "answer":
                    await _read(request, self.request_limit)
                    raise fault.error()
                answer, headers = await self._through(request, template, call)
            except ApiError as refused:
                answer, headers = Answer(refused.status, refused.body()), refused.headers
            if fault is not None and fault.mode == "drop_after":
                if answer.after is not None:
                    answer.after()
                return await withhold(request, fault)
            call.status, call.answer, call.headers = answer.status, answer.body, headers
            content = b"" if answer.body is None else await asyncio.to_thread(_dump, answer.body)
            kind = {"Content-Type": "application/json"} if content else {}
            after = BackgroundTask(_call, answer.after) if answer.after is not None else None
            return Response(content, answer.status, headers | kind | {"Via": "1.1 sandbox"}, background=after)

        return endpoint

    async def _through(self, request: Request, template: str | None, call: Call) -> tuple[Answer, dict[str, str]]:
        raw = await _read(request, self.request_limit)
        if template is None:
            raise errors.NOT_FOUND()
        handler = self._handlers.get((request.method, template))
        if handler is None:
            raise errors.METHOD_NOT_ALLOWED()
        public = template.startswith(("/interactions/", "/webhooks/")) or template == "/gateway"
        if not public and request.headers.get("authorization") != f"Bot {self._token}":
            raise errors.UNAUTHORIZED()
        path: dict[str, str] = dict(request.path_params)
        majors = [path[key] for key in ("channel_id", "guild_id", "webhook_id", "webhook_token") if key in path]
        headers = self._limiter.admit(
            f"{request.method} {template}", "+".join(majors), counted_globally=not template.startswith(_BY_TOKEN)
        )
        try:
            ask = await self._checked(request, template, path, raw, call)
            return await handler(ask), headers
        except ApiError as refused:
            refused.headers = headers | refused.headers
            raise

    async def _checked(self, request: Request, template: str, path: dict[str, str], raw: bytes, call: Call) -> Ask:
        method = request.method
        problems = Problems()
        for key, parameter in self._contract.parameters(method, template, "path").items():
            self._contract.check(path[key], parameter["schema"], problems, (key,))
        known = self._contract.parameters(method, template, "query")
        query: Json = {}
        for key, text in request.query_params.items():
            if key not in known:
                problems.add((key,), "UNKNOWN_FIELD", "Discord's contract has no such parameter here")
                continue
            schema = known[key]["schema"]
            query[key] = self._contract.check(_from_text(text, schema), schema, problems, (key,))
        problems.raise_if_any()
        schema = self._contract.body_schema(method, template)
        if schema is None:
            return Ask(path, query, None, ())
        takes_files = self._contract.takes_files(method, template)
        body, files = await _parse(request, raw, takes_files=takes_files)
        call.body, call.files = body, tuple((file.filename, len(file.data)) for file in files)
        if body is None and not self._contract.operation(method, template)["requestBody"].get("required"):
            return Ask(path, query, None, files)
        checked = await asyncio.to_thread(self._check_body, body, schema)
        return Ask(path, query, checked, files)

    def _check_body(self, body: Any, schema: Schema) -> Any:
        problems = Problems()
        checked = self._contract.check(body, schema, problems)
        problems.raise_if_any()
        return checked


#: Requests that a token in their address lets in: Discord does not count them against the global limit.
_BY_TOKEN = ("/interactions/", "/webhooks/")


async def _call(function: Callable[[], None]) -> None:
    function()


def _dump(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _from_text(text: str, schema: Schema) -> Any:
    """A query parameter as the type its schema wants, where the text allows it."""
    kind = schema.get("type")
    if kind == "integer" and text.lstrip("-").isdigit():
        return int(text)
    if kind == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    return text


async def _read(request: Request, limit: int) -> bytes:
    """The whole body. Too large a one is read to its end, so that the client hears the 413, and then refused."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= limit:
            parts.append(part)
    if size > limit:
        raise errors.TOO_LARGE()
    return b"".join(parts)


async def _parse(request: Request, raw: bytes, *, takes_files: bool) -> tuple[Any, list[Incoming]]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "multipart/form-data" and takes_files:
        return await _parse_form(request, raw)
    if not raw:
        return None, []
    if kind != "application/json":
        text = f'Expected "Content-Type" header to be one of {{application/json, multipart/form-data}}, not {kind}.'
        raise errors.invalid((), "CONTENT_TYPE_INVALID", text)
    return _load(raw), []


def _load(raw: str | bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError as broken:
        raise errors.INVALID_JSON() from broken


async def _parse_form(request: Request, raw: bytes) -> tuple[Any, list[Incoming]]:
    async def whole() -> Any:
        yield raw

    try:
        form = await MultiPartParser(request.headers, whole(), max_part_size=REQUEST_LIMIT).parse()
    except MultiPartException as broken:
        raise errors.invalid((), "MULTIPART_INVALID", broken.message) from broken
    body: Any = {}
    files: list[Incoming] = []
    try:
        for name, part in form.multi_items():
            match = _FILE_PART.fullmatch(name)
            if name == "payload_json":
                body = _load(part if isinstance(part, str) else await part.read())
            elif match and isinstance(part, UploadFile):
                files.append(Incoming(int(match[1]), part.filename or "unknown", await part.read()))
            else:
                raise errors.invalid((name,), "UNKNOWN_FIELD", "Parts are named payload_json and files[n].")
    finally:
        await form.close()
    return body, files
