"""Messages the bot sends: what Telegram takes and in which words it refuses the rest."""

from typing import Any

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters
from telegram.error import BadRequest, Forbidden

from sandbox.telegram import TelegramSandbox
from tests.sandbox.telegram.conftest import Raw


def keyboard(*data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(f"Button {item}", callback_data=item) for item in data]])


async def test_a_sent_message_is_shown_to_the_people_with_its_buttons(
    sandbox: TelegramSandbox, bot: Bot, group: int
) -> None:
    sent = await bot.send_message(group, "<b>Hello</b> &amp; welcome", parse_mode="HTML", reply_markup=keyboard("a"))
    post = sandbox.feed.post("group", str(sent.message_id))
    assert (post.author, post.text, post.platform) == ("bot", "Hello & welcome", "telegram")
    assert [(button.id, button.label) for button in post.buttons[0]] == [("a", "Button a")]
    assert [(entity.type, entity.offset, entity.length) for entity in sent.entities] == [("bold", 0, 5)]


@pytest.mark.parametrize(
    ("parameters", "description"),
    [
        ({"text": "  \n "}, "message text is empty"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "😀" * 2049}, "message is too long"),
        ({"text": "hi", "chat_id": 99}, "chat not found"),
        ({"text": "hi", "txet": "hi"}, "unknown parameter txet"),
        ({}, "parameter text is required"),
        ({"text": 5}, "wrong type of text: expected String"),
        ({"text": "hi", "disable_notification": "perhaps"}, "wrong type of disable_notification: expected Boolean"),
        ({"text": "hi", "reply_markup": "{"}, "can't parse reply markup JSON object"),
        ({"text": "hi", "parse_mode": "BBCode"}, "unsupported parse_mode"),
        ({"text": "hi", "reply_parameters": {"message_id": 999}}, "message to be replied not found"),
        ({"text": "hi", "reply_parameters": {}}, "parameter reply_parameters.message_id is required"),
        ({"text": "hi", "message_thread_id": 1}, "message thread not found"),
        ({"text": "hi", "entities": [{"type": "bold", "offset": 1, "length": 9}]}, "ENTITY_BOUNDS_INVALID"),
    ],
)
async def test_a_wrong_message_is_refused_in_telegrams_words(
    raw: Raw, group: int, parameters: dict[str, Any], description: str
) -> None:
    answer = await raw("sendMessage", **{"chat_id": group, **parameters})
    assert (answer["error_code"], answer["description"]) == (400, f"Bad Request: {description}")


@pytest.mark.parametrize(
    ("button", "description"),
    [
        ({"text": "go", "callback_data": "é" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "go", "callback_data": ""}, "BUTTON_DATA_INVALID"),
        ({"text": "go"}, "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
        ({"text": " ", "callback_data": "a"}, 'can\'t parse inline keyboard button: Field "text" must be non-empty'),
        ({"text": "go", "url": "nowhere"}, "inline keyboard button URL 'nowhere' is invalid: Wrong HTTP URL"),
        ({"text": "go", "data": "a"}, "unknown parameter reply_markup.inline_keyboard[0][0].data"),
        (
            {"text": "go", "url": "https://a.org", "callback_data": "a"},
            "can't parse inline keyboard button: exactly one action must be specified",
        ),
        ({"text": "go", "callback_data": 7}, "wrong type of reply_markup.inline_keyboard[0][0].callback_data: "
         "expected String"),
        ({"text": "go", "copy_text": {"text": "x" * 257}}, "BUTTON_COPY_TEXT_INVALID"),
    ],
)  # fmt: skip
async def test_a_wrong_button_is_refused(raw: Raw, group: int, button: dict[str, Any], description: str) -> None:
    answer = await raw("sendMessage", chat_id=group, text="hi", reply_markup={"inline_keyboard": [[button]]})
    assert answer["description"] == f"Bad Request: {description}"


async def test_callback_data_of_exactly_64_bytes_is_taken(bot: Bot, group: int) -> None:
    sent = await bot.send_message(group, "hi", reply_markup=keyboard("é" * 32))
    assert sent.reply_markup is not None
    assert sent.reply_markup.inline_keyboard[0][0].callback_data == "é" * 32


async def test_a_hundred_and_one_buttons_are_too_many(bot: Bot, group: int) -> None:
    with pytest.raises(BadRequest, match=r"(?i)reply_markup_too_long"):
        await bot.send_message(group, "hi", reply_markup=keyboard(*map(str, range(101))))


async def test_a_reply_carries_the_message_it_answers(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    question = await sandbox.say("ana", "group", "/imagine a fox")
    sent = await bot.send_message(group, "done", reply_parameters=ReplyParameters(int(question.id), quote="fox"))
    assert sent.reply_to_message is not None
    assert sent.reply_to_message.text == "/imagine a fox"
    assert sent.quote is not None
    assert (sent.quote.text, sent.quote.position) == ("fox", 11)
    assert sandbox.feed.post("group", str(sent.message_id)).reply_to == question.id


async def test_a_reply_to_a_deleted_message_needs_allow_sending_without_reply(
    sandbox: TelegramSandbox, bot: Bot, group: int
) -> None:
    question = await sandbox.say("ana", "group", "/imagine a fox")
    await sandbox.delete("ana", "group", question.id)
    with pytest.raises(BadRequest, match="Message to be replied not found"):
        await bot.send_message(group, "done", reply_parameters=ReplyParameters(int(question.id)))
    sent = await bot.send_message(group, "done", reply_to_message_id=int(question.id), allow_sending_without_reply=True)
    assert sent.reply_to_message is None


async def test_a_quote_must_be_part_of_the_message(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    question = await sandbox.say("ana", "group", "/imagine a fox")
    with pytest.raises(BadRequest, match=r"(?i)quote_text_invalid"):
        await bot.send_message(group, "done", reply_parameters=ReplyParameters(int(question.id), quote="a cat"))


async def test_the_bot_may_write_privately_only_after_the_person_did(sandbox: TelegramSandbox, bot: Bot) -> None:
    ana = sandbox.chat_id("private:ana")
    with pytest.raises(Forbidden, match="can't initiate conversation"):
        await bot.send_message(ana, "hi")
    await sandbox.say("ana", "private:ana", "/start")
    assert (await bot.send_message(ana, "hi")).chat.type == "private"


async def test_a_blocked_bot_is_forbidden_until_it_is_unblocked(sandbox: TelegramSandbox, bot: Bot) -> None:
    await sandbox.say("ana", "private:ana", "/start")
    sandbox.block_bot("ana")
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(sandbox.chat_id("private:ana"), "hi")
    sandbox.unblock_bot("ana")
    assert await bot.send_message(sandbox.chat_id("private:ana"), "hi")


async def test_a_kicked_bot_is_forbidden_in_each_kind_of_group(sandbox: TelegramSandbox, bot: Bot) -> None:
    small = sandbox.add_group("small", "Small", supergroup=False)
    sandbox.kick_bot("group")
    sandbox.kick_bot("small")
    with pytest.raises(Forbidden, match="bot was kicked from the supergroup chat"):
        await bot.send_message(sandbox.chat_id("group"), "hi")
    with pytest.raises(Forbidden, match="bot was kicked from the group chat"):
        await bot.send_message(small.id, "hi")


async def test_a_group_is_negative_and_a_supergroup_begins_with_minus_100(sandbox: TelegramSandbox) -> None:
    small = sandbox.add_group("small", "Small", supergroup=False)
    assert small.id < 0
    assert not str(small.id).startswith("-100")
    assert str(sandbox.chat_id("group")).startswith("-100")


async def test_a_wrong_token_is_401_and_an_unknown_method_404(sandbox: TelegramSandbox, raw: Raw) -> None:
    answer = await raw.client.post(f"{sandbox.base_url}/bot1:wrong/getMe")
    assert (answer.status_code, answer.json()) == (
        401, {"ok": False, "error_code": 401, "description": "Unauthorized"},
    )  # fmt: skip
    assert (await raw("sendMesage"))["error_code"] == 404
    assert (await raw("GETME"))["ok"]


async def test_parameters_may_come_by_query_or_form(sandbox: TelegramSandbox, raw: Raw, group: int) -> None:
    url = f"{sandbox.base_url}/bot{sandbox.token}/sendMessage"
    by_query = await raw.client.get(url, params={"chat_id": group, "text": "one"})
    by_form = await raw.client.post(url, data={"chat_id": str(group), "text": "12"})
    assert [by_query.json()["result"]["text"], by_form.json()["result"]["text"]] == ["one", "12"]


async def test_copies_and_forwards_keep_the_words(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    question = await sandbox.say("ana", "group", "/imagine a fox")
    forwarded = await bot.forward_message(sandbox.chat_id("forum"), group, int(question.id))
    copied = await bot.copy_message(sandbox.chat_id("forum"), group, int(question.id))
    assert forwarded.forward_origin is not None
    assert forwarded.forward_origin.type == "user"
    assert sandbox.feed.post("forum", str(copied.message_id)).text == "/imagine a fox"
    protected = await bot.send_message(group, "mine", protect_content=True)
    with pytest.raises(BadRequest, match="protected content"):
        await bot.forward_message(group, group, protected.message_id)
    with pytest.raises(BadRequest, match="Message to copy not found"):
        await bot.copy_message(group, group, 999)


async def test_every_call_is_recorded_with_its_answer(sandbox: TelegramSandbox, bot: Bot, raw: Raw, group: int) -> None:
    await bot.send_message(group, "hello")
    await raw("sendMessage", chat_id=group, text="")
    good, bad = sandbox.called("sendMessage")
    assert good.params == {"chat_id": group, "text": "hello"}
    assert good.answer is not None
    assert good.answer["result"]["text"] == "hello"
    assert bad.answer is not None
    assert bad.answer["description"] == "Bad Request: message text is empty"
