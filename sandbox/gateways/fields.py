"""Request fields, checked as strictly as a form: no unknown name, no string for a number, no value out of range."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sandbox.gateways.refusals import Refusal

_RATIO = re.compile(r"([1-9]\d?):([1-9]\d?)")
_SIZE = re.compile(r"([1-9]\d{1,4})[x*]([1-9]\d{1,4})")


class Form(BaseModel):
    """Base of every request body: strict types, unknown names refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _spoken(text: str) -> str:
    if not text.strip():
        raise ValueError("is required")
    return text


def _ratio(text: str) -> str:
    found = _RATIO.fullmatch(text)
    if not found:
        raise ValueError("must look like 16:9")
    share = int(found.group(1)) / int(found.group(2))
    if not 9 / 21 <= share <= 21 / 9:
        raise ValueError("must lie between 21:9 and 9:21")
    return text


def _real(text: str) -> str:
    if text == "null":
        raise ValueError('is the string "null"')
    return text


#: FLUX takes up to 32K tokens, here at four characters each (gateways: apiyi FLUX table).
Prompt = Annotated[str, Field(max_length=32_000 * 4), AfterValidator(_spoken)]
#: W:H from 21:9 to 9:21 (BFL, aihubmix).
Ratio = Annotated[str, AfterValidator(_ratio)]
#: The address or data URL of a picture; a caller's empty default must not arrive as "null".
Reference = Annotated[str, AfterValidator(_real)]

F = TypeVar("F", bound=Form)
#: (message, field, pydantic's kind of error) to the refusal of the gateway.
Complain = Callable[[str, str, str], Refusal]


def read(form: type[F], fields: Mapping[str, object], complain: Complain) -> F:
    """``fields`` as a checked ``form``; the first thing wrong is raised as the gateway's refusal."""
    try:
        return form.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise complain(f"Unknown parameter: '{name}'.", name, first["type"]) from None
        raise complain(f"Invalid value for '{name}': {first['msg']}.", name, first["type"]) from None


def pixels(size: str) -> tuple[int, int] | None:
    """``1024x1024`` or ``1024*1024`` as (width, height) in pixels; None when it is neither."""
    found = _SIZE.fullmatch(size)
    return (int(found.group(1)), int(found.group(2))) if found else None


def for_ratio(ratio: str, area: int = 1024 * 1024) -> tuple[int, int]:
    """(width, height) of about ``area`` pixels for ``16:9`` or ``16x9``, in the multiples of 16 that FLUX makes."""
    across, down = (int(part) for part in re.split("[:x]", ratio))
    width = (area * across / down) ** 0.5
    return max(64, round(width / 16) * 16), max(64, round(width * down / across / 16) * 16)


def like(width: int, height: int, area: int = 1024 * 1024) -> tuple[int, int]:
    """The size of a result that follows its first reference: its shape, at most ``area`` pixels, multiples of 16."""
    shrink = min(1.0, (area / (width * height)) ** 0.5)
    return max(64, int(width * shrink) // 16 * 16), max(64, int(height * shrink) // 16 * 16)
