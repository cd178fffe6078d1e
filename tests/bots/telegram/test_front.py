"""Progress and results in the chat: each fallback of posting, against the stand-in."""

import io
from dataclasses import replace

import pytest
import structlog
from PIL import Image

from bots import texts
from bots.telegram.places import key
from core.errors import ChatBusy, ChatGone
from core.types import Address, Stage
from tests.bots.telegram.handing import DONE, FAILED, QUEUED, WORKING, a_chat
from tests.bots.telegram.world import World, a_result, picture_bytes
from tests.core.build import a_request

# -- progress ---------------------------------------------------------------------------------------------------------


async def test_the_status_is_one_message_that_answers_the_request_and_changes(world: World) -> None:
    front, address, request = await a_chat(world)
    address = await front.show(address, QUEUED)
    (status,) = world.bot_posts()
    assert status.reply_to == request.id
    assert "3" in status.text
    assert [button.id for row in status.buttons for button in row] == ["i1:cancel:7h2k9qz0m4xa"]
    assert await front.show(address, WORKING) == address
    (changed,) = world.bot_posts()
    assert changed.id == status.id
    assert "40" in changed.text
    assert changed.buttons == ()


async def test_the_same_status_again_is_no_error(world: World) -> None:
    front, address, _ = await a_chat(world)
    address = await front.show(address, QUEUED)
    assert await front.show(address, QUEUED) == address


async def test_a_status_that_somebody_deleted_is_not_posted_again(world: World) -> None:
    front, address, _ = await a_chat(world, "private:ana")
    address = await front.show(address, QUEUED)
    await world.sandbox.delete("ana", "private:ana", str(address.data["status"]))
    address = await front.show(address, WORKING)
    address = await front.show(address, QUEUED)
    assert world.bot_posts("private:ana") == []
    assert len(world.sandbox.called("editMessageText")) == 1


async def test_the_status_keeps_its_topic_though_the_request_was_deleted(world: World) -> None:
    front, address, request = await a_chat(world, "forum", topic="Landscapes")
    await world.sandbox.delete("ana", "forum", request.id)
    await front.show(address, QUEUED)
    assert [(post.thread, post.reply_to) for post in world.bot_posts("forum")] == [("Landscapes", None)]


async def test_progress_leaves_room_for_results(world: World) -> None:
    front, address, _ = await a_chat(world)
    for _ in range(12):
        await front.show(address, QUEUED)
    with pytest.raises(ChatBusy) as busy:
        await front.show(address, QUEUED)
    assert 50 < busy.value.retry_after <= 60
    assert (await front.hand_over(address, DONE, [a_result()], attempt=1)).messages
    assert len(world.sandbox.called("sendMessage")) == 12


# -- one picture ------------------------------------------------------------------------------------------------------


async def test_one_picture_is_a_photo_in_reply_with_caption_and_buttons(world: World) -> None:
    front, address, request = await a_chat(world)
    address = await front.show(address, QUEUED)
    receipt = await front.hand_over(address, DONE, [a_result()], attempt=1)
    await front.close()
    (post,) = world.bot_posts()
    assert post.reply_to == request.id
    assert [item.kind for item in post.attachments] == ["photo"]
    assert post.text.startswith("a red fox")
    assert [button.id for row in post.buttons for button in row] == [
        "i1:again:7h2k9qz0m4xa",
        "i1:edit:7h2k9qz0m4xa:0",
        "i1:delete:7h2k9qz0m4xa",
    ]
    (message,) = receipt.messages
    assert (message.key, message.task_id, message.index) == (
        key(world.sandbox.chat_id("group"), int(post.id)),
        "7h2k9qz0m4xa",
        0,
    )


async def test_a_quick_task_takes_two_calls(world: World) -> None:
    front, address, _ = await a_chat(world)
    address = await front.show(address, QUEUED)
    await front.hand_over(address, DONE, [a_result()], attempt=1)
    await front.close()
    assert [call.method for call in world.sandbox.calls] == ["sendMessage", "editMessageMedia"]


