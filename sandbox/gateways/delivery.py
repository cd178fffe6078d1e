"""The host that results are downloaded from: signed addresses that expire, and downloads that go wrong."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.gateways.faults import PICTURES, Fault, Faults, Stage
from sandbox.gateways.line import Line
from sandbox.gateways.refusals import HungUp, Refusal, answer_refusal, common, envelope
from sandbox.gateways.spoiled import spoil

#: A cloud's metadata service: the classic target of a forged address.
METADATA = "http://169.254.169.254/latest/meta-data/"
#: Content-Length that ``huge_picture`` announces, in bytes (10 GiB).
HUGE = 10 * 1024**3
#: ``slow_download``: bytes per portion, and seconds between portions.
DRIP_BYTES, DRIP_SECONDS = 64, 0.2


@dataclass(frozen=True)
class _Result:
    data: bytes
    mime: str
    model: str
    until: float
    signature: str
    fault: Fault | None


class Delivery:
    """Keeps results until they expire. ``base`` and ``trap`` are addresses, set when the hosts are up."""

    def __init__(self, *, clock: Callable[[], float], faults: Faults) -> None:
        self.base = ""
        self.trap = ""
        self._clock = clock
        self._faults = faults
        self._results: dict[str, _Result] = {}
        self.app = Starlette(
            routes=[Route("/{path:path}", self._download, methods=["GET"])],
            exception_handlers={Refusal: answer_refusal, HungUp: answer_refusal},
        )

    async def keep(self, data: bytes, *, path: str, mime: str, model: str, until: float, fault: Fault | None) -> str:
        """Offer ``data`` under ``path`` until the clock says ``until``; returns the signed address."""
        for name in [name for name, result in self._results.items() if result.until <= self._clock()]:
            del self._results[name]
        data, mime = await asyncio.to_thread(spoil, data, mime, fault)
        signature = secrets.token_urlsafe(24)
        self._results[path] = _Result(data, mime, model, until, signature, fault)
        return f"{self.base}{path}?signature={signature}"

    async def _download(self, request: Request) -> Response:
        line: Line = request.scope["line"]
        result = self._results.get(request.url.path)
        if result is None or result.until <= self._clock():
            return PlainTextResponse("The specified resource does not exist.", 404)
        if request.query_params.get("signature") != result.signature:
            return PlainTextResponse("Signature did not match.", 403)
        fault = self._faults.take(Stage.DOWNLOAD, model=result.model) or result.fault
        data, mime = result.data, result.mime
        if fault in PICTURES:
            data, mime = await asyncio.to_thread(spoil, data, mime, fault)
        match fault:
            case Fault.EXPIRED_URL | Fault.NOT_FOUND_404:
                return PlainTextResponse("The specified resource does not exist.", 404)
            case Fault.UNAUTHORIZED_401 | Fault.RATE_429 | Fault.RATE_429_AFTER:
                after = {"retry-after": "2"} if fault is Fault.RATE_429_AFTER else None
                status = 401 if fault is Fault.UNAUTHORIZED_401 else 429
                raise Refusal(status, envelope("The download was refused", type="delivery_error"), after)
            case Fault.REDIRECT_INTERNAL:
                return RedirectResponse(METADATA, 302)
            case Fault.REDIRECT_LOOPBACK:
                return RedirectResponse(f"{self.trap}/latest/meta-data/", 302)
            case Fault.HANG:
                await line.stays(None)
                await line.cut()
                raise HungUp
            case Fault.DROP_BEFORE:
                await line.cut()
                raise HungUp
            case Fault.DROP_AFTER:
                return StreamingResponse(_half(line, data), headers={"content-length": str(len(data))}, media_type=mime)
            case Fault.SLOW_DOWNLOAD:
                slow = _drip(line, data)
                return StreamingResponse(slow, headers={"content-length": str(len(data))}, media_type=mime)
            case Fault.HUGE_PICTURE:
                return StreamingResponse(_endless(line, data), headers={"content-length": str(HUGE)}, media_type=mime)
            case Fault.ENDLESS_PICTURE:
                return StreamingResponse(_endless(line, data), media_type=mime)
            case _:
                refusal = common(fault, result.model) if fault else None
                return refusal.response() if refusal else Response(data, media_type=mime)


async def _half(line: Line, data: bytes) -> AsyncIterator[bytes]:
    yield data[: len(data) // 2]
    await line.cut()


async def _drip(line: Line, data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), DRIP_BYTES):
        yield data[start : start + DRIP_BYTES]
        if not await line.stays(DRIP_SECONDS):
            await line.cut()
            return


async def _endless(line: Line, data: bytes) -> AsyncIterator[bytes]:
    yield data
    filler = b"\0" * 65_536
    sent = len(data)
    while sent + len(filler) <= HUGE:
        yield filler
        sent += len(filler)
        if not await line.stays(0.0005):
            await line.cut()
            return
