"""Decide, then do: what becomes of an order after something happened to it. Pure and total."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from core.errors import Charged, GatewayError, Interrupted, Overdue
from core.gateway import Model
from core.states import Move, moved
from core.types import Failed, Failure, Finished, Kept, Order, OrderState, Outcome, Pending, RemotePicture

#: Submits of one order: the first and the retries of failures that certainly cost nothing.
MAX_SUBMITS = 5
#: Failed questions or fetches in a row that end an order whose deadline has passed.
LATE_QUESTIONS = 5
#: Times a result link is tried: it lives ten minutes at BFL ("Integration guidelines"), and is paid for.
FETCH_WINDOW = timedelta(minutes=10)
#: Waits before the next try, by how many there were; the last repeats.
BACKOFF = (2.0, 5.0, 15.0, 30.0, 60.0)
#: A question that failed, or a link that did not answer, is tried again at least this often: somebody is waiting for
#: a picture that is made already.
ASK_AGAIN_WITHIN = 10.0


def backoff(tries: int) -> float:
    """Seconds to wait after the ``tries``-th try (from 1)."""
    return BACKOFF[min(max(tries, 1), len(BACKOFF)) - 1]


def after(order: Order, outcome: Outcome | Kept, now: datetime) -> Order:
    """The order after ``outcome``. The caller stores it under the revision it was read with.

    Raises :class:`core.states.IllegalMove` for an order that has ended.
    """
    match outcome:
        case Pending(ticket=ticket, ask_in=ask_in, progress=progress):
            if order.state is OrderState.WAITING and order.deadline is not None and now >= order.deadline:
                return _failed(order, Overdue(), now)
            return _moved(
                order,
                Move.ACCEPT,
                due=now + timedelta(seconds=max(ask_in, 0.0)),
                ticket=ticket,
                attempts=1,  # an answer: the next question that fails is the first
                progress=order.progress if progress is None else max(progress, order.progress or 0.0),
            )
        case Finished(pictures=pictures, seed=seed):
            links = tuple(picture.url for picture in pictures if isinstance(picture, RemotePicture))
            return _moved(
                order,
                Move.ACCEPT,
                due=now,
                sources=links,
                progress=1.0,
                seed=order.seed if seed is None else seed,
                attempts=1,
                # The links' own short life takes over from the model's deadline.
                deadline=now + FETCH_WINDOW,
            )
        case Kept(results=results, seed=seed):
            return _moved(
                order,
                Move.FINISH,
                results=results,
                sources=(),
                progress=1.0,
                seed=order.seed if seed is None else seed,
                ended_at=now,
            )
        case Failed(error=error):
            return _after_failure(order, error, now)
        case _:
            assert_never(outcome)


def _after_failure(order: Order, error: GatewayError, now: datetime) -> Order:
    if order.state is OrderState.STARTING:
        if error.transient and error.charged is Charged.NO and order.attempts < MAX_SUBMITS:
            # The deadline counts from the claim that is accepted: waiting in our queue is not the gateway's time.
            return _moved(order, Move.RETRY, due=_next_try(order, error, now), deadline=None)
        return _failed(order, error, now)
    # Asking and fetching cost nothing and change nothing: they are repeated until the deadline, and after it (which
    # may have passed while we were off) often enough that one bad answer does not throw a paid picture away.
    is_in_time = order.deadline is None or now < order.deadline or order.attempts < LATE_QUESTIONS
    if order.state is OrderState.WAITING and error.transient and is_in_time:
        return _moved(order, Move.ACCEPT, due=_next_try(order, error, now), attempts=order.attempts + 1)
    if order.state is OrderState.WAITING and error.transient and not order.sources:
        return _failed(order, Overdue(detail=str(error)), now)
    return _failed(order, error, now)


def _next_try(order: Order, error: GatewayError, now: datetime) -> datetime:
    if error.retry_after is not None:
        wait = min(max(error.retry_after, 0.5), 300.0)
    else:
        wait = min(backoff(order.attempts), ASK_AGAIN_WITHIN if order.state is OrderState.WAITING else BACKOFF[-1])
    return now + timedelta(seconds=wait)


#: How long a claimed order may go without its worker's sign of life before another one calls it interrupted.
CLAIM_LEASE = timedelta(seconds=30)


def claimed(order: Order, now: datetime) -> Order:
    """The call is about to leave. The tracker adds the model's deadline with :func:`with_deadline`."""
    return _moved(
        order,
        Move.CLAIM,
        attempts=order.attempts + 1,
        started_at=order.started_at or now,
        due=now + CLAIM_LEASE,
    )


def with_deadline(order: Order, model: Model, now: datetime) -> Order:
    """Overdue after the model's own time, from this claim on."""
    return order if order.deadline else replace(order, deadline=now + timedelta(seconds=model.deadline))


def interrupted(order: Order, model: Model | None, now: datetime) -> Order:
    """Found in STARTING by a new life: the call may have left.

    Sent again only where the gateway knows the order by its key; else the person is told and gets the credits back.
    """
    if model is not None and model.can.idempotent and order.attempts < MAX_SUBMITS:
        return _moved(order, Move.RETRY, due=now)
    return _failed(order, Interrupted(detail="stopped while the call was out"), now)


def cancelled(order: Order, now: datetime) -> Order:
    """Raises IllegalMove unless it is still queued."""
    return _moved(order, Move.CANCEL, ended_at=now)


def refused(order: Order, failure: Failure, now: datetime) -> Order:
    """It fails before anything left: its input cannot be fetched or read."""
    return _moved(order, Move.FAIL, failure=failure, ended_at=now)


def failure_of(error: GatewayError) -> Failure:
    """What is stored of an error."""
    return Failure(key=error.key, params=dict(error.params), kind=type(error).__name__, detail=error.detail[:2000])


def _failed(order: Order, error: GatewayError, now: datetime) -> Order:
    return _moved(order, Move.FAIL, failure=failure_of(error), ended_at=now)


def _moved(order: Order, move: Move, **changes: object) -> Order:
    state = moved(order.state, move)
    return replace(order, state=state, revision=order.revision + 1, **changes)  # type: ignore[arg-type]  # our own fields
