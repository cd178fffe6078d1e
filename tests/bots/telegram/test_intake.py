"""What people write becomes a stored task, or nothing: against the stand-in, with the real store."""

import pytest

from core.types import FrontFile, MediaRef, Operation
from sandbox.chat import Upload
from tests.bots.telegram.world import BOT_ID, World, file_id, file_ids, picture_bytes, upload
from tests.waiting import until

# -- commands -------------------------------------------------------------------------------------------------------


async def test_imagine_with_flags_in_a_group_is_stored_with_the_group_as_its_address(world: World) -> None:
    post = await world.said("ana", "group", "/imagine a red fox --ar 16:9 --n 2 --seed 42")
    task = await world.only_task()
    request = task.request
    assert (request.prompt, request.ratio, request.count, request.seed) == ("a red fox", "16:9", 2, 42)
    assert request.operation is Operation.IMAGINE
    assert task.who.chat == f"telegram:{world.sandbox.chat_id('group')}"
    assert task.who.name == "Ana"
    assert task.address.data == {
        "chat": world.sandbox.chat_id("group"),
        "topic": None,
        "request": int(post.id),
        "status": None,
        "private": False,
    }
    assert world.bot_posts() == []


async def test_a_command_that_names_the_bot_is_taken(world: World) -> None:
    await world.said("ana", "group", "/imagine@Imagine_Sandbox_Bot a red fox")
    assert (await world.only_task()).request.prompt == "a red fox"


async def test_a_command_for_another_bot_is_left_alone(world: World) -> None:
    world.sandbox.set_privacy("group", privacy=False)
    await world.said("ana", "group", "/imagine@other_bot a red fox")
    assert await world.tasks() == []
    assert world.bot_posts() == []


async def test_a_request_that_cannot_be_done_is_refused_in_reply_and_in_the_persons_language(world: World) -> None:
    post = await world.said("chen", "group", "/imagine 狐狸 --model nosuch")
    assert await world.tasks("chen") == []
    (answer,) = world.bot_posts()
    assert answer.reply_to == post.id
    assert "nosuch" in answer.text
    assert "模型" in answer.text


@pytest.mark.parametrize(("said", "sentence"), [("/imagine", "hint.imagine"), ("/edit", "hint.edit_telegram")])
async def test_a_command_without_what_it_needs_is_explained(world: World, said: str, sentence: str) -> None:
    await world.said("ana", "group", said)
    assert world.bot_texts() == [world.words.say("en", sentence, imagine="/imagine", edit="/edit")]


async def test_talk_in_a_group_is_left_alone_even_where_the_bot_hears_all(world: World) -> None:
    world.sandbox.set_privacy("group", privacy=False)
    async with world.listening():
        picture = await world.sandbox.say("ben", "group", "look at this", files=[upload()])
        await world.sandbox.say("ana", "group", "make it blue", reply_to=picture.id)
        await world.sandbox.say("ana", "group", "hello all")
    assert await world.tasks() == await world.tasks("ben") == []
    assert world.bot_posts() == []


async def test_an_edited_message_orders_nothing(world: World) -> None:
    async with world.listening():
        post = await world.sandbox.say("ana", "private:ana", "/help")
        await world.sandbox.edit("ana", "private:ana", post.id, "/imagine a red fox")
    assert await world.tasks() == []


# -- pictures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_file", [False, True], ids=["photo", "file"])
@pytest.mark.parametrize("command", ["/edit", "/imagine"])
async def test_a_picture_whose_caption_is_a_command_is_edited(world: World, command: str, as_file: bool) -> None:
    post = await world.said("ana", "group", f"{command} make it blue", files=[upload(as_file=as_file)])
    request = (await world.only_task()).request
    assert (request.operation, request.prompt) == (Operation.EDIT, "make it blue")
    assert file_ids(request) == [file_id(world, "group", post)]


async def test_nothing_is_downloaded_before_the_task_is_stored(world: World) -> None:
    await world.said("ana", "group", "/edit make it blue", files=[upload()])
    await world.only_task()
    assert world.sandbox.called("getFile") == []


@pytest.mark.parametrize("command", ["/edit", "/imagine"])
async def test_a_command_in_reply_to_anyones_photo_edits_that_photo(world: World, command: str) -> None:
    async with world.listening():
        photo = await world.sandbox.say("ben", "group", files=[upload()])
        await world.sandbox.say("ana", "group", f"{command} make it blue", reply_to=photo.id)
    task = await world.only_task()
    assert task.request.operation is Operation.EDIT
    assert file_ids(task.request) == [file_id(world, "group", photo)]
    assert task.address.data["topic"] is None  # though Telegram numbers the thread of replies


