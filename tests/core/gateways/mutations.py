"""Recorded answers of every gateway, and what can become of them on their way."""

import base64
import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

B64 = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()
LINK = "https://cdn.example/results/grid.png?signature=x"
#: What our own links begin with: answers repeat them, and they are never results.
OURS = "https://bots.example/"
_BUTTONS = [
    *({"customId": f"MJ::JOB::upsample::{number}::3dbb", "label": f"U{number}"} for number in range(1, 5)),
    {"customId": "MJ::JOB::low_variation::1::3dbb::SOLO", "label": "Vary (Subtle)"},
    {"customId": "MJ::Inpaint::1::3dbb::SOLO", "label": "Vary (Region)", "emoji": "🖌️"},
    {"custom_id": "FL::JOB::reroll::0::3dbb", "label": "", "emoji": "🔄"},
]
_QUEUED = {"numberOfQueues": 1}
_WINDOW = {"finalPrompt": "fox --ar 3:2", "remix": True}
_PROMPTS = "1️⃣ a [fox](<https://x.example>)\n\n2️⃣ two"
_USAGE = {"total_granted": 9, "total_used": 12345, "total_available": 987655, "unlimited_quota": False}
_ERROR = {"message": "user quota is not enough", "type": "new_api_error", "param": "", "code": "insufficient_quota"}

#: As documents and services print them; tasks have the id 17.
RECORDED: list[Any] = [
    # pictures at once
    {"created": 1776832476, "data": [{"url": LINK, "b64_json": "", "revised_prompt": ""}]},
    {"data": [{"b64_json": B64, "seed": 7}], "usage": {"total_tokens": 100}},
    {"output": {"b64_json": [{"bytesBase64": B64, "mimeType": "png"}], "urls": []}, "usage": {"total_tokens": 7061}},
    {"output": [{"url": LINK, "is_image_safe": True}, {"url": "", "is_image_safe": False}]},
    {"output": {"urls": [LINK]}},
    # FLUX's tasks
    {"output": [{"taskId": "17", "pollingUrl": LINK}], "id": "17"},
    {"id": "17", "status": "Ready", "result": {"sample": LINK, "samples": [LINK], "seed": 1234}, "progress": None},
    {"id": "17", "status": "Pending", "result": None, "progress": 0.4, "details": None},
    {"status": "Request Moderated", "result": None, "details": {"Moderation Reasons": ["Derivative Works Filter"]}},
    # midjourney-proxy's family
    {"code": 22, "description": "排队中", "result": "17", "properties": _QUEUED},
    {"code": 21, "description": "Waiting for window confirm", "result": "17", "properties": _WINDOW},
    {"code": 4, "description": "task_not_found ", "type": "upstream_error"},
    [{"id": "17", "status": "SUCCESS", "action": "IMAGINE", "imageUrl": LINK, "seed": 7, "buttons": _BUTTONS}],
    [{"id": 17, "status": "SUCCESS", "imageUrls": [{"url": f"{LINK}{n}"} for n in range(4)], "Buttons": _BUTTONS}],
    [{"id": "17", "status": "FAILURE", "failReason": "任务超时", "progress": "100%", "properties": None}],
    [{"id": "17", "status": "IN_PROGRESS", "progress": "31%", "imageUrl": LINK}],
    [{"id": "17", "action": "DESCRIBE", "status": "SUCCESS", "properties": {"finalPrompt": _PROMPTS}, "prompt": ""}],
    [{"id": "17", "action": "VIDEO", "status": "SUCCESS", "videoUrl": LINK, "videoUrls": [{"url": LINK}]}],
    {
        "code": 1,
        "result": [{"id": "17", "status": "SUCCESS", "url": f"{OURS}a.png", "text": _PROMPTS}],
        "data": {},
    },
    # a key's money, and what goes wrong
    {"code": True, "message": "ok", "data": _USAGE},
    {"object": "billing", "hard_limit_usd": 5, "total_usage": 123.4567, "data": [{"id": "flux"}]},
    {"error": _ERROR, "code": "moderation_blocked", "detail": "Insufficient credits", "success": False},
]


def deep(levels: int, *, in_lists: bool = False) -> Any:
    """Something that is inside something that is inside …"""
    inner: Any = LINK
    for _ in range(levels):
        inner = [inner] if in_lists else {"result": inner}
    return inner


#: What may stand anywhere.
NASTY: list[Any] = [
    *(None, True, False, 0, 1, -1, 17, 21, 50, 0.5, 2**63, 10**4000, -(10**4000)),
    *(1e308, float("inf"), float("-inf"), float("nan")),
    *("", " ", "null", "1", "100%", "17", "SUCCESS", "failed", "DESCRIBE", "\x00", "\ud800", f"1\udfff{LINK}"),
    *(LINK, f"{LINK}\ud800", f"{OURS}media/b.png", "javascript:alert(1)", "http://", "http://[::1", B64, "data:,x"),
    *("MJ::JOB::upsample::9::x", "MJ::JOB::pan_up::1", "change:UPSCALE:1", "U7", "content moderated", "额度不足"),
    *("9" * 20_000, "a" * 20_000, "\n" * 20_000, "[x](" * 5_000, "1. " * 5_000, " \n" * 10_000, "Ready " * 9_000),
    *([], {}, [[]], [{}], {"url": {}}, [None] * 300, [LINK] * 300, ["1"] * 5, _BUTTONS * 50, {"message": {}}),
    *(deep(60), deep(60, in_lists=True), {"id": "17", "status": {}}, [{"url": LINK}] * 4),
]
_NAMES = ("id", "code", "status", "result", "data", "output", "url", "error", "buttons", "properties", "progress", "ID")


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """(container, key) of everything inside."""
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            found.append((value, key))
            _places(value[key], found)
    return found


def _renamed(place: Any, key: Any, value: Any) -> None:
    if isinstance(place, dict):
        place[value if isinstance(value, str) else str(key).upper()] = place.pop(key)


#: What may happen to one place of an answer.
_CHANGES: list[Callable[[Any, Any, Any], object]] = [
    lambda place, key, value: place.__setitem__(key, value),
    lambda place, key, value: place.__setitem__(key, value),
    lambda place, key, value: place.__delitem__(key),
    _renamed,
    lambda place, key, value: place.__setitem__(key, [place[key]]),
    lambda place, key, value: place.__setitem__(key, {"result": place[key]}),
    lambda place, key, value: place.__setitem__(key, str(place[key])),
    lambda place, key, value: place.__setitem__(key, [place[key], value] * 2),
]


@dataclass(frozen=True)
class Mutated:
    """An answer that is shown in short when a test fails."""

    answer: Any

    def __repr__(self) -> str:
        return f"{self.answer!r:.1000}"


@st.composite
def mutated(draw: st.DrawFn) -> Mutated:
    """A recorded answer in which something is missing, renamed, of another kind, deeper, huge or no text at all."""
    answer = copy.deepcopy(draw(st.sampled_from(RECORDED)))
    for _ in range(draw(st.integers(1, 4))):
        places = _places(answer, [])
        if not places:
            break
        place, key = places[draw(st.integers(0, 10**6)) % min(len(places), 400)]
        value = copy.deepcopy(draw(st.sampled_from([*NASTY, *_NAMES])))
        draw(st.sampled_from(_CHANGES))(place, key, value)
    wrap = draw(st.integers(0, 10))
    return Mutated({8: [answer], 9: {"data": answer}, 10: {"result": [answer]}}.get(wrap, answer))


def body_of(answer: Any) -> bytes:
    """As it comes over the wire: lone surrogates as escapes, and NaN as Python and some others write it."""
    return json.dumps(answer).encode()
