"""Moves orders along: takes them up, asks how far they are, fetches what is made, keeps it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

import stamina
import structlog

from core.catalogue import Catalogue
from core.engine import Listener
from core.errors import (
    AnswerUnreadable,
    Charged,
    GatewayError,
    GatewayFailed,
    GatewayUnreachable,
    ImageTooLarge,
    ImageUnreadable,
    KeyRejected,
    ModelGone,
    PictureBroken,
    PictureTooLarge,
    PictureUnreachable,
    StoreDown,
)
from core.gateway import Asks, Call, Gateway, InputImage, Model
from core.loops import Beat, Crew
from core.orders import CLAIM_LEASE, after, interrupted, with_deadline
from core.ports import Clock, MediaStore, Store
from core.types import (
    Failed,
    Finished,
    InlinePicture,
    Kept,
    MediaRef,
    Order,
    OrderState,
    Outcome,
    RemotePicture,
    Ticket,
)

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Orders looked at in one round.
BATCH = 200
#: Seconds an order in hand is out of other hands' reach; the store's own lease on WAITING orders is as long.
LEASE = timedelta(seconds=60)
#: Seconds between two signs of life for the calls in hand; three fit into CLAIM_LEASE.
SIGN_OF_LIFE = 8.0


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
    ) -> None:
        """``room``: orders a gateway works on at once; ``running``: orders a person has being made at once."""
        self._store, self._media, self._catalogue = store, media, catalogue
        self._gateways, self._downloader, self._room, self._running = gateways, downloader, room, running
        self._clock, self._wake = clock, wake
        self._beat = Beat("tracker", listener, clock)
        self._calls = Crew()  # calls that may have been paid: never dropped while they can still answer
        self._questions = Crew()  # asking and fetching: free, and repeated by the next life

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
            if await self._store.apply(order, decided, now) is not None:
                log.warning("found a call without its answer", order=order.id, gateway=order.gateway, now=decided.state)
                self._wake()

    async def run(self, stopping: asyncio.Event, *, grace: float) -> None:
        """Until ``stopping``; then calls that may have been paid get ``grace`` seconds to answer."""
        alive = asyncio.create_task(self._signs_of_life())
        try:
            await self._beat.run(self._round, stopping)
            await self._questions.finish(0)
            if len(self._calls):
                log.info("waiting for paid calls", calls=len(self._calls), seconds=grace)
            dropped = await self._calls.finish(grace)
            if dropped:
                log.warning("stopped while calls were out", calls=dropped)
        finally:
            alive.cancel()

    async def _signs_of_life(self) -> None:
        """Says again and again that the calls in hand are in hand, so that no other worker calls them abandoned."""
        while True:
            await asyncio.sleep(SIGN_OF_LIFE)
            if not len(self._calls):
                continue
            try:
                await self._store.still_calling(self._calls.keys(), self._clock() + CLAIM_LEASE)
            except StoreDown as error:
                log.warning("no sign of life could be given", reason=str(error))

    async def _round(self) -> None:
        now = self._clock()
        busy = await self._store.running_by_gateway()
        # Every gateway there is, also those whose key was removed: their orders are taken up to be told so.
        room = {name: places - busy.get(name, 0) for name, places in self._room.items()}
        free = {name: places for name, places in room.items() if places > 0}
        if free:
            for order in await self._store.claim(now, room=free, running=self._running):
                self._calls.start(order.id, self._take_up(order))
                self._wake()
        await self._look_at(await self._store.waiting_due(now, BATCH))
        await self._interrupt([order for order in await self._store.abandoned(now) if order.id not in self._calls])

    async def _look_at(self, orders: Sequence[Order]) -> None:
        asked: dict[str, list[Order]] = {}
        for order in orders:
            if order.id in self._questions or order.id in self._calls:
                continue
            if order.sources:
                self._questions.start(order.id, self._fetch(order))
            else:
                asked.setdefault(order.gateway, []).append(order)
        for name, batch in asked.items():
            self._questions.start(f"ask {name} {batch[0].id}", self._ask(name, batch))

    # -- starting ---------------------------------------------------------------------------------------------------

    async def _take_up(self, order: Order) -> None:
        """Whatever goes wrong in here, the order does not stay STARTING."""
        try:
            await self._start(order)
        except Exception as error:
            log.exception("taking up an order failed", order=order.id)
            await self._settle(order, Failed(GatewayFailed(detail=repr(error))))

    async def _start(self, order: Order) -> None:
        """The call itself. From here on until its answer is stored, money may be out."""
        model, gateway = self._catalogue.get(order.model), self._gateways.get(order.gateway)
        if model is None:
            await self._settle(order, Failed(ModelGone(detail=f"{order.model} has left the catalogue")))
            return
        if gateway is None:
            await self._settle(order, Failed(KeyRejected(detail=f"{order.gateway} is no longer configured")))
            return
        order = with_deadline(order, model, self._clock())
        try:
            call = await self._call(order, model)
        except KeyError as error:
            await self._settle(order, Failed(PictureBroken(detail=f"input gone: {error}", charged=Charged.NO)))
            return
        except StoreDown as error:
            # Nothing has left: it is queued again, as with a gateway that cannot be reached.
            await self._settle(order, Failed(GatewayUnreachable(detail=str(error), charged=Charged.NO)))
            return
        try:
            outcome: Outcome = await gateway.start(call, key=order.id)
        except GatewayError as error:
            outcome = Failed(error)
        except Exception as error:
            log.exception("a gateway module failed", order=order.id, gateway=order.gateway)
            outcome = Failed(GatewayFailed(detail=repr(error)))
        await self._settle(order, outcome)

    async def _call(self, order: Order, model: Model) -> Call:
        task = await self._store.task(order.task_id)
        request = task.request
        images = [image for image in request.images if isinstance(image, MediaRef)]
        loaded = await asyncio.gather(*(self._media.read(image) for image in images))
        return Call(
            model=model,
            operation=request.operation,
            prompt=request.prompt,
            count=order.count,
            ratio=request.ratio,
            seed=order.seed,
            negative=request.negative,
            images=tuple(
                InputImage(data=data, mime=ref.mime, width=ref.width, height=ref.height)
                for ref, data in zip(images, loaded, strict=True)
            ),
        )

    # -- asking -----------------------------------------------------------------------------------------------------

    async def _ask(self, name: str, orders: Sequence[Order]) -> None:
        gateway = self._gateways.get(name)
        tickets: dict[Ticket, Order] = {order.ticket: order for order in orders if order.ticket is not None}
        answers: Mapping[Ticket, Outcome] = {}
        failed: GatewayError | None = None
        if not isinstance(gateway, Asks):
            failed = KeyRejected(detail=f"{name} is no longer configured")
        else:
            try:
                answers = await gateway.ask(list(tickets))
            except GatewayError as error:
                failed = error
            except Exception as error:
                log.exception("a gateway module failed while asking", gateway=name)
                failed = AnswerUnreadable(detail=repr(error))
        for order in orders:
            outcome = answers.get(order.ticket) if order.ticket else Failed(AnswerUnreadable(detail="no ticket"))
            if outcome is None:
                outcome = Failed(_question_failed(failed))
            if isinstance(outcome, Finished):
                # Fetching takes its time: not at the cost of the others.
                self._questions.start(order.id, self._settle(order, outcome))
            else:
                await self._settle(order, outcome)

    # -- storing what happened --------------------------------------------------------------------------------------

    async def _settle(self, order: Order, outcome: Outcome) -> None:
        """Decide and store. A result that is only a link is stored before it is fetched, so that no crash loses it."""
        if isinstance(outcome, Failed):
            _log_failure(order, outcome.error)
        if not isinstance(outcome, Finished):
            await self._apply(order, after(order, outcome, self._clock()))
            return
        inline = [picture.data for picture in outcome.pictures if isinstance(picture, InlinePicture)]
        kept, broken = await self._keep_all(inline)
        if not any(isinstance(picture, RemotePicture) for picture in outcome.pictures):
            ending = Kept(kept, outcome.seed) if kept else Failed(broken or PictureBroken(detail="no picture"))
            await self._apply(order, after(order, ending, self._clock()))
            return
        now = self._clock()
        # The lease keeps other hands off while this one fetches.
        made = replace(after(order, outcome, now), results=kept, due=now + LEASE)
        if await self._apply(order, made):
            await self._fetch(made)

    async def _apply(self, before: Order, decided: Order) -> bool:
        """Store it, however long the database is away: what is in hand may have been paid."""
        stored = None
        async for attempt in stamina.retry_context(on=StoreDown, attempts=None, timeout=None, wait_max=5.0):
            with attempt:
                stored = await self._store.apply(before, decided, self._clock())
        if stored is None:
            log.warning("somebody else has moved this order", order=before.id, revision=before.revision)
            return False
        if decided.state in (OrderState.WAITING, OrderState.QUEUED):
            self._beat.at(decided.due)
        self._wake()
        return True

    async def _fetch(self, order: Order) -> None:
        """Get the pictures behind stored links. Costs nothing, so it is repeated until the links die."""
        results = await asyncio.gather(
            *(self._downloader.fetch(url, gateway=order.gateway) for url in order.sources), return_exceptions=True
        )
        fetched: list[bytes] = []
        errors: list[GatewayError] = []
        for result in results:
            if isinstance(result, bytes):
                fetched.append(result)
            elif isinstance(result, GatewayError):
                errors.append(result)
            else:
                log.error("fetching a picture failed", order=order.id, exc_info=result)
                errors.append(PictureUnreachable(detail=repr(result)))
        kept, broken = await self._keep_all(fetched)
        errors.extend([broken] if broken else [])
        everything = (*order.results, *kept)
        again = next((error for error in errors if error.transient), None)
        now = self._clock()
        in_time = order.deadline is None or now < order.deadline
        if everything and not (again and in_time):
            decided = after(order, Kept(everything, order.seed), now)
        else:
            error = again or (errors[0] if errors else PictureBroken(detail="no picture"))
            _log_failure(order, error)
            decided = after(order, Failed(error), now)
        await self._apply(order, decided)

    async def _keep_all(self, pictures: Sequence[bytes]) -> tuple[tuple[MediaRef, ...], GatewayError | None]:
        """Keep what is whole; the last reason why something was not."""
        kept: list[MediaRef] = []
        broken: GatewayError | None = None
        for data in pictures:
            try:
                # A full disk is waited out: the bytes in hand may exist nowhere else, and are paid.
                async for attempt in stamina.retry_context(on=StoreDown, attempts=None, timeout=None, wait_max=5.0):
                    with attempt:
                        kept.append(await self._media.keep(data))
            except ImageTooLarge as error:
                broken = PictureTooLarge(detail=str(error))
            except ImageUnreadable as error:
                broken = PictureBroken(detail=str(error))
        return tuple(kept), broken


def _question_failed(error: GatewayError | None) -> GatewayError:
    """A question that was not answered is asked again, whatever the reason: the order itself is out there and paid."""
    transient = GatewayFailed(detail=str(error) if error else "the answer left this order out")
    if error is not None and error.retry_after is not None:
        transient.retry_after = error.retry_after
    return transient


def _log_failure(order: Order, error: GatewayError) -> None:
    log.warning(
        "gateway failure",
        order=order.id,
        gateway=order.gateway,
        model=order.model,
        state=order.state.value,
        attempt=order.attempts,
        error=type(error).__name__,
        charged=error.charged.value,
        detail=error.detail[:2000],
    )
