"""Everything that can go wrong, as types.

::

    ImagineError                      key + params: the fronts turn them into a sentence in the person's language
    ├── SettingsError                 the operator must change something; names the setting
    ├── RequestError                  the person can change something; nothing was held or charged
    │   ├── PromptMissing  PromptTooLong  ModelUnknown  NoModel  OwnOnly  NotOffered  ChoiceUnknown
    │   ├── FlagUnknown  FlagInvalid  ImageMissing  TooFewImages  TooManyImages  MaskMissing  MaskUnclear
    │   └── ImageTooLarge  ImageUnreadable  ImageGone
    ├── LimitError                    a limit says no, and says when it will say yes
    │   ├── CreditsUsedUp  TooManyTasks
    ├── TaskError                     an action on a task that cannot be done
    │   ├── TaskUnknown  NotYours  TooLate
    ├── GatewayError                  the gateway did not make a picture; carries whether it may have been paid
    │   ├── PromptRefused  OrderInvalid  KeyRejected  BalanceEmpty  ModelGone
    │   ├── GatewayBusy  GatewayDown  GatewayResting  GatewayUnreachable  GatewaySilent  AnswerUnreadable
    │   ├── GatewayFailed  GatewayGaveUp  AnswerMissing
    │   ├── PictureGone  PictureBroken  PictureTooLarge  PictureUnreachable  HostRefused  MaskUnusable
    │   ├── InputGone
    │   └── Interrupted  Overdue
    ├── CallbackRefused               a call-back that is not the gateway's
    ├── StoreDown                     the database does not answer: nothing was stored, try again
    └── DeliveryError                 a front could not post
        ├── ChatGone                  never will (blocked, deleted, no permission)
        └── ChatBusy                  later: 429, network, server error

``key`` belongs to the class and names a sentence in ``bots/words``; ``params`` belong to the instance.
"""

from core.errors.delivery import (
    ChatBusy,
    ChatGone,
    DeliveryError,
)
from core.errors.gateways import (
    AnswerMissing,
    AnswerUnreadable,
    BalanceEmpty,
    CallbackRefused,
    Charged,
    GatewayBusy,
    GatewayDown,
    GatewayError,
    GatewayFailed,
    GatewayGaveUp,
    GatewayResting,
    GatewaySilent,
    GatewayUnreachable,
    HostRefused,
    InputGone,
    Interrupted,
    KeyRejected,
    MaskUnusable,
    ModelGone,
    OrderInvalid,
    Overdue,
    PictureBroken,
    PictureGone,
    PictureTooLarge,
    PictureUnreachable,
    PromptRefused,
)
from core.errors.people import (
    ChoiceUnknown,
    CreditsUsedUp,
    FlagInvalid,
    FlagUnknown,
    ImageGone,
    ImageMissing,
    ImageTooLarge,
    ImageUnreadable,
    LimitError,
    MaskMissing,
    MaskUnclear,
    ModelUnknown,
    NoModel,
    NotOffered,
    NotYours,
    OwnOnly,
    PromptMissing,
    PromptTooLong,
    RequestError,
    TaskError,
    TaskUnknown,
    TooFewImages,
    TooLate,
    TooManyImages,
    TooManyTasks,
)
from core.errors.root import (
    ImagineError,
    Param,
    Params,
    SettingsError,
    StoreDown,
)

__all__ = [
    "AnswerMissing",
    "AnswerUnreadable",
    "BalanceEmpty",
    "CallbackRefused",
    "Charged",
    "ChatBusy",
    "ChatGone",
    "ChoiceUnknown",
    "CreditsUsedUp",
    "DeliveryError",
    "FlagInvalid",
    "FlagUnknown",
    "GatewayBusy",
    "GatewayDown",
    "GatewayError",
    "GatewayFailed",
    "GatewayGaveUp",
    "GatewayResting",
    "GatewaySilent",
    "GatewayUnreachable",
    "HostRefused",
    "ImageGone",
    "ImageMissing",
    "ImageTooLarge",
    "ImageUnreadable",
    "ImagineError",
    "InputGone",
    "Interrupted",
    "KeyRejected",
    "LimitError",
    "MaskMissing",
    "MaskUnclear",
    "MaskUnusable",
    "ModelGone",
    "ModelUnknown",
    "NoModel",
    "NotOffered",
    "NotYours",
    "OrderInvalid",
    "Overdue",
    "OwnOnly",
    "Param",
    "Params",
    "PictureBroken",
    "PictureGone",
    "PictureTooLarge",
    "PictureUnreachable",
    "PromptMissing",
    "PromptRefused",
    "PromptTooLong",
    "RequestError",
    "SettingsError",
    "StoreDown",
    "TaskError",
    "TaskUnknown",
    "TooFewImages",
    "TooLate",
    "TooManyImages",
    "TooManyTasks",
]
