"""Videos both ways: what Telegram knows of them, limits, albums, replies."""

from datetime import timedelta

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto, InputMediaVideo, Video
from telegram.error import BadRequest, NetworkError

from sandbox.chat import Upload
from sandbox.pictures import clip
from sandbox.telegram import TelegramSandbox
from tests.sandbox.telegram.conftest import Raw, png
from tests.sandbox.telegram.test_topics import updates_of

MEGABYTE = 1024 * 1024
FILM = clip(seconds=8, ratio="9:16")
#: Whole and playable, and just above what Telegram measures itself.
LARGE = clip(note="x" * 10 * MEGABYTE)


def shape(video: Video | None) -> tuple[int, int, int]:
    assert video is not None
    assert video.mime_type == "video/mp4"
    assert isinstance(video.duration, timedelta)
    return video.width, video.height, int(video.duration.total_seconds())


async def test_a_video_is_posted_with_all_that_a_result_needs(sandbox: TelegramSandbox, bot: Bot) -> None:
    asked = await sandbox.say("ana", "forum", "/video waves", thread="Landscapes")
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Again", callback_data="again")]])
    sent = await bot.send_video(
        sandbox.chat_id("forum"), FILM, filename="waves.mp4", caption="<b>waves</b>", parse_mode="HTML", width=360,
        height=640, duration=8, supports_streaming=True, reply_to_message_id=int(asked.id), reply_markup=keyboard,
    )  # fmt: skip
    assert shape(sent.video) == (360, 640, 8)
    assert sent.video is not None
    assert (sent.caption, sent.video.file_name) == ("waves", "waves.mp4")
    assert sent.reply_to_message is not None
    assert sent.message_thread_id == sent.reply_to_message.message_thread_id is not None
    assert bytes(await (await sent.video.get_file()).download_as_bytearray()) == FILM
    post = sandbox.feed.post("forum", str(sent.message_id))
    (attachment,) = post.attachments
    assert (post.thread, post.buttons[0][0].id) == ("Landscapes", "again")
    assert (attachment.kind, attachment.mime, attachment.width, attachment.height) == ("video", "video/mp4", 360, 640)


@pytest.mark.parametrize(
    ("data", "told", "known"),
    [
        (FILM, {}, (360, 640, 8)),
        (LARGE, {}, (320, 320, 0)),
        (LARGE, {"width": 640, "height": 360, "duration": 5}, (640, 360, 5)),
    ],
    ids=["small", "large", "large and told"],
)
async def test_only_small_videos_are_measured_by_telegram(
    bot: Bot, group: int, data: bytes, told: dict[str, int], known: tuple[int, int, int]
) -> None:
    sent = await bot.send_video(group, data, filename="a.mp4", **told)  # type: ignore[arg-type]  # numbers by name
    assert shape(sent.video) == known