async def test_a_long_prompt_is_cut_to_what_a_caption_takes(world: World) -> None:
    front, address, _ = await a_chat(world)
    view = replace(DONE, request=a_request("🦊" * 3000))
    await front.hand_over(address, view, [a_result()], attempt=1)
    (post,) = world.bot_posts()
    assert 1000 < texts.utf16_length(post.text) <= 1024


async def test_a_prompt_rings_nobody(world: World) -> None:
    front, address, _ = await a_chat(world)
    await front.hand_over(address, replace(DONE, request=a_request("@ben as a fox")), [a_result()], attempt=1)
    (call,) = world.sandbox.called("sendPhoto")
    assert call.answer is not None
    assert "caption_entities" not in call.answer["result"]


async def test_a_picture_with_too_many_pixels_is_shown_smaller_and_follows_as_a_file(world: World) -> None:
    front, address, _ = await a_chat(world)
    original = a_result(picture_bytes("blue", 9000, 1100))
    receipt = await front.hand_over(address, DONE, [original], attempt=1)
    await front.close()
    photo, file = world.bot_posts()
    assert [item.kind for item in (*photo.attachments, *file.attachments)] == ["photo", "document"]
    assert file.reply_to == photo.id
    assert file.attachments[0].size == len(original.data)
    assert file.text == world.words.say("en", "delivery.original")
    assert [message.index for message in receipt.messages] == [0]
    assert world.sandbox.called("sendPhoto")[0].params["photo"].size < 10_000_000


async def test_a_picture_of_too_many_bytes_is_shown_smaller_and_follows_as_a_file(world: World) -> None:
    out = io.BytesIO()
    Image.effect_noise((3400, 3400), 120).save(out, "PNG", compress_level=0)
    assert 10_000_000 < len(out.getvalue()) < 50_000_000
    front, address, _ = await a_chat(world)
    await front.hand_over(address, DONE, [a_result(out.getvalue())], attempt=1)
    await front.close()
    assert [item.kind for post in world.bot_posts() for item in post.attachments] == ["photo", "document"]


async def test_a_narrow_strip_is_a_file_with_caption_and_buttons(world: World) -> None:
    front, address, _ = await a_chat(world)
    await front.hand_over(address, DONE, [a_result(picture_bytes("blue", 2100, 100))], attempt=1)
    (post,) = world.bot_posts()
    assert [item.kind for item in post.attachments] == ["document"]
    assert post.text.startswith("a red fox")
    assert len(post.buttons[0]) == 3
    assert world.sandbox.called("sendPhoto") == []


@pytest.mark.parametrize(
    ("code", "description"),
    [
        (400, "Bad Request: PHOTO_INVALID_DIMENSIONS"),
        (400, "Bad Request: IMAGE_PROCESS_FAILED"),
        (400, "Bad Request: PICTURE_MOOD_WRONG"),  # which nobody has seen yet
        (413, "Request Entity Too Large"),
    ],
)
async def test_what_telegram_does_not_take_as_a_photo_goes_as_a_file(world: World, code: int, description: str) -> None:
    world.sandbox.fail_next("sendPhoto", code=code, description=description)
    front, address, _ = await a_chat(world)
    await front.hand_over(address, DONE, [a_result()], attempt=1)
    (post,) = world.bot_posts()
    assert [item.kind for item in post.attachments] == ["document"]


async def test_a_deleted_request_does_not_lose_the_picture(world: World) -> None:
    front, address, request = await a_chat(world)
    await world.sandbox.delete("ana", "group", request.id)
    await front.hand_over(address, DONE, [a_result()], attempt=1)
    (post,) = world.bot_posts()
    assert post.reply_to is None


