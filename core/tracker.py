"""Moves orders along: takes them up, asks how far they are, fetches what is made, keeps it."""

import asyncio
import contextlib
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import structlog

from core.breaker import Breaker
from core.catalogue import Catalogue
from core.engine import Listener
from core.errors import (
    AnswerMissing,
    AnswerUnreadable,
    GatewayError,
    GatewayFailed,
    KeyRejected,
    ModelGone,
    OrderInvalid,
    PictureBroken,
    PictureUnreachable,
    StoreDown,
)
from core.failures import log_failure, question_failed
from core.gateway import Acts, Asks, Call, Gateway, Seeds
from core.inhand import InHand
from core.keeping import insist, keep_all
from core.loops import Beat, Crew, Silence, Steps
from core.metrics import UNWATCHED, Meter
from core.orders import CLAIM_LEASE, after, back_to, elsewhere, interrupted, next_question, put_back, with_deadline
from core.ports import Clock, MediaStore, Store
from core.preparing import prepared
from core.types import (
    Failed,
    Finished,
    Follow,
    InlinePicture,
    Kept,
    Order,
    OrderState,
    Outcome,
    RemotePicture,
    Request,
    Task,
    Ticket,
)

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

BATCH, CLAIMED = 200, 16  #: orders looked at, and taken up, in one round: the others have a turn in between


class Fetches(Protocol):
    """Gets a result link's bytes. Raises GatewayError."""

    async def fetch(self, url: str, *, gateway: str) -> bytes: ...


