"""Fetches the pictures people refer to: stored as a reference at once, downloaded here, so that no ack waits for it."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from core.catalogue import Catalogue
from core.engine import Listener
from core.errors import ChatBusy, ImageGone, ImageUnreadable, ImagineError, RequestError, StoreDown, TooManyImages
from core.loops import Beat, Crew
from core.orders import backoff, refused
from core.ports import Clock, Front, MediaStore, Store
from core.types import Failure, FrontFile, Input, MediaRef, OrderState, Task

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Bytes of one picture from a chat: what Telegram lets a bot download (20 MiB, Bot API "getFile").
INPUT_LIMIT = 20 * 1024 * 1024
#: How long a chat may be busy with handing a picture out before the person is told the same: Telegram words a file
#: that is gone for good like one that is "temporarily unavailable".
PATIENCE = timedelta(minutes=10)
#: Tries before the person is told that the picture cannot be had.
TRIES = 6
BATCH = 50


class Intake:
    """One per process that has fronts."""

    def __init__(
        self,
        *,
        store: Store,
        media: MediaStore,
        catalogue: Catalogue,
        fronts: Mapping[str, Front],
        clock: Clock,
        listener: Listener,
        wake: Callable[[], None],
    ) -> None:
        self._store, self._media, self._catalogue, self._fronts = store, media, catalogue, fronts
        self._clock, self._wake = clock, wake
        self.beat = Beat("intake", listener, clock)
        self._jobs = Crew()
        self._tries: dict[str, int] = {}
        self._since: dict[str, datetime] = {}  # the first try that failed, by task

    async def run(self, stopping: asyncio.Event) -> None:
        """Until ``stopping``; a download cut short is begun anew by the next life."""
        await self.beat.run(self._round, stopping)
        await self._jobs.finish(0)

    async def _round(self) -> None:
        for task in await self._store.intake_due(tuple(self._fronts), self._clock(), BATCH):
            if task.id not in self._jobs:
                self._jobs.start(task.id, self._take(task))

    async def _take(self, task: Task) -> None:
        model = self._catalogue.get(task.request.model or "")
        given = len(task.request.images)
        # What a next step takes along is not counted: the picture whose part is marked is the gateway's own.
        is_step = task.request.follow is not None
        most = given if model is None or is_step else model.can.needs(task.request.operation).most
        if model is not None and given > most:
            # An album shows only part by part how large it is.
            await self._refuse(task, TooManyImages(model=model.name, limit=most, given=given))
            return
        mask = task.request.mask
        try:
            kept = await asyncio.gather(*(self._kept(image) for image in task.request.images))
            kept_mask = None if mask is None else await self._kept(mask)
        except RequestError as error:
            await self._refuse(task, error)
            return
        except Exception as error:  # noqa: BLE001 - whatever it was, it is tried again, and in the end the person is told
            await self._put_off(task, error)
            return
        self._forget(task.id)
        if await self._store.inputs_kept(task.id, kept, self._clock(), mask=kept_mask):
            self._wake()
            return
        # An album's later part came in meanwhile.
        await self._store.intake_postponed(task.id, self._clock())
        self._wake()

    async def _kept(self, image: Input) -> MediaRef:
        if isinstance(image, MediaRef):
            return image
        data = await self._front(image).fetch(image, limit=INPUT_LIMIT)
        ref = await self._media.keep(data)
        if not ref.is_picture:
            raise ImageUnreadable
        return ref

    def _front(self, file: FrontFile) -> Front:
        return self._fronts[file.front]

    async def _put_off(self, task: Task, error: Exception) -> None:
        tries = self._tries[task.id] = self._tries.get(task.id, 0) + 1
        if isinstance(error, ImagineError):
            log.info("an input cannot be fetched yet", task=task.id, reason=str(error))
        else:
            log.warning("fetching an input failed", task=task.id, exc_info=error)
        waited = self._clock() - self._since.setdefault(task.id, self._clock())
        is_lasting = waited >= PATIENCE or (tries >= TRIES and not isinstance(error, ChatBusy))
        if is_lasting and not isinstance(error, StoreDown):  # a full disk of ours makes nobody's picture go
            await self._refuse(task, ImageGone())
            return
        wait = error.retry_after if isinstance(error, ChatBusy) else backoff(tries)
        due = self._clock() + timedelta(seconds=wait)
        await self._store.intake_postponed(task.id, due)
        self.beat.at(due)

    async def _refuse(self, task: Task, error: RequestError) -> None:
        """Nothing has left yet: every order fails and its credits come back."""
        self._forget(task.id)
        failure = Failure(key=error.key, params=dict(error.params), kind=type(error).__name__)
        for order in await self._store.orders(task.id):
            if order.state is OrderState.QUEUED:
                now = self._clock()
                await self._store.apply(order, refused(order, failure, now), now)
        self._wake()

    def _forget(self, task_id: str) -> None:
        self._tries.pop(task_id, None)
        self._since.pop(task_id, None)
