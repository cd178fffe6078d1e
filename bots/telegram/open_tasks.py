"""The tasks that are still to have their last words in a chat, so that progress leaves these room.

In memory only: a process that is started anew learns of them as it shows them, and until then Telegram's 429s rule.
"""

import time
from collections.abc import Callable

from core.types import DeliveryState, Request, Task

#: Seconds without a sign of life after which a task is no longer counted: of several processes another one may have
#: shown its end.
FORGET_AFTER = 300.0


def last_words(request: Request) -> int:
    """How many messages a result takes: an album has its buttons on a message below it."""
    return 1 if request.count == 1 else request.count + 1


class OpenTasks:
    """Counts messages per chat; none in private chats, which have no window. Times are seconds of ``clock``."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._chats: dict[int, dict[str, tuple[int, float]]] = {}

    def stored(self, task: Task) -> None:
        """Somebody's request has become this task, now or when its update first came."""
        if task.delivery not in (DeliveryState.DELIVERED, DeliveryState.UNDELIVERABLE):
            self.seen(task.address.data["chat"], task.id, task.request)

    def seen(self, chat: int, task_id: str, request: Request) -> None:
        """The task is under way."""
        if chat < 0:
            tasks = self._chats.setdefault(chat, {})
            tasks.pop(task_id, None)  # kept in the order of the last signs of life
            tasks[task_id] = (last_words(request), self._clock())

    def ended(self, chat: int, task_id: str) -> None:
        """Its last words are said, or never will be."""
        self._chats.get(chat, {}).pop(task_id, None)

    def messages(self, chat: int) -> int:
        """How many the last words of all that are open there will take."""
        tasks = self._chats.get(chat, {})
        oldest = self._clock() - FORGET_AFTER
        while tasks and (first := next(iter(tasks))) and tasks[first][1] < oldest:
            del tasks[first]
        if not tasks:
            self._chats.pop(chat, None)
        return sum(messages for messages, _ in tasks.values())
