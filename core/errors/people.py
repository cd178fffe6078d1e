"""What the person who asks can change, or has to wait for: nothing was held, nothing was charged."""

from core.errors.root import ImagineError


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


class OwnOnly(RequestError):
    """That is a next step on pictures of some models only. params: models (their names)."""

    key = "error.own_only"


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


class TooFewImages(RequestError):
    """params: needed, given."""

    key = "error.too_few_images"


class MaskMissing(RequestError):
    """Which part of the picture is to be made anew was not marked."""

    key = "error.mask_missing"


class MaskUnclear(RequestError):
    """What was sent to mark a part of the picture marks none that can be made out."""

    key = "error.mask_unclear"


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
