"""Handing over: the pictures arrive once, where they were asked for, or as near to it as the bot may post."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bots.discord.front import DiscordFront
from core.errors import ChatBusy, ChatGone
from core.types import Picture, Task
from sandbox.chat import Post
from tests.bots.discord.world import World, a_result, actions, heavy_picture, upload

MIB = 1024 * 1024


async def handed_over(
    world: World, front: DiscordFront, task: Task, pictures: Sequence[Picture] = (), *, attempt: int = 1
) -> list[Post]:
    """The posts with pictures after handing over once."""
    chosen = pictures or [a_result(task)]
    view = await world.finish(task, *chosen)
    await front.hand_over(task.address, view, chosen, attempt=attempt)
    return world.pictures()


async def by_message(world: World, channel: str = "general", text: str = "@bot night", who: str = "ana") -> Task:
    return await world.ordered(world.sandbox.say(who, channel, text, files=[upload()]), who=who)


async def test_the_result_of_a_command_is_an_ordinary_message_that_tells_the_requester(
    world: World, front: DiscordFront
) -> None:
    task = await world.imagined()
    address = await front.show(task.address, await world.view(task.id))
    (result,) = await handed_over(world, front, replace(task, address=address))

    assert world.sandbox.message("general", result.id).interaction is None
    assert result.reply_to == str(address.data["status"])
    assert world.pinged(result) == {"ana"}
    assert "a red fox" in result.text
    assert actions(result) == ["again", "edit", "details", "delete"]


async def test_a_result_before_any_progress_answers_the_interactions_own_message(
    world: World, front: DiscordFront
) -> None:
    task = await world.imagined()
    thinking = await world.post(lambda post: post.thinking)
    (result,) = await handed_over(world, front, task)

    assert result.reply_to == thinking.id


async def by_reply(world: World, front: DiscordFront) -> Task:
    """An edit of a picture of ours, asked for by a reply to it."""
    _, shown = await world.result(front)
    return await world.ordered(world.sandbox.say("ana", "general", "make it night", reply_to=shown.id))


async def by_command(world: World, front: DiscordFront) -> Task:
    task = await world.imagined()
    await world.post(lambda post: post.thinking)
    return task


@pytest.mark.parametrize(("asked", "most"), [(by_command, 4), (by_reply, 3)], ids=["command", "reply to a picture"])
async def test_a_task_that_is_done_within_ten_seconds_takes_few_calls(
    world: World, front: DiscordFront, asked: Callable[[World, DiscordFront], Awaitable[Task]], most: int
) -> None:
    assert front.quiet >= 10, "one status is all that the outbox shows of it"
    task = await asked(world, front)
    address = await front.show(task.address, await world.view(task.id))
    await handed_over(world, front, replace(task, address=address))

    calls = [f"{call.method} {call.route}" for call in world.sandbox.calls if call.at >= task.created_at.timestamp()]
    assert len(calls) == most, calls


async def test_the_interactions_own_message_becomes_one_short_line(world: World, front: DiscordFront) -> None:
    task = await world.imagined()
    await handed_over(world, front, task)

    (status,) = [post for post in world.bot_posts() if not post.attachments]
    assert "Done" in status.text
    assert not status.buttons


async def test_the_result_for_a_message_answers_it_and_the_status_goes(world: World, front: DiscordFront) -> None:
    task = await by_message(world)
    address = await front.show(task.address, await world.view(task.id))
    (result,) = await handed_over(world, front, replace(task, address=address))

    assert result.reply_to == str(task.address.data["request"])
    assert world.pinged(result) == {"ana"}
    assert world.bot_posts() == [result]


async def test_the_receipt_names_the_message_so_that_replies_find_the_task(world: World, front: DiscordFront) -> None:
    task = await world.imagined()
    receipt = await world.delivered(front, task)

    (message,) = receipt.messages
    assert message.key == f"{world.channel()}:{world.pictures()[0].id}"
    assert (message.task_id, message.index) == (task.id, 0)


async def test_handing_over_twice_at_once_posts_once(world: World, front: DiscordFront) -> None:
    task = await world.imagined()
    picture = a_result(task)
    view = await world.finish(task, picture)
    first = await front.hand_over(task.address, view, [picture], attempt=1)
    second = await front.hand_over(task.address, view, [picture], attempt=1)

    assert len(world.pictures()) == 1
    assert first == second


async def test_an_hour_after_a_first_attempt_that_reached_the_chat_nothing_is_posted_again(
    world: World, front: DiscordFront
) -> None:
    task = await by_message(world)
    pictures = [a_result(task)]
    view = await world.finish(task, *pictures)
    first = await front.hand_over(task.address, view, pictures, attempt=1)
    for n in range(5):
        await world.sandbox.say("ben", "general", f"chatter {n}")
    world.clock.ahead = 3600
    second = await front.hand_over(task.address, view, pictures, attempt=2)

    assert len(world.pictures()) == 1
    assert second == first


async def test_a_second_attempt_posts_only_the_part_that_is_missing(world: World, front: DiscordFront) -> None:
    task = await by_message(world)
    heavy = heavy_picture(1800)
    pictures = [a_result(task, index, heavy) for index in range(3)]
    view = await world.finish(task, *pictures)
    world.sandbox.fail_next("POST", "/messages$", status=503)  # the first part's, as if cut off before it
    with pytest.raises(ChatBusy):
        await front.hand_over(task.address, view, pictures, attempt=1)
    await front.hand_over(task.address, view, pictures, attempt=2)
    first, second = world.pictures()
    await world.sandbox.delete("ana", "general", second.id)
    world.clock.ahead = 3600
    receipt = await front.hand_over(task.address, view, pictures, attempt=3)

    shown = [[attachment.filename for attachment in post.attachments] for post in world.pictures()]
    assert shown == [[p.filename for p in pictures[:2]], [pictures[2].filename]]
    assert world.pictures()[0].id == first.id
    assert {message.key.partition(":")[2] for message in receipt.messages} == {post.id for post in world.pictures()}


async def test_an_answer_that_was_lost_on_the_way_does_not_post_twice(world: World, front: DiscordFront) -> None:
    task = await world.imagined()
    picture = a_result(task)
    view = await world.finish(task, picture)
    world.sandbox.fail_next("POST", "/messages$", mode="drop_after")
    with pytest.raises(ChatBusy):
        await front.hand_over(task.address, view, [picture], attempt=1)
    await front.hand_over(task.address, view, [picture], attempt=2)

    assert len(world.pictures()) == 1


async def test_ten_pictures_come_in_one_message_with_their_caption_and_buttons(
    world: World, front: DiscordFront
) -> None:
    task = await world.imagined(count=10)
    (result,) = await handed_over(world, front, task, [a_result(task, index) for index in range(10)])

    assert len(result.attachments) == 10
    assert actions(result) == [*["edit"] * 10, "again", "details", "delete"]


async def test_more_than_25_mib_are_split_with_the_caption_first_and_the_buttons_last(
    world: World, front: DiscordFront
) -> None:
    task = await world.imagined(count=3)
    heavy = heavy_picture(1800)
    assert len(heavy) < 10 * MIB
    first, last = await handed_over(world, front, task, [a_result(task, index, heavy) for index in range(3)])

    assert (len(first.attachments), len(last.attachments)) == (2, 1)
    assert "a red fox" in first.text
    assert (actions(first), actions(last)) == ([], [*["edit"] * 3, "again", "details", "delete"])


async def test_a_picture_above_the_limit_is_made_to_fit(world: World, front: DiscordFront) -> None:
    task = await world.imagined()
    heavy = heavy_picture(2000)
    assert len(heavy) > 10 * MIB
    (result,) = await handed_over(world, front, task, [a_result(task, 0, heavy)])

    (shown,) = result.attachments
    assert shown.size <= 10 * MIB
    assert shown.kind == "photo"


async def test_a_boosted_server_takes_a_large_picture_as_it_is(world: World, front: DiscordFront) -> None:
    world.sandbox.add_guild("boosted", tier=2)
    world.sandbox.add_channel("boosted-chat", guild="boosted")
    task = await world.imagined(channel="boosted-chat")
    heavy = heavy_picture(2000)
    await handed_over(world, front, task, [a_result(task, 0, heavy)])

    (result,) = world.pictures("boosted-chat")
    assert result.attachments[0].size == len(heavy)


async def test_where_discord_lets_less_through_than_it_says_the_picture_is_made_smaller(
    world: World, front: DiscordFront
) -> None:
    task = await world.imagined()
    world.sandbox.fail_next("POST", "/messages$", status=413, code=40005, message="Request entity too large")
    (result,) = await handed_over(world, front, task, [a_result(task, 0, heavy_picture(1800))])

    assert result.attachments[0].size <= 8 * MIB


async def test_the_prompt_of_a_request_pings_nobody(world: World, front: DiscordFront) -> None:
    ben = world.user("ben")
    task = await world.imagined(prompt=f"@everyone <@{ben}> @here <@&{ben}> **bold** [link](https://example.com)")
    (result,) = await handed_over(world, front, task)

    assert world.pinged(result) == {"ana"}
    (call,) = world.calls("POST", "/channels/{channel_id}/messages")
    assert call.body["allowed_mentions"] == {"parse": [], "users": [world.user("ana")]}
    content = world.sandbox.message("general", result.id).content
    assert f"<@{ben}>" not in content
    assert "**bold**" not in content


async def test_an_edit_of_somebody_elses_picture_does_not_ping_them(world: World, front: DiscordFront) -> None:
    photo = await world.sandbox.say("ben", "general", "my cat", files=[upload()])
    form = await world.form(world.sandbox.context_menu("ana", "general", "Edit image", photo.id))
    task = await world.ordered(world.sandbox.submit("ana", form.id, {"prompt": "a hat"}))
    (result,) = [post for post in await handed_over(world, front, task) if post.author == "bot"]

    assert result.reply_to == photo.id
    assert world.pinged(result) == {"ana"}
    assert [post for post in world.bot_posts() if not post.attachments] == [], "no second message is left behind"


async def test_a_request_that_is_gone_is_answered_without_a_reply(world: World, front: DiscordFront) -> None:
    task = await by_message(world)
    await world.sandbox.delete("ana", "general", str(task.address.data["request"]))
    (result,) = await handed_over(world, front, task)

    assert result.reply_to is None


async def test_after_a_quarter_of_an_hour_the_result_comes_all_the_same(world: World, front: DiscordFront) -> None:
    task = await world.imagined()
    address = await front.show(task.address, await world.view(task.id))
    world.clock.ahead = 20 * 60
    (result,) = await handed_over(world, front, replace(task, address=address))

    assert result.reply_to == str(address.data["status"])
    assert "Done" in world.sandbox.feed.post("general", str(address.data["status"])).text


async def test_a_private_result_is_for_the_requesters_eyes(world: World, front: DiscordFront) -> None:
    task = await world.imagined(private=True)
    (result,) = await handed_over(world, front, task)

    assert result.only_for == "ana"
    assert result.attachments


async def test_a_private_result_that_comes_too_late_is_sent_as_a_direct_message(
    world: World, front: DiscordFront
) -> None:
    task = await world.imagined(private=True)
    world.clock.ahead = 20 * 60
    await handed_over(world, front, task)

    assert not world.pictures("general")
    assert len(world.pictures("dm:ana")) == 1


async def test_where_the_bot_may_not_post_the_interaction_carries_the_result(world: World, front: DiscordFront) -> None:
    world.sandbox.deny("general", "send_messages")
    task = await world.imagined()
    (result,) = await handed_over(world, front, task)

    assert result.via == "ana used /imagine"


async def test_where_only_its_user_has_installed_the_bot_the_interaction_carries_the_result(
    world: World, front: DiscordFront
) -> None:
    world.sandbox.add_guild("elsewhere", bot_member=False)
    world.sandbox.add_channel("lobby", guild="elsewhere")
    task = await world.imagined(channel="lobby")
    address = await front.show(task.address, await world.view(task.id))
    await handed_over(world, front, replace(task, address=address))

    assert len(world.pictures("lobby")) == 1
    assert not world.calls("POST", "/channels/{channel_id}/messages")


async def test_a_command_in_a_private_chat_is_answered_there(world: World, front: DiscordFront) -> None:
    task = await world.imagined(channel="dm:ana")
    address = await front.show(task.address, await world.view(task.id))
    await handed_over(world, front, replace(task, address=address))

    (result,) = world.pictures("dm:ana")
    assert result.reply_to == str(address.data["status"])


async def test_without_permission_and_token_the_result_is_sent_as_a_direct_message(
    world: World, front: DiscordFront
) -> None:
    task = await by_message(world)
    world.sandbox.deny("general", "send_messages")
    await handed_over(world, front, task)

    assert len(world.pictures("dm:ana")) == 1


async def test_an_archived_thread_is_opened_again_where_that_is_allowed(world: World, front: DiscordFront) -> None:
    task = await by_message(world, "thread")
    world.sandbox.allow("general", "manage_threads")
    world.sandbox.archive("thread", locked=True)
    world.sandbox.fail_next("POST", "/messages$", status=400, code=50083, message="Thread is archived")
    await handed_over(world, front, task)

    assert len(world.pictures("thread")) == 1


async def test_a_closed_thread_is_answered_in_its_channel(world: World, front: DiscordFront) -> None:
    task = await by_message(world, "thread")
    world.sandbox.archive("thread", locked=True)
    await handed_over(world, front, task)

    assert not world.pictures("thread")
    assert len([post for post in world.pictures("general") if post.author == "bot"]) == 1


async def test_where_there_is_no_way_left_the_chat_is_gone(world: World, front: DiscordFront) -> None:
    task = await by_message(world)
    picture = a_result(task)
    view = await world.finish(task, picture)
    world.sandbox.remove_channel("general")
    world.sandbox.close_dms("ana")

    with pytest.raises(ChatGone):
        await front.hand_over(task.address, view, [picture], attempt=1)


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 503},
        {"mode": "drop_before"},
        {"status": 429, "headers": {"Retry-After": "120"}},
        {"status": 401},
    ],
    ids=["unavailable", "cut off", "rate limit", "token"],
)
async def test_passing_trouble_is_for_later(world: World, front: DiscordFront, trouble: dict[str, Any]) -> None:
    task = await by_message(world)
    picture = a_result(task)
    view = await world.finish(task, picture)
    world.sandbox.fail_next("POST", "/messages$", **trouble)

    with pytest.raises(ChatBusy):
        await front.hand_over(task.address, view, [picture], attempt=1)
    await front.hand_over(task.address, view, [picture], attempt=2)
    assert len(world.pictures()) == 1


async def test_a_chinese_persons_result_speaks_chinese(world: World, front: DiscordFront) -> None:
    task = await world.imagined("chen", prompt="一只狐狸", private=True)
    (result,) = await handed_over(world, front, task)

    assert result.buttons[0][0].label == world.words.say("zh-CN", "button.again")