async def test_the_replied_picture_comes_before_ones_own(world: World) -> None:
    async with world.listening():
        theirs = await world.sandbox.say("ben", "group", files=[upload("green")])
        own = await world.sandbox.say("ana", "group", "/edit merge", files=[upload("red")], reply_to=theirs.id)
    expected = [file_id(world, "group", theirs), file_id(world, "group", own)]
    assert file_ids((await world.only_task()).request) == expected


async def test_edit_in_reply_to_words_is_explained(world: World) -> None:
    async with world.listening():
        words = await world.sandbox.say("ben", "group", "hello")
        await world.sandbox.say("ana", "group", "/edit make it blue", reply_to=words.id)
    assert world.bot_texts() == [world.words.say("en", "hint.edit_telegram", edit="/edit")]


async def test_imagine_in_reply_to_words_makes_a_new_picture(world: World) -> None:
    async with world.listening():
        words = await world.sandbox.say("ben", "group", "hello")
        await world.sandbox.say("ana", "group", "/imagine a red fox", reply_to=words.id)
    assert (await world.only_task()).request.operation is Operation.IMAGINE


async def test_a_file_that_is_no_picture_is_no_input(world: World) -> None:
    text = Upload("notes.txt", "text/plain", b"hello", as_file=True)
    await world.said("ana", "group", "/edit make it blue", files=[text])
    assert await world.tasks() == []
    assert world.bot_texts() == [world.words.say("en", "hint.edit_telegram", edit="/edit")]


async def test_a_mention_in_reply_to_a_photo_edits_it_where_the_bot_hears_it(world: World) -> None:
    world.sandbox.set_privacy("group", privacy=False)
    async with world.listening():
        photo = await world.sandbox.say("ben", "group", files=[upload()])
        await world.sandbox.say("ana", "group", "@imagine_sandbox_bot make it blue", reply_to=photo.id)
    request = (await world.only_task()).request
    assert request.prompt == "make it blue"
    assert file_ids(request) == [file_id(world, "group", photo)]


# -- albums ---------------------------------------------------------------------------------------------------------


async def test_all_pictures_of_an_album_are_inputs_of_one_task(world: World) -> None:
    post = await world.said("ana", "private:ana", "/edit merge", files=[upload("red"), upload("green"), upload("blue")])
    task = await world.only_task()
    assert len(set(file_ids(task.request))) == 3
    assert file_ids(task.request)[0] == file_id(world, "private:ana", post)


async def test_an_album_waits_for_its_later_parts_before_anything_is_fetched(world: World) -> None:
    await world.said("ana", "private:ana", "/edit merge", files=[upload("red"), upload("green")])
    task = await world.only_task()
    assert await world.store.intake_due(["telegram"], task.created_at, 10) == []


async def test_in_a_group_with_privacy_mode_an_album_edits_the_captioned_picture(world: World) -> None:
    post = await world.said("ana", "group", "/edit merge", files=[upload("red"), upload("green")])
    assert file_ids((await world.only_task()).request) == [file_id(world, "group", post)]


async def test_an_album_without_words_in_a_private_chat_is_asked_about_once(world: World) -> None:
    async with world.listening():
        await world.sandbox.say("ana", "private:ana", files=[upload("red"), upload("green")])
        await until(lambda: world.bot_posts("private:ana"))
    assert world.bot_texts("private:ana") == [world.words.say("en", "hint.edit_words", edit="/edit")]
    assert await world.tasks() == []


# -- the bot's own pictures -------------------------------------------------------------------------------------------


async def test_plain_words_in_reply_to_the_bots_picture_edit_its_original(world: World) -> None:
    first, result = await world.result_of("ana", "group")
    await world.said("ben", "group", "make it blue", reply_to=result.id)
    task = await world.only_task("ben")
    (image,) = task.request.images
    assert isinstance(image, MediaRef)
    assert image == await world.client.result(first.id, 0)
    assert (task.parent, task.request.prompt) == (first.id, "make it blue")


async def test_a_command_in_reply_to_the_bots_picture_edits_its_original_too(world: World) -> None:
    first, result = await world.result_of("ana", "group")
    await world.said("ben", "group", "/imagine make it blue", reply_to=result.id, files=[upload()])
    request = (await world.only_task("ben")).request
    assert [type(image) for image in request.images] == [MediaRef, FrontFile]
    assert request.images[0] == await world.client.result(first.id, 0)