async def test_a_reply_target_that_is_refused_all_the_same_is_left_out(world: World) -> None:
    world.sandbox.fail_next("sendPhoto", description="Bad Request: message to be replied not found")
    front, address, _ = await a_chat(world)
    await front.hand_over(address, DONE, [a_result()], attempt=1)
    (post,) = world.bot_posts()
    assert post.reply_to is None


async def test_a_topic_that_is_gone_does_not_lose_the_picture(world: World) -> None:
    front, address, _ = await a_chat(world, "forum", topic="Landscapes")
    missing = Address("telegram", {**address.data, "topic": 99_999})
    await front.hand_over(missing, DONE, [a_result()], attempt=1)
    # The reply alone finds its way.
    assert [post.thread for post in world.bot_posts("forum")] == ["Landscapes"]


async def test_a_closed_topic_sends_the_picture_to_the_general_one(world: World) -> None:
    front, address, _ = await a_chat(world, "forum", topic="Landscapes")
    world.sandbox.close_topic("forum", "Landscapes")
    await front.hand_over(address, DONE, [a_result()], attempt=1)
    assert [post.thread for post in world.bot_posts("forum")] == ["General"]


async def test_a_status_that_cannot_be_deleted_is_no_error(world: World) -> None:
    front, address, _ = await a_chat(world)
    address = await front.show(address, QUEUED)
    world.sandbox.fail_next("deleteMessage", description="Bad Request: message can't be deleted")
    assert (await front.hand_over(address, DONE, [a_result(index=0), a_result(index=1)], attempt=1)).messages
    with structlog.testing.capture_logs() as logs:
        await front.close()
    assert "the status message stays" in [entry["event"] for entry in logs]


# -- several pictures -------------------------------------------------------------------------------------------------


async def test_several_pictures_are_an_album_with_buttons_below(world: World) -> None:
    front, address, request = await a_chat(world)
    pictures = [a_result(picture_bytes(colour), index) for index, colour in enumerate(("red", "green", "blue"))]
    receipt = await front.hand_over(address, DONE, pictures, attempt=1)
    await front.close()
    *album, below = world.bot_posts()
    assert [post.reply_to for post in album] == [request.id] * 3
    assert [bool(post.text) for post in album] == [True, False, False]
    assert below.reply_to == album[0].id
    assert [[button.id for button in row] for row in below.buttons] == [
        ["i1:edit:7h2k9qz0m4xa:0", "i1:edit:7h2k9qz0m4xa:1", "i1:edit:7h2k9qz0m4xa:2"],
        ["i1:again:7h2k9qz0m4xa", "i1:delete:7h2k9qz0m4xa"],
    ]
    assert [message.index for message in receipt.messages] == [0, 1, 2]


async def test_an_album_that_is_refused_as_photos_goes_as_files(world: World) -> None:
    world.sandbox.fail_next("sendMediaGroup", description="Bad Request: PHOTO_INVALID_DIMENSIONS")
    front, address, _ = await a_chat(world)
    await front.hand_over(address, DONE, [a_result(index=0), a_result(index=1)], attempt=1)
    kinds = [item.kind for post in world.bot_posts() for item in post.attachments]
    assert kinds == ["document", "document"]


async def test_more_pictures_than_an_album_takes_are_two_albums(world: World) -> None:
    front, address, _ = await a_chat(world, "private:ana")
    await front.hand_over(address, DONE, [a_result(index=index) for index in range(11)], attempt=1)
    assert [len(call.params["media"]) for call in world.sandbox.called("sendMediaGroup")] == [6, 5]


# -- no picture -------------------------------------------------------------------------------------------------------


async def test_a_failure_replaces_the_status_and_offers_again(world: World) -> None:
    front, address, _ = await a_chat(world)
    address = await front.show(address, QUEUED)
    receipt = await front.hand_over(address, FAILED, [], attempt=1)
    (post,) = world.bot_posts()
    assert post.id == str(address.data["status"])
    assert world.words.say("en", "error.prompt_refused") in post.text
    assert [button.id for row in post.buttons for button in row] == ["i1:again:7h2k9qz0m4xa"]
    assert receipt.messages == ()
    assert await front.hand_over(address, FAILED, [], attempt=2) == receipt
    assert len(world.bot_posts()) == 1


