"""midjourney-proxy's request bodies, field by field (gateways §5.2)."""

import base64
import binascii
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from sandbox.gateways.fields import Form

_DATA_URL = re.compile(r"data:image/(?:png|jpe?g|webp|gif);base64,")
#: ``"<id> U2"``; the second part is U1-U4, V1-V4 or R.
_CONTENT = re.compile(r"(\S+)\s+(?:([UV])([1-4])|R)")


def _spoken(text: str) -> str:
    if not text.strip():
        raise ValueError("is required")
    return text


def _data_url(text: str) -> str:
    head = _DATA_URL.match(text)
    if head is None:
        raise ValueError("must look like data:image/png;base64,...")
    try:
        base64.b64decode(text[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not valid base64") from None
    return text


Text = Annotated[str, AfterValidator(_spoken)]
DataUrl = Annotated[str, AfterValidator(_data_url)]
BotType = Literal["MID_JOURNEY", "NIJI_JOURNEY"]


class Submit(Form):
    """What every submit may carry; the limits are MJT's."""

    state: str = Field("", max_length=255)
    notifyHook: str = Field("", max_length=2000)

    def pictures(self) -> list[str]:
        """Data URLs, in order."""
        return []


class Imagine(Submit):
    prompt: Text
    base64Array: list[DataUrl] = Field(default_factory=list)
    botType: BotType = "MID_JOURNEY"
    accountFilter: dict[str, object] | None = None

    def pictures(self) -> list[str]:
        return self.base64Array


class Blend(Submit):
    base64Array: list[DataUrl] = Field(min_length=2, max_length=5)
    dimensions: Literal["PORTRAIT", "SQUARE", "LANDSCAPE"] = "SQUARE"
    botType: BotType = "MID_JOURNEY"

    def pictures(self) -> list[str]:
        return self.base64Array


class Describe(Submit):
    base64: DataUrl
    botType: BotType = "MID_JOURNEY"

    def pictures(self) -> list[str]:
        return [self.base64]


class Shorten(Submit):
    prompt: Text
    botType: BotType = "MID_JOURNEY"


class Swap(Submit):
    sourceBase64: DataUrl
    targetBase64: DataUrl

    def pictures(self) -> list[str]:
        return [self.targetBase64, self.sourceBase64]


class Video(Submit):
    """MJT's, without what extends a film."""

    image: DataUrl
    prompt: str = ""
    motion: Literal["low", "high"] = "low"
    endImage: DataUrl | None = None
    loop: bool = False
    batchSize: Literal[1, 2, 4] = 4
    videoType: Literal["vid_1.1_i2v_480", "vid_1.1_i2v_720"] = "vid_1.1_i2v_480"

    def pictures(self) -> list[str]:
        return [self.image, *([self.endImage] if self.endImage else [])]


class Change(Submit):
    taskId: Text
    action: Literal["UPSCALE", "VARIATION", "REROLL"]
    index: int = Field(0, ge=0, le=4)

    @model_validator(mode="after")
    def _numbered(self) -> "Change":
        if self.action != "REROLL" and not self.index:
            raise ValueError("index is wanted for this action")
        return self


class SimpleChange(Submit):
    content: Text

    def read(self) -> tuple[str, str, int] | None:
        """(task id, action, index) of ``"<id> U2"``; None when it is no such text."""
        found = _CONTENT.fullmatch(self.content.strip())
        if found is None:
            return None
        action = {"U": "UPSCALE", "V": "VARIATION", None: "REROLL"}[found[2]]
        return found[1], action, int(found[3] or 0)


class Action(Submit):
    taskId: Text
    customId: Text
    chooseSameChannel: bool = True
    enableRemix: bool = False
    strong: bool = False


class Modal(Submit):
    taskId: Text
    prompt: str = ""
    maskBase64: DataUrl | None = None


class Condition(Form):
    ids: list[str]
