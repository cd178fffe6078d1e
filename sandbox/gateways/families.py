"""aihubmix's model families: the ``input`` each takes, and what it makes of it."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, StrictInt, StrictStr

from sandbox.gateways import fields, references
from sandbox.gateways.fields import Form, Prompt, Ratio, Reference
from sandbox.gateways.shapes import Shape
from sandbox.pictures import Format

DAY = 86_400.0
#: Baidu and Bytedance seeds are 31-bit.
_MOST_SEED = 2_147_483_647
Pair = tuple[int, int]


class Input(Form):
    """What every family has; a family overrides the questions that the sandbox asks about a request."""

    prompt: Prompt
    limits: ClassVar[references.Limits] = references.FLUX
    lifetime: ClassVar[float] = DAY  #: seconds that an address works (seedream and alibaba state 24 h)

    def sources(self) -> list[tuple[str, str]]:
        """(field, value) of the reference pictures."""
        return []

    def dimensions(self, first: Pair | None) -> Pair:
        """(width, height) of the results in pixels; ``first`` is the size of the first reference."""
        return fields.like(*first) if first else (1024, 1024)

    def how_many(self) -> int:
        """Pictures that come out."""
        return 1

    def encoding(self) -> Format:
        """The file format that comes out."""
        return "png"

    def chosen_seed(self) -> int | None:
        """The seed asked for; None for a random one."""
        seed = getattr(self, "seed", None)
        return seed if isinstance(seed, int) and seed >= 0 else None

    def see_through(self) -> bool:
        """Whether the background is left out."""
        return False

    def shape(self, usual: Shape) -> Shape:
        """The shape of the answer, where the request has a say."""
        return usual

    def objection(self) -> tuple[str, str] | None:
        """(message, field) of what is wrong between fields."""
        return None


GptSize = Literal["1024x1024", "1536x1024", "1024x1536"]


class GptFields(Input):
    """OpenAI gpt-image. ``size`` "auto" is the default and must not be sent."""

    size: GptSize | None = None
    n: Annotated[int, Field(ge=1, le=10)] = 1
    quality: Literal["low", "medium", "high", "auto"] = "auto"
    background: Literal["auto", "transparent", "opaque"] = "auto"
    output_format: Literal["png", "jpeg", "webp"] = "png"
    limits: ClassVar[references.Limits] = references.OPENAI

    def dimensions(self, first: Pair | None) -> Pair:
        if self.size is not None:
            return fields.pixels(self.size) or (1024, 1024)
        wide = (first[0] > first[1]) - (first[0] < first[1]) if first else 0
        return {0: (1024, 1024), 1: (1536, 1024), -1: (1024, 1536)}[wide]

    def how_many(self) -> int:
        return self.n

    def encoding(self) -> Format:
        return self.output_format

    def see_through(self) -> bool:
        return self.background == "transparent"

    def objection(self) -> tuple[str, str] | None:
        if self.background == "transparent" and self.output_format == "jpeg":
            return "Transparent background is not supported with jpeg", "background"
        return None


class GptImage(GptFields):
    """gpt-image on the predictions endpoint; ``moderation`` is not for edits, ``input_fidelity`` only for them."""

    moderation: Literal["low", "auto"] | None = None
    input_fidelity: Literal["low", "high"] | None = None
    image: Reference | None = None

    def sources(self) -> list[tuple[str, str]]:
        return [("image", self.image)] if self.image is not None else []

    def objection(self) -> tuple[str, str] | None:
        if self.image is not None and self.moderation is not None:
            return "Unknown parameter: 'moderation' with image.", "moderation"
        if self.image is None and self.input_fidelity is not None:
            return "input_fidelity needs an image", "input_fidelity"
        return super().objection()


class DallE3(Input):
    size: Literal["1024x1024", "1792x1024", "1024x1792"] = "1024x1024"
    n: Annotated[int, Field(ge=1, le=1)] = 1
    quality: Literal["standard", "hd"] = "standard"
    style: Literal["vivid", "natural"] = "vivid"
    lifetime: ClassVar[float] = 3600.0  # OpenAI: 60 minutes

    def dimensions(self, first: Pair | None) -> Pair:
        return fields.pixels(self.size) or (1024, 1024)


class Imagen(Input):
    """Google Imagen. ``n`` has no effect; without a number it makes four."""

    numberOfImages: Annotated[int, Field(ge=1, le=4)] | None = None
    sampleCount: Annotated[int, Field(ge=1, le=4)] | None = None
    n: Annotated[int, Field(ge=1, le=10)] = 1
    aspectRatio: Literal["1:1", "3:4", "4:3", "9:16", "16:9"] = "1:1"

    def dimensions(self, first: Pair | None) -> Pair:
        return fields.for_ratio(self.aspectRatio)

    def how_many(self) -> int:
        return self.numberOfImages or self.sampleCount or 4


class ImagenUltra(Imagen):
    """Makes one, whatever is asked."""

    def how_many(self) -> int:
        return 1


class KontextPro(Input):
    """FLUX.1 Kontext [pro]: text to image only on this endpoint."""

    aspect_ratio: Ratio | None = None
    safety_tolerance: Annotated[int, Field(ge=0, le=6)] = 2
    seed: int | None = None
    raw: bool = False
    limits: ClassVar[references.Limits] = references.FLUX_BARE
    lifetime: ClassVar[float] = 600.0  # BFL: ten minutes

    def dimensions(self, first: Pair | None) -> Pair:
        return fields.for_ratio(self.aspect_ratio) if self.aspect_ratio else super().dimensions(first)


class KontextMax(KontextPro):
    input_image: Reference | None = None

    def sources(self) -> list[tuple[str, str]]:
        return [("input_image", self.input_image)] if self.input_image is not None else []

    def objection(self) -> tuple[str, str] | None:
        if self.input_image is not None and self.safety_tolerance > 2:
            return "safety_tolerance is at most 2 with a reference image", "safety_tolerance"
        return None


_QWEN_SIZES = {(512, 1024), (768, 512), (768, 1024), (1024, 576), (576, 1024), (1024, 1024)}


def _qwen_size(text: str) -> str:
    if fields.pixels(text) not in _QWEN_SIZES:
        raise ValueError("must be one of the listed sizes")
    return text


def _irag_size(text: str) -> str:
    size = fields.pixels(text)
    if size is None or not all(512 <= side <= 2048 for side in size):
        raise ValueError("sides must lie between 512 and 2048")
    return text


class _Qianfan(Input):
    refer_image: Reference | None = None
    n: Annotated[int, Field(ge=1, le=4)] = 1
    size: str = "1024x1024"
    guidance: Annotated[float, Field(ge=0, le=20)] = 7.5
    watermark: bool = True
    limits: ClassVar[references.Limits] = references.QIANFAN

    def sources(self) -> list[tuple[str, str]]:
        # The vendor's own example sends an empty string for "none".
        return [("refer_image", self.refer_image)] if self.refer_image else []

    def dimensions(self, first: Pair | None) -> Pair:
        return fields.pixels(self.size) or (1024, 1024)

    def how_many(self) -> int:
        return self.n


class QwenImage(_Qianfan):
    size: Annotated[str, AfterValidator(_qwen_size)] = "1024*1024"
    seed: Annotated[int, Field(ge=0, le=_MOST_SEED)] | None = None


class Irag(_Qianfan):
    """Baidu iRAG: short prompts, freer sizes, no seed."""

    prompt: Annotated[Prompt, Field(max_length=220)]
    size: Annotated[str, AfterValidator(_irag_size)] = "1024x1024"


class QwenEdit(Input):
    image: Reference
    n: Annotated[int, Field(ge=1, le=4)] = 1
    size: Annotated[str, AfterValidator(_qwen_size)] | None = None
    watermark: bool = True
    seed: Annotated[int, Field(ge=0, le=_MOST_SEED)] | None = None
    limits: ClassVar[references.Limits] = references.QIANFAN

    def sources(self) -> list[tuple[str, str]]:
        return [("image", self.image)]

    def how_many(self) -> int:
        return self.n


class ErnieEdit(Input):
    image: Reference
    feature: Literal["variation", "erase", "repaint"] = "variation"
    mask: Reference | None = None
    guidance: Annotated[float, Field(ge=1, le=20)] = 7.5
    watermark: bool = False
    limits: ClassVar[references.Limits] = references.QIANFAN

    def sources(self) -> list[tuple[str, str]]:
        return [("image", self.image)]

    def objection(self) -> tuple[str, str] | None:
        if (self.feature == "variation") != (self.mask is None):
            return "mask goes with erase and repaint, and only with them", "mask"
        return None


def _seedream_size(text: str) -> str:
    if text in {"1K", "2K", "4K"}:
        return text
    size = fields.pixels(text) if "x" in text else None
    # Volcano Ark, Seedream 4.0: 1280x720 to 4096x4096 pixels in all, ratio 1/16 to 16.
    if size is None or not 1280 * 720 <= size[0] * size[1] <= 4096 * 4096 or max(size) > 16 * min(size):
        raise ValueError("must be 1K, 2K, 4K or a WxH of 1280x720 to 4096x4096 pixels")
    return text


class Sequential(Form):
    max_images: Annotated[int, Field(ge=1, le=15)] = 15


class Seedream(Input):
    """Bytedance Seedream 4: ``base64_json``, not ``b64_json``; ``n`` has no effect."""

    size: Annotated[str, AfterValidator(_seedream_size)] = "2K"
    image: Reference | Annotated[list[Reference], Field(min_length=1, max_length=14)] | None = None
    sequential_image_generation: Literal["disabled", "auto"] = "disabled"
    sequential_image_generation_options: Sequential | None = None
    stream: Literal[False] = False
    response_format: Literal["url", "base64_json"] = "url"
    watermark: bool = True
    seed: Annotated[int, Field(ge=-1, le=_MOST_SEED)] | None = None
    n: StrictInt | None = None

    def sources(self) -> list[tuple[str, str]]:
        images = [self.image] if isinstance(self.image, str) else self.image or []
        return [("image", image) for image in images]

    def dimensions(self, first: Pair | None) -> Pair:
        area = {"1K": 1024**2, "2K": 2048**2, "4K": 4096**2}.get(self.size)
        if area is None:
            return fields.pixels(self.size) or (2048, 2048)
        return fields.for_ratio(f"{first[0]}:{first[1]}", area) if first else (int(area**0.5), int(area**0.5))

    def how_many(self) -> int:
        if self.sequential_image_generation == "disabled":
            return 1
        # The model decides how many the prompt needs, up to the limit; the sandbox stops at four unless told.
        asked = self.sequential_image_generation_options
        return min(asked.max_images if asked else 4, 15 - len(self.sources()))

    def encoding(self) -> Format:
        return "jpeg"

    def shape(self, usual: Shape) -> Shape:
        return Shape.B64_LIST if self.response_format == "base64_json" else usual


_IDEOGRAM_RATIOS = Literal[
    "1x3", "3x1", "1x2", "2x1", "9x16", "16x9", "10x16", "16x10", "2x3", "3x2", "3x4", "4x3", "4x5", "5x4", "1x1"
]


class Ideogram(Input):
    rendering_speed: Literal["TURBO", "DEFAULT", "QUALITY"] = "DEFAULT"
    aspect_ratio: _IDEOGRAM_RATIOS = "1x1"
    num_images: Annotated[int, Field(ge=1, le=8)] = 1
    style_type: Literal["AUTO", "GENERAL", "REALISTIC", "DESIGN", "FICTION"] | None = None
    magic_prompt: Literal["AUTO", "ON", "OFF"] | None = None
    seed: Annotated[int, Field(ge=0, le=_MOST_SEED)] | None = None

    def dimensions(self, first: Pair | None) -> Pair:
        return fields.for_ratio(self.aspect_ratio)

    def how_many(self) -> int:
        return self.num_images


class Stability(Input):
    n: Annotated[int, Field(ge=1, le=10)] = 1

    def how_many(self) -> int:
        return self.n


class Body(Form):
    """The body of the predictions endpoint, before its ``input`` is looked at."""

    input: dict[StrictStr, object]


#: Model path to the family and the usual shape of its answer. Documented shapes: gpt-image, seedream, flux, qianfan;
#: the others are one of the five that clients know, and ``AihubmixSandbox.shapes`` changes them.
FAMILIES: Mapping[str, tuple[type[Input], Shape]] = {
    "openai/gpt-image-1": (GptImage, Shape.B64_OBJECT),
    "opanai/gpt-image-1": (GptImage, Shape.B64_OBJECT),  # the vendor's typo is live beside the right spelling
    "openai/gpt-image-1.5": (GptImage, Shape.B64_OBJECT),
    "openai/gpt-image-1-mini": (GptImage, Shape.B64_OBJECT),
    "openai/dall-e-3": (DallE3, Shape.URLS_OBJECT),
    "opanai/dall-e-3": (DallE3, Shape.URLS_OBJECT),
    "google/imagen-4.0-ultra-generate-001": (ImagenUltra, Shape.BYTES_LIST),
    "google/imagen-4.0-generate-001": (Imagen, Shape.BYTES_LIST),
    "google/imagen-4.0-fast-generate-001": (Imagen, Shape.BYTES_LIST),
    "google/imagen-4.0-fast-generate-preview-06-06": (Imagen, Shape.BYTES_LIST),
    "google/imagen-3.0-generate-002": (Imagen, Shape.BYTES_LIST),
    "bfl/flux-kontext-max": (KontextMax, Shape.TASK),
    "bfl/flux-kontext-pro": (KontextPro, Shape.TASK),
    "qianfan/qwen-image": (QwenImage, Shape.URL_LIST),
    "qianfan/qwen-image-edit": (QwenEdit, Shape.URL_LIST),
    "doubao/doubao-seedream-4-0-250828": (Seedream, Shape.URL_LIST),
    "ideogram/V3": (Ideogram, Shape.URLS_OBJECT),
    "stability/Stable-Diffusion-3-5-Large": (Stability, Shape.BYTES_LIST),
    "qianfan/irag-1.0": (Irag, Shape.URL_LIST),
    "qianfan/ernie-irag-edit": (ErnieEdit, Shape.URL_LIST),
}
