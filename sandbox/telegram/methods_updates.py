"""getUpdates and the webhook methods."""

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit

from sandbox.telegram.errors import bad_request
from sandbox.telegram.methods_send import Parameters
from sandbox.telegram.service import Service
from sandbox.telegram.updates import Webhook

#: core.telegram.org/bots/api#setwebhook
_PORTS = (443, 80, 88, 8443)
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}\Z")


async def get_updates(service: Service, parameters: Parameters, gone: asyncio.Future[Any]) -> list[dict[str, Any]]:
    """``gone`` is done when the caller has hung up."""
    limit = parameters.get("limit", 100)
    return await service.updates.get(
        offset=parameters.get("offset", 0),
        limit=limit if 1 <= limit <= 100 else 100,
        timeout=parameters.get("timeout", 0),
        allowed=parameters.get("allowed_updates"),
        gone=gone,
    )


async def set_webhook(service: Service, parameters: Parameters) -> bool:
    """Only a local Bot API server does without HTTPS and the four ports."""
    url = parameters["url"]
    if not url:
        return await delete_webhook(service, parameters)
    parts = urlsplit(url)
    if not service.is_local:
        if parts.scheme != "https":
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
        if (parts.port or 443) not in _PORTS:
            raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    secret = parameters.get("secret_token")
    if secret is not None and not _SECRET.match(secret):
        raise bad_request("secret token contains unallowed characters")
    connections = parameters.get("max_connections", 40)
    if not 1 <= connections <= 100:
        raise bad_request("max_connections must be 1-100")
    service.updates.set_webhook(
        Webhook(url, secret, connections),
        allowed=parameters.get("allowed_updates"),
        drop=parameters.get("drop_pending_updates", False),
    )
    return True


async def delete_webhook(service: Service, parameters: Parameters) -> bool:
    service.updates.set_webhook(None, allowed=None, drop=parameters.get("drop_pending_updates", False))
    return True


async def get_webhook_info(service: Service, parameters: Parameters) -> dict[str, Any]:
    updates = service.updates
    webhook = updates.webhook
    found: dict[str, Any] = {
        "url": webhook.url if webhook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(updates),
    }
    if webhook is not None:
        found["max_connections"] = webhook.max_connections
    if updates.allowed is not None:
        found["allowed_updates"] = updates.allowed
    if updates.last_error is not None:
        found["last_error_date"], found["last_error_message"] = updates.last_error
    return found
