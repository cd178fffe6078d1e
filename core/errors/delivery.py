"""What can go wrong when a front posts."""

from core.errors.root import ImagineError


class DeliveryError(ImagineError):
    """A front could not post."""

    key = "error.delivery"


class ChatGone(DeliveryError):
    """The chat will never take it: blocked, deleted, kicked, no permission. ``reason`` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


class ChatBusy(DeliveryError):
    """Not now. ``retry_after`` in seconds."""

    def __init__(self, retry_after: float, reason: str = "") -> None:
        super().__init__(retry_after=retry_after, reason=reason)
        self.retry_after, self.reason = retry_after, reason
