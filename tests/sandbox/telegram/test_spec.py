"""The specification judges calls and, here, everything the stand-in itself says."""

import json
from importlib.resources import files
from typing import Any

import pytest
from telegram import Bot, InputMediaPhoto

from sandbox.chat import Upload
from sandbox.pictures import clip
from sandbox.telegram import TelegramSandbox
from sandbox.telegram.errors import ApiError
from sandbox.telegram.server import HANDLERS
from sandbox.telegram.spec import specification
from tests.sandbox.telegram.conftest import Raw, png
from tests.sandbox.telegram.test_sending import keyboard


def test_every_method_of_the_specification_is_handled() -> None:
    assert set(specification().methods) == {*HANDLERS, "getUpdates"}


def test_every_type_the_specification_names_is_in_it() -> None:
    document = json.loads(files("sandbox").joinpath("data/telegram_bot_api.json").read_text(encoding="utf-8"))
    known = document["types"].keys() | {"Integer", "Float", "String", "Boolean", "True", "InputFile"}
    items = [*document["methods"].values(), *document["types"].values()]
    named = {
        name.replace("Array of ", "") for item in items for field in item.get("fields", []) for name in field["types"]
    }
    assert len(named) > 20
    assert named <= known
    assert {name for item in document["types"].values() for name in item.get("subtypes", [])} <= known


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"message_id": 1, "date": 1}, "parameter Message.chat is required"),
        (
            {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}, "txt": ""},
            "unknown parameter Message.txt",
        ),
        ({"message_id": "1", "date": 1, "chat": {"id": 1, "type": "private"}}, "wrong type of Message.message_id: "),
        ({"message_id": True, "date": 1, "chat": {"id": 1, "type": "private"}}, "wrong type of Message.message_id: "),
        (
            {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}, "photo": [{"file_id": "a"}]},
            "parameter Message.photo[0].file_unique_id is required",
        ),
    ],
)
def test_a_wrong_object_is_found_out(value: dict[str, Any], reason: str) -> None:
    with pytest.raises(ApiError) as caught:
        specification().check("Message", value)
    assert caught.value.description.startswith(f"Bad Request: {reason}")


async def everything_happens(sandbox: TelegramSandbox, bot: Bot) -> None:
    """One of each thing that makes an update or an answer."""
    photo = Upload("fox.png", "image/png", png())
    group, forum = sandbox.chat_id("group"), sandbox.chat_id("forum")
    sandbox.set_admin("group", True)
    album = await sandbox.say("ana", "group", "/edit https://a.org @ben #fox 😀", files=[photo, photo])
    await sandbox.say("ben", "group", "/edit", reply_to=album.id)
    await sandbox.say("ana", "private:ana", files=[Upload("a.png", "image/png", png(), as_file=True)])
    await sandbox.say("ana", "private:ana", files=[Upload("a.mp4", "video/mp4", clip())])
    post = await sandbox.say("chen", "forum", "/imagine 猫", thread="Portraits")
    await sandbox.edit("chen", "forum", post.id, "/imagine 狐")
    sandbox.close_topic("forum", "Portraits")
    sandbox.reopen_topic("forum", "Portraits")
    sandbox.block_bot("ana")
    sandbox.unblock_bot("ana")
    sandbox.kick_bot("group")
    sandbox.invite_bot("group")
    sent = await bot.send_photo(
        group, png(), caption="<blockquote expandable>fox</blockquote> <a href='https://a.org'>x</a>",
        parse_mode="HTML", reply_to_message_id=int(album.id), reply_markup=keyboard("again"), has_spoiler=True,
        show_caption_above_media=True, protect_content=True,
    )  # fmt: skip
    await sandbox.press("ben", "group", str(sent.message_id), "again")
    await bot.send_media_group(forum, [InputMediaPhoto(png())] * 2, reply_to_message_id=int(post.id))
    await bot.send_video(group, clip(), filename="a.mp4")
    await bot.send_animation(group, b"gif", filename="a.gif")
    text = await bot.send_message(group, "hi", disable_web_page_preview=True)
    await bot.edit_message_text("ho", group, text.message_id)
    await bot.edit_message_media(InputMediaPhoto(png()), group, text.message_id)
    await bot.copy_message(group, group, text.message_id)
    await bot.forward_message(group, group, text.message_id)
    await bot.get_file(sent.photo[-1])
    await bot.get_chat(group)
    await bot.get_chat(sandbox.chat_id("private:ana"))
    await bot.get_chat_administrators(group)
    await bot.get_chat_member(group, bot.id)
    await bot.set_my_commands([("imagine", "Paint")])
    await bot.get_my_commands()
    await bot.get_webhook_info()
    await bot.get_me()


async def test_everything_the_stand_in_says_is_in_the_specification(
    sandbox: TelegramSandbox, bot: Bot, raw: Raw
) -> None:
    await everything_happens(sandbox, bot)
    spec = specification()
    updates = (await raw("getUpdates"))["result"]
    for update in updates:
        spec.check("Update", update)
    kinds = {name for update in updates for name in update} - {"update_id"}
    assert kinds == {"message", "edited_message", "callback_query", "my_chat_member"}
    document = json.loads(files("sandbox").joinpath("data/telegram_bot_api.json").read_text(encoding="utf-8"))
    checked = set()
    for call in sandbox.calls:
        if call.method == "getUpdates" or call.answer is None or not call.answer["ok"]:
            continue
        result = call.answer["result"]
        (returned, *_) = document["methods"][call.method]["returns"]
        for item in result if isinstance(result, list) else [result]:
            if isinstance(item, dict):
                spec.check(returned.removeprefix("Array of "), item)
                checked.add(call.method)
    assert len(checked) >= 14


async def test_the_checks_would_notice_a_field_that_is_not_telegrams(sandbox: TelegramSandbox, raw: Raw) -> None:
    sent = await sandbox.say("ana", "group", "/imagine")
    sandbox.message("group", sent.id).fields["prompt"] = "fox"
    await sandbox.edit("ana", "group", sent.id, "/imagine a fox")
    update = (await raw("getUpdates"))["result"][1]
    with pytest.raises(ApiError, match=r"unknown parameter Update.edited_message.prompt"):
        specification().check("Update", update)
