"""From rows to what a person sees. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from core.gateway import Model
from core.quota import earned
from core.states import ENDED
from core.types import Action, Failure, Offer, Operation, Order, OrderState, Stage, Task, View

#: A guess at the progress of a gateway that tells none never claims to be nearer than this.
GUESS_CEILING = 0.95


def view_of(
    task: Task,
    orders: Sequence[Order],
    model: Model | None,
    *,
    position: int | None,
    now: datetime,
    able: Collection[Operation] = (),
) -> View:
    """What to show of ``task`` now. ``model`` is None when its row has left the catalogue; ``able`` is what can be done
    with a picture now."""
    stage = stage_of(orders)
    finished = [order for order in orders if order.state is OrderState.FINISHED]
    made = sum(len(order.results) for order in finished)
    started = [order.started_at for order in orders if order.started_at is not None]
    ended = [order.ended_at for order in orders if order.ended_at is not None]
    is_over = all(order.state in ENDED for order in orders)
    texts = tuple(text for order in finished for text in order.texts)
    offers = offers_of(orders)
    return View(
        task_id=task.id,
        revision=task.revision,
        stage=stage,
        locale=task.who.locale,
        account=task.who.account,
        request=task.request,
        position=position if stage is Stage.QUEUED else None,
        progress=progress_of(orders, model, now) if stage is Stage.WORKING else None,
        started_at=min(started) if started else None,
        expected_seconds=model.seconds if model else None,
        failure=_failure(orders),
        missing=max(0, task.request.count - made) if is_over and not texts else 0,
        dropped=task.dropped,
        credits=sum(earned(order) for order in orders) if is_over else sum(order.credits for order in orders),
        seeds=tuple(order.seed for order in orders if order.seed is not None),
        seconds=(max(ended) - task.created_at).total_seconds() if is_over and ended else None,
        actions=_actions(stage, orders, offers, able),
        texts=texts,
        offers=offers,
    )


def offers_of(orders: Sequence[Order]) -> tuple[Offer, ...]:
    """The next steps on a task's results, in the order their buttons are numbered in. ``index`` counts the pictures of
    the task, not of the order."""
    offers: list[Offer] = []
    made = 0
    for order in orders:
        if order.state is not OrderState.FINISHED:
            continue
        for offer in order.offers:
            offers.append(offer if offer.index is None else replace(offer, index=made + offer.index))
        made += len(order.results)
    return tuple(offers)


def stage_of(orders: Sequence[Order]) -> Stage:
    """One word for all the orders of a task."""
    states = {order.state for order in orders}
    if states <= ENDED:
        if OrderState.FINISHED in states:
            return Stage.DONE
        return Stage.FAILED if OrderState.FAILED in states else Stage.CANCELLED
    unfinished = [order for order in orders if order.state not in ENDED]
    if all(_is_retried(order) for order in unfinished):
        return Stage.RETRYING
    # Something in between (one done, another still queued) is being worked on, whatever the rest says.
    return Stage.QUEUED if states == {OrderState.QUEUED} and _never_tried(orders) else Stage.WORKING


def _never_tried(orders: Sequence[Order]) -> bool:
    return all(order.attempts == 0 for order in orders)


def _is_retried(order: Order) -> bool:
    """Tried in vain, and not for the first time: one refusal is soon over and not worth a word."""
    return order.state is OrderState.QUEUED and order.attempts > 1 and not order.passed


def progress_of(orders: Sequence[Order], model: Model | None, now: datetime) -> float | None:
    """0.0-1.0 over all orders; where a gateway tells nothing, a guess from how long this model usually takes."""
    if not orders:
        return None
    parts: list[float] = []
    for order in orders:
        if order.state in ENDED:
            parts.append(1.0)
        elif order.progress is not None:
            parts.append(min(max(order.progress, 0.0), 1.0))
        elif order.started_at is not None and model is not None and model.seconds > 0:
            elapsed = max(0.0, (now - order.started_at).total_seconds())
            parts.append(min(elapsed / model.seconds, GUESS_CEILING))
        else:
            parts.append(0.0)
    return sum(parts) / len(parts)


def next_step(orders: Sequence[Order], model: Model | None, now: datetime) -> float | None:
    """Seconds until a guessed progress has grown by five per cent; None where nothing is guessed any more. What a
    gateway tells is a change of its own."""
    if model is None or model.seconds <= 0:
        return None
    ceiling = GUESS_CEILING * model.seconds
    for order in orders:
        is_guessed = order.state not in ENDED and order.progress is None
        if is_guessed and order.started_at is not None and (now - order.started_at).total_seconds() < ceiling:
            return model.seconds / 20
    return None


def _failure(orders: Sequence[Order]) -> Failure | None:
    """The first failure; a cut-short task has one even when other pictures came."""
    return next((order.failure for order in orders if order.failure is not None), None)


def _actions(
    stage: Stage, orders: Sequence[Order], offers: Sequence[Offer], able: Collection[Operation]
) -> tuple[Action, ...]:
    match stage:
        case Stage.QUEUED | Stage.RETRYING:
            return (Action.CANCEL,)
        case Stage.DONE:
            return _after_success(orders, offers, able)
        case Stage.FAILED | Stage.CANCELLED:
            return (Action.AGAIN,)
        case Stage.WORKING:
            takeable = any(order.state is OrderState.QUEUED for order in orders)
            return (Action.CANCEL,) if takeable else ()


#: Buttons that are an operation of their own on one picture.
_ON_A_PICTURE = {Action.EDIT: Operation.EDIT, Action.UPSCALE: Operation.UPSCALE, Action.VARY: Operation.VARY}


def _after_success(orders: Sequence[Order], offers: Sequence[Offer], able: Collection[Operation]) -> tuple[Action, ...]:
    """The gateway's own next steps go before ours of the same kind."""
    offered = {offer.operation for offer in offers}
    has_picture = any(ref.is_picture for order in orders for ref in order.results)
    actions = [action for action, operation in _ON_A_PICTURE.items() if has_picture and operation in able]
    actions = [action for action in actions if action is Action.EDIT or _ON_A_PICTURE[action] not in offered]
    if any(order.texts for order in orders):
        actions.append(Action.IMAGINE)
    if offers:
        actions.append(Action.FOLLOW)
    return (Action.AGAIN, *actions, Action.DETAILS, Action.DELETE)
