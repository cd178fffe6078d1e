"""What a person sees, from rows."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.types import Action, Failure, Offer, Operation, OrderState, Stage, View
from core.views import GUESS_CEILING, view_of
from tests.core.build import BOTH, NOW, a_model, a_picture, a_request, a_task, an_order

S = OrderState


def seen(*states: S, count: int | None = None, **changes: object) -> View:
    orders = [
        an_order(
            state,
            results=(a_picture(),) if state is S.FINISHED else (),
            failure=Failure("error.gateway_busy") if state is S.FAILED else None,
            ended_at=NOW if state in (S.FINISHED, S.FAILED, S.CANCELLED) else None,
            started_at=NOW - timedelta(seconds=6) if state not in (S.QUEUED, S.CANCELLED) else None,
            **changes,
        )
        for state in states
    ]
    task = a_task(request=a_request(count=count or len(states)))
    return view_of(task, orders, a_model(), position=3, now=NOW)


def test_a_queued_task_shows_its_place_and_can_be_cancelled() -> None:
    view = seen(S.QUEUED)
    assert (view.stage, view.position, view.progress, view.actions) == (Stage.QUEUED, 3, None, (Action.CANCEL,))


def test_a_task_that_nobody_takes_says_so_and_can_be_cancelled() -> None:
    tried = an_order(S.QUEUED, attempts=2, started_at=NOW)
    done = an_order(S.FINISHED, results=(a_picture(),))
    for orders in ([tried], [tried, tried], [done, tried]):
        view = view_of(a_task(), orders, a_model(), position=3, now=NOW)
        assert (view.stage, view.position, view.progress) == (Stage.RETRYING, None, None)
        assert view.actions == (Action.CANCEL,)
    # One refusal is soon over, and another gateway's turn is none.
    for busy in (replace(tried, attempts=1), replace(tried, passed=("alpha",)), an_order(S.STARTING, attempts=3)):
        assert view_of(a_task(), [busy], a_model(), position=3, now=NOW).stage is Stage.WORKING
    assert view_of(a_task(), [tried, an_order(S.WAITING)], a_model(), position=3, now=NOW).stage is Stage.WORKING


def test_without_word_from_the_gateway_progress_is_guessed_and_never_full() -> None:
    view = seen(S.STARTING)
    assert view.progress == 6 / a_model().seconds
    late = view_of(
        a_task(), [an_order(S.STARTING, started_at=NOW - timedelta(hours=1))], a_model(), position=None, now=NOW
    )
    assert late.progress == GUESS_CEILING


def test_the_gateways_own_progress_wins_over_the_guess() -> None:
    assert seen(S.WAITING, progress=0.8).progress == 0.8


def test_a_result_has_its_buttons_its_price_and_its_time() -> None:
    view = seen(S.FINISHED)
    assert (view.stage, view.credits, view.seconds) == (Stage.DONE, 2, 30)
    assert view.actions == (Action.AGAIN, Action.DETAILS, Action.DELETE)


def test_a_picture_can_be_worked_on_as_far_as_some_model_can() -> None:
    finished = an_order(S.FINISHED, results=(a_picture(),))
    able = {Operation.EDIT, Operation.UPSCALE}
    view = view_of(a_task(), [finished], a_model(), position=None, now=NOW, able=able)
    assert view.actions == (Action.AGAIN, Action.EDIT, Action.UPSCALE, Action.DETAILS, Action.DELETE)


def test_a_gateways_own_steps_go_before_ours_of_the_same_kind_and_count_the_tasks_pictures() -> None:
    offer = Offer(Operation.UPSCALE, "token", "U1", 0)
    orders = [
        an_order(S.FINISHED, results=(a_picture("a"), a_picture("b"))),
        an_order(S.FINISHED, results=(a_picture("c"),), offers=(offer,)),
    ]
    view = view_of(a_task(), orders, a_model(), position=None, now=NOW, able={Operation.UPSCALE, Operation.VARY})
    assert view.actions == (Action.AGAIN, Action.VARY, Action.FOLLOW, Action.DETAILS, Action.DELETE)
    assert [offer.index for offer in view.offers] == [2]


def test_a_result_of_words_can_be_painted_and_misses_no_picture() -> None:
    told = an_order(S.FINISHED, texts=("a fox", "a red fox"))
    view = view_of(a_task(), [told], a_model(), position=None, now=NOW, able={Operation.EDIT})
    assert (view.texts, view.missing, view.credits) == (("a fox", "a red fox"), 0, 2)
    assert view.actions == (Action.AGAIN, Action.IMAGINE, Action.DETAILS, Action.DELETE)


def test_a_video_cannot_be_edited() -> None:
    video = replace(a_picture(), mime="video/mp4")
    view = view_of(a_task(), [an_order(S.FINISHED, results=(video,))], a_model(), position=None, now=NOW, able=BOTH)
    assert Action.EDIT not in view.actions


def test_one_failure_among_pictures_is_done_with_something_missing() -> None:
    view = seen(S.FINISHED, S.FAILED)
    assert (view.stage, view.missing, view.credits) == (Stage.DONE, 1, 2)
    assert view.failure == Failure("error.gateway_busy")


def test_a_failed_task_costs_nothing_and_can_be_tried_again() -> None:
    view = seen(S.FAILED)
    assert (view.stage, view.credits, view.actions) == (Stage.FAILED, 0, (Action.AGAIN,))


def test_a_cancelled_task_says_so() -> None:
    assert seen(S.CANCELLED, S.CANCELLED).stage is Stage.CANCELLED


def test_part_of_a_task_that_has_not_left_can_still_be_cancelled() -> None:
    assert seen(S.STARTING, S.QUEUED).actions == (Action.CANCEL,)
    assert seen(S.STARTING, S.WAITING).actions == ()


@given(st.lists(st.sampled_from(S), min_size=1, max_size=6))
def test_every_mixture_of_states_has_a_stage_and_an_end_only_at_the_end(states: list[S]) -> None:
    view = seen(*states)
    over = all(state in (S.FINISHED, S.FAILED, S.CANCELLED) for state in states)
    assert (view.stage in (Stage.DONE, Stage.FAILED, Stage.CANCELLED)) == over
    assert view.missing == (len(states) - states.count(S.FINISHED) if over else 0)
    assert view.progress is None or 0 <= view.progress <= 1
