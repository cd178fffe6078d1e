"""Signed call-backs as Black Forest Labs and those who wrap it sign them (gateways §5.1, "Webhook").

The header's name and spelling are not confirmed by an official document, so every spelling seen with clients is taken:
HMAC-SHA256 of the raw body with the secret given in the order, as hex digits (also after ``sha256=``) or base64.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping

#: Where the signature is looked for; header names have no case (RFC 9110, 5.1).
HEADERS = ("x-bfl-signature", "x-signature")
_PREFIX = "sha256="


def signatures(headers: Mapping[str, str]) -> tuple[str, ...]:
    """What stands in the known headers; empty: it is not signed."""
    found = {name.lower(): value.strip() for name, value in headers.items()}
    return tuple(found[name] for name in HEADERS if found.get(name))


def signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether the call-back is signed, and every signature on it is made with ``secret``. Takes the same time for
    right and wrong ones."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    spellings = digest.hex().encode(), base64.b64encode(digest)
    given = signatures(headers)
    return bool(given) and all(_is_one_of(signature, spellings) for signature in given)


def _is_one_of(signature: str, spellings: tuple[bytes, bytes]) -> bool:
    bare = signature[len(_PREFIX) :] if signature[: len(_PREFIX)].lower() == _PREFIX else signature
    in_hex, in_base64 = spellings
    # All are compared, whatever the first one says.
    return any([hmac.compare_digest(bare.lower().encode(), in_hex), hmac.compare_digest(bare.encode(), in_base64)])
