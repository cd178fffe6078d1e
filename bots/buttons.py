"""What a pressed button says: an action, a task, perhaps one of its pictures; 64 bytes at most, readable for ever.

64 bytes is Telegram's ``callback_data``; Discord's ``custom_id`` takes 100 characters. The task itself is in the
store, so a button works after a restart and for as long as its message exists.
"""

import re
from dataclasses import dataclass

from core.types import Action

#: For ``discord.ui.DynamicItem``: groups ``action``, ``task``, ``index``. ``i1`` is the version of this format.
PATTERN = (
    rf"i1:(?P<action>{'|'.join(Action)})"
    r":(?P<task>[0-9a-z]{1,32})"
    r"(?::(?P<index>0|[1-9][0-9]?))?"
)
_FORM = re.compile(PATTERN, re.ASCII)


@dataclass(frozen=True)
class Press:
    """A button's meaning. ``index`` is the 0-based place among the task's pictures; None means all of them."""

    action: Action
    task_id: str
    index: int | None = None


def encode(press: Press) -> str:
    """``Press(Action.AGAIN, "7h2k9qz0m4xa", 0)`` → ``"i1:again:7h2k9qz0m4xa:0"``: ASCII, 46 bytes at most.

    Raises ValueError for a task id or an index that could not be read back.
    """
    data = f"i1:{press.action}:{press.task_id}" + ("" if press.index is None else f":{press.index}")
    if decode(data) != press:
        raise ValueError(f"no button can carry {press}")
    return data


def decode(data: str) -> Press | None:
    """What :func:`encode` wrote; None for anything else (another bot's button, an older version's)."""
    found = _FORM.fullmatch(data)
    if found is None:
        return None
    index = found["index"]
    return Press(Action(found["action"]), found["task"], None if index is None else int(index))
