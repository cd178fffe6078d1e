"""What others post to us: read whole, within bounds, or refused."""

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

#: Seconds a body may take to arrive.
WITHIN = 10.0


async def body_of(request: Request, *, most: int) -> bytes | Response:
    """The body, or what to answer instead: 413 above ``most`` bytes (known before it is read where the sender says how
    long it is), 408 after :data:`WITHIN` seconds, 400 to one who has gone."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > most:
        return _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(WITHIN):
            async for piece in request.stream():
                body += piece
                if len(body) > most:
                    return _too_large()
    except TimeoutError:
        return PlainTextResponse("Request Timeout", 408)
    except ClientDisconnect:
        return Response(status_code=400)
    return bytes(body)


def _too_large() -> Response:
    return PlainTextResponse("Content Too Large", 413)
