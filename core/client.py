"""What a front holds: submit, again, edit, cancel, usage, queue, models. Every call is quick: no network behind it."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.capabilities import fit
from core.catalogue import Catalogue, Listed
from core.errors import ImageGone, NotYours, TooLate
from core.gateway import Model
from core.orders import cancelled
from core.ports import Clock, Store
from core.quota import Limits
from core.types import (
    Address,
    FrontFile,
    Input,
    MediaRef,
    NewOrder,
    NewTask,
    Operation,
    Order,
    OrderState,
    PostedMessage,
    QueueEntry,
    Request,
    Stage,
    Task,
    Usage,
    Who,
)

#: Lower-case Crockford base 32: no letter can be misread when an id is typed in again.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
#: 12 of them are 60 bits: short enough for a button (64 bytes) and a Discord nonce (25 characters).
ID_LENGTH = 12


def new_id() -> str:
    """A task id, such as ``"7h2k9qz0m4xa"``."""
    return "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))


class Client:
    """The core as a front sees it."""

    def __init__(
        self, store: Store, catalogue: Catalogue, limits: Limits, clock: Clock, wake: Callable[[], None]
    ) -> None:
        self._store, self._catalogue, self._limits, self._clock, self._wake = store, catalogue, limits, clock, wake

    # -- asking for pictures ----------------------------------------------------------------------------------------

    async def submit(
        self,
        request: Request,
        *,
        who: Who,
        address: Address,
        event: str,
        parent: str | None = None,
        settle_for: float = 0.0,
    ) -> Task:
        """Fit the request to its model, hold the credits, store it: one transaction.

        ``event`` is the platform's own id of the message or interaction with the front's name before it: the same
        event again returns the same task. ``settle_for`` seconds are waited for more pictures (an album's parts).
        Raises RequestError, LimitError.
        """
        known = await self._store.task_of_event(event)
        if known is not None:
            return known
        operation = Operation.EDIT if request.images else request.operation
        model = self._catalogue.choose(request.model, operation)
        fitted = fit(replace(request, operation=operation), model.can, model=model.name)
        final = _with_seed(fitted.request, model)
        now = self._clock()
        task = await self._store.submit(
            NewTask(
                id=new_id(),
                event=event,
                who=who,
                address=address,
                request=final,
                gateway=model.gateway,
                orders=_orders(fitted.calls, final.seed, model),
                dropped=fitted.dropped,
                parent=parent,
                not_before=now + timedelta(seconds=settle_for) if settle_for else None,
            ),
            self._limits,
            now,
        )
        self._wake()
        return task

    async def add_input(self, event: str, file: FrontFile) -> bool:
        """One more picture for the task of ``event``, while it still waits for its pictures."""
        return await self._store.add_input(event, file, self._clock())

    async def again(self, task_id: str, *, who: Who, address: Address, event: str) -> Task:
        """The same request once more, with a new seed, at the presser's cost. Raises TaskUnknown and as submit."""
        task = await self._store.task(task_id)
        request = replace(task.request, seed=None)
        return await self.submit(request, who=who, address=address, event=event, parent=task_id)

    async def result(self, task_id: str, index: int | None) -> MediaRef:
        """A picture of a task, in its original quality, as input for an edit. ``index`` None: the first.
        Raises TaskUnknown, ImageGone."""
        pictures = [ref for order in await self._store.orders(task_id) for ref in order.results]
        if not pictures:
            await self._store.task(task_id)
            raise ImageGone
        return pictures[min(index or 0, len(pictures) - 1)]

    async def edit(
        self, task_id: str, index: int | None, request: Request, *, who: Who, address: Address, event: str
    ) -> Task:
        """Work on a picture of an earlier task; further ``request.images`` come after it. Keeps that task's model
        where it can edit and the request names none. Raises TaskUnknown, ImageGone and as submit."""
        parent = await self._store.task(task_id)
        picture = await self.result(task_id, index)
        images: tuple[Input, ...] = (picture, *request.images)
        model = request.model
        if model is None and parent.request.model is not None:
            able = {row.name for row in self._catalogue.usable(Operation.EDIT) if row.can.images_max >= len(images)}
            model = parent.request.model if parent.request.model in able else None
        changed = replace(request, operation=Operation.EDIT, images=images, model=model)
        return await self.submit(changed, who=who, address=address, event=event, parent=task_id)

    async def cancel(self, task_id: str, *, account: str, may_all: bool = False) -> Task:
        """Take back what has not left yet; its credits are released. Raises TaskUnknown, NotYours, and TooLate when
        every part of it is being made (and paid) already."""
        task = await self._store.task(task_id)
        if task.who.account != account and not may_all:
            raise NotYours(task=task_id)
        taken_back = 0
        for order in await self._store.orders(task_id):
            taken_back += await self._cancel_order(order)
        if not taken_back:
            raise TooLate(task=task_id)
        self._wake()
        return await self._store.task(task_id)

    async def _cancel_order(self, order: Order) -> bool:
        if order.state is not OrderState.QUEUED:
            return False
        now = self._clock()
        return await self._store.apply(order, cancelled(order, now), now) is not None

    # -- looking ----------------------------------------------------------------------------------------------------

    async def task(self, task_id: str) -> Task:
        """Raises TaskUnknown."""
        return await self._store.task(task_id)

    async def usage(self, account: str) -> Usage:
        return await self._store.usage(account, self._limits, self._clock())

    async def queue(self, account: str) -> list[QueueEntry]:
        """The person's unfinished tasks, oldest first."""
        entries: list[QueueEntry] = []
        for task in await self._store.unfinished(account):
            position = await self._store.position(task.id)
            stage = Stage.WORKING if position is None else Stage.QUEUED
            entries.append(QueueEntry(task, stage, position))
        return entries

    def models(self, operation: Operation | None = None) -> list[Model]:
        """The models that can be used now."""
        return self._catalogue.usable(operation)

    def default_model(self, operation: Operation) -> Model | None:
        """What a request without a model gets; None when nothing can do it."""
        return self._catalogue.choose(None, operation) if self._catalogue.usable(operation) else None

    def listed(self) -> list[Listed]:
        """Every row of the catalogue with why it cannot be used, if so."""
        return self._catalogue.listed()

    def now(self) -> datetime:
        return self._clock()

    # -- messages ---------------------------------------------------------------------------------------------------

    async def posted(self, front: str, key: str) -> PostedMessage | None:
        """Which task a message of ours shows."""
        return await self._store.posted(front, key)

    async def remember(self, front: str, message: PostedMessage) -> None:
        """A message of ours now belongs to a task (a question that waits for words, say)."""
        await self._store.remember(front, message)

    async def messages_of(self, front: str, task_id: str) -> Sequence[PostedMessage]:
        """All messages of ours that show this task."""
        return await self._store.messages_of(front, task_id)


def _with_seed(request: Request, model: Model) -> Request:
    """A seed of our own where the model takes one: it can be shown, and the picture can be had again."""
    if model.can.seed_max is None or request.seed is not None:
        return request
    return replace(request, seed=secrets.randbelow(min(model.can.seed_max, 2**31 - 1) + 1))


def _orders(calls: Sequence[int], seed: int | None, model: Model) -> tuple[NewOrder, ...]:
    """One order a call. Each later call gets the next seed: the same one would make the same picture."""
    top = model.can.seed_max
    return tuple(
        NewOrder(
            count=count,
            credits=count * model.credits,
            seed=None if seed is None or top is None else (seed + place) % (top + 1),
        )
        for place, count in enumerate(calls)
    )
