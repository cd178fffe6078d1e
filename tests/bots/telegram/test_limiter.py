"""No call of the bot gets past the limiter; against the stand-in with its rates on."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError, TimedOut

from bots.telegram.budgets import GROUP_MESSAGES, KEPT_FROM_PROGRESS, MESSAGES, Budgets, Kind
from bots.telegram.errors import opt_in_to_timedeltas
from bots.telegram.limiter import AT_ONCE, Limiter, cost_of
from core.errors import ChatBusy
from core.types import Address, Task
from sandbox.telegram import Rates, TelegramSandbox
from tests.bots.telegram.handing import DONE, QUEUED, a_chat
from tests.bots.telegram.world import World, a_result, a_world
from tests.waiting import until


class Seconds:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture(autouse=True)
def as_the_front_sets_it_up() -> None:
    opt_in_to_timedeltas()


@pytest.fixture
async def strict(tmp_path: Path, clock: Seconds) -> AsyncIterator[World]:
    """A Telegram that counts, by the same clock as the bot."""
    async with a_world(tmp_path, TelegramSandbox(clock=clock)) as found:
        yield found


# -- what a call costs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "data", "cost"),
    [
        ("sendPhoto", {"chat_id": -1}, 1),
        ("editMessageMedia", {"chat_id": -1}, 1),
        ("sendMediaGroup", {"chat_id": -1, "media": ["a", "b", "c"]}, 3),
        ("deleteMessages", {"chat_id": -1, "message_ids": [1, 2]}, 0),
        ("getChatMember", {"chat_id": -1}, 0),
        ("answerCallbackQuery", {"callback_query_id": "1"}, 0),
        ("setMyCommands", {"commands": []}, 0),
        ("sendWhatNobodyKnowsYet", {"chat_id": -1}, 1),
    ],
)
def test_what_is_written_costs_and_what_is_read_or_removed_does_not(
    endpoint: str, data: dict[str, object], cost: int
) -> None:
    assert cost_of(endpoint, data) == cost


# -- a crowd in one group ---------------------------------------------------------------------------------------------


async def test_fifteen_who_ask_at_once_all_have_their_results_within_the_first_minute(world: World) -> None:
    world.sandbox.rates = Rates()
    people = ("ana", "ben", "chen")
    async with world.listening() as front:
        for number in range(15):
            await world.sandbox.say(people[number % 3], "group", "/imagine a red fox")
        await until(lambda: not world.sandbox.pending_updates)
        tasks = [task for who in people for task in await world.tasks(who)]
        assert len(tasks) == 15
        addresses = [task.address for task in tasks]
        dropped = 0
        for _ in range(3):  # looks at their progress
            for number, task in enumerate(tasks):
                try:
                    addresses[number] = await front.show(addresses[number], await world.view(task.id))
                except ChatBusy:
                    dropped += 1
        for task in tasks:
            await world.finish(task, a_result())

        async def hand_over(task: Task, address: Address) -> None:
            await front.hand_over(address, await world.view(task.id), [a_result()], attempt=1)

        await asyncio.gather(*map(hand_over, tasks, addresses))
    assert dropped
    posts = [post for post in world.bot_posts() if post.attachments]
    assert len(posts) == 15
    assert len({post.reply_to for post in posts}) == 15
    written = [call for call in world.sandbox.calls if call.method.startswith(("send", "edit"))]
    assert len(written) == GROUP_MESSAGES
    assert all(call.answer is not None and call.answer["ok"] for call in written)


async def test_what_is_asked_for_by_buttons_has_its_room_too(world: World) -> None:
    _, post = await world.result_of("ana", "group")
    again = next(button for row in post.buttons for button in row if "again" in button.id)
    async with world.listening() as front:
        for _ in range(13):
            await world.sandbox.press("ben", "group", post.id, again.id)
        await until(lambda: not world.sandbox.pending_updates)
        task, *others = await world.tasks("ben")
        assert len(others) == 12
        view = await world.view(task.id)
        for _ in range(GROUP_MESSAGES - 13):
            await front.show(task.address, view)
        with pytest.raises(ChatBusy):
            await front.show(task.address, view)


async def test_what_a_minute_does_not_take_waits_for_the_next_and_none_is_lost(strict: World, clock: Seconds) -> None:
    _, address, _ = await a_chat(strict)
    front = strict.front(clock=clock)

    async def waits() -> float:
        try:
            await front.hand_over(address, DONE, [a_result()], attempt=1)
        except ChatBusy as busy:
            return busy.retry_after
        return 0.0

    found = await asyncio.gather(*(waits() for _ in range(25)))
    assert sorted(found) == [0.0] * GROUP_MESSAGES + [60.0] * 5
    clock.now += 60
    assert await asyncio.gather(*(waits() for _ in range(5))) == [0.0] * 5
    assert len(strict.bot_posts()) == 25
    assert len(strict.sandbox.called("sendPhoto")) == 25  # none was refused


async def test_progress_beyond_the_budget_is_no_call(strict: World, clock: Seconds) -> None:
    _, address, _ = await a_chat(strict)
    front = strict.front(clock=clock)
    for _ in range(GROUP_MESSAGES - KEPT_FROM_PROGRESS):
        await front.show(address, QUEUED)
    calls = len(strict.sandbox.calls)
    with pytest.raises(ChatBusy):
        await front.show(address, QUEUED)
    assert len(strict.sandbox.calls) == calls


# -- 429 --------------------------------------------------------------------------------------------------------------


async def test_every_429_is_told_by_its_method(world: World) -> None:
    told: list[str] = []
    _, address, _ = await a_chat(world)
    _, other, _ = await a_chat(world, "private:ana")
    front = world.front(limited=told.append)
    for method in ("sendMessage", "sendPhoto"):
        world.sandbox.fail_next(method, code=429, description="Too Many Requests", parameters={"retry_after": 9})
    with pytest.raises(ChatBusy):
        await front.show(address, QUEUED)
    with pytest.raises(ChatBusy):
        await front.hand_over(other, DONE, [a_result()], attempt=1)
    assert told == ["sendMessage", "sendPhoto"]


async def test_a_429_takes_nothing_from_the_budget_and_rests_its_chat() -> None:
    clock = Seconds()
    budgets = Budgets(clock)
    limiter = Limiter(budgets)

    async def refused() -> bool:
        raise RetryAfter(30)

    with pytest.raises(RetryAfter):
        await limiter.process_request(refused, (), {}, "sendPhoto", {"chat_id": -1}, Kind.RESULT)
    assert (budgets.wait(-1, Kind.RESULT), budgets.wait(-2, Kind.RESULT)) == (30, 0)
    clock.now += 30
    assert budgets.wait(-1, Kind.RESULT, GROUP_MESSAGES) == 0


async def test_a_429_of_a_call_to_no_chat_pauses_none() -> None:
    budgets, told = Budgets(), list[str]()
    limiter = Limiter(budgets, told.append)

    async def refused() -> bool:
        raise RetryAfter(30)

    with pytest.raises(RetryAfter):
        await limiter.process_request(refused, (), {}, "setMyCommands", {}, None)
    assert told == ["setMyCommands"]
    assert budgets.wait(1, Kind.RESULT) == 0


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (BadRequest("message is not modified"), False),
        (Forbidden("bot was blocked by the user"), False),
        (NetworkError("Bad Gateway"), True),
        (TimedOut(), True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_what_telegram_has_refused_has_taken_nothing_from_the_budget(error: TelegramError, counts: bool) -> None:
    budgets = Budgets()
    limiter = Limiter(budgets)

    async def failing() -> bool:
        raise error

    for _ in range(GROUP_MESSAGES):
        with pytest.raises(type(error)):
            await limiter.process_request(failing, (), {}, "sendPhoto", {"chat_id": -1}, Kind.RESULT)
    assert (budgets.wait(-1, Kind.RESULT) > 0) is counts


# -- all chats together -----------------------------------------------------------------------------------------------


async def test_beyond_thirty_a_second_progress_is_dropped_and_the_rest_waits_for_its_turn() -> None:
    limiter, loop, times = Limiter(Budgets()), asyncio.get_running_loop(), list[float]()

    async def call() -> bool:
        times.append(loop.time())
        return True

    async def written(chat: int, kind: Kind) -> object:
        return await limiter.process_request(call, (), {}, "sendMessage", {"chat_id": chat}, kind)

    async with asyncio.TaskGroup() as group:
        for chat in range(1, MESSAGES + 4):
            group.create_task(written(chat, Kind.ANSWER))
        await until(lambda: len(times) == MESSAGES)
        with pytest.raises(ChatBusy) as busy:
            await written(99, Kind.PROGRESS)
    assert 0 < busy.value.retry_after <= 1
    assert len(times) == MESSAGES + 3
    assert times[MESSAGES] - times[0] >= 1


async def test_no_more_than_so_many_of_a_sort_are_under_way_and_what_stands_in_line_keeps_no_other_sort_waiting() -> (
    None
):
    limiter, go = Limiter(Budgets()), asyncio.Event()
    begun: dict[str, int] = dict.fromkeys(("sendPhoto", "sendMessage", "deleteMessage"), 0)

    async def written(method: str, kind: Kind = Kind.RESULT) -> None:
        async def call() -> bool:
            begun[method] += 1
            return await go.wait()

        await limiter.process_request(call, (), {}, method, {"chat_id": 1}, kind)

    async with asyncio.TaskGroup() as group:
        for _ in range(MESSAGES):
            group.create_task(written("sendPhoto"))
        await until(lambda: begun["sendPhoto"] == AT_ONCE)
        group.create_task(written("sendPhoto", Kind.ANSWER))
        for kind in (Kind.ANSWER, Kind.RESULT, Kind.PROGRESS):
            group.create_task(written("sendMessage", kind))
        await until(lambda: begun["sendMessage"] == 3)
        for _ in range(AT_ONCE):
            group.create_task(written("deleteMessage"))
        await until(lambda: begun["deleteMessage"] == AT_ONCE - 3)
        waiting = group.create_task(written("sendMessage", Kind.PROGRESS))
        await asyncio.sleep(0)
        assert begun == {"sendPhoto": AT_ONCE, "sendMessage": 3, "deleteMessage": AT_ONCE - 3}
        assert not waiting.done()
        go.set()
    assert begun == {"sendPhoto": MESSAGES + 1, "sendMessage": 4, "deleteMessage": AT_ONCE}


async def test_results_that_wait_for_their_turn_go_before_answers() -> None:
    budgets, order = Budgets(), list[Kind]()
    limiter = Limiter(budgets)
    budgets.overall.begin(MESSAGES)

    async def written(kind: Kind) -> None:
        async def call() -> bool:
            order.append(kind)
            return True

        await limiter.process_request(call, (), {}, "sendMessage", {"chat_id": 1}, kind)

    async with asyncio.TaskGroup() as group:
        for kind in (*[Kind.ANSWER] * 3, *[Kind.RESULT] * 3):
            group.create_task(written(kind))
        await asyncio.sleep(0)
        budgets.overall.end(MESSAGES, written=False)
    assert order == [Kind.ANSWER, *[Kind.RESULT] * 3, *[Kind.ANSWER] * 2]