class Tracker:
    """One per worker process. The rows are the truth; everything in here may die at any moment."""

    def __init__(
        self,
        *,
        store: Store,
        media: MediaStore,
        catalogue: Catalogue,
        gateways: Mapping[str, Gateway],
        downloader: Fetches,
        room: Mapping[str, int],
        running: int,
        clock: Clock,
        listener: Listener,
        wake: Callable[[], None],
        meter: Meter = UNWATCHED,
        alone: bool = False,
    ) -> None:
        """``room``: orders a gateway works on at once; ``running``: orders a person has being made at once; ``alone``:
        there is no other worker, so nobody needs signs of life."""
        self._store, self._media, self._catalogue = store, media, catalogue
        self._gateways, self._downloader, self._room, self._running = gateways, downloader, room, running
        self._clock, self._wake, self._meter = clock, wake, meter
        self._breaker = Breaker(store, clock)
        self._proved: set[str] = set()  # models that need no further proof
        self.beat = Beat("tracker", listener, clock)
        patience = CLAIM_LEASE.total_seconds()
        self._silence, self._steps = Silence(patience, patience / 2), Steps()
        self._look_after_others_at = 0.0  # monotonic seconds
        self._calls = Crew()  # calls that may have been paid: never dropped while they can still answer
        self._questions = Crew()  # asking and fetching: free, and repeated by the next life
        self._asking: set[str] = set()  # orders that are being asked about
        self._in_hand, self._alone = InHand(store, clock), alone

    async def recover(self) -> None:
        """At the start of the only worker: what is STARTING or leased is a former life's. Where there may be other
        workers, their signs of life decide (:meth:`_round`)."""
        await self._store.release_leases(self._clock())
        await self._interrupt(await self._store.in_state_starting())

    async def _interrupt(self, orders: Sequence[Order]) -> None:
        """Calls that may have left, and whose worker is gone."""
        for order in orders:
            now = self._clock()
            decided = interrupted(order, self._catalogue.get(order.model), now)
            if await self._store.apply(order, decided, now):
                log.warning("found a call without its answer", order=order.id, gateway=order.gateway, now=decided.state)
                self._wake()

    async def run(self, stopping: asyncio.Event, *, grace: float) -> None:
        """Until ``stopping``; then calls that may have been paid get ``grace`` seconds to answer."""
        with contextlib.suppress(StoreDown):
            await self._breaker.begin()
        alive = None if self._alone else asyncio.create_task(self._in_hand.keep_saying())
        try:
            await self.beat.run(self._round, stopping)
            await self._questions.finish(0)
            if len(self._calls):
                log.info("waiting for paid calls", calls=len(self._calls), seconds=grace)
            dropped = await self._calls.finish(grace)
            if dropped:
                log.warning("stopped while calls were out", calls=dropped)
        finally:
            if alive is not None:
                alive.cancel()

    async def _round(self) -> None:
        now, at = self._clock(), time.monotonic()
        if (step := self._steps.by(now, at)) != 0:
            if step is not None:
                log.warning("the clock was set", seconds=round(step))
            await self._store.clock_was_set(now, step)
            self._steps.noted(now, at)
        await self._breaker.look()
        # Every gateway there is, also those whose key was removed: their orders are taken up to be told so.
        claimed = await self._store.claim(now, room=self._room, running=self._running, limit=CLAIMED)
        if claimed:
            tasks = asyncio.ensure_future(self._store.tasks({order.task_id for order in claimed}))
            for order in claimed:
                self._calls.start(order.id, self._take_up(order, tasks))
            self._wake()
        await self._look_at(await self._store.waiting_due(now, BATCH, self._busy()))
        await self._look_after_others(at)

    async def _look_after_others(self, at: float) -> None:
        """Calls whose worker gives no sign of life any more; all first get the time for one."""
        if at < self._look_after_others_at:
            return
        starting = {order.id: order for order in await self._store.in_state_starting() if order.id not in self._calls}
        silent = self._silence.of({order.id: (order.revision, order.due) for order in starting.values()}, at)
        await self._interrupt([starting[name] for name in silent])
        self._look_after_others_at = at + CLAIM_LEASE.total_seconds() / 10
        if starting:
            self.beat.at(self._clock() + CLAIM_LEASE / 10)

    def _busy(self) -> set[str]:
        """Orders that this worker has in hand: nothing else is to be done for them now."""
        return {*self._asking, *self._questions.keys(), *self._calls.keys()}

    async def _look_at(self, orders: Sequence[Order]) -> None:
        asked: dict[str, list[Order]] = {}
        for order in orders:
            if order.sources:
                self._questions.start(order.id, self._fetch(order))
            else:
                asked.setdefault(order.gateway, []).append(order)
        for name, batch in asked.items():
            self._asking.update(order.id for order in batch)
            self._questions.start(f"ask {name} {batch[0].id}", self._ask(name, batch))

    # -- starting ---------------------------------------------------------------------------------------------------

    async def _take_up(self, order: Order, tasks: asyncio.Future[dict[str, Task]]) -> None:
        """Whatever goes wrong in here, the order does not stay STARTING."""
        try:
            with self._in_hand.holding([order]):
                await self._start(order, tasks)
        except Exception as error:
            log.exception("taking up an order failed", order=order.id)
            await self._settle(order, Failed(GatewayFailed(detail=repr(error))))

    async def _start(self, order: Order, tasks: asyncio.Future[dict[str, Task]]) -> None:
        """The call itself. From here on until its answer is stored, money may be out."""
        model, gateway = self._catalogue.get(order.model), self._gateways.get(order.gateway)
        if model is None or gateway is None:
            left, unset = f"{order.model} has left the catalogue", f"{order.gateway} is no longer configured"
            await self._settle(order, Failed(ModelGone(detail=left) if model is None else KeyRejected(detail=unset)))
            return
        order = with_deadline(order, model, self._clock())
        try:
            request = (await asyncio.shield(tasks))[order.task_id].request
            refusal = self._breaker.refusal(order.gateway)
            if refusal is not None:
                await self._not_taken(order, request, refusal)
                return
            call = await prepared(request, order, model, self._media)
            if not await self._store.leaving(order):
                log.warning("somebody else has taken this order over", order=order.id)
                return
        except GatewayError as error:
            await self._settle(order, Failed(error))
            return
        except StoreDown as error:
            log.warning("an order waits for our own store", order=order.id, reason=str(error))
            await self._apply(order, put_back(order, self._clock()))
            return
        outcome = await self._meter.call(order.gateway, self._called(gateway, request.follow, call, order))
        # First of all the answer is stored: it may have been paid.
        if isinstance(outcome, Failed):
            await self._not_taken(order, request, outcome.error)
        else:
            # The deadline anew: during the call the clock may have been set.
            await self._settle(with_deadline(order, model, self._clock()), outcome)
        with contextlib.suppress(StoreDown):  # whether a gateway rests is only a precaution
            await self._breaker.heard(order.gateway, order.id, outcome.error if isinstance(outcome, Failed) else None)

    async def _called(self, gateway: Gateway, follow: Follow | None, call: Call, order: Order) -> Outcome:
        try:
            if follow is None:
                return await gateway.start(call, key=order.id)
            if isinstance(gateway, Acts):
                return await gateway.act(follow, call, key=order.id)
            return Failed(OrderInvalid(detail=f"{order.gateway} has no next steps"))
        except GatewayError as error:
            return Failed(error)
        except Exception as error:
            log.exception("a gateway module failed", order=order.id, gateway=order.gateway)
            return Failed(GatewayFailed(detail=repr(error)))

    async def _not_taken(self, order: Order, request: Request, error: GatewayError) -> None:
        """On to the next gateway that serves the same, if the order was certainly not taken; else the usual way."""
        passed = (*order.passed, order.model)
        other = self._catalogue.elsewhere(request, order.count, passed=passed, resting=self._breaker.resting)
        moved = elsewhere(order, error, other, self._clock()) if other is not None else None
        if moved is None:
            await self._settle(order, Failed(error))
            return
        log_failure(order, error)
        log.info("another gateway takes it", order=order.id, was=order.gateway, now=moved.gateway)
        await self._apply(order, moved)

    # -- asking -----------------------------------------------------------------------------------------------------

    async def _ask(self, name: str, orders: Sequence[Order]) -> None:
        try:
            await self._settle_answers(orders, *await self._answers(name, orders))
        finally:
            self._asking.difference_update(order.id for order in orders)

    async def _answers(
        self, name: str, orders: Sequence[Order]
    ) -> tuple[Mapping[Ticket, Outcome], GatewayError | None]:
        """What the gateway says, and why it did not say more."""
        gateway = self._gateways.get(name)
        tickets: dict[Ticket, Order] = {order.ticket: order for order in orders if order.ticket is not None}
        if not isinstance(gateway, Asks):
            return {}, AnswerMissing(detail=f"{name} is no longer configured")
        try:
            with self._in_hand.holding(orders):
                return await self._meter.question(name, gateway.ask(list(tickets))), None
        except GatewayError as error:
            return {}, error
        except Exception as error:
            log.exception("a gateway module failed while asking", gateway=name)
            return {}, AnswerUnreadable(detail=repr(error))

    async def _settle_answers(
        self, orders: Sequence[Order], answers: Mapping[Ticket, Outcome], failed: GatewayError | None
    ) -> None:
        nothing_new: dict[datetime, dict[str, int]] = {}  # revisions by id, by when they are asked about next
        for order in orders:
            outcome = answers.get(order.ticket) if order.ticket else Failed(AnswerUnreadable(detail="no ticket"))
            if outcome is None:
                outcome = Failed(question_failed(failed))
            again = next_question(order, outcome, self._clock())
            if again is not None:
                nothing_new.setdefault(again, {})[order.id] = order.revision
            elif isinstance(outcome, Finished):
                # Fetching takes its time: not at the cost of the others.
                self._questions.start(order.id, self._settle(order, outcome))
            else:
                await self._settle(order, outcome)
        for due, revisions in nothing_new.items():
            # One write for all of them, and nobody is woken up: it is the most frequent answer by far.
            await insist(functools.partial(self._store.asked, revisions, due))
            self.beat.at(due)

    # -- storing what happened --------------------------------------------------------------------------------------

    async def _settle(self, order: Order, outcome: Outcome) -> None:
        """Decide and store. A result that is only a link is stored before it is fetched, so that no crash loses it."""
        if isinstance(outcome, Failed):
            log_failure(order, outcome.error)
        if not isinstance(outcome, Finished):
            decided = after(order, outcome, self._clock())
            first = self._catalogue.get(decided.passed[0]) if decided.passed else None
            await self._apply(order, decided if first is None else back_to(decided, first))
            return
        inline = [picture.data for picture in outcome.pictures if isinstance(picture, InlinePicture)]
        kept, broken = await keep_all(self._media, inline)
        if not any(isinstance(picture, RemotePicture) for picture in outcome.pictures):
            ending = (
                Kept(kept, outcome.seed, outcome.texts, outcome.offers, outcome.answer)
                if kept or outcome.texts
                else Failed(broken or PictureBroken(detail="no picture"))
            )
            ended = after(order, ending, self._clock())
            if await self._apply(order, ended) and ended.state is OrderState.FINISHED:
                await self._succeeded(ended)
            return
        now = self._clock()
        # The lease keeps other hands off while this one fetches.
        made = replace(after(order, outcome, now), results=kept, due=now + CLAIM_LEASE)
        # Who was asked once will tell the links again; an answer that comes only once is stored first.
        if order.state is OrderState.WAITING:
            await self._fetch(made, before=order)
        elif await self._apply(order, made):
            await self._fetch(made)

    async def _apply(self, before: Order, decided: Order) -> bool:
        """Store it, however long the database is away: what is in hand may have been paid."""
        stored = await insist(lambda: self._store.apply(before, decided, self._clock()))
        if not stored:
            log.warning("somebody else has moved this order", order=before.id, revision=before.revision)
            return False
        if decided.state in (OrderState.WAITING, OrderState.QUEUED):
            self.beat.at(decided.due)
        self._wake()
        return True

    async def _fetch(self, order: Order, *, before: Order | None = None) -> None:
        """Get the pictures behind the links. Costs nothing, so it is repeated until the links die. ``before``: the
        order as it is stored, where the links are not."""
        with self._in_hand.holding([before or order]):
            results = await asyncio.gather(
                *(self._downloader.fetch(url, gateway=order.gateway) for url in order.sources), return_exceptions=True
            )
        fetched: list[bytes] = []
        errors: list[GatewayError] = []
        left: list[str] = []  # those that may still give something
        for url, result in zip(order.sources, results, strict=True):
            if isinstance(result, bytes):
                fetched.append(result)
                continue
            if isinstance(result, GatewayError):
                error = result
            else:
                log.error("fetching a picture failed", order=order.id, exc_info=result)
                error = PictureUnreachable(detail=repr(result))
            errors.append(error)
            left.extend([url] if error.transient else [])
        kept, broken = await keep_all(self._media, fetched)
        errors.extend([broken] if broken else [])
        everything = (*order.results, *kept)
        now = self._clock()
        in_time = order.deadline is None or now < order.deadline
        if everything and not (left and in_time):
            decided = after(order, Kept(everything, order.seed), now)
        else:
            again = next((error for error in errors if error.transient), None)
            error = again or (errors[0] if errors else PictureBroken(detail="no picture"))
            log_failure(order, error)
            decided = after(order, Failed(error), now)
            if decided.state is OrderState.WAITING:
                # What is here already stays, whatever becomes of the other links.
                decided = replace(decided, results=everything, sources=tuple(left))
        if await self._apply(before or order, decided) and decided.state is OrderState.FINISHED:
            await self._succeeded(decided)

    async def _succeeded(self, order: Order) -> None:
        """What is worth knowing of a success that is stored. Nothing of it may fail the order."""
        model, gateway = self._catalogue.get(order.model), self._gateways.get(order.gateway)
        try:
            if model is not None and model.unverified and model.name not in self._proved:
                await self._store.verify(model.name, self._clock())
                self._proved.add(model.name)
                log.info("a model has proved itself", model=model.name, gateway=model.gateway)
            if isinstance(gateway, Seeds) and order.seed is None and order.ticket is not None and order.results:
                seed = await gateway.seed(order.ticket)
                if seed is not None:
                    await self._store.seed_known(order.id, seed)
        except (GatewayError, StoreDown) as error:
            log.info("a success was not looked into", order=order.id, reason=str(error))
