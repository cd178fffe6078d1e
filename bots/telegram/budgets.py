"""How many messages Telegram still takes: results first, then answers, and progress from what is left.

Pure but for the clock it is given. One instance for all that a bot writes.
"""

import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum

#: core.telegram.org/bots/faq "my bot is hitting limits": messages a minute in a group; edits count too (tdlib #3034).
GROUP_MESSAGES = 20
GROUP_SECONDS = 60.0
#: The same source: messages a second over all chats. Its third rate, one a second in a chat, is none to keep to:
#: "short bursts that go over this limit" are taken, and where they are not, a 429 says so.
MESSAGES = 30
SECONDS = 1.0
#: Of a group's messages, what progress leaves to results, answers and notices, however few tasks are open.
KEPT_FROM_PROGRESS = 8
#: Of a group's messages, the most that answers leave to results that wait, and the seconds by which these may come
#: later than they were told to.
KEPT_FROM_ANSWERS = GROUP_MESSAGES // 2
LATE = 2.0
#: The same that results leave to a larger one that waits, which else would never find so much room at once: as many as
#: an album has.
KEPT_FROM_RESULTS = 10
#: So many chats that answer 429 within so many seconds mean all of the bot: one group that is flooded is one chat.
GLOBAL_CHATS = 3
GLOBAL_SECONDS = 1.0


class Kind(StrEnum):
    """What a message is to people, and so what it may take from the others' room."""

    PROGRESS = "progress"  #: may be dropped
    ANSWER = "answer"  #: may wait
    RESULT = "result"  #: a task's last words: takes what there is, larger ones first


class Window:
    """At most ``limit`` messages within any ``seconds``. One counts from when it is begun until ``seconds`` after it
    has ended, for nobody tells when in between Telegram counts it."""

    def __init__(self, limit: int, seconds: float, clock: Callable[[], float]) -> None:
        self._limit, self._seconds, self._clock = limit, seconds, clock
        self._written: deque[float] = deque()
        self._under_way = 0

    def wait(self, wanted: int) -> float:
        """Seconds until ``wanted`` more fit, as far as can be told now; 0.0 is now."""
        now = self._clock()
        while self._written and self._written[0] <= now - self._seconds:
            self._written.popleft()
        over = len(self._written) + self._under_way + wanted - self._limit
        if over <= 0:
            return 0.0
        return self._written[over - 1] + self._seconds - now if over <= len(self._written) else self._seconds

    def begin(self, count: int) -> None:
        self._under_way += count

    def end(self, count: int, *, written: bool) -> None:
        self._under_way -= count
        if written:
            self._written.extend([self._clock()] * count)

    @property
    def is_empty(self) -> bool:
        """Whether it can be forgotten; as of the last :meth:`wait`."""
        return not self._written and not self._under_way


class Budgets:
    """Counts per chat and in all. Times are seconds of ``clock``; ``room`` tells how many messages the tasks that are
    open in a chat will still need for their last words."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, room: Callable[[int], int] = lambda chat: 0
    ) -> None:
        self._clock, self._room = clock, room
        self._groups: dict[int, Window] = {}
        self._put_off: dict[int, list[tuple[float, int]]] = {}  # results: until when, how many messages
        self._all = Window(MESSAGES, SECONDS, clock)
        self._paused: dict[int, float] = {}
        self._all_paused = clock()
        self._refused: deque[tuple[float, int, float]] = deque()

    def wait(self, chat: int, kind: Kind, cost: int = 1) -> float:
        """Seconds until ``cost`` messages of this kind may be written into ``chat``; 0.0 is now."""
        if chat > 0:
            return self.paused(chat)
        window = self._window(chat)
        wait = max(self.paused(chat), window.wait(cost + self._kept(chat, kind, cost)))
        if window.is_empty:
            del self._groups[chat]
        if wait > 0 and kind is Kind.RESULT:
            self._waiting(chat)  # forgets those of long ago
            self._put_off.setdefault(chat, []).append((self._clock() + wait + LATE, cost))
        return wait

    def paused(self, chat: int) -> float:
        """Seconds until Telegram wants to hear from us again; 0.0 where it has not said so."""
        now = self._clock()
        if self._paused.get(chat, now) <= now:
            self._paused.pop(chat, None)
        return max(0.0, self._paused.get(chat, now) - now, self._all_paused - now)

    def _window(self, chat: int) -> Window:
        return self._groups.setdefault(chat, Window(GROUP_MESSAGES, GROUP_SECONDS, self._clock))

    def _kept(self, chat: int, kind: Kind, cost: int) -> int:
        match kind:
            case Kind.PROGRESS:
                return max(KEPT_FROM_PROGRESS, self._room(chat), sum(self._waiting(chat)))
            case Kind.ANSWER:
                return min(KEPT_FROM_ANSWERS, sum(self._waiting(chat)))
            case Kind.RESULT:
                larger = (waiting for waiting in self._waiting(chat) if waiting > cost)
                return min(KEPT_FROM_RESULTS, max(larger, default=0))

    def _waiting(self, chat: int) -> list[int]:
        """How many messages each of the results has that were put off and come again."""
        now = self._clock()
        waiting = [(until, cost) for until, cost in self._put_off.get(chat, ()) if until > now]
        if waiting:
            self._put_off[chat] = waiting
        else:
            self._put_off.pop(chat, None)
        return [cost for _, cost in waiting]

    def begin(self, chat: int, cost: int = 1) -> None:
        """A call that writes ``cost`` messages (or edits) leaves, at once or when it is its turn among all chats'
        calls. Private chats have no window of their own: only their 429s count."""
        if chat < 0:
            self._window(chat).begin(cost)

    def end(self, chat: int, cost: int = 1, *, written: bool = True) -> None:
        """It is back; ``written`` where it has, or may have, written."""
        if chat < 0:
            self._groups[chat].end(cost, written=written)

    @property
    def overall(self) -> Window:
        """Of all chats together."""
        return self._all

    def pause(self, chat: int, seconds: float) -> None:
        """Telegram answered 429: this chat rests, and the others too only where several answer so at once."""
        now = self._clock()
        self._paused[chat] = max(self._paused.get(chat, 0.0), now + seconds)
        self._refused.append((now, chat, seconds))
        while self._refused[0][0] < now - GLOBAL_SECONDS:
            self._refused.popleft()
        if len({refused for _, refused, _ in self._refused}) >= GLOBAL_CHATS:
            shortest = min(wanted for _, _, wanted in self._refused)
            self._all_paused = max(self._all_paused, now + shortest)
