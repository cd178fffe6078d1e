"""Random lives of tasks against a plain model: whatever happens in whatever order, the credits add up."""

import asyncio
import tempfile
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.errors import CreditsUsedUp, GatewayBusy, PromptRefused, TooManyTasks
from core.orders import after, cancelled
from core.quota import Limits, earned
from core.store import SqlStore, open_store
from core.store.database import Database, parsed
from core.testing import ManualClock
from core.types import DeliveryState, Failed, Kept, Order, OrderState, Outcome, Pending, Receipt, Ticket
from tests.core.store.making import new_task, picture, rows

T = TypeVar("T")
LIMITS = Limits(user_day=12, user_month=20, chat_day=25, unfinished=3)
PEOPLE = ("ana", "ben")
ENDINGS = {OrderState.FINISHED, OrderState.FAILED, OrderState.CANCELLED}


@dataclass
class Known:
    """What the model remembers of a task."""

    person: str
    orders: dict[str, Order] = field(default_factory=dict)
    last_word: str = ""  #: "delivered" or "undeliverable"


class Lives(RuleBasedStateMachine):
    """One store, two people, one chat, one day."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.Runner()
        self._folder = tempfile.TemporaryDirectory()
        self._url = f"sqlite+aiosqlite:///{Path(self._folder.name) / 'imagine.db'}"
        self._store: SqlStore = self._run(open_store(self._url))
        self._look = Database(parsed(self._url))
        self._clock = ManualClock()
        self._tasks: dict[str, Known] = {}

    def _run(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return self._loop.run(wait())

    def teardown(self) -> None:
        self._run(self._look.close())
        self._run(self._store.close())
        self._loop.close()
        self._folder.cleanup()

    def _orders(self, *states: OrderState) -> list[Order]:
        return [order for task in self._tasks.values() for order in task.orders.values() if order.state in states]

    def _cost(self, person: str) -> int:
        """What is used and held, from the model alone."""
        total = 0
        for task in self._tasks.values():
            if task.person != person:
                continue
            for order in task.orders.values():
                if order.state in (OrderState.FAILED, OrderState.CANCELLED) or task.last_word == "undeliverable":
                    continue
                total += earned(order) if task.last_word else order.credits
        return total

    def _unfinished(self, person: str) -> int:
        return sum(
            task.person == person and any(order.state not in ENDINGS for order in task.orders.values())
            for task in self._tasks.values()
        )

    @rule(
        person=st.sampled_from(PEOPLE),
        calls=st.integers(1, 3),
        count=st.integers(1, 2),
        credits=st.integers(0, 3),
    )
    def submit(self, person: str, calls: int, count: int, credits: int) -> None:
        new = new_task(person, calls=calls, count=count, credits=credits * count)
        cost, everybody = calls * credits * count, sum(map(self._cost, PEOPLE))
        fits = self._cost(person) + cost <= LIMITS.user_day and everybody + cost <= LIMITS.chat_day
        try:
            task = self._run(self._store.submit(new, LIMITS, self._clock()))
        except CreditsUsedUp:
            assert not fits
            return
        except TooManyTasks:
            assert self._unfinished(person) >= LIMITS.unfinished
            return
        assert fits
        assert self._unfinished(person) < LIMITS.unfinished
        orders = self._run(self._store.orders(task.id))
        self._tasks[task.id] = Known(person, {order.id: order for order in orders})

    @rule(room=st.integers(1, 4), running=st.integers(1, 3))
    def claim(self, room: int, running: int) -> None:
        self._clock.advance(60)
        before = {person: self._running(person) for person in PEOPLE}
        for order in self._run(self._store.claim(self._clock(), room={"apiyi": room}, running=running)):
            self._keep(order)
            room -= 1
        assert room >= 0
        assert all(self._running(person) <= max(running, before[person]) for person in PEOPLE)

    def _running(self, person: str) -> int:
        return sum(order.account.endswith(person) for order in self._orders(OrderState.STARTING, OrderState.WAITING))

    def _keep(self, order: Order) -> None:
        self._tasks[order.task_id].orders[order.id] = order

    @precondition(lambda self: self._orders(OrderState.STARTING, OrderState.WAITING))
    @rule(data=st.data(), what=st.sampled_from(["keep", "refuse", "busy", "pending"]), stale=st.booleans())
    def answer(self, data: st.DataObject, what: str, stale: bool) -> None:
        order = data.draw(st.sampled_from(self._orders(OrderState.STARTING, OrderState.WAITING)))
        now = self._clock()
        outcomes: dict[str, Outcome | Kept] = {
            "keep": Kept((picture(),)),
            "refuse": Failed(PromptRefused()),
            "busy": Failed(GatewayBusy(retry_after=1)),
            "pending": Pending(Ticket("apiyi", order.id), 1),
        }
        decided = after(order, outcomes[what], now)
        if stale:
            old = replace(order, revision=order.revision - 1)
            assert not self._run(self._store.apply(old, decided, now))
        assert self._run(self._store.apply(order, decided, now))
        assert not self._run(self._store.apply(order, decided, now))
        self._keep(decided)

    @precondition(lambda self: self._orders(OrderState.QUEUED))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self._orders(OrderState.QUEUED)))
        decided = cancelled(order, self._clock())
        assert self._run(self._store.apply(order, decided, self._clock()))
        self._keep(decided)

    @rule(reaches=st.booleans(), twice=st.booleans())
    def hand_over(self, reaches: bool, twice: bool) -> None:
        self._clock.advance(61)
        for task in self._run(self._store.outbox_due(["telegram"], self._clock(), 99)):
            known, now = self._tasks[task.id], self._clock()
            is_over = all(order.state in ENDINGS for order in known.orders.values())
            assert (task.delivery is DeliveryState.HANDING) == is_over
            for _ in range(1 + twice):
                if reaches:
                    self._run(self._store.delivered(task.id, task.address, Receipt(), now))
                else:
                    self._run(self._store.undeliverable(task.id, "gone", now))
            if is_over:
                known.last_word = "delivered" if reaches else "undeliverable"

    @rule()
    def live_again(self) -> None:
        """The process ends and another one goes on."""
        self._run(self._store.close())
        self._store = self._run(open_store(self._url))
        self._run(self._store.release_leases(self._clock()))
        for order in self._orders(OrderState.WAITING):
            self._keep(replace(order, due=min(order.due, self._clock())))

    @invariant()
    def the_rows_are_what_the_model_says(self) -> None:
        for task_id, known in self._tasks.items():
            assert {order.id: order for order in self._run(self._store.orders(task_id))} == known.orders

    @invariant()
    def used_and_held_add_up_and_stay_within_the_limits(self) -> None:
        for person in PEOPLE:
            usage = self._run(self._store.usage(f"telegram:{person}", LIMITS, self._clock()))
            assert usage.day_used + usage.day_held == self._cost(person) <= LIMITS.user_day
            assert self._unfinished(person) <= LIMITS.unfinished
        assert sum(map(self._cost, PEOPLE)) <= LIMITS.chat_day

    @invariant()
    def each_order_has_one_hold_and_at_most_one_ending(self) -> None:
        wrong = self._run(
            rows(
                self._look,
                "SELECT order_id FROM ledger GROUP BY order_id HAVING sum(kind = 'hold') <> 1 OR sum(amount) > 0"
                " OR (sum(kind = 'settle') = 1 AND sum(CASE kind WHEN 'release' THEN amount ELSE 0 END)"
                "     = -min(amount) AND min(amount) < 0)",
            )
        )
        assert wrong == []
        assert self._run(rows(self._look, "SELECT id FROM orders WHERE id NOT IN (SELECT order_id FROM ledger)")) == []


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    # Twenty steps are read sooner than they are shrunk: each of them waits for a disk.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
