"""Decide, then do: what becomes of an order after something happened to it. Pure and total."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from core.errors import (
    BalanceEmpty,
    Charged,
    GatewayBusy,
    GatewayDown,
    GatewayError,
    GatewayFailed,
    GatewayResting,
    GatewaySilent,
    GatewayUnreachable,
    Interrupted,
    KeyRejected,
    ModelGone,
    Overdue,
    PictureUnreachable,
)
from core.gateway import Model
from core.states import Move, moved
from core.types import Failed, Failure, Finished, Kept, Order, OrderState, Outcome, Pending, RemotePicture

#: Submits of one order: the first and the retries of failures that certainly cost nothing.
MAX_SUBMITS = 5
#: Failures of a gateway that took nothing and may be away, or full, for an hour: the request is kept through them.
_NO_TAKER = (GatewayBusy, GatewayDown, GatewayResting, GatewayUnreachable)
#: Failures that lie with a gateway: another one may do better.
_ELSEWHERE = (
    GatewayBusy,
    GatewayDown,
    GatewayFailed,
    GatewayResting,
    GatewayUnreachable,
    BalanceEmpty,
    KeyRejected,
    ModelGone,
)
#: Failed questions or fetches in a row that end an order whose deadline has passed.
LATE_QUESTIONS = 5
#: Times a result link is tried: it lives ten minutes at BFL ("Integration guidelines"), and is paid for.
FETCH_WINDOW = timedelta(minutes=10)
#: How long after it was first taken up an order is kept while nobody takes it; and how long after its call left a paid
#: one is asked about (or its links are tried) while nobody answers. A gateway, a picture host or our own line may be
#: away for an hour, and what is made meanwhile is there when they are back.
OUTAGE = timedelta(hours=3)
#: After an outage an order past its deadline gets this much longer: the gateway may have to begin anew.
AFTER_OUTAGE = timedelta(minutes=10)
#: What a question or a fetch fails with in an outage.
_AWAY = (GatewayBusy, GatewayDown, GatewayFailed, GatewaySilent, GatewayUnreachable, PictureUnreachable)
#: After a request its first status waits so long: taken up by then, it is shown as being made, and one message does
#: instead of a message and an edit; a picture that is there by then needs none.
FIRST_LOOK = timedelta(seconds=0.4)
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
        case Pending(ticket=ticket, ask_in=ask_in, progress=progress, together=together, answer=answer):
            deadline = order.deadline
            if order.state is OrderState.WAITING and deadline is not None and now >= deadline:
                if order.attempts == 1 or not _may_be_an_outage(order, now):
                    return _failed(order, Overdue(), now)
                deadline = now + AFTER_OUTAGE
            return _moved(
                order,
                Move.ACCEPT,
                deadline=deadline,
                due=asked_at(now, ask_in, together=together),
                ticket=ticket,
                passed=(),
                answer=answer or order.answer,
                attempts=1,  # an answer: the next question that fails is the first
                progress=order.progress if progress is None else max(progress, order.progress or 0.0),
            )
        case Finished(pictures=pictures, seed=seed, texts=texts, offers=offers, answer=answer):
            links = tuple(picture.url for picture in pictures if isinstance(picture, RemotePicture))
            return _moved(
                order,
                Move.ACCEPT,
                due=now,
                sources=links,
                texts=texts,
                offers=offers,
                passed=(),
                answer=answer or order.answer,
                progress=1.0,
                seed=order.seed if seed is None else seed,
                attempts=1,
                # The links' own short life takes over from the model's deadline.
                deadline=now + FETCH_WINDOW,
            )
        case Kept(results=results, seed=seed, texts=texts, offers=offers, answer=answer):
            return _moved(
                order,
                Move.FINISH,
                results=results,
                texts=texts or order.texts,
                offers=offers or order.offers,
                answer=answer or order.answer,
                sources=(),
                passed=(),
                progress=1.0,
                seed=order.seed if seed is None else seed,
                ended_at=now,
            )
        case Failed(error=error):
            return _after_failure(order, error, now)
        case _:
            assert_never(outcome)


def asked_at(now: datetime, ask_in: float, *, together: bool) -> datetime:
    """When to ask, ``ask_in`` seconds from now. ``together``: at the next whole multiple of ``ask_in`` after that, so
    that all who wait for the same gateway are asked about in few questions."""
    due = now + timedelta(seconds=max(ask_in, 0.0))
    if not together or ask_in <= 0:
        return due
    return due + timedelta(seconds=-due.timestamp() % ask_in)


def next_question(order: Order, outcome: Outcome, now: datetime) -> datetime | None:
    """When to ask again, where the answer says nothing that is not known; None where :func:`after` has to decide.

    Progress counts as news from the next whole five per cent on: fewer steps than that are never shown.
    """
    if not isinstance(outcome, Pending) or outcome.ticket != order.ticket or order.attempts != 1:
        return None
    if order.state is not OrderState.WAITING or (order.deadline is not None and now >= order.deadline):
        return None
    if int((outcome.progress or 0.0) * 20) > int((order.progress or 0.0) * 20):
        return None
    return asked_at(now, outcome.ask_in, together=outcome.together)


def elsewhere(order: Order, error: GatewayError, model: Model, now: datetime) -> Order | None:
    """The order sent on to ``model``, another row that serves the same; None where that is not allowed.

    Only what certainly was not taken goes on, and only for reasons that lie with the gateway.
    """
    if order.state is not OrderState.STARTING or error.charged is not Charged.NO or not isinstance(error, _ELSEWHERE):
        return None
    return _moved(
        order,
        Move.RETRY,
        due=now,
        deadline=None,
        model=model.name,
        gateway=model.gateway,
        passed=(*order.passed, order.model),
    )


def back_to(order: Order, first: Model) -> Order:
    """Queued again after every row had its turn: the next round begins with the first."""
    if order.state is not OrderState.QUEUED or not order.passed:
        return order
    return replace(order, model=first.name, gateway=first.gateway, passed=())


def _after_failure(order: Order, error: GatewayError, now: datetime) -> Order:
    if order.state is OrderState.STARTING:
        # Where other gateways had their turn, the last one's trouble says nothing about the first's.
        may_work_again = error.transient or (bool(order.passed) and isinstance(error, _ELSEWHERE))
        is_kept = isinstance(error, _NO_TAKER) and _may_be_an_outage(order, now)
        if may_work_again and error.charged is Charged.NO and (order.attempts < MAX_SUBMITS or is_kept):
            # The deadline counts from the claim that is accepted: waiting in our queue is not the gateway's time.
            return _moved(order, Move.RETRY, due=_next_try(order, error, now), deadline=None)
        return _failed(order, error, now)
    # Asking and fetching cost nothing and change nothing: they are repeated until the deadline, and after it (which
    # may have passed while we were off) often enough that one bad answer does not throw a paid picture away. While
    # nobody answers at all, they are repeated through the outage.
    is_in_time = order.deadline is None or now < order.deadline or order.attempts < LATE_QUESTIONS
    is_in_time = is_in_time or (isinstance(error, _AWAY) and _may_be_an_outage(order, now))
    if order.state is OrderState.WAITING and error.transient and is_in_time:
        return _moved(order, Move.ACCEPT, due=_next_try(order, error, now), attempts=order.attempts + 1)
    if order.state is OrderState.WAITING and error.transient and not order.sources:
        return _failed(order, Overdue(detail=str(error)), now)
    return _failed(order, error, now)


def _may_be_an_outage(order: Order, now: datetime) -> bool:
    return order.started_at is not None and now < order.started_at + OUTAGE


def _next_try(order: Order, error: GatewayError, now: datetime) -> datetime:
    is_late = order.deadline is not None and now >= order.deadline
    if error.retry_after is not None:
        wait = min(max(error.retry_after, 0.5), 300.0)
    else:
        is_watched = order.state is OrderState.WAITING and not is_late
        wait = min(backoff(order.attempts), ASK_AGAIN_WITHIN if is_watched else BACKOFF[-1])
    return now + timedelta(seconds=wait)


#: How long an order in a worker's hand may go without its sign of life before another worker looks after it. A call
#: is called interrupted then; a question is asked again.
CLAIM_LEASE = timedelta(seconds=20)


def claimed(order: Order, now: datetime) -> Order:
    """The call is about to leave. The tracker adds the model's deadline with :func:`with_deadline`."""
    return _moved(
        order,
        Move.CLAIM,
        attempts=order.attempts + 1,
        started_at=order.started_at or now,
        due=now + CLAIM_LEASE,
        deadline=None,
    )


