"""A caller that is cancelled in the middle of a transaction leaves no lock behind."""

import asyncio

from core.client import new_id
from core.quota import Limits
from core.store import SqlStore
from core.types import Address, NewOrder, NewTask, Who
from tests.core.build import NOW, a_request


def a_new_task(event: str) -> NewTask:
    return NewTask(
        id=new_id(),
        event=event,
        who=Who("telegram:1", "telegram:-1"),
        address=Address("telegram", {}),
        request=a_request(),
        gateway="alpha",
        orders=(NewOrder(1, 1),),
    )


async def test_writers_cancelled_at_every_step_never_block_the_next_one(store: SqlStore) -> None:
    limits = Limits(user_day=0, user_month=0, unfinished=10_000)
    stored = 0
    for steps in range(60):
        writing = asyncio.ensure_future(store.submit(a_new_task(f"telegram:{steps}"), limits, NOW))
        for _ in range(steps):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        async with asyncio.timeout(5):
            await store.submit(a_new_task(f"telegram:after {steps}"), limits, NOW)
        stored += await store.task_of_event(f"telegram:{steps}") is not None
    assert stored > 0, "no cancellation came after the transaction had begun: the test tests nothing"


async def test_what_was_begun_is_stored_whole_although_its_caller_has_gone(store: SqlStore) -> None:
    writing = asyncio.ensure_future(store.submit(a_new_task("telegram:1"), Limits(), NOW))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    task = await store.task_of_event("telegram:1")
    assert task is not None
    assert len(await store.orders(task.id)) == 1
