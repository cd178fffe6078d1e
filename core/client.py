"""What a front holds: submit, again, next steps, cancel, usage, models. Every call is quick: no network behind it."""

import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta

from core.breaker import FRESH
from core.capabilities import NEEDS, SEEDED, Words, fit, nearest
from core.catalogue import Catalogue, Listed
from core.errors import ImageGone, NoModel, NotYours, RequestError, TaskUnknown, TooLate
from core.gateway import Model
from core.orders import cancelled
from core.ports import Clock, Rest, Store
from core.quota import Limits
from core.types import (
    Address,
    Follow,
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
    View,
    Who,
)
from core.views import offers_of, view_of

#: Lower-case Crockford base 32: no letter can be misread when an id is typed in again.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
#: 12 of them are 60 bits: short enough for a button (64 bytes) and a Discord nonce (25 characters).
ID_LENGTH = 12


def new_id() -> str:
    """A task id, such as ``"7h2k9qz0m4xa"``."""
    bits = secrets.randbits(5 * ID_LENGTH)
    return "".join(ALPHABET[bits >> 5 * place & 31] for place in range(ID_LENGTH))


class Client:
    """The core as a front sees it."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        limits: Limits,
        *,
        clock: Clock,
        wake: Callable[[], None],
        accepting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """``accepting``: held while somebody waits for the answer to a request, so that the loops stand back."""
        self._store, self._catalogue, self._limits, self._clock, self._wake = store, catalogue, limits, clock, wake
        self.accepting = accepting
        self._rests_known: Mapping[str, Rest] = {}
        self._rests_stale_at = 0.0  # monotonic seconds

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
        now = self._clock()
        request = _with_its_operation(request)
        try:
            model = await self._choose(request, now)
            fitted = fit(request, model.can, model=model.name)
        except RequestError:
            # What was taken once stays taken, whatever has become of its model since.
            known = await self._store.task_of_event(event)
            if known is None:
                raise
            return known
        final = _with_seed(fitted.request, model)
        with self.accepting():
            task = await self._store.submit(
                NewTask(
                    id=new_id(),
                    event=event,
                    who=who,
                    address=address,
                    request=final,
                    gateway=model.gateway,
                    orders=_orders(fitted.calls, final, model),
                    dropped=fitted.dropped,
                    parent=parent,
                    not_before=now + timedelta(seconds=settle_for) if settle_for else None,
                ),
                self._limits,
                now,
            )
        self._wake()
        return task

    async def _choose(self, request: Request, now: datetime) -> Model:
        """Raises ModelUnknown, NotOffered, NoModel, and TaskUnknown for a next step whose model is no more."""
        if request.follow is not None:
            model = self._catalogue.get(request.follow.ticket.model)
            if model is None:
                raise NoModel(operation=request.operation.value)
            return model
        resting = await self._rests(now) if request.model is None else {}
        return self._catalogue.choose(
            request.model, request.operation, pictures=len(request.images), resting=resting.keys()
        )

    async def _rests(self, now: datetime) -> Mapping[str, Rest]:
        """As of half a second ago at most: in a burst it is asked once, not for each request."""
        if time.monotonic() >= self._rests_stale_at:
            self._rests_known = await self._store.rests(now)
            self._rests_stale_at = time.monotonic() + FRESH
        return self._rests_known

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
        Raises TaskUnknown, ImageGone (also for a video)."""
        results = [ref for order in await self._store.orders(task_id) for ref in order.results]
        if not results:
            await self._store.task(task_id)
            raise ImageGone
        found = results[min(index or 0, len(results) - 1)]
        if not found.is_picture:
            raise ImageGone
        return found

    async def work_on(
        self, task_id: str, index: int | None, request: Request, *, who: Who, address: Address, event: str
    ) -> Task:
        """Do ``request.operation`` with a picture of an earlier task; further ``request.images`` come after it.

        Where the picture's own gateway offers that as a next step, it is taken. Keeps that task's model where it can do
        it and the request names none. Raises TaskUnknown, ImageGone and as submit.
        """
        parent = await self._store.task(task_id)
        request = replace(request, operation=_on_pictures(request.operation))
        offer = await self._offer_for(task_id, index, request)
        if offer is not None:
            marked = (await self.result(task_id, index),) if request.mask is not None else ()
            step = replace(request, follow=offer, ratio=None, count=1, images=marked)
            return await self.submit(step, who=who, address=address, event=event, parent=task_id)
        picture = await self.result(task_id, index)
        images: tuple[Input, ...] = (picture, *request.images)
        model = request.model
        if model is None and parent.request.model is not None:
            able = {row.name for row in self._catalogue.usable(request.operation, pictures=len(images))}
            model = parent.request.model if parent.request.model in able else None
        changed = replace(request, images=images, model=model)
        return await self.submit(changed, who=who, address=address, event=event, parent=task_id)

    async def _offer_for(self, task_id: str, index: int | None, request: Request) -> Follow | None:
        """The gateway's own step for it, where the request asks for nothing that such a step cannot do."""
        other = bool(self._catalogue.usable(request.operation, pictures=1))
        has_words = request.prompt and NEEDS[request.operation].words is not Words.NONE and request.mask is None
        if request.images or (has_words and other):
            return None  # a button hears no words
        orders = await self._store.orders(task_id)
        made = sum(len(order.results) for order in orders)
        usable = {model.name: model for model in self._catalogue.usable()}
        for number, offer in enumerate(offers_of(orders)):
            # A step on the result as a whole is one on the picture only where there is no other.
            place = offer.index if offer.index is not None else 0 if made == 1 else None
            if offer.operation is not request.operation or place != (index or 0):
                continue
            step = _follow(orders, number)
            model = None if step is None else usable.get(step.ticket.model)
            if model is None or offer.operation in model.off or request.model not in (None, model.name):
                return None
            return step
        return None

    async def follow(self, task_id: str, number: int, *, who: Who, address: Address, event: str) -> Task:
        """Take a next step that the gateway offers on a result: the one with this number among the view's offers.
        Raises TaskUnknown and as submit."""
        parent = await self._store.task(task_id)
        orders = await self._store.orders(task_id)
        offers = offers_of(orders)
        if not 0 <= number < len(offers):
            raise TaskUnknown(task=task_id)
        request = replace(
            parent.request,
            operation=offers[number].operation,
            follow=_follow(orders, number),
            seed=None,
            images=(),
            mask=None,
        )
        return await self.submit(request, who=who, address=address, event=event, parent=task_id)

    async def imagine_text(self, task_id: str, number: int, *, who: Who, address: Address, event: str) -> Task:
        """Make a picture of a text that was a result, by its number. Raises TaskUnknown and as submit."""
        texts = [text for order in await self._store.orders(task_id) for text in order.texts]
        if not 0 <= number < len(texts):
            raise TaskUnknown(task=task_id)
        parent = await self._store.task(task_id)
        words, shape = _apart(texts[number])
        request = Request(Operation.IMAGINE, words, private=parent.request.private)
        if shape is not None:
            model = await self._choose(request, self._clock())
            request = replace(request, ratio=nearest(shape, model.can.ratios))
        return await self.submit(request, who=who, address=address, event=event, parent=task_id)

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
        return await self._store.apply(order, cancelled(order, now), now)

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

    async def view(self, task_id: str) -> View:
        """All there is to say about a task now. Raises TaskUnknown."""
        task = await self._store.task(task_id)
        orders = await self._store.orders(task_id)
        model = self._catalogue.get(task.request.model or "")
        position = await self._store.position(task_id)
        able = self._catalogue.operations()
        return view_of(task, orders, model, position=position, now=self._clock(), able=able)

    def operations(self, *, steps: bool = True) -> frozenset[Operation]:
        """All that can be done now, with some picture at least: what is not among them is not offered. Without
        ``steps`` what can be done with any picture."""
        return self._catalogue.operations(steps=steps)

    async def resting(self) -> dict[str, Rest]:
        """The gateways that are left alone for a while because they failed again and again, by name."""
        return await self._store.rests(self._clock())

    async def verified(self) -> frozenset[str]:
        """Models that have succeeded at least once; only of interest where ``Model.unverified``."""
        return await self._store.verified()

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


