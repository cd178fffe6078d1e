"""Midjourney's buttons: which of them are next steps, and what they are (gateways §5.2: ``buttons[].customId``).

The names are Midjourney's own, as its Discord messages carry them (versions 5 to 7); proxies pass them on.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from core.gateways.answers import text_of
from core.types import Offer, Operation

#: Marks a step that goes by :data:`CHANGE` words instead of a button: the older proxies have no buttons.
CHANGE = "change:"
#: ``MJ::JOB::upsample::2::<uuid>`` and its kin: what it does, which picture, and whether it stands below a single one.
#: Gateways in front write other letters than MJ.
_CUSTOM = re.compile(r"[A-Z]{2,4}::(?:JOB::)?(?P<what>\w+)(?:::(?P<number>\d{1,3}))?(?:::.*)?", re.DOTALL)
_ZOOMS = {"50": "Zoom Out 2x", "75": "Zoom Out 1.5x", "100": "Make Square"}
_PANS = {"pan_left": "⬅️", "pan_right": "➡️", "pan_up": "⬆️", "pan_down": "⬇️"}
_STEPS: Mapping[str, tuple[Operation, str]] = {
    "low_variation": (Operation.VARY, "Vary (Subtle)"),
    "high_variation": (Operation.VARY, "Vary (Strong)"),
    "Inpaint": (Operation.INPAINT, "Vary (Region)"),
    "animate_high": (Operation.ANIMATE, "Animate (High motion)"),
    "animate_low": (Operation.ANIMATE, "Animate (Low motion)"),
    "animate_high_extend": (Operation.ANIMATE, "Extend (High motion)"),
    "animate_low_extend": (Operation.ANIMATE, "Extend (Low motion)"),
    **{name: (Operation.PAN, arrow) for name, arrow in _PANS.items()},
}
#: ``upsample_v7_2x_subtle``, ``upsample_v5_4x``…
_UPSAMPLE = re.compile(r"upsample_\w*?(?:(subtle)|(creative)|([24]x))$")


def offers_of(buttons: object) -> tuple[Offer, ...]:
    """The next steps among a task's buttons, in their order.

    What makes nothing (Web, favourite, rating), what needs words that nobody has been asked for (Custom Zoom), the
    buttons below a description (its texts are results themselves) and unknown ones are left out.
    """
    found: dict[str, Offer] = {}
    for button in _buttons(buttons):
        offer = _offer(button)
        if offer is not None:
            found.setdefault(offer.token, offer)
    return tuple(found.values())


def has_buttons(buttons: object) -> bool:
    """Whether there is any button with a name."""
    return any(text_of(button.get("customId")) for button in _buttons(buttons))


def is_below_a_grid(offers: tuple[Offer, ...]) -> bool | None:
    """Whether the steps are those below four pictures in one (U1-U4); None when they do not tell."""
    if any(offer.index is not None for offer in offers):
        return True
    return False if any(offer.operation is not Operation.IMAGINE for offer in offers) else None


def changes() -> tuple[Offer, ...]:
    """What can be done with a grid that came without buttons (gateways §5.2, ``change``)."""
    return (
        *(Offer(Operation.UPSCALE, f"{CHANGE}UPSCALE:{n}", f"U{n}", n - 1) for n in range(1, 5)),
        Offer(Operation.IMAGINE, f"{CHANGE}REROLL:1", "🔄"),
        *(Offer(Operation.VARY, f"{CHANGE}VARIATION:{n}", f"V{n}", n - 1) for n in range(1, 5)),
    )


def change_of(token: str) -> dict[str, object] | None:
    """The fields of a ``change`` for one of :func:`changes`' tokens; None for a button's name."""
    if not token.startswith(CHANGE):
        return None
    action, _, index = token.removeprefix(CHANGE).partition(":")
    # new-api wants an index for a reroll too (gateways §5.3).
    return {"action": action, "index": int(index)}


def _buttons(buttons: object) -> Iterator[Mapping[str, Any]]:
    for button in buttons if isinstance(buttons, list) else ():
        if isinstance(button, dict):
            yield button


def _offer(button: Mapping[str, Any]) -> Offer | None:
    token = text_of(button.get("customId"))
    read = _CUSTOM.fullmatch(token) if token is not None else None
    if token is None or read is None:
        return None
    found = _step(read["what"], read["number"] or "")
    if found is None:
        return None
    operation, label, index = found
    return Offer(operation, token, text_of(button.get("label")) or label, index)


def _step(what: str, number: str) -> tuple[Operation, str, int | None] | None:
    """Operation, the label it has where the proxy gives none, and the picture of a grid it is about."""
    if what in ("upsample", "variation"):
        if number not in ("1", "2", "3", "4"):
            return None
        operation, letter = (Operation.UPSCALE, "U") if what == "upsample" else (Operation.VARY, "V")
        return operation, f"{letter}{number}", int(number) - 1
    if what == "reroll":
        return Operation.IMAGINE, "🔄", None
    if what == "Outpaint":
        return (Operation.ZOOM, _ZOOMS[number], None) if number in _ZOOMS else None
    if what == "video_virtual_upscale":  # one of the four films, which are all there already
        return None
    if what in _STEPS:
        return *_STEPS[what], None
    upsample = _UPSAMPLE.fullmatch(what)
    if upsample is not None:
        return Operation.UPSCALE, f"Upscale ({(upsample[1] or upsample[2] or upsample[3]).capitalize()})", None
    return None
