"""The spellings in which a task may be told: aihuihua's own are not published (gateways §1.3, 16 and 17)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.gateways.shapes import Json


@dataclass(frozen=True)
class Dialect:
    """How tasks and their lists look. The default is midjourney-proxy's, whose codes and buttons aihuihua shares."""

    picture: str = "imageUrl"  #: field of a picture's address; the family's others: imgUrl, url
    video: str = "videoUrl"
    in_lists: bool = False  #: addresses come in arrays
    buttons: str = "buttons"  #: or "Buttons", as the page writes it
    emoji: bool = False  #: signs such as 🔄 are a button's ``emoji``, and its ``label`` is ""
    percent: bool = True  #: progress is "50%", else 50
    lower: bool = False  #: status and action in lower case
    text: str = "prompt"  #: field of what describe finds: prompt, description, result or text
    reason: str = "failReason"
    one: Literal["", "result", "data"] = ""  #: the envelope's field around a task; "": bare
    many: Literal["", "result", "data"] = ""  #: the envelope's field around a list; "": a bare array
    numeric_ids: bool = False
    numeric_texts: bool = False  #: cost is "20" and not 20
    absent: bool = False  #: what is not known is left out and not null

    def task(self, told: Mapping[str, object]) -> Json:
        """A task in these words. ``told`` is in the default's, with ``text`` for what describe finds."""
        task = dict(told)
        text = task.pop("text")
        if text:
            task[self.text] = text
        for name, own in (("imageUrl", self.picture), ("videoUrl", self.video)):
            address = task.pop(name)
            if own not in task or address is not None:
                task[own] = [address] if self.in_lists and address is not None else address
        task[self.buttons] = [self._button(button) for button in _each(task.pop("buttons"))]
        task[self.reason] = task.pop("failReason")
        if not self.percent:
            task["progress"] = int(str(task["progress"]).rstrip("%") or 0)
        if self.lower:
            task |= {name: str(task[name]).lower() for name in ("status", "action")}
        if self.numeric_ids:
            task["id"] = int(str(task["id"]))
        if self.numeric_texts:
            task["cost"] = str(task["cost"])
        if self.absent:
            task = {name: value for name, value in task.items() if value not in (None, [], "")}
        return task

    def single(self, task: Json) -> Json:
        """The answer to a question about one task."""
        return {"code": 1, "description": "success", self.one: task} if self.one else task

    def listed(self, tasks: Sequence[Json]) -> Json | list[Json]:
        """The answer to a question about several."""
        return {"code": 1, "description": "success", self.many: list(tasks)} if self.many else list(tasks)

    def _button(self, button: Mapping[str, object]) -> Json:
        label = str(button["label"])
        if self.emoji and not label[0].isascii():
            return {**button, "label": "", "emoji": label}
        return dict(button)


def _each(buttons: object) -> list[Json]:
    return buttons if isinstance(buttons, list) else []


#: The spellings worth a test each, by what is special about them.
DIALECTS: Mapping[str, Dialect] = {
    "family": Dialect(),
    "request names": Dialect(picture="imgUrl", buttons="Buttons", text="text", reason="description", absent=True),
    "one url": Dialect(picture="url", video="url", percent=False, lower=True, text="result", reason="fail_reason"),
    "arrays": Dialect(picture="imageUrls", video="videoUrls", in_lists=True, emoji=True, many="result", one="result"),
    "numbers": Dialect(numeric_ids=True, numeric_texts=True, many="data", one="data", text="description"),
}
