"""How many messages a chat still takes: results first, progress from what is left.

Pure but for the clock it is given. One instance for all that a bot writes.
"""

import time
from collections import deque
from collections.abc import Callable

#: core.telegram.org/bots/faq "my bot is hitting limits": messages a minute in a group; edits count too (tdlib #3034).
GROUP_MESSAGES = 20
GROUP_SECONDS = 60.0
#: Of these, what progress leaves to results, answers and notices.
KEPT_FOR_RESULTS = 8


class Budgets:
    """Counts per chat. Times are seconds of ``clock``."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._written: dict[int, deque[float]] = {}
        self._paused: dict[int, float] = {}

    def wait(self, chat: int, cost: int = 1, *, keep: int = 0) -> float:
        """Seconds until ``cost`` messages may be written so that ``keep`` more could follow; 0.0 is now."""
        now = self._clock()
        pause = self._paused.get(chat, now) - now
        if pause <= 0:
            self._paused.pop(chat, None)
        return max(0.0, pause, self._window_wait(chat, now, min(cost + keep, GROUP_MESSAGES)))

    def _window_wait(self, chat: int, now: float, wanted: int) -> float:
        times = self._written.get(chat)
        if times is None:
            return 0.0
        while times and times[0] <= now - GROUP_SECONDS:
            times.popleft()
        if not times:
            del self._written[chat]
            return 0.0
        over = len(times) + wanted - GROUP_MESSAGES
        return times[min(over, len(times)) - 1] + GROUP_SECONDS - now if over > 0 else 0.0

    def written(self, chat: int, count: int = 1) -> None:
        """``count`` messages (or edits) were written. Private chats have no such window: only their 429s count."""
        if chat < 0:
            self._written.setdefault(chat, deque()).extend([self._clock()] * count)

    def pause(self, chat: int, seconds: float) -> None:
        """Telegram answered 429: this chat rests, the others go on."""
        self._paused[chat] = max(self._paused.get(chat, 0.0), self._clock() + seconds)
