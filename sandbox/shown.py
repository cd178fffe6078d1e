"""A kept file for the browser that shows it, whole or the part it asks for: Safari plays no film of a server without
ranges, and none of the browsers finds a place in one.
"""

import re

from starlette.requests import Request
from starlette.responses import Response

_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")


def shown(request: Request, data: bytes, mime: str) -> Response:
    """``data``, or the one range of it that the request names (RFC 9110, 14.2); several are answered with all."""
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "max-age=86400"}
    asked = _RANGE.match(request.headers.get("range", ""))
    if asked is None or not any(asked.groups()):
        return Response(data, media_type=mime, headers=headers)
    first, last = asked.groups()
    start = int(first) if first else max(0, len(data) - int(last))
    end = min(int(last) + 1, len(data)) if first and last else len(data)
    if start >= end:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{len(data)}"})
    headers |= {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}
    return Response(data[start:end], 206, media_type=mime, headers=headers)
