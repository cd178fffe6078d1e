"""Telegram's message rates, so that a bot which floods meets its 429s before real users do."""

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.telegram.errors import too_many_requests


@dataclass(frozen=True)
class Rates:
    """Messages (sends and edits together) a bot may write; 0 switches a rate off.

    The numbers are those of core.telegram.org/bots/faq ("my bot is hitting limits"): 20 a minute in a group, one a
    second in a chat with short bursts, thirty a second over all chats. The burst is ours: Telegram names none.
    """

    group: int = 20  #: in a group, within ``group_seconds``
    group_seconds: float = 60.0
    private_burst: int = 30  #: at once in a private chat
    private_per_second: float = 1.0  #: and then so many a second
    overall_per_second: int = 30

    @classmethod
    def unlimited(cls) -> "Rates":
        """No limits, for tests of other things."""
        return cls(group=0, private_burst=0, overall_per_second=0)


class Limiter:
    """Counts what was written. ``clock`` gives seconds."""

    def __init__(self, rates: Rates, clock: Callable[[], float]) -> None:
        self.rates = rates
        self._clock = clock
        self._groups: defaultdict[int, deque[float]] = defaultdict(deque)
        self._overall: deque[float] = deque()
        self._private: dict[int, tuple[float, float]] = {}

    def take(self, chat_id: int, count: int = 1) -> None:
        """Count ``count`` messages to a chat, or raise :class:`ApiError` 429 and count nothing."""
        now = self._clock()
        rates = self.rates
        waits = [_window_wait(self._overall, now, 1.0, rates.overall_per_second, count)]
        if chat_id < 0:
            waits.append(_window_wait(self._groups[chat_id], now, rates.group_seconds, rates.group, count))
        else:
            waits.append(self._bucket_wait(chat_id, now, count))
        if max(waits) > 0:
            raise too_many_requests(max(1, math.ceil(max(waits))))
        self._overall.extend([now] * count)
        if chat_id < 0:
            self._groups[chat_id].extend([now] * count)
        else:
            self._private[chat_id] = (self._tokens(chat_id, now) - count, now)

    def _tokens(self, chat_id: int, now: float) -> float:
        tokens, at = self._private.get(chat_id, (float(self.rates.private_burst), now))
        return min(float(self.rates.private_burst), tokens + (now - at) * self.rates.private_per_second)

    def _bucket_wait(self, chat_id: int, now: float, count: int) -> float:
        if not self.rates.private_burst:
            return 0.0
        return (count - self._tokens(chat_id, now)) / self.rates.private_per_second


def _window_wait(times: deque[float], now: float, seconds: float, limit: int, count: int) -> float:
    """Seconds until ``count`` more fit into the sliding window."""
    while times and times[0] <= now - seconds:
        times.popleft()
    over = len(times) + count - limit
    if not limit or over <= 0:
        return 0.0
    return times[min(over, len(times)) - 1] + seconds - now if times else seconds
