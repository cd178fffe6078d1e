"""Pictures in Discord's messages: which there are, how to refer to them, how to fetch them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import discord
import httpx
import structlog

from bots.discord.address import NAME
from core.errors import ChatBusy, ImageGone, ImageTooLarge, ImageUnreadable
from core.tls import tls
from core.types import FrontFile

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Where Discord keeps files (reference, "CDN") and its copies of pictures that messages link to.
HOSTS = frozenset(
    {
        "cdn.discordapp.com",
        "media.discordapp.net",
        "images-ext-1.discordapp.net",
        "images-ext-2.discordapp.net",
    }
)
DEFAULT_API = "https://discord.com/api/v10"
#: Seconds for a whole download; the largest picture taken is 20 MiB.
DOWNLOAD_TIMEOUT = 60.0
_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif")


def is_picture(attachment: discord.Attachment) -> bool:
    """By what Discord says it is. Whether its bytes are one is the media store's to find out."""
    if attachment.content_type is not None:
        return attachment.content_type.startswith("image/")
    return attachment.filename.lower().endswith(_ENDINGS)


def given(attachments: Iterable[discord.Attachment | None]) -> tuple[FrontFile, ...]:
    """The attachments of a command's options. Raises ImageUnreadable for one that is no picture."""
    found: list[FrontFile] = []
    for attachment in attachments:
        if attachment is None:
            continue
        if not is_picture(attachment):
            raise ImageUnreadable
        found.append(_of_attachment(attachment))
    return tuple(found)


def pictures_of(message: discord.Message) -> list[FrontFile]:
    """All pictures of a message (attached, forwarded, embedded, in a gallery), each once, as they are shown."""
    found: list[FrontFile] = []
    for attachment in message.attachments:
        if is_picture(attachment):
            found.append(_of_attachment(attachment, message, len(found)))
    for snapshot in message.message_snapshots:
        for attachment in snapshot.attachments:
            if is_picture(attachment):
                found.append(_of_attachment(attachment, message, len(found)))
    known = {_bare(file.data["url"]) for file in found}
    for url, proxied in (*_embedded(message.embeds), *_laid_out(message.components)):
        if _bare(url) not in known:
            known.add(_bare(url))
            found.append(_of_link(url, proxied, message, len(found)))
    return found


def attached(message: discord.Message) -> tuple[FrontFile, ...]:
    """Only what the author of the message has attached."""
    return tuple(
        _of_attachment(attachment, message, place)
        for place, attachment in enumerate(filter(is_picture, message.attachments))
    )


def _of_attachment(
    attachment: discord.Attachment, message: discord.Message | None = None, place: int | None = None
) -> FrontFile:
    data: dict[str, Any] = {
        "url": attachment.url,
        "channel": message.channel.id if message else None,
        "message": message.id if message else None,
        "attachment": attachment.id,
        "place": place,
        "size": attachment.size,
        "filename": attachment.filename,
    }
    return FrontFile(NAME, data)


def _of_link(url: str, proxied: str | None, message: discord.Message, place: int) -> FrontFile:
    # Discord's own copy of what a link shows: no foreign host is ever asked.
    ours = url if urlsplit(url).hostname in HOSTS or proxied is None else proxied
    data: dict[str, Any] = {
        "url": ours,
        "channel": message.channel.id,
        "message": message.id,
        "attachment": None,
        "place": place,
        "size": None,
        "filename": urlsplit(url).path.rpartition("/")[2][:100],
    }
    return FrontFile(NAME, data)


def _embedded(embeds: Sequence[discord.Embed]) -> Iterator[tuple[str, str | None]]:
    for embed in embeds:
        # A link to a picture becomes an embed of this type, which has only the thumbnail.
        shown = embed.image if embed.image.url or embed.type != "image" else embed.thumbnail
        if shown.url:
            yield shown.url, shown.proxy_url


def _laid_out(components: Iterable[discord.Component]) -> Iterator[tuple[str, str | None]]:
    """Pictures in components of the second version, at any depth."""
    for component in components:
        match component:
            case discord.MediaGalleryComponent():
                media = [item.media for item in component.items]
            case discord.ThumbnailComponent():
                media = [component.media]
            case discord.FileComponent():
                media = [component.media]
            case discord.SectionComponent():
                yield from _laid_out([*component.children, component.accessory])
                continue
            case discord.Container():
                yield from _laid_out(component.children)
                continue
            case _:
                continue
        for each in media:
            if each.content_type is None or each.content_type.startswith("image/"):
                yield each.url, each.proxy_url


def _bare(url: str) -> str:
    """The address without the signature, which is another one each time."""
    return url.partition("?")[0]


def same(file: FrontFile, candidates: Sequence[FrontFile]) -> FrontFile | None:
    """The picture of a message that ``file`` meant, among those the message has now."""
    attachment, place = file.data["attachment"], file.data["place"]
    for candidate in candidates:
        if attachment is not None and candidate.data["attachment"] == attachment:
            return candidate
    return next((each for each in candidates if attachment is None and each.data["place"] == place), None)


class Downloads:
    """Fetches from Discord's own hosts, or (a stand-in) from the host of ``api_url``; follows no redirects."""

    def __init__(self, api_url: str) -> None:
        own = urlsplit(api_url).hostname
        self._hosts = HOSTS if api_url == DEFAULT_API or own is None else HOSTS | {own}
        # As discord.py does it: the environment's proxies are not consulted.
        self._http = httpx.AsyncClient(verify=tls(), timeout=httpx.Timeout(20.0, connect=10.0), trust_env=False)

    async def fetch(self, file: FrontFile, *, limit: int, refresh: Callable[[], Awaitable[str | None]]) -> bytes:
        """At most ``limit`` bytes. ``refresh`` gives a newly signed address where the old one has expired.

        Raises ImageGone, ImageTooLarge, ChatBusy.
        """
        size = file.data["size"]
        if size is not None and size > limit:
            raise ImageTooLarge(limit_mb=limit // (1024 * 1024))
        try:
            async with asyncio.timeout(DOWNLOAD_TIMEOUT):
                data = await self._get(file.data["url"], limit)
                if data is None:
                    fresh = await refresh()
                    data = None if fresh is None else await self._get(fresh, limit)
        except (httpx.HTTPError, TimeoutError) as error:
            raise ChatBusy(2.0, type(error).__name__) from error
        if data is None:
            raise ImageGone
        return data

    async def _get(self, url: str, limit: int) -> bytes | None:
        """The bytes; None when they are no longer there."""
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or parts.hostname not in self._hosts:
            log.warning("a picture outside Discord is not fetched", host=parts.hostname)
            return None
        async with self._http.stream("GET", url) as response:
            if response.status_code == 429 or response.status_code >= 500:
                raise ChatBusy(5.0, f"{response.status_code} from the file host")
            if response.status_code != 200:
                return None
            kept = bytearray()
            async for chunk in response.aiter_bytes():
                kept += chunk
                if len(kept) > limit:
                    raise ImageTooLarge(limit_mb=limit // (1024 * 1024))
        return bytes(kept)

    async def close(self) -> None:
        await self._http.aclose()
