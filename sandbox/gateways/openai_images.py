"""aihubmix's OpenAI-compatible endpoint: the fields of ``/v1/images/generations`` and ``/edits`` by model."""

import asyncio
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal, NamedTuple

from PIL import Image
from pydantic import AfterValidator, Field
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from sandbox.gateways import fields, references
from sandbox.gateways.families import GptFields, Input, Pair
from sandbox.gateways.fields import Form, Ratio
from sandbox.gateways.refusals import Refusal
from sandbox.gateways.shapes import Json
from sandbox.pictures import Format

#: Files that one edit takes (OpenAI).
MOST_FILES = 16
#: Content types of a file's part that are read (OpenAI).
KINDS = frozenset({"image/png", "image/jpeg", "image/webp"})


class GptGeneration(GptFields):
    """gpt-image-1: no ``response_format`` (it always answers base64), no ``size`` "auto"."""

    model: str
    output_compression: Annotated[int, Field(ge=0, le=100)] | None = None
    user: str | None = None
    moderation: Literal["low", "auto"] = "auto"


class GptEdit(GptFields):
    """The text fields of an edit; ``moderation`` is unsupported there."""

    model: str
    input_fidelity: Literal["low", "high"] = "low"
    output_compression: Annotated[int, Field(ge=0, le=100)] | None = None
    user: str | None = None


class KontextOneStep(Input):
    """FLUX.1-Kontext-pro in one step."""

    model: str
    safety_tolerance: Annotated[int, Field(ge=0, le=6)] = 2
    aspect_ratio: Ratio | None = None
    seed: int | None = None

    def dimensions(self, first: Pair | None) -> Pair:
        return fields.for_ratio(self.aspect_ratio) if self.aspect_ratio else (1024, 1024)


def _flux11_size(text: str) -> str:
    size = fields.pixels(text) if "x" in text else None
    # BFL, flux-pro-1.1: 256 to 1440 in steps of 32.
    if size is None or any(side % 32 or not 256 <= side <= 1440 for side in size):
        raise ValueError("sides must be multiples of 32 from 256 to 1440")
    return text


class Flux11Extra(Form):
    prompt_upsampling: bool = False
    safety_tolerance: Annotated[int, Field(ge=0, le=6)] = 2
    seed: int | None = None


class Flux11(Input):
    """FLUX-1.1-pro: seed, safety_tolerance and prompt_upsampling go inside ``extra_body``, in the JSON itself."""

    model: str
    size: Annotated[str, AfterValidator(_flux11_size)] = "1024x1024"
    output_format: Literal["jpeg", "png"] = "jpeg"
    extra_body: Flux11Extra | None = None

    def dimensions(self, first: Pair | None) -> Pair:
        return fields.pixels(self.size) or (1024, 1024)

    def encoding(self) -> Format:
        return self.output_format

    def chosen_seed(self) -> int | None:
        return self.extra_body.seed if self.extra_body else None


GENERATIONS: Mapping[str, type[Input]] = {
    "gpt-image-1": GptGeneration,
    "FLUX.1-Kontext-pro": KontextOneStep,
    "FLUX-1.1-pro": Flux11,
}


class Edit(NamedTuple):
    """What an edit consists of, checked but for the text fields."""

    texts: Json
    pictures: tuple[bytes, ...]
    mask: bytes | None


async def read_edit(request: Request, complain: fields.Complain) -> Edit:
    """The parts of an edit; the pictures and the mask are decoded. Raises the refusal."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise complain("request Content-Type isn't multipart/form-data", "Content-Type", "")
    texts, pictures, masks = await read_parts(request, complain)
    if not pictures or len(pictures) > MOST_FILES or len(masks) > 1:
        raise complain(f"1 to {MOST_FILES} images and at most one mask", "image", "")
    for picture in pictures:
        await asyncio.to_thread(references.look, picture, references.OPENAI, lambda text: complain(text, "image", ""))
    for mask in masks:
        await asyncio.to_thread(_look_at_mask, mask, pictures[0], lambda text: complain(text, "mask", ""))
    return Edit(texts, tuple(pictures), masks[0] if masks else None)


def _look_at_mask(mask: bytes, picture: bytes, complain: Callable[[str], Refusal]) -> None:
    """A PNG with an alpha channel, as large as the first picture. Raises the refusal."""
    references.look(mask, references.OPENAI_MASK, complain)
    with Image.open(io.BytesIO(mask)) as opened:
        if opened.format != "PNG" or opened.mode not in ("RGBA", "LA"):
            raise complain("Invalid mask image format: a PNG with an alpha channel is wanted")
        if opened.size != references.size(picture):
            raise complain("Invalid mask image format - mask size does not match image size")


async def read_parts(request: Request, complain: fields.Complain) -> tuple[Json, list[bytes], list[bytes]]:
    """The text fields, pictures and masks of a multipart edit; numbers are read as such."""
    texts: Json = {}
    pictures: list[bytes] = []
    masks: list[bytes] = []
    try:
        parts = await request.form(max_files=MOST_FILES + 1)
    except HTTPException as error:
        raise complain(error.detail, "body", "") from None
    try:
        for name, value in parts.multi_items():
            if isinstance(value, UploadFile):
                if name not in ("image", "image[]", "mask"):
                    raise complain(f"Unknown parameter: '{name}'.", name, "")
                if value.content_type not in KINDS:
                    raise complain(f"Invalid file '{name}': unsupported mimetype ('{value.content_type}').", name, "")
                if name == "mask" and value.content_type != "image/png":
                    raise complain("Invalid file 'mask': must be a PNG.", name, "")
                (masks if name == "mask" else pictures).append(await value.read())
            elif name in texts:
                raise complain(f"Duplicate parameter: '{name}'.", name, "")
            else:
                texts[name] = int(value) if name in ("n", "output_compression", "seed") and value.isdecimal() else value
    finally:
        await parts.close()
    return texts, pictures, masks


def answer(entries: Sequence[str], *, created: int, usage: Json | None) -> Json:
    """OpenAI's answer with base64 texts; new-api writes out the strings it has not got."""
    data: list[Json] = [{"b64_json": entry} for entry in entries]
    if entries and not entries[0]:
        data = [{"url": "", "b64_json": "", "revised_prompt": ""} for _ in entries]
    return {"created": created, "data": data} | ({"usage": usage} if usage else {})


def usage(prompt: str, pictures: int, results: int) -> Json:
    """Token counts of gpt-image-1: a text token per four characters, round figures for pictures."""
    text, seen, made = 1 + len(prompt) // 4, 300 * pictures, 1000 * results
    return {
        "input_tokens": text + seen,
        "input_tokens_details": {"image_tokens": seen, "text_tokens": text},
        "output_tokens": made,
        "output_tokens_details": {"image_tokens": made, "text_tokens": 0},
        "total_tokens": text + seen + made,
    }
