"""Pressed buttons that lead on from a result: by one bot for all of them."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bots import texts
from bots.buttons import Press, encode
from bots.telegram.places import NAME
from bots.telegram.style import style
from core.types import Action, FrontFile, Offer, Operation, Task
from sandbox.chat import Notice, Post
from tests.bots.telegram.world import ABLE, World, a_result, a_world, picture_bytes, upload
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ZOOM = Offer(Operation.ZOOM, "MJ::Outpaint::50", "Zoom Out 2x")
REGION = Offer(Operation.INPAINT, "MJ::Inpaint::1", "Vary (Region)")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Its bot listens all the time."""
    async with a_world(tmp_path_factory.mktemp("able"), model=ABLE) as found, found.listening():
        yield found


async def a_result_of(
    world: World, said: str = "/imagine a red fox", *, pictures: int = 1, **made: tuple[str, ...] | tuple[Offer, ...]
) -> tuple[Task, Post]:
    """A delivered task of ana's, and the post with its buttons."""
    before = len(await world.tasks())
    await world.sandbox.say("ana", "group", said)
    await until(lambda: _more_tasks(world, "ana", before))
    task = (await world.tasks())[-1]
    results = (
        [] if "told" in made else [a_result(picture_bytes("blue", 64 + index), index) for index in range(pictures)]
    )
    posts = len(world.bot_posts())
    await world.deliver(world.fronts[0], task, *results, **made)  # type: ignore[arg-type]  # texts or offers
    await until(lambda: any(post.buttons for post in world.bot_posts()[posts:]))
    return task, world.bot_posts()[-1]


async def _more_tasks(world: World, who: str, than: int) -> bool:
    return len(await world.tasks(who)) > than


async def pressed(world: World, post: Post, press: Press, who: str = "ben") -> Notice:
    """Somebody presses; what they are told at once."""
    before = len(world.notices())
    await world.sandbox.press(who, "group", post.id, encode(press))
    await until(lambda: len(world.notices()) > before)
    return world.notices()[-1]


async def made(world: World, post: Post, press: Press) -> Task:
    """Ben presses, and a task of his begins."""
    before = len(await world.tasks("ben"))
    assert (await pressed(world, post, press)).text == world.words.say("en", "notice.started")
    assert await _more_tasks(world, "ben", before)
    return (await world.tasks("ben"))[-1]


async def an_old_button(world: World, press: Press) -> Post:
    """A message of ours with a button that we would not make today."""
    markup = InlineKeyboardMarkup([[InlineKeyboardButton("old", callback_data=encode(press))]])
    sent = await world.fronts[0]._bot.send_message(world.sandbox.chat_id("group"), "old", reply_markup=markup)
    return world.sandbox.feed.post("group", str(sent.message_id))


@pytest.mark.parametrize(("action", "operation"), [(Action.UPSCALE, Operation.UPSCALE), (Action.VARY, Operation.VARY)])
async def test_a_picture_is_worked_on_for_the_one_who_presses(
    world: World, action: Action, operation: Operation
) -> None:
    first, result = await a_result_of(world, pictures=2)
    task = await made(world, result, Press(action, first.id, 1))
    assert (task.request.operation, task.parent) == (operation, first.id)
    assert task.request.images == (await world.client.result(first.id, 1),)
    assert task.address.data["request"] == int(result.id)


async def test_a_gateways_own_step_is_taken_by_its_number(world: World) -> None:
    first, result = await a_result_of(world, offers=(REGION, ZOOM))
    task = await made(world, result, Press(Action.FOLLOW, first.id, 1))
    assert task.request.follow is not None
    assert (task.request.follow.token, task.request.operation) == (ZOOM.token, Operation.ZOOM)
    assert task.parent == first.id


@pytest.mark.parametrize("pictures", [1, 2], ids=["below the picture", "below an album"])
async def test_a_step_that_needs_a_marked_part_says_at_the_picture_how_and_is_taken_so(
    world: World, pictures: int
) -> None:
    region = replace(REGION, index=pictures - 1)
    first, result = await a_result_of(world, pictures=pictures, offers=(region,))
    posts, answers = len(world.bot_posts()), len(world.sandbox.called("answerCallbackQuery"))
    await world.sandbox.press("ben", "group", result.id, encode(Press(Action.FOLLOW, first.id, 0)))
    await until(lambda: len(world.bot_posts()) > posts)
    await until(lambda: len(world.sandbox.called("answerCallbackQuery")) > answers)
    hint = world.bot_posts()[-1]
    assert hint.text == world.words.say("en", "hint.inpaint_telegram", command="/inpaint")
    assert hint.reply_to is not None
    posted = await world.client.posted(NAME, f"{world.sandbox.chat_id('group')}:{hint.reply_to}")
    assert (posted and posted.task_id, posted and posted.index) == (first.id, pictures - 1)
    assert (hint.reply_to == result.id) is (pictures == 1), "the buttons of an album are below it"

    before, marked = len(await world.tasks("ben")), upload("red")
    await world.sandbox.say("ben", "group", "/inpaint a hat", files=[marked], reply_to=hint.reply_to)
    await until(lambda: _more_tasks(world, "ben", before))
    task = (await world.tasks("ben"))[-1]
    assert task.request.follow is not None
    assert (task.request.follow.token, task.request.prompt) == (REGION.token, "a hat")
    assert isinstance(task.request.mask, FrontFile)
    assert task.request.images == (await world.client.result(first.id, pictures - 1),)


async def test_a_step_that_is_not_there_is_told_about(world: World) -> None:
    first, _ = await a_result_of(world)
    press = Press(Action.FOLLOW, first.id, 7)
    notice = await pressed(world, await an_old_button(world, press), press)
    assert notice.text == world.words.say("en", "error.task_unknown")
    assert notice.alert


async def test_a_text_is_painted_by_its_number(world: World) -> None:
    first, result = await a_result_of(world, "/shorten a very red fox", told=("a fox", "a red fox"))
    task = await made(world, result, Press(Action.IMAGINE, first.id, 1))
    assert (task.request.operation, task.request.prompt) == (Operation.IMAGINE, "a red fox")
    assert task.parent == first.id


async def test_details_answer_the_result_in_the_language_of_the_one_who_asks(world: World) -> None:
    first, result = await a_result_of(world, "/imagine a red fox --seed 42")
    posts, answers = len(world.bot_posts()), len(world.sandbox.called("answerCallbackQuery"))
    await world.sandbox.press("chen", "group", result.id, encode(Press(Action.DETAILS, first.id)))
    await until(lambda: len(world.sandbox.called("answerCallbackQuery")) > answers)
    await until(lambda: len(world.bot_posts()) > posts)
    answer = world.bot_posts()[-1]
    view = await world.client.view(first.id)
    assert answer.text == texts.details(world.words, "zh-CN", view, style(world.words, "zh-CN"))
    assert "42" in answer.text
    assert answer.reply_to == result.id


async def test_telling_results_are_deleted_like_pictures(world: World) -> None:
    first, result = await a_result_of(world, "/shorten a very red fox", told=("a fox",))
    await pressed(world, result, Press(Action.DELETE, first.id), "ana")
    assert result.id not in [post.id for post in world.bot_posts()]