#: Midjourney's parameters at the end of a prompt: it writes them into its descriptions too.
_PARAMETERS = re.compile(r"(?:\s+--[a-z]+(?:\s+(?!--)\S+)?)+\s*\Z", re.IGNORECASE)
_SHAPE = re.compile(r"--ar\s+(\S+)", re.IGNORECASE)


def _apart(text: str) -> tuple[str, str | None]:
    """The words of a text that describes a picture, and the picture's shape, where it says it."""
    found = _PARAMETERS.search(text)
    if found is None:
        return text, None
    shape = _SHAPE.search(found[0])
    return text[: found.start()], shape[1] if shape else None


def _with_seed(request: Request, model: Model) -> Request:
    """A seed of our own where the model takes one: it can be shown, and the picture can be had again."""
    told = request.operation in SEEDED or request.operation in model.can.presets
    if model.can.seed_max is None or request.seed is not None or request.follow is not None or not told:
        return request
    return replace(request, seed=secrets.randbelow(min(model.can.seed_max, 2**31 - 1) + 1))


def _orders(calls: Sequence[int], request: Request, model: Model) -> tuple[NewOrder, ...]:
    """One order a call. Each later call gets the next seed: the same one would make the same picture."""
    top, seed = model.can.seed_max, request.seed
    return tuple(
        NewOrder(
            count=count,
            credits=model.price(request.operation, count),
            seed=None if seed is None or top is None else (seed + place) % (top + 1),
        )
        for place, count in enumerate(calls)
    )


def _with_its_operation(request: Request) -> Request:
    """With pictures, imagining is editing."""
    is_edit = request.images and request.operation is Operation.IMAGINE and request.follow is None
    return replace(request, operation=Operation.EDIT) if is_edit else request


def _on_pictures(operation: Operation) -> Operation:
    return Operation.EDIT if operation is Operation.IMAGINE else operation


def _follow(orders: Sequence[Order], number: int) -> Follow | None:
    """What taking up the offer with this number (as :func:`core.views.offers_of` counts) means for its gateway."""
    numbered = [(order, offer) for order in orders if order.state is OrderState.FINISHED for offer in order.offers]
    order, offer = numbered[number]
    return None if order.ticket is None else Follow(order.ticket, offer.token, offer.label)
