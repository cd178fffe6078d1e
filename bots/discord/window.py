"""How often something happened lately."""

import time
from collections import deque
from collections.abc import Callable


class Window:
    """Counts what happened within the last ``seconds``; remembers the latest ``most`` times and counts no further."""

    def __init__(self, seconds: float, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` in seconds, never running backwards."""
        self._seconds, self._clock = seconds, clock
        self._times: deque[float] = deque(maxlen=most)

    def add(self) -> None:
        """It happened now."""
        self._times.append(self._clock())

    def count(self) -> int:
        over = self._clock() - self._seconds
        while self._times and self._times[0] <= over:
            self._times.popleft()
        return len(self._times)

    def wait(self, threshold: int) -> float:
        """Seconds until fewer than ``threshold`` (1 to ``most``) are counted, if no more are added; 0.0: they are."""
        count = self.count()
        if count < threshold:
            return 0.0
        return self._times[count - threshold] + self._seconds - self._clock()
