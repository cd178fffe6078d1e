"""Nobody is overtaken by themselves, and nobody waits for others."""

import asyncio

import structlog
from telegram import CallbackQuery, Update, User

from bots.telegram.turns import Turns
from core.errors import StoreDown
from tests.waiting import until


def an_update(number: int, person: int = 1) -> Update:
    query = CallbackQuery(str(number), User(person, "Somebody", is_bot=False), "instance", data="again")
    return Update(number, callback_query=query)


class Taker:
    """Holds every update until it is let go; one with a reason in ``fails`` fails then."""

    def __init__(self, **fails: Exception) -> None:
        self.begun: list[int] = []
        self.fails = {int(name.removeprefix("n")): error for name, error in fails.items()}
        self.held = asyncio.Event()

    async def __call__(self, update: Update) -> None:
        self.begun.append(update.update_id)
        await self.held.wait()
        if update.update_id in self.fails:
            raise self.fails[update.update_id]


async def test_one_person_is_taken_in_the_order_of_the_ids_while_others_do_not_wait() -> None:
    take = Taker()
    turns = Turns(take)
    jobs = [asyncio.create_task(turns.take(an_update(1)))]
    await until(lambda: take.begun == [1])
    later = (an_update(4), an_update(3), an_update(2, person=2))
    jobs += [asyncio.create_task(turns.take(update)) for update in later]
    await until(lambda: take.begun == [1, 2])
    take.held.set()
    assert await asyncio.gather(*jobs) == [True] * 4
    assert take.begun == [1, 2, 3, 4]


async def test_those_behind_one_that_could_not_be_stored_come_again_with_it() -> None:
    take = Taker(n1=StoreDown("locked"))
    turns = Turns(take)
    jobs = [asyncio.create_task(turns.take(update)) for update in (an_update(1), an_update(2), an_update(3, person=2))]
    await until(lambda: len(take.begun) == 2)
    take.held.set()
    assert await asyncio.gather(*jobs) == [False, False, True]
    take.fails.clear()
    assert [await turns.take(an_update(number)) for number in (1, 2)] == [True, True]
    assert take.begun == [1, 3, 1, 2]


async def test_one_that_breaks_us_is_logged_and_does_not_come_again() -> None:
    take = Taker(n1=RuntimeError("a bug"))
    take.held.set()
    with structlog.testing.capture_logs() as logs:
        assert await Turns(take).take(an_update(1))
    assert [(entry["event"], entry["update"]) for entry in logs] == [("an update failed", 1)]


async def test_who_hangs_up_takes_nothing_with_them() -> None:
    take = Taker()
    turns = Turns(take)
    gone = asyncio.create_task(turns.take(an_update(1)))
    behind = asyncio.create_task(turns.take(an_update(2)))
    await until(lambda: take.begun == [1])
    gone.cancel()
    take.held.set()
    assert await behind
    await turns.finish()
    assert take.begun == [1, 2]
