"""Raw pictures, a clock moved by hand, and the two gateways' requests in short."""

import base64
import io
from typing import Any

import httpx
from PIL import Image

from sandbox.gateways import AihubmixSandbox, ApiyiSandbox

KONTEXT = "bfl/flux-kontext-max"
SEEDREAM = "doubao/doubao-seedream-4-0-250828"


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1_776_832_476.0

    def __call__(self) -> float:
        return self.now


def photo(width: int = 96, height: int = 64, format: str = "PNG") -> bytes:  # Pillow's own word
    """A small picture with some structure."""
    picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    picture.paste((200, 40, 40), (width // 4, height // 4, width // 2, height // 2))
    buffer = io.BytesIO()
    picture.save(buffer, format)
    return buffer.getvalue()


def mask(width: int, height: int, hole: tuple[int, int, int, int]) -> bytes:
    """A black PNG that is transparent in ``hole``: left, top, right, bottom."""
    picture = Image.new("RGBA", (width, height), (0, 0, 0, 255))
    picture.paste((0, 0, 0, 0), hole)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def data_url(data: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def opened(data: bytes) -> Image.Image:
    """The picture, decoded whole."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def flux(http: httpx.AsyncClient, box: ApiyiSandbox, **fields: Any) -> httpx.Response:
    """A submit to apiyi; ``fields`` are added to a good one."""
    body = {"model": "flux-2-pro", "prompt": "a red fox"} | fields
    url = f"{box.base_url}/v1/images/generations"
    return await http.post(url, json=body, headers=bearer(box.default_key))


async def predict(http: httpx.AsyncClient, box: AihubmixSandbox, model: str, **fields: Any) -> httpx.Response:
    """A submit to aihubmix's predictions; ``fields`` are added to a good one."""
    url = f"{box.base_url}/v1/models/{model}/predictions"
    return await http.post(url, json={"input": {"prompt": "a red fox"} | fields}, headers=bearer(box.default_key))


async def ask(http: httpx.AsyncClient, box: AihubmixSandbox, task: str, base: str = "") -> httpx.Response:
    return await http.get(f"{base or box.base_url}/v1/tasks/{task}", headers=bearer(box.default_key))


async def generate(http: httpx.AsyncClient, box: AihubmixSandbox, **fields: Any) -> httpx.Response:
    """A submit to aihubmix's OpenAI endpoint."""
    url = f"{box.base_url}/v1/images/generations"
    return await http.post(url, json={"prompt": "a red fox"} | fields, headers=bearer(box.default_key))


def error_of(response: httpx.Response) -> dict[str, Any]:
    """OpenAI's error object of a refusal."""
    error: dict[str, Any] = response.json()["error"]
    return error
