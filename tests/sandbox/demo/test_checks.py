"""Expectations are met by what came of the step itself, and by nothing else."""

from typing import Any

from bots.buttons import Press, encode
from core.types import Action
from sandbox.chat import Attachment, Button, Feed, Notice, Post
from sandbox.demo.checks import Outcome, checks
from sandbox.demo.conversation import Expectation, Step


def outcome(feed: Feed, **expect: Any) -> Outcome:
    step = Step(on="telegram", chat="group", who="ana", say="/imagine a fox", expect=Expectation(**expect))
    own = Post("telegram", "group", "1", "ana", "Ana", "/imagine a fox")
    return Outcome(step, feed, len(feed.events), own=own)


def is_met(found: Outcome) -> bool:
    return all(question() for _, question in checks(found))


def answer(feed: Feed, number: str = "2", text: str = "", **more: Any) -> None:
    feed.publish(Post("telegram", "group", number, "bot", "Imagine", text, **more))


def shown(count: int = 1, videos: int = 0) -> dict[str, Any]:
    pictures = [Attachment(str(n), "a.png", "image/png", "photo", "", 1) for n in range(count)]
    films = [Attachment(str(count + n), "a.mp4", "video/mp4", "video", "", 1) for n in range(videos)]
    return {"attachments": (*pictures, *films)}


def test_as_many_pictures_are_wanted_as_come() -> None:
    feed = Feed()
    found = outcome(feed, pictures=2)
    answer(feed, **shown(1))
    assert not is_met(found)
    answer(feed, "3", **shown(1))
    assert is_met(found)
    answer(feed, "4", **shown(1))
    assert not is_met(found)


def test_a_video_is_wanted_as_one_and_is_no_picture() -> None:
    feed = Feed()
    found, nothing = outcome(feed, videos=1, pictures=1, reply=True), outcome(feed, videos=0)
    assert is_met(nothing)
    answer(feed, reply_to="1", **shown(0, videos=1))
    assert not is_met(found)
    assert not is_met(nothing)
    answer(feed, "3", reply_to="1", **shown(1))
    assert is_met(found)
    assert not is_met(outcome(feed, videos=1))


def test_the_buttons_of_an_album_are_under_the_words_that_close_it() -> None:
    feed = Feed()
    keys = ((Button(encode(Press(Action.FOLLOW, "abc", 1)), "U2"),),)
    found = outcome(feed, pictures=2, buttons=("follow",))
    for number in "23":
        answer(feed, number, **shown())
    assert found.with_buttons() == feed.post("group", "3")
    answer(feed, "4", "Done.", buttons=keys)
    assert is_met(found)
    assert found.with_buttons() == feed.post("group", "4")
    answer(feed, "5", buttons=keys, **shown())
    assert found.with_buttons() == feed.post("group", "5")


def test_pictures_from_before_do_not_count_even_when_they_change() -> None:
    feed = Feed()
    answer(feed, **shown())
    found = outcome(feed, pictures=1)
    assert not is_met(found)
    answer(feed, text="edited", **shown())
    assert not is_met(found)


def test_messages_of_another_chat_may_have_the_same_number() -> None:
    feed = Feed()
    feed.publish(Post("telegram", "forum", "2", "bot", "Imagine"))
    found = outcome(feed, pictures=1)
    answer(feed, "2", **shown())
    assert is_met(found)


def test_a_passing_text_was_said_all_the_same() -> None:
    feed = Feed()
    found = outcome(feed, text="Painting")
    answer(feed, text="Painting…")
    answer(feed, text="Done.")
    assert is_met(found)
    assert not is_met(outcome(feed, text="Painting"))


def test_a_forbidden_text_is_found_in_any_state() -> None:
    feed = Feed()
    found = outcome(feed, not_text="oops")
    assert is_met(found)
    answer(feed, text="oops")
    answer(feed, text="fine")
    assert not is_met(found)


def test_an_answer_to_somebody_else_is_no_reply() -> None:
    feed = Feed()
    found = outcome(feed, reply=True)
    assert not is_met(found)
    answer(feed, reply_to="99", **shown())
    assert not is_met(found)
    answer(feed, reply_to="1", **shown())
    assert is_met(found)


def test_buttons_are_known_by_what_they_mean() -> None:
    feed = Feed()
    found = outcome(feed, buttons=["again", "edit"])
    again, edit = (Button(encode(Press(action, "abc")), "?") for action in (Action.AGAIN, Action.EDIT))
    answer(feed, buttons=((again, Button("edit", "Edit")),), **shown())
    assert not is_met(found)
    answer(feed, buttons=((again, edit),), **shown())
    assert is_met(found)


def test_a_caption_is_measured_as_telegram_does() -> None:
    feed = Feed()
    found = outcome(feed, caption_max=2)
    answer(feed, text="🎨", **shown())
    assert is_met(found)
    answer(feed, text="🎨!", **shown())
    assert not is_met(found)


def test_an_error_is_words_without_a_picture() -> None:
    feed = Feed()
    found = outcome(feed, error=True)
    assert not is_met(found)
    answer(feed, text="no")
    assert is_met(found)
    answer(feed, "3", **shown())
    assert not is_met(found)


def test_a_notice_is_for_the_one_who_acts() -> None:
    feed = Feed()
    found = outcome(feed, notice="On it")
    feed.publish(Notice("telegram", "group", "ben", "On it"))
    assert not is_met(found)
    feed.publish(Notice("telegram", "group", "ana", "On it…"))
    assert is_met(found)


def test_what_a_later_step_means_is_the_picture_that_came_by_its_end() -> None:
    feed = Feed()
    found = outcome(feed)
    assert found.result() is found.own
    answer(feed, "2", text="On it", reply_to="1")
    answer(feed, "3", **shown())
    answer(feed, "4", text="anything else?")
    found.until = len(feed.events)
    answer(feed, "5", **shown())
    result = found.result()
    assert result is not None
    assert result.id == "3"


def test_another_topic_of_a_forum_is_another_place() -> None:
    feed = Feed()
    step = Step(
        on="telegram", chat="forum", thread="Landscapes", who="ana", say="/imagine", expect=Expectation(pictures=1)
    )
    found = Outcome(step, feed, 0)
    feed.publish(Post("telegram", "forum", "2", "bot", "Imagine", thread="General", **shown()))
    assert not is_met(found)
    feed.publish(Post("telegram", "forum", "3", "bot", "Imagine", thread="Landscapes", **shown()))
    assert is_met(found)
