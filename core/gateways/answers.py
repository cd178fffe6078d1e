"""Reads pictures out of a gateway's answer, in every shape they are known to come in.

========================================  =============================================
``data[].url`` / ``data[].b64_json``      OpenAI, apiyi (url only), aihubmix's images
``output.b64_json[].bytesBase64``         aihubmix: gpt-image (``mimeType`` may be "png")
``output.urls[]``                         aihubmix: ideogram, dall-e-3
``output[].is_image_safe``                Ideogram's own entry; false: the picture was withheld
``output[].bytesBase64``                  aihubmix: imagen, stability
``output[].url`` / ``output[].b64_json``  aihubmix: seedream, qianfan
``output[].taskId``                       aihubmix: flux-kontext; nothing to see yet
========================================  =============================================

new-api writes ``""`` for what it has not got, and some examples print ``"null"``: both are absent.
"""

import asyncio
import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from core.errors import AnswerUnreadable, Charged, GatewayFailed, PromptRefused
from core.refusals import is_moderation, said_in
from core.types import Finished, InlinePicture, RemotePicture

#: How deep a picture lies at most: ``output`` → ``b64_json`` → item → text.
_DEEPEST = 4
_INLINE_KEYS = ("b64_json", "bytesBase64")
_LINK_KEYS = ("url", "urls")


def text_of(value: object) -> str | None:
    """A string with something in it; None for anything else."""
    return value if isinstance(value, str) and value.strip() not in ("", "null") else None


async def finished(answer: Mapping[str, Any], *, raw: str) -> Finished:
    """The pictures of a successful answer to a submit, fewer than asked for included. ``raw`` is for the log.

    Raises PromptRefused when the shape is right and there is no picture: that is how safety filters that leave no
    word behave (Gemini, FLUX behind apiyi, flagged gpt-images). Raises AnswerUnreadable for an unknown shape. In all
    of these the order may have been paid.
    """
    found = [*_found(answer.get("data")), *_found(answer.get("output"))]
    if found:
        pictures = await asyncio.to_thread(_decoded, found)
        if not pictures:
            raise AnswerUnreadable(detail=raw)
        return Finished(pictures, seed=_seed(answer))
    if answer.get("error"):
        if is_moderation(said_in(answer)):
            raise PromptRefused(detail=raw, charged=Charged.UNKNOWN)
        raise GatewayFailed(detail=raw)
    if any(_is_empty(answer[name]) for name in ("data", "output") if name in answer):
        raise PromptRefused(detail=raw, charged=Charged.UNKNOWN)
    raise AnswerUnreadable(detail=raw)


def _found(value: object, *, link: bool = True, depth: int = 0) -> Iterator[tuple[bool, str]]:
    """(is a link, text) of every picture below ``value``, one for each item."""
    text = text_of(value)
    if text is not None:
        yield link, text
    elif isinstance(value, list) and depth < _DEEPEST:
        for item in value:
            yield from _found(item, link=link, depth=depth + 1)
    elif isinstance(value, dict) and depth < _DEEPEST and not _is_unsafe(value):
        # What came inside needs no download, so it goes before a link to the same picture.
        for name in (*_INLINE_KEYS, *_LINK_KEYS):
            inner = [*_found(value.get(name), link=name in _LINK_KEYS, depth=depth + 1)]
            if inner:
                yield from inner
                return


def has_picture(value: object) -> bool:
    """Whether there is a picture anywhere below ``value``."""
    return next(_found(value), None) is not None


def _is_unsafe(item: Mapping[str, Any]) -> bool:
    """Whether this entry says that its picture failed Ideogram's safety check (its link is empty then)."""
    return item.get("is_image_safe") is False


def _is_empty(value: object) -> bool:
    """Whether this is a known place for pictures, with none in it."""
    if isinstance(value, list):
        return all(_is_empty(item) for item in value)
    if isinstance(value, dict):
        return _is_unsafe(value) or any(name in value for name in (*_INLINE_KEYS, *_LINK_KEYS))
    return value is None or (isinstance(value, str) and text_of(value) is None)


def _decoded(found: list[tuple[bool, str]]) -> tuple[RemotePicture | InlinePicture, ...]:
    """What can be read of it."""
    pictures: list[RemotePicture | InlinePicture] = []
    for is_link, text in found:
        if is_link and text.startswith(("http://", "https://")):
            pictures.append(RemotePicture(text))
            continue
        if is_link and not text.startswith("data:"):
            continue
        try:
            encoded = "".join(text.rpartition("base64,")[2].split())
            pictures.append(InlinePicture(base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)))
        except (binascii.Error, ValueError):
            continue
    return tuple(pictures)


def _seed(answer: Mapping[str, Any]) -> int | None:
    """The seed that a single result names."""
    for name in ("data", "output"):
        items = answer.get(name)
        if isinstance(items, list) and len(items) == 1 and isinstance(items[0], dict):
            return whole(items[0].get("seed"))
    return None


def whole(value: object) -> int | None:
    """A number that is a whole one from 0 up, and fits the database; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None
