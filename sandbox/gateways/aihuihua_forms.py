"""aihuihua's request bodies, field by field (gateways §1.3).

Where a page's table and its example disagree about a type, both are taken; where its text and its table disagree, the
text counts.
"""

import base64
import binascii
import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, TypeAdapter, model_validator

from sandbox.gateways.fields import Form, Ratio
from sandbox.gateways.midjourney_tasks import parameters

Shape = Literal["16:9", "4:3", "1:1", "3:4", "9:16", "21:9"]
StyleName = Literal[
    "sai-anime",
    "sai-line art",
    "mre-manga",
    "mre-dynamic-illustration",
    "mre-undead-art",
    "mre-sumi-e-detailed",
    "mre-dark-cyberpunk",
    "ads-corporate",
    "artstyle-abstract expressionism",
    "artstyle-art deco",
    "artstyle-graffiti",
    "artstyle-watercolor",
    "game-fighting game",
    "futuristic-biomechanical",
    "futuristic-sci-fi",
    "misc-manga",
    "Ink Dripping Drawing",
    "MK Van Gogh",
]
#: Characters of a prompt; the documents name no limit, so it is the family's.
PROMPT_LIMIT = 6000
_MASK = "data:image/png;base64,"
_ADDRESS = re.compile(r"https?://\S+")


def _spoken(text: str) -> str:
    if not text.strip() or text == "null":
        raise ValueError("is required")
    return text


def _shaped(text: str) -> str:
    TypeAdapter(Ratio).validate_python(parameters(text).get("ar", "1:1"))
    return _spoken(text)


def _address(text: str) -> str:
    parts = urlsplit(text)
    if not _ADDRESS.fullmatch(text) or not parts.hostname:
        raise ValueError("must be an http(s) address")
    return text


def _hook(text: str) -> str:
    return _address(text) if text else text


def _mask(text: str) -> str:
    if not text.startswith(_MASK):
        raise ValueError(f"must look like {_MASK}...")
    try:
        base64.b64decode(text[len(_MASK) :], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not valid base64") from None
    return text


Text = Annotated[str, AfterValidator(_spoken)]
Prompt = Annotated[str, Field(max_length=PROMPT_LIMIT), AfterValidator(_shaped)]
Address = Annotated[str, AfterValidator(_address)]


class Submit(Form):
    """What every submit may carry. "" is no hook, as in two of the examples."""

    notifyHook: Annotated[str, AfterValidator(_hook)] = ""

    def words(self) -> str:
        """The prompt, as sent."""
        return str(getattr(self, "prompt", ""))

    def addresses(self) -> list[str]:
        """Where the pictures are, in order; a prompt may begin with some (imagine's page)."""
        return []


class UpScale(Submit):
    imgUrl: Address
    size: Literal[2, 4, "2", "4"] = 2

    def addresses(self) -> list[str]:
        return [self.imgUrl]


class OnePicture(Submit):
    """removeBg and image2line."""

    imgUrl: Address

    def addresses(self) -> list[str]:
        return [self.imgUrl]


class FaceStyle(Submit):
    prompt: Prompt
    faceImgUrl: Address
    styleImgUrl: Address | None = None
    styleName: StyleName | None = None

    @model_validator(mode="after")
    def _one_style(self) -> "FaceStyle":
        if (self.styleImgUrl is None) == (self.styleName is None):
            raise ValueError("exactly one of styleName and styleImgUrl is wanted")
        return self

    def words(self) -> str:
        return f"{self.prompt} {self.styleName}" if self.styleName else self.prompt

    def addresses(self) -> list[str]:
        return [self.faceImgUrl, *([self.styleImgUrl] if self.styleImgUrl else []), *leading(self.prompt)]


class FaceSwap(Submit):
    fromImgUrl: Address
    toImgUrl: Address

    def addresses(self) -> list[str]:
        return [self.toImgUrl, self.fromImgUrl]


class Text2Image(Submit):
    """Flux."""

    prompt: Prompt

    def addresses(self) -> list[str]:
        return leading(self.prompt)


class Image2Image(Submit):
    """Flux."""

    prompt: Prompt
    imgUrl: Address
    range: float = Field(0.7, ge=0.1, le=1.0)

    def addresses(self) -> list[str]:
        return [self.imgUrl]


class NanoBanana(Submit):
    """Read off the only example: there is no table."""

    prompt: Prompt
    aspectRatio: Ratio = "1:1"
    imgUrls: list[Address] = Field(default_factory=list)

    def addresses(self) -> list[str]:
        return self.imgUrls


class Imagine(Text2Image):
    mode: Literal["FAST"] = "FAST"


class Blend(Submit):
    imgUrlArray: list[Address] = Field(min_length=2, max_length=5)
    aspectRatio: Ratio
    mode: Literal["FAST"] = "FAST"

    def addresses(self) -> list[str]:
        return self.imgUrlArray


class Describe(Submit):
    """``imgUrl`` is a string in the example, an array in the table."""

    imgUrl: Address | Annotated[list[Address], Field(min_length=1, max_length=1)]
    mode: Literal["FAST"] = "FAST"

    def addresses(self) -> list[str]:
        return [self.imgUrl] if isinstance(self.imgUrl, str) else self.imgUrl


class MdjAction(Submit):
    taskId: Text
    customId: Text


class ImageAction(Submit):
    """``taskId`` is a number in the example, a string in the table."""

    taskId: Text | int
    customId: Text


class Modal(Submit):
    prompt: Prompt
    taskId: Text
    maskBase64: Annotated[str, AfterValidator(_mask)]


class _Video(Submit):
    prompt: Prompt
    resolution: Literal["480P", "720P"]
    cameraFixed: bool
    duration: Literal[5, 10]


class Text2Video(_Video):
    ratio: Shape


class Image2Video(_Video):
    imgUrl: Address

    def addresses(self) -> list[str]:
        return [self.imgUrl]


class Listed(Form):
    ids: list[Text] = Field(max_length=20)


def leading(prompt: str) -> list[str]:
    """The addresses a prompt begins with."""
    found = []
    for word in prompt.split():
        if not _ADDRESS.fullmatch(word):
            break
        found.append(word)
    return found


def without_addresses(prompt: str) -> str:
    """The prompt after the addresses it begins with."""
    return " ".join(prompt.split()[len(leading(prompt)) :])
