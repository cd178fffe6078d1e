"""Pictures and documents both ways: recompression, limits, downloads."""

import io
from typing import Any

import pytest
from PIL import Image
from telegram import Bot, InputMediaDocument, InputMediaPhoto
from telegram.error import BadRequest, NetworkError

from sandbox.chat import Upload
from sandbox.telegram import SentFile, TelegramSandbox
from tests.sandbox.telegram.conftest import Clock, Raw, png
from tests.sandbox.telegram.test_topics import updates_of

MEGABYTE = 1024 * 1024


async def test_a_photo_becomes_jpegs_of_several_sizes(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    sent = await bot.send_photo(group, png(3000, 1500), caption="big", filename="big.png")
    assert [(size.width, size.height) for size in sent.photo] == [(90, 45), (320, 160), (800, 400), (1280, 640)]
    data = bytes(await (await sent.photo[-1].get_file()).download_as_bytearray())
    assert data[:2] == b"\xff\xd8"
    assert len(data) == sent.photo[-1].file_size
    (attachment,) = sandbox.feed.post("group", str(sent.message_id)).attachments
    assert (attachment.kind, attachment.width, attachment.mime) == ("photo", 1280, "image/jpeg")


async def test_a_transparent_picture_lies_on_white(bot: Bot, group: int) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (50, 50), (255, 0, 0, 0)).save(buffer, "PNG")
    sent = await bot.send_photo(group, buffer.getvalue())
    data = await (await sent.photo[-1].get_file()).download_as_bytearray()
    assert Image.open(io.BytesIO(data)).convert("RGB").getpixel((25, 25)) == (255, 255, 255)


async def test_a_document_keeps_its_bytes_name_and_type(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    data = png(10, 10)
    sent = await bot.send_document(group, data, filename="result.png", caption="as it is")
    assert sent.document is not None
    assert (sent.document.file_name, sent.document.mime_type) == ("result.png", "image/png")
    assert bytes(await (await sent.document.get_file()).download_as_bytearray()) == data
    (call,) = sandbox.called("sendDocument")
    assert call.params["document"] == SentFile("result.png", len(data), call.params["document"].sha256)


async def test_people_send_photos_and_files(sandbox: TelegramSandbox, bot: Bot) -> None:
    data = png(2000, 100)
    await sandbox.say("ana", "private:ana", files=[Upload("a.png", "image/png", data)])
    await sandbox.say("ana", "private:ana", files=[Upload("a.png", "image/png", data, as_file=True)])
    photo, document = await updates_of(bot)
    assert photo.photo[-1].width == 1280
    assert document.document is not None
    assert bytes(await (await document.document.get_file()).download_as_bytearray()) == data


async def test_the_pages_picture_address_needs_no_token(sandbox: TelegramSandbox, raw: Raw) -> None:
    post = await sandbox.say("ana", "group", files=[Upload("a.png", "image/png", png())])
    answer = await raw.client.get(post.attachments[0].url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert len(answer.content) == post.attachments[0].size
    assert sandbox.token not in post.attachments[0].url
    assert (await raw.client.get(f"{sandbox.base_url}/pictures/none")).status_code == 404


async def test_a_download_needs_the_token_and_expires_after_an_hour(
    sandbox: TelegramSandbox, bot: Bot, raw: Raw, clock: Clock, group: int
) -> None:
    sent = await bot.send_document(group, b"bytes", filename="a.txt")
    assert sent.document is not None
    file = await sent.document.get_file()
    assert file.file_path is not None
    assert (await raw.client.get(file.file_path)).content == b"bytes"
    assert (await raw.client.get(file.file_path.replace("SANDBOX", "OTHER"))).status_code == 401
    clock.seconds += 3601
    assert (await raw.client.get(file.file_path)).status_code == 404
    assert bytes(await (await sent.document.get_file()).download_as_bytearray()) == b"bytes"


@pytest.mark.parametrize(
    ("data", "description"),
    [
        (b"no picture at all", "Image_process_failed"),
        (png(200, 200)[:150], "Image_process_failed"),
        (png(9000, 1001), "Photo_invalid_dimensions"),
        (png(2100, 100), "Photo_invalid_dimensions"),
        (b"", "File must be non-empty"),
    ],
    ids=["text", "truncated", "too long sides", "too narrow", "empty"],
)
async def test_what_cannot_be_a_photo_is_refused(bot: Bot, group: int, data: bytes, description: str) -> None:
    with pytest.raises(BadRequest, match=f"(?i){description}"):
        await bot.send_photo(group, data)


async def test_the_largest_and_narrowest_allowed_photos_are_taken(bot: Bot, group: int) -> None:
    assert await bot.send_photo(group, png(9000, 1000))
    assert await bot.send_photo(group, png(2000, 100))


async def test_a_photo_above_10_mb_is_413_and_fits_as_a_document(bot: Bot, raw: Raw, group: int) -> None:
    data = png() + b"\0" * (10 * MEGABYTE)
    answer = await raw("sendPhoto", files={"photo": ("a.png", data)}, chat_id=str(group))
    assert (answer["error_code"], answer["description"]) == (413, "Request Entity Too Large")
    with pytest.raises(NetworkError, match="Request Entity Too Large"):
        await bot.send_photo(group, data)
    assert (await bot.send_document(group, data, filename="a.png")).document


async def test_a_document_above_50_mb_is_413(raw: Raw, group: int) -> None:
    for size in (50 * MEGABYTE + 1, 52 * MEGABYTE):
        answer = await raw("sendDocument", files={"document": ("a.bin", b"\0" * size)}, chat_id=str(group))
        assert (answer["error_code"], answer["description"]) == (413, "Request Entity Too Large")


async def test_get_file_refuses_more_than_20_mb(sandbox: TelegramSandbox, bot: Bot) -> None:
    for size in (20 * MEGABYTE, 20 * MEGABYTE + 1):
        upload = Upload("a.bin", "application/octet-stream", b"\0" * size)
        await sandbox.say("ana", "private:ana", files=[upload])
    fits, larger = await updates_of(bot)
    assert fits.document is not None
    assert larger.document is not None
    assert await bot.get_file(fits.document)
    with pytest.raises(BadRequest, match="File is too big"):
        await bot.get_file(larger.document)
    with pytest.raises(BadRequest, match=r"(?i)invalid file_id"):
        await bot.get_file("AgACnonsense")


async def test_a_file_id_can_be_sent_again_but_only_as_the_same_kind(bot: Bot, group: int) -> None:
    sent = await bot.send_photo(group, png())
    again = await bot.send_photo(group, sent.photo[0].file_id)
    assert again.photo[-1].file_unique_id == sent.photo[-1].file_unique_id
    with pytest.raises(BadRequest, match="Can't use file of type photo as document"):
        await bot.send_document(group, sent.photo[-1].file_id)
    with pytest.raises(BadRequest, match="Wrong file identifier/http url specified"):
        await bot.send_photo(group, "AgACnonsense")
    with pytest.raises(BadRequest, match="Failed to get http url content"):
        await bot.send_photo(group, "https://gateway.example/result.png")


@pytest.mark.parametrize(
    ("caption", "fits"), [("😀" * 512, True), ("😀" * 512 + "x", False), ("<b>" + "x" * 1024 + "</b>", True)]
)
async def test_a_caption_has_at_most_1024_utf16_units_after_parsing(
    bot: Bot, group: int, caption: str, fits: bool
) -> None:
    if fits:
        assert await bot.send_photo(group, png(), caption=caption, parse_mode="HTML")
        return
    with pytest.raises(BadRequest, match="Message caption is too long"):
        await bot.send_photo(group, png(), caption=caption, parse_mode="HTML")


async def test_an_album_is_sent_as_messages_of_one_group(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    media = [InputMediaPhoto(png(colour=colour), filename=f"{colour}.png") for colour in ("red", "blue", "green")]
    sent = await bot.send_media_group(group, media, caption="three")
    assert [message.caption for message in sent] == ["three", None, None]
    assert len({message.media_group_id for message in sent}) == 1
    assert len(sandbox.feed.posts("group", author="bot")) == 3
    (call,) = sandbox.called("sendMediaGroup")
    assert [item["media"].name for item in call.params["media"]] == ["red.png", "blue.png", "green.png"]


async def test_an_album_has_two_to_ten_items_of_kinds_that_mix(bot: Bot, group: int) -> None:
    photo = InputMediaPhoto(png())
    for media, words in [([photo], "few"), ([photo] * 11, "many")]:
        with pytest.raises(BadRequest, match=f"Too {words} messages to send as an album"):
            await bot.send_media_group(group, media)
    with pytest.raises(BadRequest, match="Document can't be mixed"):
        await bot.send_media_group(group, [photo, InputMediaDocument(png())])


async def test_an_album_takes_no_keyboard_and_no_missing_file(raw: Raw, group: int) -> None:
    media: list[dict[str, Any]] = [{"type": "photo", "media": "attach://one"}] * 2
    answer = await raw("sendMediaGroup", chat_id=group, media=media, reply_markup={"inline_keyboard": []})
    assert answer["description"] == "Bad Request: unknown parameter reply_markup"
    answer = await raw("sendMediaGroup", chat_id=group, media=media)
    assert answer["description"] == "Bad Request: can't parse media: there is no file one in the request"


async def test_an_animation_is_a_document_too(bot: Bot, group: int) -> None:
    animation = await bot.send_animation(group, b"gif", width=10, height=20, filename="a.gif")
    assert animation.animation is not None
    assert animation.document is not None


async def test_a_part_nothing_points_to_is_an_unknown_parameter(raw: Raw, group: int) -> None:
    answer = await raw("sendMessage", files={"picture": ("a.png", png())}, chat_id=str(group), text="hi")
    assert answer["description"] == "Bad Request: unknown parameter picture"