async def test_what_is_no_mp4_becomes_a_document(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    sent = await bot.send_video(group, b"\x1a\x45\xdf\xa3 webm", filename="a.webm")
    assert sent.video is None
    assert sent.document is not None
    assert sent.document.file_name == "a.webm"
    (attachment,) = sandbox.feed.post("group", str(sent.message_id)).attachments
    assert attachment.kind == "document"


async def test_a_video_above_50_mb_is_413_and_an_empty_one_is_none(bot: Bot, raw: Raw, group: int) -> None:
    film = FILM + bytes(50 * MEGABYTE + 1 - len(FILM))
    answer = await raw("sendVideo", files={"video": ("a.mp4", film)}, chat_id=str(group))
    assert (answer["error_code"], answer["description"]) == (413, "Request Entity Too Large")
    with pytest.raises(NetworkError, match="Request Entity Too Large"):
        await bot.send_video(group, film)
    with pytest.raises(BadRequest, match="File must be non-empty"):
        await bot.send_video(group, b"", filename="a.mp4")


async def test_a_videos_caption_has_at_most_1024_units(bot: Bot, group: int) -> None:
    assert await bot.send_video(group, FILM, filename="a.mp4", caption="x" * 1024)
    with pytest.raises(BadRequest, match="Message caption is too long"):
        await bot.send_video(group, FILM, filename="a.mp4", caption="x" * 1025)


async def test_parameters_of_wrong_types_are_refused(raw: Raw, group: int) -> None:
    for name, value in (("width", "wide"), ("duration", "5.5"), ("supports_streaming", "perhaps"), ("heigth", "9")):
        answer = await raw("sendVideo", files={"video": ("a.mp4", FILM)}, chat_id=str(group), **{name: value})
        assert answer["error_code"] == 400
        assert name in answer["description"]


async def test_a_video_can_be_sent_again_by_its_id_and_only_as_a_video(bot: Bot, group: int) -> None:
    first = await bot.send_video(group, FILM, filename="a.mp4")
    assert first.video is not None
    again = await bot.send_video(group, first.video.file_id)
    assert again.video is not None
    assert again.video.file_unique_id == first.video.file_unique_id
    with pytest.raises(BadRequest, match="Can't use file of type video as photo"):
        await bot.send_photo(group, first.video.file_id)
    with pytest.raises(BadRequest, match="Wrong file identifier/http url specified"):
        await bot.send_video(group, "BAACnonsense")


async def test_photos_and_videos_stand_in_one_album(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    video = InputMediaVideo(LARGE, filename="a.mp4", width=640, height=360, duration=5, supports_streaming=True)
    photo, film = await bot.send_media_group(group, [InputMediaPhoto(png()), video], caption="both")
    assert photo.photo
    assert shape(film.video) == (640, 360, 5)
    assert photo.media_group_id == film.media_group_id
    assert [post.attachments[0].kind for post in sandbox.feed.posts("group", author="bot")] == ["photo", "video"]


async def test_words_can_be_edited_into_a_video(bot: Bot, group: int) -> None:
    words = await bot.send_message(group, "On it…")
    changed = await bot.edit_message_media(InputMediaVideo(FILM, filename="a.mp4"), group, words.message_id)
    assert not isinstance(changed, bool)
    assert shape(changed.video) == (360, 640, 8)


async def test_a_person_sends_a_video_and_answers_the_bots(sandbox: TelegramSandbox, bot: Bot) -> None:
    await sandbox.say("ana", "private:ana", files=[Upload("a.mp4", "video/mp4", LARGE)])
    sent = await bot.send_video(sandbox.chat_id("private:ana"), FILM, filename="b.mp4")
    await sandbox.say("ana", "private:ana", "slower", reply_to=str(sent.message_id))
    await sandbox.say("ana", "private:ana", files=[Upload("c.mp4", "video/mp4", FILM, as_file=True)])
    theirs, reply, as_file = await updates_of(bot)
    assert shape(theirs.video) == (640, 360, 5), "a person's program measures large videos as well"
    assert reply.reply_to_message is not None
    assert shape(reply.reply_to_message.video) == (360, 640, 8)
    assert as_file.video is None
    assert as_file.document is not None


async def test_the_page_can_ask_for_a_part_of_a_video(sandbox: TelegramSandbox, raw: Raw) -> None:
    post = await sandbox.say("ana", "group", files=[Upload("a.mp4", "video/mp4", FILM)])
    size = len(FILM)
    for asked, start, end in (("0-", 0, size), ("100-199", 100, 200), ("-50", size - 50, size), ("9-999999", 9, size)):
        answer = await raw.client.get(post.attachments[0].url, headers={"Range": f"bytes={asked}"})
        assert (answer.status_code, answer.headers["content-type"]) == (206, "video/mp4")
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        assert answer.content == FILM[start:end]
    for asked in ("-", "0-1,5-6", "a-b"):
        answer = await raw.client.get(post.attachments[0].url, headers={"Range": f"bytes={asked}"})
        assert (answer.status_code, answer.content) == (200, FILM), "what is no single part is answered with all"
    for asked in (f"{size}-", "5-4", "-0"):
        answer = await raw.client.get(post.attachments[0].url, headers={"Range": f"bytes={asked}"})
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{size}")
