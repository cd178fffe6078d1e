"""Our pictures for gateways that fetch them by address: whoever has a link that is not over gets the bytes."""

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core.errors import StoreDown
from core.links import Links
from core.pictures import sniff
from core.ports import MediaStore
from core.videos import sniff_video

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def media_route(links: Links, media: MediaStore) -> Route:
    """``GET /media/{token}``: the picture behind :meth:`core.links.Links.picture`.

    404 for what we never gave out and what is no longer kept, 410 for a link whose time is over, 503 while the media
    store is away.
    """

    async def picture(request: Request) -> Response:
        link = links.opened(request.path_params["token"])
        if link is None:
            return PlainTextResponse("Not Found", 404)
        left = int((link.expires - links.clock()).total_seconds())
        if left <= 0:
            return PlainTextResponse("Gone", 410)
        try:
            data = await media.find(link.key)
        except KeyError:
            return PlainTextResponse("Not Found", 404)
        except StoreDown as error:
            log.warning("a picture could not be shown", reason=str(error))
            return PlainTextResponse("Service Unavailable", 503)
        kind = sniff(data) or sniff_video(data) or "application/octet-stream"
        headers = {"cache-control": f"private, max-age={left}", "x-content-type-options": "nosniff"}
        return Response(data, media_type=kind, headers=headers)

    return Route("/media/{token}", picture, methods=["GET", "HEAD"])
