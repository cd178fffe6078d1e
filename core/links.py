"""Addresses of ours that strangers may use: expiring links to pictures, and the places gateways call back at.

Both are made with a secret of the database (``Store.secret``), so any process can make them and any other honour them.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from core.ports import Clock, MediaStore
from core.types import MediaRef

#: How long a link to a picture works: a gateway fetches it when it takes the order up, which may be after its queue.
LINK_LIFE = timedelta(hours=2)
#: Hex digits of a signature: 128 bits.
_SIGNATURE = 32
#: Hex digits of an instance's name: two databases never have the same one by chance.
_INSTANCE = 16
_TOKEN = re.compile(r"([0-9a-f]{64})-([0-9]{1,12})-([0-9a-f]{32})((?:\.[a-z0-9]{1,5})?)", re.ASCII)
_ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "video/mp4": ".mp4"}


class Link(NamedTuple):
    """What an address of ours leads to, and until when."""

    key: str
    expires: datetime


@dataclass(frozen=True)
class Links:
    """``public`` is the outside address of the web part, without a slash at its end."""

    public: str
    secret: str
    clock: Clock

    def picture(self, ref: MediaRef) -> str:
        """An address under which anybody gets this picture for ``LINK_LIFE``.

        ``…/media/<key>-<expiry>-<signature>.png``; the ending is for those who go by it.
        """
        expires = int((self.clock() + LINK_LIFE).timestamp())
        told, ending = f"{ref.key}-{expires}", _ENDINGS.get(ref.mime, "")
        return f"{self.public}/media/{told}-{self._signed('media', told + ending)}{ending}"

    def opened(self, token: str) -> Link | None:
        """What the last part of such an address leads to; None when it is not ours. Its time may be over."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            return None
        told = f"{found[1]}-{found[2]}{found[4]}"
        if not hmac.compare_digest(self._signed("media", told), found[3]):
            return None
        return Link(found[1], datetime.fromtimestamp(int(found[2]), UTC))

    def hook(self, gateway: str) -> str:
        """Where this gateway calls back."""
        return f"{self.public}/callbacks/{gateway}/{self._signed('hook', gateway)}"

    def is_hook(self, gateway: str, secret: str) -> bool:
        """Whether ``secret`` is the last part of :meth:`hook`."""
        return hmac.compare_digest(self._signed("hook", gateway).encode(), secret.encode())

    def hook_secret(self, gateway: str) -> str:
        """What this gateway signs its call-backs with, where it signs them."""
        return self._signed("signature", gateway)

    def secrets(self, gateway: str) -> tuple[str, ...]:
        """What of all this no log may show: whoever reads it could call back in the gateway's name."""
        return self._signed("hook", gateway), self.hook_secret(gateway)

    def instance(self) -> str:
        """A name of this database that tells nothing else: the web part says it, and who knows it is at home."""
        return self._signed("instance", "")[:_INSTANCE]

    def _signed(self, purpose: str, told: str) -> str:
        digest = hmac.new(self.secret.encode(), f"{purpose}:{told}".encode(), hashlib.sha256)
        return digest.hexdigest()[:_SIGNATURE]


@dataclass(frozen=True)
class Publisher:
    """Puts pictures where a gateway can fetch them."""

    links: Links
    media: MediaStore

    async def publish(self, data: bytes) -> str:
        """The address of these bytes. Raises ImageUnreadable, ImageTooLarge, StoreDown."""
        return self.links.picture(await self.media.keep(data))
