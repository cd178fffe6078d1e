"""Whose turn it is: updates that arrive at the same time, taken so that nobody is overtaken by themselves."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable

import structlog
from telegram import Update

from core.errors import StoreDown

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_Entry = tuple[int, int, Update, asyncio.Future[bool]]


def person_of(update: Update) -> int:
    """Whose updates it has to stay in order with; 0 for nobody's."""
    return update.effective_user.id if update.effective_user else 0


class Turns:
    """One person's updates one after another, in the order of their ids as far as they are here; others' meanwhile."""

    def __init__(self, take: Callable[[Update], Awaitable[None]]) -> None:
        self._take = take
        self._numbers = itertools.count()  # the same update may be here twice
        self._waiting: dict[int, list[_Entry]] = {}  # whoever is in here has a job
        self._jobs: set[asyncio.Task[None]] = set()

    async def take(self, update: Update) -> bool:
        """Whether it is dealt with; False when it has to come again, because it or one before it could not be stored.

        What breaks us is logged and dealt with: it would come again for ever.
        """
        person = person_of(update)
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        entry = (update.update_id, next(self._numbers), update, done)
        if person in self._waiting:
            heapq.heappush(self._waiting[person], entry)
        else:
            self._waiting[person] = [entry]
            # Not the caller's own job: who hangs up takes nothing with them.
            job = asyncio.create_task(self._in_turn(person), name=f"telegram updates of {person}")
            self._jobs.add(job)
            job.add_done_callback(self._jobs.discard)
        return await done

    async def finish(self) -> None:
        """Until everything in hand is dealt with."""
        while self._jobs:
            await asyncio.wait(self._jobs)

    async def _in_turn(self, person: int) -> None:
        waiting = self._waiting[person]
        while waiting:
            _, _, update, done = heapq.heappop(waiting)
            if await self._is_taken(update):
                _tell(done, is_taken=True)
                continue
            for later in (done, *(entry[-1] for entry in waiting)):
                _tell(later, is_taken=False)
            waiting.clear()
        del self._waiting[person]

    async def _is_taken(self, update: Update) -> bool:
        try:
            await self._take(update)
        except StoreDown as error:
            log.error("an update could not be stored and will come again", reason=str(error))
            return False
        except Exception:
            log.exception("an update failed", update=update.update_id)
        return True


def _tell(done: asyncio.Future[bool], *, is_taken: bool) -> None:
    if not done.done():  # nobody waits any more
        done.set_result(is_taken)