def with_deadline(order: Order, model: Model, now: datetime) -> Order:
    """Overdue after the model's own time, from now on."""
    return replace(order, deadline=now + timedelta(seconds=model.deadline))


def interrupted(order: Order, model: Model | None, now: datetime) -> Order:
    """Found in STARTING by a new life: with a deadline the call may have left (``Store.leaving``).

    Then it is sent again only where the gateway knows the order by its key; else the person is told and gets the
    credits back.
    """
    if order.deadline is None:
        return _moved(order, Move.RETRY, due=now, attempts=max(order.attempts - 1, 0))
    if model is not None and model.can.idempotent and order.attempts < MAX_SUBMITS:
        return _moved(order, Move.RETRY, due=now)
    return _failed(order, Interrupted(detail="stopped while the call was out"), now)


def cancelled(order: Order, now: datetime) -> Order:
    """Raises IllegalMove unless it is still queued."""
    return _moved(order, Move.CANCEL, ended_at=now)


def put_back(order: Order, now: datetime) -> Order:
    """Queued again, because our own store could not give what the call needs: nothing left, and no try is counted."""
    due = now + timedelta(seconds=ASK_AGAIN_WITHIN)
    return _moved(order, Move.RETRY, due=due, deadline=None, attempts=max(order.attempts - 1, 0))


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
