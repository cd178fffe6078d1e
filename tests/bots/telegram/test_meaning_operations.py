"""What the commands beside /imagine and /edit ask for, decided without looking anything up."""

from typing import Any

import pytest
from telegram import Document, Video

from bots import texts
from bots.telegram.meaning import Ask, Command, Hint, Ignore
from core.types import Operation
from tests.bots.telegram.messages import BOT, FILE, GROUP, PHOTO, PICTURE, PRIVATE, a_message, meant

ONE_PICTURE = ("describe", "upscale", "vary", "cutout", "lineart", "restyle", "animate")
DOCUMENT = Document("file", "f", file_name="a.png", mime_type="image/png", file_size=7)
ALBUM = "telegram:album:-100:5"
THEIRS = a_message(photo=PHOTO)
OURS = a_message(sender=BOT, photo=PHOTO)


@pytest.mark.parametrize("name", ONE_PICTURE)
def test_a_picture_is_ones_own_or_the_one_that_is_answered(name: str) -> None:
    operation = texts.MAKING[name]
    assert meant(f"/{name} fog", photo=PHOTO) == Ask(operation, "fog", own=PICTURE)
    assert meant(f"/{name} fog", document=DOCUMENT) == Ask(operation, "fog", own=FILE)
    assert meant(f"/{name} fog", reply_to_message=THEIRS) == Ask(operation, "fog", replied=PICTURE)
    assert meant(f"/{name} fog", reply_to_message=OURS) == Ask(operation, "fog", replied=PICTURE, ours="-100:7")


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        *((f"/{name} fog", "hint.one_picture_telegram") for name in ONE_PICTURE if name != "animate"),
        ("/animate", "hint.animate"),
        ("/shorten", "hint.shorten"),
        ("/blend fog", "hint.several_pictures_telegram"),
        ("/faceswap", "hint.two_pictures_telegram"),
        ("/inpaint a hat", "hint.inpaint_telegram"),
    ],
)
def test_what_a_command_lacks_is_said(said: str, hint: str) -> None:
    assert meant(said) == Hint(hint, said[1:].split(" ", maxsplit=1)[0])


def test_words_are_enough_to_film_or_shorten_and_a_prompt_to_shorten_has_no_picture() -> None:
    assert meant("/animate waves") == Ask(Operation.ANIMATE, "waves")
    assert meant("/shorten a very red fox") == Ask(Operation.SHORTEN, "a very red fox")
    assert meant("/shorten a very red fox", photo=PHOTO) == Ask(Operation.SHORTEN, "a very red fox")
    ours = a_message("What I see in it", sender=BOT)
    assert meant("/animate waves", reply_to_message=ours) == Ask(Operation.ANIMATE, "waves")


@pytest.mark.parametrize("name", ["blend", "faceswap"])
def test_two_pictures_are_an_answer_to_one_or_an_album_but_not_one_alone(name: str) -> None:
    operation = texts.MAKING[name]
    assert meant(f"/{name}", photo=PHOTO, reply_to_message=THEIRS) == Ask(operation, "", PICTURE, PICTURE)
    assert meant(f"/{name}", photo=PHOTO, media_group_id="5") == Ask(operation, "", PICTURE, album=ALBUM)
    assert isinstance(meant(f"/{name}", photo=PHOTO), Hint)
    assert isinstance(meant(f"/{name}", reply_to_message=THEIRS), Hint)


@pytest.mark.parametrize("name", [name for name in ONE_PICTURE if name != "restyle"])
def test_a_picture_needs_no_words(name: str) -> None:
    assert meant(f"/{name}", photo=PHOTO) == Ask(texts.MAKING[name], "", own=PICTURE)


def test_a_style_is_words_or_a_second_picture() -> None:
    assert meant("/restyle", photo=PHOTO) == Hint("hint.restyle", "restyle")
    assert meant("/restyle", photo=PHOTO, reply_to_message=THEIRS) == Ask(Operation.RESTYLE, "", PICTURE, PICTURE)
    assert meant("/restyle", photo=PHOTO, media_group_id="5") == Ask(Operation.RESTYLE, "", PICTURE, album=ALBUM)


def test_the_part_to_repaint_is_shown_by_a_second_picture_or_by_a_hole_in_a_file() -> None:
    def asked(**fields: Any) -> bool:
        return isinstance(meant("/inpaint a hat", **fields), Ask)

    assert asked(photo=PHOTO, reply_to_message=THEIRS)
    assert asked(photo=PHOTO, reply_to_message=OURS)
    assert asked(photo=PHOTO, media_group_id="5")
    assert asked(document=DOCUMENT)
    assert asked(reply_to_message=a_message(document=DOCUMENT))
    assert not asked(photo=PHOTO)
    assert not asked(reply_to_message=THEIRS)
    assert not asked(reply_to_message=OURS)
    assert not asked(reply_to_message=a_message(document=DOCUMENT, sender=BOT))


def test_an_album_of_which_nothing_is_made_is_named() -> None:
    hint = Hint("hint.inpaint_telegram", "inpaint", ALBUM)
    assert meant("/inpaint a hat", photo=PHOTO, media_group_id="5", reply_to_message=THEIRS) == hint


def test_a_command_that_nothing_here_can_do_is_no_command_of_ours() -> None:
    able = {Operation.IMAGINE}
    assert meant("/upscale", photo=PHOTO, able=able) == Ignore()
    assert meant("/upscale", photo=PHOTO, able=able, chat=PRIVATE) == Command("help", "")
    assert meant("/upscale@fox_bot", able=able) == Command("help", "")
    assert meant("/edit", able=able) == Hint("hint.edit_telegram", "edit")


@pytest.mark.parametrize(
    "ours",
    [
        a_message(sender=BOT, video=Video("film", "f", 640, 360, 5)),
        a_message(sender=BOT, document=Document("film", "f", mime_type="video/mp4")),
    ],
    ids=["a video", "a video as a file"],
)
def test_words_about_a_video_of_ours_are_talk(ours: object) -> None:
    assert meant("nice waves", reply_to_message=ours) == Ignore()
    assert meant("nice waves", reply_to_message=ours, chat=PRIVATE) == Hint("hint.private_text")
    assert meant("/edit make it blue", reply_to_message=ours) == Hint("hint.edit_telegram", "edit")
    assert meant("/upscale", reply_to_message=ours, chat=GROUP) == Hint("hint.one_picture_telegram", "upscale")
