"""Days and months of limits in every kind of time zone; deadlines, cancelling, and clocks that are set while orders
wait."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import utc_now
from core.errors import CreditsUsedUp, GatewayBusy, GatewayError
from core.quota import Limits, Spent, Window, day_window, judge, month_window
from core.testing import ScriptedGateway
from core.types import Finished, InlinePicture, OrderState, Outcome, Pending, Stage, Ticket
from tests.core.build import NOW, a_model, a_request
from tests.core.facts import state_is, used
from tests.core.world import core_world, lease, png
from tests.waiting import until

#: Summer time, none, half and quarter hours, clocks set at midnight (São Paulo, forward, until 2018) and over it
#: (Newfoundland, back, until 2011), a day that never was (Samoa, 2011).
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Pacific/Apia",
]
HOUR = timedelta(hours=1)


def utc(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[arg-type,misc]  # year, month, day, hour, minute


@pytest.mark.parametrize(
    ("timezone", "now", "start", "hours"),
    [
        ("Europe/Berlin", utc(2026, 3, 29, 12), utc(2026, 3, 28, 23), 23),
        ("Europe/Berlin", utc(2026, 10, 25, 12), utc(2026, 10, 24, 22), 25),
        # The day begins at one o'clock: there is no midnight.
        ("America/Sao_Paulo", utc(2018, 11, 4, 12), utc(2018, 11, 4, 3), 23),
        ("America/Sao_Paulo", utc(2018, 2, 17, 12), utc(2018, 2, 17, 2), 25),
        ("America/Sao_Paulo", utc(2026, 11, 4, 12), utc(2026, 11, 4, 3), 24),
        ("Asia/Kathmandu", utc(2026, 11, 21, 18, 14), utc(2026, 11, 20, 18, 15), 24),
        ("Asia/Kathmandu", utc(2026, 11, 21, 18, 15), utc(2026, 11, 21, 18, 15), 24),
        # At a minute past midnight the clocks go back to 23:01: still the day that has begun.
        ("America/St_Johns", utc(2010, 11, 7, 3), utc(2010, 11, 7, 2, 30), 25),
        ("Europe/Berlin", utc(2028, 2, 29, 12), utc(2028, 2, 28, 23), 24),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(timezone: str, now: datetime, start: datetime, hours: int) -> None:
    assert day_window(now, timezone) == Window(start, start + hours * HOUR)


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        (utc(2028, 2, 29, 22, 59), utc(2028, 1, 31, 23), utc(2028, 2, 29, 23)),
        (utc(2026, 12, 31, 22, 59), utc(2026, 11, 30, 23), utc(2026, 12, 31, 23)),
        (utc(2026, 12, 31, 23), utc(2026, 12, 31, 23), utc(2027, 1, 31, 23)),
        # An hour longer than its days are: the clocks go back in it.
        (utc(2026, 10, 31, 22, 59), utc(2026, 9, 30, 22), utc(2026, 10, 31, 23)),
    ],
)
def test_a_month_ends_at_its_last_midnight_in_berlin(now: datetime, start: datetime, end: datetime) -> None:
    assert month_window(now, "Europe/Berlin") == Window(start, end)


#: Every moment within a day of a change of the clocks, where windows could break, and any other.
CHANGES = [utc(2018, 2, 18), utc(2018, 11, 4), utc(2010, 11, 7), utc(2011, 12, 30), utc(2026, 3, 29), utc(2026, 10, 25)]
MOMENTS = st.one_of(
    st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    st.builds(lambda at, minutes: at + timedelta(minutes=minutes), st.sampled_from(CHANGES), st.integers(-1500, 1500)),
)


@given(MOMENTS, st.sampled_from(ZONES))
def test_every_moment_is_in_one_day_and_one_month_and_they_leave_no_gap(now: datetime, zone: str) -> None:
    for window_of in (day_window, month_window):
        window = window_of(now, zone)
        assert window.start <= now < window.end
        assert window_of(window.start, zone) == window_of(window.end - timedelta(microseconds=1), zone) == window
        assert window_of(window.end, zone).start == window.end
    assert month_window(now, zone).start <= day_window(now, zone).start
    assert day_window(now, zone).end <= month_window(now, zone).end


@given(MOMENTS, st.sampled_from(ZONES))
def test_what_is_told_to_refill_refills_at_that_moment_and_not_before(now: datetime, zone: str) -> None:
    for limits, spent, window_of in (
        (Limits(user_day=5, timezone=zone), Spent(user_day=5), day_window),
        (Limits(user_month=5, timezone=zone), Spent(user_month=5), month_window),
    ):
        with pytest.raises(CreditsUsedUp) as refused:
            judge(limits, spent, 1, now)
        refills = datetime.fromtimestamp(int(str(refused.value.params["refills_at"])), UTC)
        assert window_of(refills - timedelta(microseconds=1), zone).start <= now < refills
        assert window_of(refills, zone).start == refills


# -- orders --------------------------------------------------------------------------------------------------------

RED = InlinePicture(png("red"))
TICKET = Ticket("alpha", "77")


class SetClock:
    """A clock that goes as the real one, is at noon when the test begins, so that no day ends in it, and is set."""

    def __init__(self, wrong: timedelta = timedelta()) -> None:
        self.ahead = NOW - utc_now() + wrong

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


def waits(ask_in: float = 0.3) -> Pending:
    return Pending(TICKET, ask_in)


async def test_each_model_has_its_own_deadline_and_what_is_overdue_costs_nothing(tmp_path: Path) -> None:
    quick, slow = (replace(a_model(name), deadline=seconds) for name, seconds in (("quick", 60), ("slow", 3600)))
    clock, gateway = SetClock(), ScriptedGateway("alpha", [waits(0.0)], [waits()])
    async with core_world(tmp_path, [gateway], models=[quick, slow], clock=clock) as world:
        tasks = [await world.ask(a_request(model=model.name)) for model in (quick, slow)]
        async with world.alive():
            await until(lambda: state_is(world, tasks[0], OrderState.WAITING))
            await until(lambda: state_is(world, tasks[1], OrderState.WAITING))
    # The process was off for a while: no clock was set.
    clock.ahead += timedelta(seconds=100)
    async with core_world(tmp_path, [gateway], models=[quick, slow], clock=clock) as world, world.alive():
        await world.front.until_handed(1)
        assert await state_is(world, tasks[1], OrderState.WAITING)
        assert await used(world) == (0, 1)
    (view, _, _) = world.front.handed[0]
    assert view.failure is not None
    assert (view.task_id, view.failure.key) == (tasks[0].id, "error.overdue")


async def test_a_picture_that_is_ready_hours_after_its_deadline_is_delivered_all_the_same(tmp_path: Path) -> None:
    clock, gateway = SetClock(), ScriptedGateway("alpha", [waits(60.0)], [Finished((RED,))])
    async with core_world(tmp_path, [gateway], clock=clock) as world:
        task = await world.ask()
        async with world.alive():
            await until(lambda: state_is(world, task, OrderState.WAITING))
    clock.ahead += 9 * HOUR
    async with core_world(tmp_path, [gateway], clock=clock) as world:
        async with world.alive():
            await world.front.until_handed(1)
        assert await used(world) == (1, 0)
    assert (world.front.handed[0][0].stage, len(gateway.calls)) == (Stage.DONE, 1)


@pytest.mark.parametrize("hours", [-1, 1])
@pytest.mark.parametrize("queued", [False, True], ids=["at the gateway", "queued again"])
async def test_a_clock_that_is_set_while_an_order_waits_neither_delays_nor_ends_it(
    tmp_path: Path, hours: int, queued: bool
) -> None:
    starts: list[Outcome | GatewayError] = [GatewayBusy(retry_after=2.0), Finished((RED,))] if queued else [waits(2.0)]
    clock, gateway = SetClock(), ScriptedGateway("alpha", starts, [waits(0.1), Finished((RED,))])
    async with core_world(tmp_path, [gateway], models=[replace(a_model(), deadline=600)], clock=clock) as world:
        async with world.alive():
            task = await world.ask()
            state = OrderState.QUEUED if queued else OrderState.WAITING
            await gateway.started.wait()
            await until(lambda: state_is(world, task, state))
            clock.ahead += hours * HOUR
            await world.front.until_handed(1)
        assert await used(world) == (1, 0)
    assert [view.stage for view, _, _ in world.front.handed] == [Stage.DONE]
    assert len(gateway.calls) == 1 + queued


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_worker_whose_clock_is_an_hour_wrong_gives_nobody_up_who_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    lease = timedelta(seconds=1)
    monkeypatch.setattr("core.orders.CLAIM_LEASE", lease)
    monkeypatch.setattr("core.tracker.CLAIM_LEASE", lease)
    monkeypatch.setattr("core.inhand.SIGN_OF_LIFE", 0.2)
    monkeypatch.setattr("core.engine.SWEEP", 0.1)
    gateway, wrong = ScriptedGateway("alpha", [Finished((RED,))]), SetClock(hours * HOUR)
    gateway.open.clear()
    stopping = asyncio.Event()
    async with (
        core_world(tmp_path, [gateway], clock=SetClock()) as world,
        core_world(tmp_path, [gateway], clock=wrong) as other,
        world.alive(grace=5),
    ):
        looking = asyncio.create_task(other.tracker.run(stopping, grace=0))
        task = await world.ask()
        await gateway.started.wait()
        claimed = (await world.store.orders(task.id))[0].due

        async def is_long_past_its_first_lease() -> bool:
            return (await world.store.orders(task.id))[0].due > claimed + 2 * lease

        await until(is_long_past_its_first_lease)
        gateway.open.set()
        await world.front.until_handed(1)
        stopping.set()
        await looking
    assert ([view.stage for view, _, _ in world.front.handed], len(gateway.calls)) == ([Stage.DONE], 1)


async def test_a_call_whose_worker_died_is_found_although_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease(monkeypatch, 0.5)
    monkeypatch.setattr("core.engine.SWEEP", 0.1)
    gateway, clock = ScriptedGateway("alpha", [Finished((RED,))]), SetClock()
    gateway.open.clear()
    async with core_world(tmp_path, [gateway], clock=clock) as world, world.alive(grace=0):
        await world.ask()
        await gateway.started.wait()
    clock.ahead -= HOUR
    async with core_world(tmp_path, [gateway], clock=clock) as world, world.alive(recover=False):
        await world.front.until_handed(1)
    failure = world.front.handed[0][0].failure
    assert failure is not None
    assert (failure.key, len(gateway.calls)) == ("error.interrupted", 1)
