"""What becomes of an order: decided without touching anything."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import (
    AnswerMissing,
    Charged,
    GatewayBusy,
    GatewayDown,
    GatewayError,
    GatewayFailed,
    GatewayResting,
    GatewaySilent,
    GatewayUnreachable,
    ModelGone,
    PictureGone,
    PictureUnreachable,
    PromptRefused,
)
from core.orders import (
    AFTER_OUTAGE,
    MAX_SUBMITS,
    OUTAGE,
    after,
    asked_at,
    back_to,
    backoff,
    cancelled,
    claimed,
    elsewhere,
    failure_of,
    interrupted,
    next_question,
    put_back,
    refused,
    with_deadline,
)
from core.states import ENDED, IllegalMove
from core.testing import known_errors
from core.types import (
    Failed,
    Failure,
    Finished,
    InlinePicture,
    Kept,
    Offer,
    Operation,
    Order,
    OrderState,
    Outcome,
    Pending,
    RemotePicture,
    Ticket,
)
from tests.core.build import NOW, a_model, a_picture, an_order

TICKET = Ticket("alpha", "77")
LATER = timedelta(seconds=90)


def gateway_errors() -> list[type[GatewayError]]:
    kinds = [kind for kind in known_errors().values() if issubclass(kind, GatewayError)]
    assert len(kinds) > 12
    return kinds


def test_an_accepted_order_waits_and_is_asked_when_the_gateway_says() -> None:
    order = after(an_order(OrderState.STARTING), Pending(TICKET, 2.5, 0.25), NOW)
    assert (order.state, order.ticket, order.progress) == (OrderState.WAITING, TICKET, 0.25)
    assert order.due == NOW + timedelta(seconds=2.5)
    assert order.revision == 4


def test_progress_never_runs_backwards() -> None:
    order = after(an_order(OrderState.WAITING, progress=0.6), Pending(TICKET, 2, 0.4), NOW)
    assert order.progress == 0.6


def test_a_made_picture_that_is_only_a_link_is_stored_before_it_is_fetched() -> None:
    order = after(an_order(OrderState.STARTING), Finished((RemotePicture("https://a/b"),), seed=7), NOW)
    assert (order.state, order.sources, order.seed, order.due) == (OrderState.WAITING, ("https://a/b",), 7, NOW)
    assert order.deadline == NOW + timedelta(minutes=10)


def test_kept_pictures_finish_the_order() -> None:
    order = after(an_order(OrderState.WAITING, sources=("https://a/b",)), Kept((a_picture(),)), NOW)
    assert (order.state, order.results, order.sources, order.ended_at) == (
        OrderState.FINISHED,
        (a_picture(),),
        (),
        NOW,
    )


def test_a_busy_gateway_that_took_nothing_is_tried_again_when_it_asked_to_be() -> None:
    order = after(an_order(OrderState.STARTING, attempts=1), Failed(GatewayBusy(retry_after=7)), NOW)
    assert (order.state, order.due) == (OrderState.QUEUED, NOW + timedelta(seconds=7))


def test_without_retry_after_the_waits_grow() -> None:
    dues = [
        after(an_order(OrderState.STARTING, attempts=tries), Failed(GatewayBusy()), NOW).due - NOW
        for tries in range(1, MAX_SUBMITS)
    ]
    assert dues == sorted(dues)
    assert dues[0] == timedelta(seconds=backoff(1))


NO_TAKER = (GatewayBusy, GatewayDown, GatewayResting, GatewayUnreachable)


@pytest.mark.parametrize("kind", NO_TAKER)
def test_a_request_that_nobody_takes_is_kept_through_an_outage_and_then_told(kind: type[GatewayError]) -> None:
    often = an_order(OrderState.STARTING, attempts=10 * MAX_SUBMITS, started_at=NOW)
    last_moment = NOW + OUTAGE - timedelta(seconds=1)
    kept = after(often, Failed(kind(detail="full")), last_moment)
    assert (kept.state, kept.failure) == (OrderState.QUEUED, None)
    assert last_moment < kept.due <= last_moment + timedelta(minutes=5)
    told = after(often, Failed(kind(detail="full")), NOW + OUTAGE)
    assert told.state is OrderState.FAILED
    assert told.failure == failure_of(kind(detail="full"))


@pytest.mark.parametrize("kind", [kind for kind in gateway_errors() if kind not in NO_TAKER])
def test_other_tries_end_with_a_told_failure(kind: type[GatewayError]) -> None:
    order = an_order(OrderState.STARTING, attempts=MAX_SUBMITS, started_at=NOW)
    assert after(order, Failed(kind(charged=Charged.NO)), NOW).state is OrderState.FAILED


@pytest.mark.parametrize("kind", gateway_errors(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("charged", list(Charged))
def test_nothing_that_may_have_been_paid_is_ordered_again(kind: type[GatewayError], charged: Charged) -> None:
    order = after(an_order(OrderState.STARTING, attempts=1), Failed(kind(charged=charged)), NOW)
    certainly_free = charged is Charged.NO and kind.transient
    assert (order.state is OrderState.QUEUED) == certainly_free


def test_a_timeout_may_have_been_paid() -> None:
    assert after(an_order(OrderState.STARTING, attempts=1), Failed(GatewaySilent()), NOW).state is OrderState.FAILED


def test_a_question_that_fails_is_asked_again_until_the_deadline() -> None:
    waiting = an_order(OrderState.WAITING, ticket=TICKET, deadline=NOW + LATER)
    again = after(waiting, Failed(GatewayBusy()), NOW)
    assert (again.state, again.ticket) == (OrderState.WAITING, TICKET)
    over = after(replace(waiting, attempts=5), Failed(GatewayBusy()), NOW + LATER)
    assert over.failure is not None
    assert (over.state, over.failure.kind) == (OrderState.FAILED, "Overdue")


def test_one_failed_question_after_a_long_night_does_not_end_an_order() -> None:
    waiting = an_order(OrderState.WAITING, ticket=TICKET, deadline=NOW, attempts=1)
    for _ in range(4):
        waiting = after(waiting, Failed(GatewayBusy()), NOW + LATER)
        assert waiting.state is OrderState.WAITING
    assert after(waiting, Failed(GatewayBusy()), NOW + LATER).state is OrderState.FAILED


def test_a_question_that_fails_again_and_again_is_still_asked_every_ten_seconds() -> None:
    waiting = an_order(OrderState.WAITING, ticket=TICKET, attempts=40)
    assert after(waiting, Failed(GatewayBusy()), NOW).due == NOW + timedelta(seconds=10)
    assert after(waiting, Pending(TICKET, 2), NOW).attempts == 1


def test_a_pending_order_past_its_deadline_is_overdue() -> None:
    order = after(an_order(OrderState.WAITING, deadline=NOW), Pending(TICKET, 2), NOW)
    assert order.failure is not None
    assert order.failure.kind == "Overdue"


BEGUN = an_order(OrderState.WAITING, ticket=TICKET, started_at=NOW, deadline=NOW + timedelta(minutes=10), attempts=1)


@pytest.mark.parametrize("error", [GatewayUnreachable(), GatewayDown(), GatewayFailed(), GatewaySilent()])
def test_an_order_at_a_gateway_that_is_gone_for_an_hour_is_asked_about_all_the_time(error: GatewayError) -> None:
    order, now, questions = BEGUN, NOW, 0
    while now < NOW + timedelta(hours=1):
        order = after(order, Failed(error), now)
        assert order.state is OrderState.WAITING
        assert order.due <= now + timedelta(minutes=1)
        now, questions = order.due, questions + 1
    assert questions < 150
    assert after(order, Failed(error), NOW + OUTAGE).state is OrderState.FAILED


def test_an_order_that_is_still_being_made_after_an_outage_gets_more_time() -> None:
    late = NOW + timedelta(hours=1)
    went_on = after(replace(BEGUN, attempts=60), Pending(TICKET, 2), late)
    assert (went_on.state, went_on.deadline) == (OrderState.WAITING, late + AFTER_OUTAGE)
    assert after(went_on, Pending(TICKET, 2), late + AFTER_OUTAGE).state is OrderState.FAILED
    assert after(replace(BEGUN, attempts=60), Pending(TICKET, 2), NOW + OUTAGE).state is OrderState.FAILED


def test_a_gateway_that_answers_but_forgets_an_order_is_not_waited_for_after_the_deadline() -> None:
    forgotten = replace(BEGUN, attempts=60)
    assert after(forgotten, Failed(AnswerMissing()), NOW + timedelta(hours=1)).state is OrderState.FAILED


def test_a_link_whose_host_is_away_is_tried_through_the_outage() -> None:
    made = replace(BEGUN, sources=("https://a/b",), attempts=60)
    assert after(made, Failed(PictureUnreachable()), NOW + timedelta(hours=1)).state is OrderState.WAITING
    assert after(made, Failed(PictureGone()), NOW + timedelta(hours=1)).state is OrderState.FAILED


def test_what_our_own_store_could_not_give_counts_as_no_try() -> None:
    claimed_once = an_order(OrderState.STARTING, attempts=MAX_SUBMITS, deadline=NOW)
    back = put_back(claimed_once, NOW)
    assert (back.state, back.attempts, back.deadline) == (OrderState.QUEUED, MAX_SUBMITS - 1, None)
    assert back.due > NOW


def test_a_link_that_does_not_answer_is_tried_until_it_dies_and_one_that_is_gone_is_not() -> None:
    waiting = an_order(OrderState.WAITING, sources=("https://a/b",), deadline=NOW + LATER)
    assert after(waiting, Failed(PictureUnreachable()), NOW).state is OrderState.WAITING
    assert after(waiting, Failed(PictureGone()), NOW).state is OrderState.FAILED
    dead = after(replace(waiting, attempts=5), Failed(PictureUnreachable()), NOW + LATER)
    assert dead.failure is not None
    assert dead.failure.kind == "PictureUnreachable"


def test_an_order_found_mid_call_is_only_repeated_where_the_gateway_knows_it_by_its_key() -> None:
    starting = with_deadline(an_order(OrderState.STARTING, attempts=1), a_model(), NOW)
    told = interrupted(starting, a_model(), NOW)
    assert told.failure is not None
    assert (told.state, told.failure.key) == (OrderState.FAILED, "error.interrupted")
    assert interrupted(starting, a_model(idempotent=True), NOW).state is OrderState.QUEUED
    assert interrupted(starting, None, NOW).state is OrderState.FAILED


def test_an_order_that_was_found_before_its_call_left_is_queued_again_and_no_try_is_counted() -> None:
    again = interrupted(claimed(an_order(attempts=2), NOW), a_model(), NOW + LATER)
    assert (again.state, again.attempts, again.due, again.failure) == (OrderState.QUEUED, 2, NOW + LATER, None)


def test_claiming_counts_and_remembers_the_first_start() -> None:
    first = claimed(an_order(), NOW)
    assert (first.state, first.attempts, first.started_at) == (OrderState.STARTING, 1, NOW)
    again = claimed(an_order(attempts=1, started_at=NOW), NOW + LATER)
    assert (again.attempts, again.started_at) == (2, NOW)


def test_the_deadline_counts_from_the_claim_that_was_accepted() -> None:
    model = a_model()
    order = with_deadline(an_order(OrderState.STARTING, attempts=1), model, NOW)
    assert order.deadline == NOW + timedelta(seconds=model.deadline)
    queued = after(order, Failed(GatewayBusy(retry_after=250)), NOW)
    assert queued.deadline is None


def test_a_ticket_is_never_thrown_away_however_late_it_comes() -> None:
    order = after(an_order(OrderState.STARTING, deadline=NOW), Pending(TICKET, 2), NOW + LATER)
    assert (order.state, order.ticket) == (OrderState.WAITING, TICKET)


def test_only_a_queued_order_can_be_taken_back_or_refused() -> None:
    assert cancelled(an_order(), NOW).state is OrderState.CANCELLED
    assert refused(an_order(), Failure("error.image_gone"), NOW).state is OrderState.FAILED
    with pytest.raises(IllegalMove):
        cancelled(an_order(OrderState.STARTING), NOW)


outcomes: st.SearchStrategy[Outcome | Kept] = st.one_of(
    st.builds(Pending, st.just(TICKET), st.floats(-5, 1e4), st.none() | st.floats(0, 1)),
    st.builds(
        Finished,
        st.lists(
            st.one_of(st.builds(RemotePicture, st.text()), st.builds(InlinePicture, st.binary(max_size=4))), min_size=1
        ).map(tuple),
        st.none() | st.integers(0),
    ),
    st.sampled_from(gateway_errors()).flatmap(
        lambda kind: st.builds(
            lambda charged, wait: Failed(kind(charged=charged, retry_after=wait)),
            st.sampled_from(Charged) | st.none(),
            st.none() | st.floats(-10, 1e9),
        )
    ),
    st.builds(Kept, st.just((a_picture(),)), st.none() | st.integers(0)),
)
times = st.timedeltas(timedelta(seconds=-3600), timedelta(days=2)).map(lambda delta: NOW + delta)


@given(
    st.sampled_from([OrderState.STARTING, OrderState.WAITING]), outcomes, times, st.none() | times, st.integers(1, 9)
)
def test_after_is_total_and_always_leaves_the_order_somewhere_that_moves_on(
    state: OrderState, outcome: Outcome | Kept, now: datetime, deadline: datetime | None, attempts: int
) -> None:
    before = an_order(state, deadline=deadline, attempts=attempts)
    decided = after(before, outcome, now)
    assert decided.revision == before.revision + 1
    if decided.state in ENDED:
        assert decided.ended_at == now
        assert (decided.failure is not None) == (decided.state is OrderState.FAILED)
    else:
        assert now <= decided.due <= now + timedelta(seconds=1e4)


@given(st.sampled_from(sorted(ENDED)), outcomes)
def test_nothing_happens_to_an_ended_order(state: OrderState, outcome: Outcome | Kept) -> None:
    with pytest.raises(IllegalMove):
        after(an_order(state), outcome, NOW)


def test_those_asked_about_together_come_due_at_the_same_moment() -> None:
    dues = {
        after(an_order(OrderState.STARTING), Pending(TICKET, 20.0, together=True), NOW + timedelta(seconds=late)).due
        for late in (0.5, 7, 19.9)
    }
    (due,) = dues
    assert due.timestamp() % 20 == 0
    assert due >= NOW + timedelta(seconds=20)


@given(st.floats(0, 10_000), st.floats(0.1, 400))
def test_nobody_is_asked_about_too_early_nor_more_than_one_wait_too_late(late: float, ask_in: float) -> None:
    now = NOW + timedelta(seconds=late)
    due = asked_at(now, ask_in, together=True)
    assert -1e-3 <= (due - now).total_seconds() - ask_in <= ask_in + 1e-3


OTHER = replace(a_model("other"), gateway="beta")


def test_what_was_certainly_not_taken_goes_on_to_another_gateway() -> None:
    moved = elsewhere(an_order(OrderState.STARTING), GatewayBusy(), OTHER, NOW)
    assert moved is not None
    assert (moved.state, moved.model, moved.gateway, moved.due) == (OrderState.QUEUED, "other", "beta", NOW)
    assert (moved.passed, moved.deadline) == (("fox-1",), None)


@pytest.mark.parametrize("kind", gateway_errors())
def test_nothing_that_may_have_been_paid_ever_goes_to_another_gateway(kind: type[GatewayError]) -> None:
    for charged in (Charged.UNKNOWN, Charged.YES):
        assert elsewhere(an_order(OrderState.STARTING), kind(charged=charged), OTHER, NOW) is None
    for state in OrderState:
        if state is not OrderState.STARTING:
            assert elsewhere(an_order(state), kind(charged=Charged.NO), OTHER, NOW) is None


def test_a_refusal_by_the_safety_filter_is_not_taken_elsewhere() -> None:
    assert elsewhere(an_order(OrderState.STARTING), PromptRefused(), OTHER, NOW) is None


def test_when_all_had_their_turn_the_next_round_begins_with_the_first() -> None:
    tried = an_order(OrderState.QUEUED, model="other", gateway="beta", passed=("fox-1",))
    back = back_to(tried, a_model())
    assert (back.model, back.gateway, back.passed) == ("fox-1", "alpha", ())
    assert back_to(an_order(OrderState.FAILED, passed=("x",)), a_model()).passed == ("x",)


def test_words_and_next_steps_of_an_answer_are_stored_with_its_links() -> None:
    offer = Offer(Operation.UPSCALE, "token", "U1", 0)
    made = Finished((RemotePicture("https://a/b"),), texts=("a fox",), offers=(offer,), answer="{}")
    waiting = after(an_order(OrderState.WAITING), made, NOW)
    assert (waiting.texts, waiting.offers, waiting.answer) == (("a fox",), (offer,), "{}")
    done = after(waiting, Kept((a_picture(),)), NOW)
    assert (done.texts, done.offers, done.answer) == (("a fox",), (offer,), "{}")


ASKED = an_order(OrderState.WAITING, ticket=TICKET, attempts=1, progress=0.31)


def test_an_answer_without_news_only_says_when_to_ask_again() -> None:
    for progress in (None, 0.2, 0.31, 0.349):
        assert next_question(ASKED, Pending(TICKET, 5.0, progress), NOW) == NOW + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        (ASKED, Pending(TICKET, 5.0, 0.35)),
        (ASKED, Pending(Ticket("alpha", "78"), 5.0)),
        (ASKED, Finished((RemotePicture("https://a/b"),))),
        (ASKED, Failed(GatewayBusy())),
        (replace(ASKED, attempts=2), Pending(TICKET, 5.0)),
        (replace(ASKED, deadline=NOW), Pending(TICKET, 5.0)),
        (replace(ASKED, state=OrderState.STARTING), Pending(TICKET, 5.0)),
    ],
)
def test_news_are_decided_about(order: Order, outcome: Outcome) -> None:
    assert next_question(order, outcome, NOW) is None


def test_after_a_round_of_gateways_the_last_ones_trouble_ends_nothing() -> None:
    last = an_order(OrderState.STARTING, passed=("fox-1",), model="other", attempts=2)
    assert after(last, Failed(ModelGone()), NOW).state is OrderState.QUEUED
    assert after(replace(last, attempts=MAX_SUBMITS), Failed(ModelGone()), NOW).state is OrderState.FAILED
    assert after(replace(last, passed=()), Failed(ModelGone()), NOW).state is OrderState.FAILED
    assert after(last, Failed(PromptRefused()), NOW).state is OrderState.FAILED
