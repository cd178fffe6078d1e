"""aihuihua's tasks: what they cost, their buttons, and how a client is told of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox.gateways.faults import Fault
from sandbox.gateways.midjourney_tasks import PREVIEW_FROM, Task
from sandbox.gateways.midjourney_words import seen
from sandbox.gateways.shapes import Json

#: Seconds that pictures, videos and tasks stay on the server: ten days (gateways §1.1).
LIFETIME = 10 * 86_400.0
#: Points. Of the real prices only two relations are known: 4x costs twice 2x, and a video takes 200 in advance.
COSTS = {"UP_SCALE": 5, "REMOVE_BG": 5, "IMAGE2LINE": 5, "DESCRIBE": 5, "UPSCALE": 2}
_COST, VIDEO_DEPOSIT = 20, 200
#: Points per second of a finished video, by resolution: the stand-in's own.
_PER_SECOND = {"480P": 12, "720P": 25}
#: Actions that end as four pictures in one.
GRIDS = frozenset(
    {
        "IMAGINE",
        "BLEND",
        "VARIATION",
        "REROLL",
        "INPAINT",
        "ZOOM",
        "PAN",
        "FLUX_TEXT2IMAGE",
        "FLUX_IMAGE2IMAGE",
        "FACE_STYLE",
    }
)
#: Below an enlarged picture: label, part of the customId, action, number.
_ENLARGED = (
    ("Vary (Subtle)", "JOB::low_variation::1", "VARIATION", 1),
    ("Vary (Strong)", "JOB::high_variation::1", "VARIATION", 1),
    ("Zoom Out 2x", "Outpaint::50::1", "ZOOM", 1),
    ("⬅️", "JOB::pan_left::1", "PAN", 1),
    ("➡️", "JOB::pan_right::1", "PAN", 1),
    ("⬆️", "JOB::pan_up::1", "PAN", 1),
    ("⬇️", "JOB::pan_down::1", "PAN", 1),
)
#: Only for what MDJ has enlarged: a window opens.
_REGION = ("Vary (Region)", "Inpaint::1", "INPAINT", 1)
#: Only for what MDJ has not made (page of /api/v2/image/action; the labels are the menu's).
_TOOLS = (
    ("无损放大", "JOB::upscale::2", "UP_SCALE", 2),
    ("自动抠图", "JOB::matting::1", "REMOVE_BG", 1),
    ("图片转线稿", "JOB::lineart::1", "IMAGE2LINE", 1),
)


@dataclass
class HuihuaTask(Task):
    """A task of the family, with its pictures fetched while it runs and a cost in points."""

    mdj: bool = False  #: made by /api/v2/mdj, which decides where its buttons work
    cost: int = 0
    fault: Fault | None = None
    fetching: "asyncio.Task[None] | None" = None
    result: bytes = field(default=b"", repr=False)
    mime: str = "image/png"

    @property
    def is_grid(self) -> bool:
        return self.action in GRIDS

    @property
    def makes_a_picture(self) -> bool:
        return self.action != "DESCRIBE"

    @property
    def is_video(self) -> bool:
        return self.action == "VIDEO"

    @property
    def ends_at(self) -> float | None:
        # Nothing is known of a time after which the vendor gives up.
        return None if self.takes is None else self.started_at + self.takes

    def status(self, at: float) -> str:
        return "CONTEMPLATING" if self.fault is Fault.UNKNOWN_STATUS and self.takes is not None else super().status(at)

    def why_not(self) -> str:
        return self.fail_reason

    def unfinished(self, at: float) -> bool:
        """Whether it takes one of a key's places; an open window takes none."""
        return self.takes is not None and self.status(at) not in ("SUCCESS", "FAILURE")

    def told(self, at: float) -> Json:
        """The task in the words of the default dialect, before it is put into another."""
        status = self.status(at)
        address = self.image_url if status == "SUCCESS" else ""
        if status == "IN_PROGRESS" and self.share(at) >= PREVIEW_FROM:
            address = self.preview_url
        ended = status in ("SUCCESS", "FAILURE")
        return {
            "id": self.id,
            "action": self.action,
            "status": status,
            "cost": self._points(status),
            "prompt": self.prompt,
            "submitTime": int(self.submitted_at * 1000),
            "finishTime": int((self.ends_at or 0) * 1000) if ended else None,
            "progress": self.progress(at),
            "imageUrl": None if self.is_video else self._link(address),
            "videoUrl": self._link(address) if self.is_video else None,
            "failReason": self.why_not() if status == "FAILURE" else None,
            "text": self.words if status == "SUCCESS" else "",
            "buttons": self.buttons() if status == "SUCCESS" else [],
        }

    def buttons(self) -> list[Json]:
        return [_button(label, custom) for label, custom, _, _ in self._pressable()]

    def pressed(self, custom_id: str) -> tuple[str, int] | None:
        """(action, number) of one of this task's own buttons; None for any other text."""
        found = [(action, number) for _, custom, action, number in self._pressable() if custom == custom_id]
        return found[0] if found else None

    def _pressable(self) -> list[tuple[str, str, str, int]]:
        """Label, customId, action and number of each button."""
        if self.is_video or not self.makes_a_picture:
            return []
        house = "FL" if self.mdj else "MF"
        if self.is_grid:
            ups = [(f"U{n}", f"JOB::upsample::{n}", "UPSCALE", n) for n in range(1, 5)]
            variations = [(f"V{n}", f"JOB::variation::{n}", "VARIATION", n) for n in range(1, 5)]
            rows = [*ups, ("🔄", "JOB::reroll::0", "REROLL", 0), *variations]
        else:
            enlarged = _ENLARGED if self.action == "UPSCALE" else ()
            own = ((_REGION,) if self.action == "UPSCALE" else ()) if self.mdj else _TOOLS
            rows = [*own, *enlarged]
        return [(label, f"{house}::{part}::{self.grid}", action, number) for label, part, action, number in rows]

    def _link(self, address: str) -> str | None:
        match self.fault:
            case Fault.EMPTY_DATA:
                return None
            case Fault.EMPTY_STRINGS:
                return ""
            case _:
                return address or None

    def _points(self, status: str) -> int:
        """What it costs as far as is known: a video's deposit becomes its price, and a failure costs nothing."""
        if status == "FAILURE":
            return 0
        if self.is_video and status == "SUCCESS":
            fields = self.order.fields
            return _PER_SECOND[str(fields["resolution"])] * int(str(fields["duration"]))
        return self.cost


def cost_of(action: str, index: int) -> int:
    """Points for an action; a task's ``index`` says how many times larger an enlargement is."""
    if action == "VIDEO":
        return VIDEO_DEPOSIT
    return COSTS.get(action, _COST) * (2 if (action, index) == ("UP_SCALE", 4) else 1)


def opens_window(action: str) -> bool:
    """Whether a button asks for more before anything is made."""
    return action == "INPAINT"


def four_prompts(pictures: Sequence[bytes]) -> str:
    """Describe's answer: four prompts in one text, a line each."""
    return "\n".join(seen(pictures[0]))


def _button(label: str, custom_id: str) -> Json:
    return {"customId": custom_id, "emoji": "", "label": label, "type": 2, "style": 2}
