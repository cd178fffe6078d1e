"""Files: what an upload is, signed addresses that expire, and the routes that serve the bytes.

Signed addresses: Discord reference, "Signed Attachment CDN URLs" (``ex``, ``is`` in hexadecimal seconds, ``hm``).
"""

import asyncio
import hashlib
import hmac
import io
import mimetypes
import secrets
from urllib.parse import quote

from PIL import Image
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core.errors import ImageUnreadable
from core.videos import inspect_video, sniff_video
from sandbox.chat import Upload
from sandbox.discord.faults import Faults, withhold
from sandbox.discord.world import Channel, File, World
from sandbox.shown import shown

#: Seconds a signed address is good for. Discord names no number; a day is what its addresses carry.
URL_SECONDS = 24 * 3600


class Cdn:
    """Signs and serves the world's files. ``base_url`` is set while the stand-in runs."""

    def __init__(self, world: World, faults: Faults, *, url_seconds: float = URL_SECONDS) -> None:
        self.base_url = ""
        self.url_seconds = url_seconds
        self._world = world
        self._faults = faults
        self._secret = secrets.token_bytes(32)

    def url(self, file: File, *, proxied: bool = False) -> str:
        """A fresh signed address; every fetch and event carries another."""
        path = f"/{file.folder}/{file.id}/{quote(file.filename)}"
        issued = int(self._world.clock())
        expires = issued + int(self.url_seconds)
        signed = f"ex={expires:x}&is={issued:x}&hm={self._sign(file.id, f'{expires:x}', f'{issued:x}')}"
        return f"{self.base_url}{'/media' if proxied else ''}{path}?{signed}&"

    def picture_url(self, file: File) -> str:
        """The address the demo page shows a file from: no signature, never expires."""
        return f"{self.base_url}/pictures/{file.id}"

    def _sign(self, file_id: str, expires: str, issued: str) -> str:
        return hmac.new(self._secret, f"{file_id} {expires} {issued}".encode(), hashlib.sha256).hexdigest()

    async def _signed(self, request: Request) -> Response:
        fault = self._faults.take(request.method, request.url.path)
        if fault is not None and fault.mode == "answer":
            return PlainTextResponse(fault.message, fault.status, fault.headers)
        if fault is not None:
            return await withhold(request, fault)
        file = self._world.files.get(request.path_params["file_id"])
        expires, issued = request.query_params.get("ex", ""), request.query_params.get("is", "")
        right = self._sign(request.path_params["file_id"], expires, issued)
        if file is None or not hmac.compare_digest(right, request.query_params.get("hm", "")):
            return _gone()
        if int(expires, 16) <= self._world.clock():
            return _gone()
        return Response(file.data, media_type=file.mime)

    async def _picture(self, request: Request) -> Response:
        file = self._world.files.get(request.path_params["file_id"])
        return _gone() if file is None else shown(request, file.data, file.mime)

    def routes(self) -> list[Route]:
        folders = ("attachments", "ephemeral-attachments")
        signed = [
            Route(f"{start}/{folder}/{{place}}/{{file_id}}/{{name}}", self._signed)
            for start in ("", "/media")
            for folder in folders
        ]
        return [*signed, Route("/pictures/{file_id}", self._picture)]


def _gone() -> Response:
    return PlainTextResponse("This content is no longer available.", status_code=404)


async def keep(world: World, upload: Upload, channel: Channel, *, ephemeral: bool = False) -> File:
    """Put a file on the CDN, with its size in pixels when it is a picture or a video."""
    width, height = await asyncio.to_thread(_pixels, upload.data)
    folder = f"ephemeral-attachments/{world.application_id}" if ephemeral else f"attachments/{channel.id}"
    mime = mimetypes.guess_type(upload.filename)[0] or upload.mime or "application/octet-stream"
    name = upload.filename.replace(" ", "_")
    file = File(world.new_id(), folder, name, mime, upload.data, width, height, spoiler=name.startswith("SPOILER_"))
    world.files[file.id] = file
    return file


def _pixels(data: bytes) -> tuple[int, int]:
    try:
        if sniff_video(data):
            seen = inspect_video(data)
            return seen.width, seen.height
        with Image.open(io.BytesIO(data)) as picture:
            return picture.size
    except (ImageUnreadable, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return 0, 0