@pytest.mark.parametrize("had_status", [False, True])
async def test_a_failure_without_a_status_is_a_message_of_its_own(world: World, had_status: bool) -> None:
    front, address, request = await a_chat(world, "private:ana")
    if had_status:
        address = await front.show(address, QUEUED)
        await world.sandbox.delete("ana", "private:ana", str(address.data["status"]))
    await front.hand_over(address, FAILED, [], attempt=1)
    (post,) = world.bot_posts("private:ana")
    assert post.reply_to == request.id


async def test_a_cancelled_task_says_so_in_the_persons_language(world: World) -> None:
    front, address, _ = await a_chat(world)
    address = await front.show(address, replace(QUEUED, locale="zh-CN"))
    cancelled = replace(FAILED, stage=Stage.CANCELLED, failure=None, locale="zh-CN")
    await front.hand_over(address, cancelled, [], attempt=1)
    assert world.bot_texts() == [world.words.say("zh-CN", "status.cancelled")]


# -- chats that take nothing ------------------------------------------------------------------------------------------


async def test_a_429_pauses_that_chat_alone_for_as_long_as_telegram_says(world: World) -> None:
    world.sandbox.fail_next("sendPhoto", code=429, description="Too Many Requests", parameters={"retry_after": 17})
    front, address, _ = await a_chat(world)
    for _ in range(2):
        with pytest.raises(ChatBusy) as busy:
            await front.hand_over(address, DONE, [a_result()], attempt=1)
        assert 16 < busy.value.retry_after <= 17
    assert len(world.sandbox.called("sendPhoto")) == 1
    _, elsewhere, _ = await a_chat(world, "private:ana")
    assert (await front.hand_over(elsewhere, DONE, [a_result()], attempt=1)).messages


@pytest.mark.parametrize("mode", ["drop_before", "drop_after"])
async def test_a_lost_connection_means_later(world: World, mode: str) -> None:
    world.sandbox.fail_next("sendPhoto", mode=mode)  # type: ignore[arg-type]  # one of its modes
    front, address, _ = await a_chat(world)
    with pytest.raises(ChatBusy):
        await front.hand_over(address, DONE, [a_result()], attempt=1)
    assert (await front.hand_over(address, DONE, [a_result()], attempt=2)).messages


async def test_a_blocked_bot_means_the_chat_is_gone(world: World) -> None:
    front, address, _ = await a_chat(world, "private:ana")
    world.sandbox.block_bot("ana")
    with pytest.raises(ChatGone):
        await front.show(address, QUEUED)
    with pytest.raises(ChatGone):
        await front.hand_over(address, DONE, [a_result()], attempt=1)


async def test_a_kicked_bot_means_the_chat_is_gone(world: World) -> None:
    front, address, _ = await a_chat(world)
    world.sandbox.kick_bot("group")
    with pytest.raises(ChatGone):
        await front.hand_over(address, DONE, [a_result(index=0), a_result(index=1)], attempt=1)


async def test_a_group_that_became_a_supergroup_is_followed(world: World) -> None:
    world.sandbox.add_group("small", "Small", supergroup=False)
    world.sandbox.add_group("large", "Large")
    front, address, _ = await a_chat(world, "small")
    large = world.sandbox.chat_id("large")
    for method in ("sendMessage", "sendPhoto"):
        world.sandbox.fail_next(
            method,
            description="Bad Request: group chat was upgraded to a supergroup chat",
            parameters={"migrate_to_chat_id": large},
        )
    shown = await front.show(address, QUEUED)
    assert (shown.data["chat"], shown.data["request"]) == (large, None)
    receipt = await front.hand_over(address, DONE, [a_result()], attempt=1)
    assert receipt.messages[0].key.startswith(f"{large}:")
