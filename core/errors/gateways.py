"""What can go wrong at a gateway, and what is known about the money then."""

from enum import StrEnum
from typing import ClassVar, Self

from core.errors.root import ImagineError, Param


class Charged(StrEnum):
    """What we know about the money when a call failed."""

    NO = "no"  #: the gateway had not accepted the order
    UNKNOWN = "unknown"  #: the call left and no answer came: it may have been paid
    YES = "yes"  #: paid, and yet no picture


class GatewayError(ImagineError):
    """The gateway made no picture.

    ``charged`` and ``transient`` decide what happens next: only a transient failure that is certainly
    unpaid is tried again. ``retry_after`` is in seconds where the gateway named it. ``detail`` is for
    the log, never for a chat.
    """

    transient: ClassVar[bool] = False
    default_charged: ClassVar[Charged] = Charged.NO

    def __init__(
        self,
        *,
        detail: str = "",
        charged: Charged | None = None,
        retry_after: float | None = None,
        **params: Param,
    ) -> None:
        super().__init__(**params)
        self.detail = detail
        self.charged = self.default_charged if charged is None else charged
        self.retry_after = retry_after

    def with_charged(self, charged: Charged) -> Self:
        """The same error, knowing better about the money."""
        self.charged = charged
        return self

    def __str__(self) -> str:
        return f"{type(self).__name__}(charged={self.charged}): {self.detail}" if self.detail else type(self).__name__


class PromptRefused(GatewayError):
    """Moderation said no, to the words or to the picture."""

    key = "error.prompt_refused"


class OrderInvalid(GatewayError):
    """The gateway calls our request malformed: our bug or a changed contract."""

    key = "error.order_invalid"


class KeyRejected(GatewayError):
    """401/403: the operator's key is wrong, expired, or not allowed this model."""

    key = "error.gateway_setup"


class BalanceEmpty(GatewayError):
    """The operator's account at the gateway is empty."""

    key = "error.gateway_balance"


class ModelGone(GatewayError):
    """404 or "no available channel": the gateway does not have this model (any more)."""

    key = "error.gateway_model"


class GatewayBusy(GatewayError):
    """429, or a queue that is full: it took nothing; try again later."""

    key = "error.gateway_busy"
    transient = True


class GatewayDown(GatewayError):
    """503: it took nothing."""

    key = "error.gateway_down"
    transient = True


class GatewayResting(GatewayError):
    """It has failed again and again, and is left alone for a while: nothing was sent."""

    key = "error.gateway_down"
    transient = True


class GatewayUnreachable(GatewayError):
    """No connection could be made: nothing left this machine."""

    key = "error.gateway_down"
    transient = True


class GatewayFailed(GatewayError):
    """500 and its kin: it may have done anything with the order."""

    key = "error.gateway_failed"
    transient = True
    default_charged = Charged.UNKNOWN


class AnswerMissing(GatewayError):
    """It answers questions, but says nothing about this order: asked again, it may."""

    key = "error.gateway_failed"
    transient = True
    default_charged = Charged.UNKNOWN


class GatewayGaveUp(GatewayError):
    """It took the order, worked on it, and says itself that nothing will come of it: asking again is no use."""

    key = "error.gateway_failed"
    default_charged = Charged.UNKNOWN


class GatewaySilent(GatewayError):
    """The call left and no (whole) answer came: timeout or a cut connection."""

    key = "error.gateway_silent"
    transient = True
    default_charged = Charged.UNKNOWN


class AnswerUnreadable(GatewayError):
    """An answer of no known shape: the raw body is in the log."""

    key = "error.answer_unreadable"
    default_charged = Charged.UNKNOWN


class PictureGone(GatewayError):
    """The result's link had expired before we could fetch it."""

    key = "error.picture_gone"
    default_charged = Charged.YES


class PictureBroken(GatewayError):
    """What came is no whole picture: truncated, or a web page."""

    key = "error.picture_broken"
    default_charged = Charged.YES


class PictureTooLarge(GatewayError):
    """More bytes or pixels than any model of ours makes. params: none."""

    key = "error.picture_broken"
    default_charged = Charged.YES


class PictureUnreachable(GatewayError):
    """The result's host did not answer: asked again later, it may."""

    key = "error.picture_gone"
    transient = True
    default_charged = Charged.YES


class MaskUnusable(GatewayError):
    """What was sent to mark a part of the picture marks none that can be made out: nothing has left."""

    key = "error.mask_unclear"


class InputGone(GatewayError):
    """A picture to work on is no longer kept (its time was over): nothing has left."""

    key = "error.image_gone"


class HostRefused(GatewayError):
    """A result link that points at an internal address: not fetched."""

    key = "error.picture_broken"
    default_charged = Charged.YES


class Interrupted(GatewayError):
    """We stopped while the call was out, and this gateway keeps nothing we could ask for."""

    key = "error.interrupted"
    default_charged = Charged.UNKNOWN


class Overdue(GatewayError):
    """Not finished within the model's deadline."""

    key = "error.overdue"
    default_charged = Charged.UNKNOWN


class CallbackRefused(ImagineError):
    """A call-back that is not the gateway's, or no call-back at all. ``reason`` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason
