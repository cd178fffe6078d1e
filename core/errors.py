"""Everything that can go wrong, as types.

::

    ImagineError                      key + params: the fronts turn them into a sentence in the person's language
    ├── SettingsError                 the operator must change something; names the setting
    ├── RequestError                  the person can change something; nothing was held or charged
    │   ├── PromptMissing  PromptTooLong  ModelUnknown  NoModel  NotOffered  ChoiceUnknown
    │   ├── FlagUnknown  FlagInvalid  ImageMissing  TooManyImages
    │   └── ImageTooLarge  ImageUnreadable  ImageGone
    ├── LimitError                    a limit says no, and says when it will say yes
    │   ├── CreditsUsedUp  TooManyTasks
    ├── TaskError                     an action on a task that cannot be done
    │   ├── TaskUnknown  NotYours  TooLate
    ├── GatewayError                  the gateway did not make a picture; carries whether it may have been paid
    │   ├── PromptRefused  OrderInvalid  KeyRejected  BalanceEmpty  ModelGone
    │   ├── GatewayBusy  GatewayDown  GatewayUnreachable  GatewaySilent  AnswerUnreadable  GatewayFailed  GatewayGaveUp
    │   ├── PictureGone  PictureBroken  PictureTooLarge  PictureUnreachable  HostRefused
    │   └── Interrupted  Overdue
    ├── StoreDown                     the database does not answer: nothing was stored, try again
    └── DeliveryError                 a front could not post
        ├── ChatGone                  never will (blocked, deleted, no permission)
        └── ChatBusy                  later: 429, network, server error

``key`` belongs to the class and names a sentence in ``bots/words``; ``params`` belong to the instance.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, Self

Param = str | int | float
Params = Mapping[str, Param]


class ImagineError(Exception):
    """The root. ``key`` names the sentence, ``params`` fill it."""

    key: ClassVar[str] = "error.unknown"

    def __init__(self, **params: Param) -> None:
        self.params: dict[str, Param] = params
        super().__init__(self.key, params)

    def __str__(self) -> str:
        return f"{self.key} {self.params}" if self.params else self.key


class SettingsError(ImagineError):
    """``setting`` names the variable, ``fix`` says what to do: shown to the operator as one sentence."""

    key = "error.settings"

    def __init__(self, setting: str, fix: str) -> None:
        super().__init__(setting=setting, fix=fix)
        self.setting, self.fix = setting, fix

    def __str__(self) -> str:
        return f"{self.setting}: {self.fix}"


class StoreDown(ImagineError):
    """The database does not answer (gone, locked, disk full): nothing was stored. ``reason`` is for the log."""

    key = "error.store_down"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


# --- the person can change something -------------------------------------------------------------------------------


class RequestError(ImagineError):
    """The request cannot be done as it stands. Nothing was held."""


class PromptMissing(RequestError):
    key = "error.prompt_missing"


class PromptTooLong(RequestError):
    """params: limit (characters), length."""

    key = "error.prompt_too_long"


class ModelUnknown(RequestError):
    """params: model, near (a comma-separated list of similar names, may be empty)."""

    key = "error.model_unknown"


class NoModel(RequestError):
    """No configured model can do this operation. params: operation."""

    key = "error.no_model"


class NotOffered(RequestError):
    """This model cannot do that. params: model, what (an Operation's value), others (names that can, may be empty)."""

    key = "error.not_offered"


class ChoiceUnknown(RequestError):
    """A value the model does not take. params: model, what ("ratio", "count"), value, allowed."""

    key = "error.choice_unknown"


class FlagUnknown(RequestError):
    """params: flag, known."""

    key = "error.flag_unknown"


class FlagInvalid(RequestError):
    """params: flag, value, expected."""

    key = "error.flag_invalid"


class ImageMissing(RequestError):
    key = "error.image_missing"


class TooManyImages(RequestError):
    """params: model, limit, given."""

    key = "error.too_many_images"


class ImageTooLarge(RequestError):
    """params: limit_mb."""

    key = "error.image_too_large"


class ImageUnreadable(RequestError):
    """Not a picture we can read."""

    key = "error.image_unreadable"


class ImageGone(RequestError):
    """The chat no longer has the picture that was to be edited."""

    key = "error.image_gone"


# --- limits --------------------------------------------------------------------------------------------------------


class LimitError(ImagineError):
    """A limit says no."""


class CreditsUsedUp(LimitError):
    """params: scope ("user", "chat", "global"), window ("day", "month"), cost, left, limit, refills_at (Unix time)."""

    key = "error.credits_used_up"


class TooManyTasks(LimitError):
    """params: limit (unfinished requests at once)."""

    key = "error.too_many_tasks"


# --- tasks ---------------------------------------------------------------------------------------------------------


class TaskError(ImagineError):
    """An action on a task that cannot be done. params: task."""


class TaskUnknown(TaskError):
    key = "error.task_unknown"


class NotYours(TaskError):
    key = "error.not_yours"


class TooLate(TaskError):
    """It is being made (and paid) already, or is done: it can no longer be cancelled."""

    key = "error.too_late"


# --- gateways ------------------------------------------------------------------------------------------------------


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


class GatewayUnreachable(GatewayError):
    """No connection could be made: nothing left this machine."""

    key = "error.gateway_down"
    transient = True


class GatewayFailed(GatewayError):
    """500 and its kin: it may have done anything with the order."""

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


# --- delivery ------------------------------------------------------------------------------------------------------


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
