"""Commands that are answered with words."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bots import texts
from core.clock import utc_now
from core.ports import Rest
from tests.bots.telegram.world import ABLE, MODEL, World, a_world
from tests.waiting import until


@pytest.mark.parametrize(
    ("command", "contains"),
    [
        ("/usage", "usage.title"),
        ("/models", "models.title"),
        ("/help", "help.flags_title"),
        ("/nosuch@imagine_sandbox_bot", "help.flags_title"),
    ],
)
@pytest.mark.parametrize(("who", "locale"), [("ana", "en"), ("chen", "zh-CN")])
async def test_a_command_is_answered_in_reply_in_the_persons_language(
    world: World, command: str, contains: str, who: str, locale: str
) -> None:
    post = await world.said(who, "group", command)
    (answer,) = world.bot_posts()
    assert answer.reply_to == post.id
    assert world.words.say(locale, contains) in answer.text


async def test_models_names_the_default(world: World) -> None:
    await world.said("ana", "group", "/models")
    assert f"fox-1 ({world.words.say('en', 'models.default')}" in world.bot_texts()[0]


async def test_start_welcomes(world: World) -> None:
    await world.said("ana", "private:ana", "/start")
    assert "/imagine" in world.bot_texts("private:ana")[0]


async def test_help_in_a_group_explains_privacy_mode_while_it_is_on(world: World) -> None:
    sentence = world.words.say("en", "help.privacy_mode", edit="/edit")
    await world.said("ana", "group", "/help")
    world.sandbox.set_privacy("group", privacy=False)
    await world.said("ana", "group", "/help")
    await world.said("ana", "private:ana", "/help")
    first, second = world.bot_texts()
    assert sentence in first
    assert sentence not in second + world.bot_texts("private:ana")[0]


async def test_cancel_without_an_id_takes_back_the_only_one_and_asks_which_of_several(world: World) -> None:
    await world.said("ana", "group", "/cancel")
    async with world.listening():
        for prompt in ("a red fox", "a blue fox"):
            await world.sandbox.say("ana", "group", f"/imagine {prompt}")
        await world.sandbox.say("ana", "group", "/cancel")
        await until(lambda: len(world.bot_posts()) == 2)
    assert len(await world.tasks()) == 2
    first = (await world.tasks())[0]
    assert first.id in world.bot_texts()[1]
    await world.said("ana", "group", f"/cancel {first.id}")
    await world.said("ana", "group", "/cancel")
    assert await world.tasks() == []
    cancelled = world.words.say("en", "notice.cancelled")
    assert world.bot_texts() == [world.words.say("en", "cancel.nothing"), world.bot_texts()[1], cancelled, cancelled]


async def test_cancelling_somebody_elses_task_is_refused(world: World) -> None:
    await world.said("ana", "group", "/imagine a red fox")
    task = await world.only_task()
    await world.said("ben", "group", f"/cancel {task.id}")
    assert await world.only_task() == task
    assert world.bot_texts() == [world.words.say("en", "error.not_yours")]


async def test_queue_lists_what_is_under_way(world: World) -> None:
    await world.said("ana", "group", "/imagine a red fox")
    await world.said("ana", "group", "/queue")
    assert (await world.only_task()).id in world.bot_texts()[0]


async def test_the_list_of_commands_is_set_in_each_language_and_only_when_it_changed(world: World) -> None:
    await world.said("ana", "group", "/help")
    calls = world.sandbox.called("setMyCommands")
    assert [call.params.get("language_code") for call in calls] == [None, "zh"]
    assert [item["command"] for item in calls[1].params["commands"]][:3] == ["imagine", "edit", "models"]
    assert calls[1].params["commands"][0]["description"] == world.words.say("zh-CN", "command.imagine")
    await world.said("ana", "group", "/help")
    assert len(world.sandbox.called("setMyCommands")) == 2


async def test_an_answer_waits_out_a_429_and_is_not_lost(world: World) -> None:
    world.sandbox.fail_next("sendMessage", code=429, description="Too Many Requests", parameters={"retry_after": 1})
    async with world.listening():
        await world.sandbox.say("ana", "group", "/help")
        await until(world.bot_posts)
    assert len(world.bot_posts()) == 1


async def test_what_nothing_here_can_do_is_neither_listed_nor_answered_in_a_group(world: World) -> None:
    await world.said("ana", "group", "/upscale")
    await world.said("ana", "private:ana", "/upscale")
    assert world.bot_posts() == []
    (help_text,) = world.bot_texts("private:ana")
    assert "/edit" in help_text
    assert "/upscale" not in help_text


async def test_what_a_model_can_do_is_listed_and_in_help(tmp_path: Path) -> None:
    async with a_world(tmp_path, model=ABLE) as world:
        await world.said("ana", "group", "/help")
        assert all(f"/{name} " in world.bot_texts()[0] for name in texts.MAKING)
        listed = [item["command"] for item in world.sandbox.called("setMyCommands")[0].params["commands"]]
        assert listed == list(texts.COMMANDS)


async def test_models_says_which_rest_and_which_nobody_has_tried(tmp_path: Path) -> None:
    async with a_world(tmp_path, model=replace(MODEL, unverified=True)) as world:
        await world.store.rest(MODEL.gateway, Rest(utc_now() + timedelta(hours=1), "BalanceEmpty"))
        await world.said("ana", "group", "/models")
        await world.store.verify(MODEL.name, utc_now())
        await world.store.rest(MODEL.gateway, None)
        await world.said("ana", "group", "/models")
    before, after = world.bot_texts()
    for key in ("models.unverified", "models.resting_operator"):
        assert world.words.say("en", key) in before
        assert world.words.say("en", key) not in after
