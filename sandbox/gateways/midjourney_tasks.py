"""midjourney-proxy's tasks: their states as time passes, their buttons, and what they show."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox.gateways.fields import for_ratio
from sandbox.gateways.midjourney_words import seen
from sandbox.gateways.records import Order
from sandbox.gateways.shapes import Json

#: The share of a task's time from which on a preview can be seen.
PREVIEW_FROM = 0.3
#: Seconds after which a proxy gives a task up (MJP's default).
GIVES_UP = 300.0
_PARAMETER = re.compile(r"\s--(\w+)\s+(\S+)")
#: Actions that end as four pictures in one, and as films.
GRIDS = frozenset({"IMAGINE", "BLEND", "VARIATION", "REROLL", "INPAINT", "ZOOM", "PAN"})
FILMS = frozenset({"VIDEO", "ANIMATE"})


@dataclass(frozen=True)
class Pressable:
    """A button: what it says, what it is called, and what it does (nothing: it makes no task)."""

    label: str
    emoji: str
    part: str  #: of the customId, without its head and the picture's id
    action: str = ""
    number: int = 1  #: of the picture, from 1


#: Below a single picture, as Midjourney's version 7 has it.
_ONE = (
    Pressable("Upscale (Subtle)", "upscale_1", "JOB::upsample_v7_2x_subtle::1", "ENLARGE"),
    Pressable("Upscale (Creative)", "upscale_1", "JOB::upsample_v7_2x_creative::1", "ENLARGE"),
)
_VARY = (
    Pressable("Vary (Subtle)", "🪄", "JOB::low_variation::1", "VARIATION"),
    Pressable("Vary (Strong)", "🪄", "JOB::high_variation::1", "VARIATION"),
)
_AROUND = (
    Pressable("Vary (Region)", "🖌️", "Inpaint::1", "INPAINT"),
    Pressable("Zoom Out 2x", "🔍", "Outpaint::50::1", "ZOOM"),
    Pressable("Zoom Out 1.5x", "🔍", "Outpaint::75::1", "ZOOM"),
    Pressable("Custom Zoom", "🔍", "CustomZoom", "ZOOM"),
    *(
        Pressable("", arrow, f"JOB::pan_{side}::1", "PAN")
        for side, arrow in (("left", "⬅️"), ("right", "➡️"), ("up", "⬆️"), ("down", "⬇️"))
    ),
)
_SQUARE = Pressable("Make Square", "↔️", "Outpaint::100::1", "ZOOM")
_ANIMATE = (
    Pressable("Animate (High motion)", "🎞️", "JOB::animate_high::1", "ANIMATE"),
    Pressable("Animate (Low motion)", "🎞️", "JOB::animate_low::1", "ANIMATE"),
)
_EXTEND = (
    Pressable("Extend (High motion)", "🎞️", "JOB::animate_high_extend::1", "ANIMATE"),
    Pressable("Extend (Low motion)", "🎞️", "JOB::animate_low_extend::1", "ANIMATE"),
)
_FAVOURITE = Pressable("", "❤️", "BOOKMARK")
_AGAIN = (
    Pressable("Redo Upscale (Subtle)", "upscale_1", "JOB::upsample_v7_2x_subtle::1", "ENLARGE"),
    Pressable("Redo Upscale (Creative)", "upscale_1", "JOB::upsample_v7_2x_creative::1", "ENLARGE"),
)
_GRID = (
    *(Pressable(f"U{n}", "", f"JOB::upsample::{n}", "UPSCALE", n) for n in range(1, 5)),
    Pressable("", "🔄", "JOB::reroll::0", "REROLL", 0),
    *(Pressable(f"V{n}", "", f"JOB::variation::{n}", "VARIATION", n) for n in range(1, 5)),
)
_DESCRIBED = (
    *(Pressable("", f"{n}\ufe0f\u20e3", f"Job::PicReader::{n}") for n in range(1, 5)),
    Pressable("", "🔄", "Picread::Retry"),
    Pressable("Imagine all", "🎉", "Job::PicReader::all"),
)
_SHORTENED = tuple(Pressable("", f"{n}\ufe0f\u20e3", f"Job::PromptAnalyzer::{n}") for n in range(1, 6))


@dataclass
class Task:
    """One accepted task. Times are seconds by the stand-in's clock; ``takes`` is None while a window is open."""

    id: str
    action: str
    order: Order
    prompt: str
    submitted_at: float
    started_at: float = 0.0
    takes: float | None = None
    state: str = ""
    hook: str = ""
    parent: "Task | None" = None
    index: int = 0  #: which of the parent's four pictures
    pictures: tuple[bytes, ...] = ()
    mask: bytes | None = None
    size: tuple[int, int] = (1024, 1024)  #: of the result, the whole grid
    fail_reason: str = ""  #: set: it ends in FAILURE
    grid: str = field(default_factory=lambda: str(uuid.uuid4()))
    image_url: str = ""
    preview_url: str = ""
    films: int = 1  #: of a film's task
    film_urls: tuple[str, ...] = ()
    words: str = ""  #: what describe and shorten find

    @property
    def is_grid(self) -> bool:
        """Whether the result is four pictures in one."""
        return self.action in GRIDS

    @property
    def is_film(self) -> bool:
        return self.action in FILMS

    @property
    def makes_a_picture(self) -> bool:
        return self.action not in ("DESCRIBE", "SHORTEN")

    @property
    def ends_at(self) -> float | None:
        return None if self.takes is None else self.started_at + min(self.takes, GIVES_UP)

    def share(self, at: float) -> float:
        """How much of it is done, 0.0-1.0."""
        if self.takes is None or at < self.started_at:
            return 0.0
        return 1.0 if self.takes == 0 else min(1.0, (at - self.started_at) / self.takes)

    def status(self, at: float) -> str:
        if self.takes is None:
            return "MODAL"
        if at < self.started_at:
            return "NOT_START"
        if self.ends_at is not None and at >= self.ends_at:
            return "FAILURE" if self.why_not() else "SUCCESS"
        return "IN_PROGRESS" if self.share(at) >= 0.1 else "SUBMITTED"

    def why_not(self) -> str:
        """Why it fails; "" when it does not."""
        return self.fail_reason or ("任务超时" if (self.takes or 0.0) > GIVES_UP else "")

    def progress(self, at: float) -> str:
        match self.status(at):
            case "SUCCESS":
                return "100%"
            case "NOT_START" | "FAILURE" | "MODAL":
                return ""
            case _:
                return f"{int(self.share(at) * 100)}%"

    def shown(self, at: float) -> Json:
        """The task as JSON."""
        status = self.status(at)
        ended = status in ("SUCCESS", "FAILURE")
        image = self.image_url if status == "SUCCESS" else ""
        if status == "IN_PROGRESS" and self.share(at) >= PREVIEW_FROM:
            image = self.preview_url
        return {
            "id": self.id,
            "action": self.action,
            "status": status,
            "prompt": self.prompt,
            "promptEn": self.prompt,
            "description": f"/{self.action.lower()} {self.prompt}",
            "state": self.state,
            "submitTime": _milliseconds(self.submitted_at),
            "startTime": _milliseconds(self.started_at) if at >= self.started_at and self.takes is not None else None,
            "finishTime": _milliseconds(self.ends_at) if ended and self.ends_at is not None else None,
            "progress": self.progress(at),
            "imageUrl": image or None,
            "failReason": self.why_not() if status == "FAILURE" else None,
            "properties": {"finalPrompt": self.words or self.prompt} if ended else {},
            "buttons": self.buttons() if status == "SUCCESS" else [],
        }

    def buttons(self) -> list[Json]:
        """What can be pressed below a result."""
        shown = [_button(pressable, self._custom(pressable)) for pressable in self._below()]
        web: Json = {"customId": None, "emoji": "", "label": "Web", "type": 2, "style": 5}
        return [*shown, web] if self.action in ("UPSCALE", "ENLARGE") else shown

    def pressed(self, custom_id: str) -> tuple[str, int] | None:
        """(action, index) of one of this task's own buttons; None for any other text."""
        own = [button for button in self._below() if button.action and self._custom(button) == custom_id]
        return (own[0].action, own[0].number) if own else None

    def _custom(self, button: Pressable) -> str:
        alone = "" if self.is_grid and button.action != "REROLL" else "::SOLO"
        bare = not button.action or button.part == "CustomZoom"
        return f"MJ::{button.part}::{self.grid}{'' if bare else alone}"

    def _below(self) -> tuple[Pressable, ...]:
        match self.action:
            case "DESCRIBE":
                return _DESCRIBED
            case "SHORTEN":
                return _SHORTENED
            case "UPSCALE":
                square = () if self.size[0] == self.size[1] else (_SQUARE,)
                return (*_ONE, *_VARY, *_AROUND, *square, *_ANIMATE, _FAVOURITE)
            case "ENLARGE":
                return (*_AGAIN, *_VARY, *_ANIMATE, _FAVOURITE)
            case "VIDEO" | "ANIMATE":
                return _EXTEND
            case _:
                return _GRID if self.is_grid else ()