async def test_a_picture_of_the_bots_that_nobody_remembers_is_edited_as_the_chat_shows_it(world: World) -> None:
    front = world.front()
    bot = front._bot
    sent = await bot.send_photo(world.sandbox.chat_id("group"), picture_bytes())
    await world.said("ana", "group", "make it blue", reply_to=str(sent.message_id))
    assert file_ids((await world.only_task()).request) == [sent.photo[-1].file_id]


async def test_talk_in_reply_to_the_bots_words_is_left_alone_in_a_group(world: World) -> None:
    await world.said("ana", "group", "/help")
    (answer,) = world.bot_posts()
    await world.said("ana", "group", "thank you", reply_to=answer.id)
    assert await world.tasks() == []
    assert len(world.bot_posts()) == 1


# -- private chats ----------------------------------------------------------------------------------------------------


async def test_a_photo_with_any_caption_in_a_private_chat_is_edited(world: World) -> None:
    post = await world.said("ana", "private:ana", "make it blue", files=[upload()])
    task = await world.only_task()
    assert file_ids(task.request) == [file_id(world, "private:ana", post)]
    assert task.address.data["private"] is True


async def test_a_photo_without_words_is_asked_about_and_the_answer_edits_it_even_after_a_restart(world: World) -> None:
    async with world.listening():
        await world.sandbox.say("ana", "private:ana", files=[upload()])
        await until(lambda: world.bot_posts("private:ana"))
    (question,) = world.bot_posts("private:ana")
    assert question.text == world.words.say("en", "edit.question")
    (call,) = world.sandbox.called("sendPhoto")
    assert call.params["reply_markup"]["force_reply"] is True
    await world.said("ana", "private:ana", "make it blue", reply_to=question.id)
    request = (await world.only_task()).request
    assert (request.operation, request.prompt) == (Operation.EDIT, "make it blue")
    assert len(file_ids(request)) == 1


async def test_plain_words_in_a_private_chat_order_nothing_but_are_answered(world: World) -> None:
    await world.said("ana", "private:ana", "a red fox")
    assert await world.tasks() == []
    assert world.bot_texts("private:ana") == [world.words.say("en", "hint.private_text", imagine="/imagine")]


# -- topics -----------------------------------------------------------------------------------------------------------


async def test_a_topic_is_kept_in_the_address_and_answers_go_there(world: World) -> None:
    async with world.listening():
        await world.sandbox.say("ana", "forum", "/imagine a red fox", thread="Landscapes")
        await world.sandbox.say("ana", "forum", "/edit", thread="Landscapes")
    task = await world.only_task()
    assert task.address.data["topic"] == world.sandbox.thread_id("forum", "Landscapes")
    assert [post.thread for post in world.bot_posts("forum")] == ["Landscapes"]


async def test_the_general_topic_is_never_named(world: World) -> None:
    async with world.listening():
        await world.sandbox.say("ana", "forum", "/imagine a red fox", thread="General")
        await world.sandbox.say("ana", "forum", "/edit", thread="General")
    assert (await world.only_task()).address.data["topic"] is None
    assert [post.thread for post in world.bot_posts("forum")] == ["General"]


async def test_edit_without_a_reply_in_a_topic_is_no_reply_to_the_topic(world: World) -> None:
    await world.said("ana", "forum", "/edit make it blue", thread="Landscapes")
    assert world.bot_texts("forum") == [world.words.say("en", "hint.edit_telegram", edit="/edit")]


# -- the same update again --------------------------------------------------------------------------------------------


async def test_an_update_that_comes_again_orders_nothing_twice(world: World) -> None:
    await world.said("ana", "group", "/imagine a red fox")
    before = await world.only_task()
    async with world.listening():
        world.sandbox.redeliver_last()
        await until(lambda: not world.sandbox.pending_updates)
    assert await world.only_task() == before
    event = f"telegram:{BOT_ID}:{world.sandbox._service.updates.last.id}"  # type: ignore[union-attr]  # there is one
    found = await world.store.task_of_event(event)
    assert found is not None
    assert found.id == before.id


async def test_a_group_the_bot_is_added_to_is_greeted(world: World) -> None:
    world.sandbox.kick_bot("group")
    async with world.listening():
        world.sandbox.invite_bot("group")
    assert len(world.bot_posts()) == 1
    assert "/imagine" in world.bot_texts()[0]