def opens_window(custom_id: str) -> bool:
    """Whether pressing it asks for more before anything is made."""
    return "::Inpaint::" in custom_id or "::CustomZoom::" in custom_id


def parameters(prompt: str) -> dict[str, str]:
    """Midjourney's ``--name value`` in a prompt."""
    return dict(_PARAMETER.findall(f" {prompt}"))


def words_of(prompt: str) -> str:
    """The prompt without its parameters."""
    return re.split(r"\s--\w", f" {prompt}", maxsplit=1)[0].strip()


def grid_size(prompt: str, dimensions: str = "SQUARE", *, area: int) -> tuple[int, int]:
    """(width, height) of a grid of about ``area`` pixels, by ``--ar`` or by blend's dimensions; each quarter has the
    same shape."""
    ratio = parameters(prompt).get("ar") or {"PORTRAIT": "2:3", "LANDSCAPE": "3:2"}.get(dimensions, "1:1")
    width, height = for_ratio(ratio, area)
    return width // 2 * 2, height // 2 * 2


def described(pictures: Sequence[bytes]) -> str:
    """Four numbered prompts, as describe answers."""
    signs = ["1️⃣", "2️⃣", "3️⃣", "4️⃣"]
    return "\n\n".join(f"{sign} {text}" for sign, text in zip(signs, seen(pictures[0]), strict=True))


def _button(button: Pressable, custom_id: str) -> Json:
    return {"customId": custom_id, "emoji": button.emoji, "label": button.label, "type": 2, "style": 2}


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
