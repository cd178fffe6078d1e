"""Reading a conversation file: what is wrong with it is said with its step."""

from pathlib import Path

import pytest

from core.errors import SettingsError
from sandbox.demo import conversation

SHIPPED = Path(conversation.__file__).with_name("conversation.toml")


def wrong(folder: Path, text: str) -> str:
    file = folder / "talk.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(SettingsError) as error:
        conversation.read(file)
    assert error.value.setting == "--script"
    return error.value.fix


def step(**fields: str) -> str:
    lines = {"on": '"telegram"', "chat": '"group"', "who": '"ana"'} | fields
    return "[[step]]\n" + "\n".join(f"{name} = {value}" for name, value in lines.items()) + "\n"


def test_a_file_that_is_no_toml_is_named_with_the_line(tmp_path: Path) -> None:
    assert wrong(tmp_path, "[[step]\n").startswith("talk.toml: ")
    assert "line 1" in wrong(tmp_path, "[[step]\n")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        conversation.read(tmp_path / "nowhere.toml")


def test_a_file_without_steps_is_refused(tmp_path: Path) -> None:
    assert "step" in wrong(tmp_path, "")


def test_an_unknown_word_is_named_with_its_step(tmp_path: Path) -> None:
    said = wrong(tmp_path, step(say='"hello"') + step(say='"hello"', shout='"loud"'))
    assert said.startswith("talk.toml, step 2: ")
    assert "shout" in said


def test_a_step_does_exactly_one_thing(tmp_path: Path) -> None:
    assert "exactly one of say" in wrong(tmp_path, step())
    assert "exactly one of say" in wrong(tmp_path, step(say='"hello"', press='"again"', of='"x"'))


def test_a_chat_belongs_to_its_program(tmp_path: Path) -> None:
    assert "group, forum, private" in wrong(tmp_path, step(say='"hello"', chat='"general"'))


def test_telegram_has_no_commands_with_options(tmp_path: Path) -> None:
    assert "use say" in wrong(tmp_path, step(command='"imagine"'))


def test_a_press_needs_the_step_it_is_about(tmp_path: Path) -> None:
    assert "needs `of`" in wrong(tmp_path, step(press='"again"'))


@pytest.mark.parametrize("field", ["reply", "of", "watch"])
def test_a_step_refers_only_to_earlier_ones(tmp_path: Path, field: str) -> None:
    act = {"press": '"again"'} if field == "of" else {} if field == "watch" else {"say": '"more"'}
    said = wrong(tmp_path, step(**act, **{field: '"later"'}) + step(id='"later"', say='"hello"'))
    assert said == "talk.toml, step 1: no earlier step has the id 'later'"


@pytest.mark.parametrize("picture", ["cat.png", "sample", "photo:a cat"])
def test_an_attachment_is_drawn_here(tmp_path: Path, picture: str) -> None:
    assert "sample:" in wrong(tmp_path, step(attach=f'["{picture}"]'))


def test_only_a_button_has_a_label(tmp_path: Path) -> None:
    assert "which button" in wrong(tmp_path, step(say='"hello"', label='"U2"'))


def test_a_gateway_fails_in_a_way_that_there_is(tmp_path: Path) -> None:
    said = wrong(tmp_path, step(say='"hello"', fault='{ gateway = "apiyi", kind = "sulks" }'))
    assert said.startswith("talk.toml, step 1: fault.kind")


def test_private_chats_are_the_persons_own() -> None:
    private = conversation.Step(on="telegram", chat="private", who="chen", say="hello")
    assert (private.place, conversation.Step(on="discord", chat="dm", who="ben", say="x").place) == (
        "private:chen",
        "dm:ben",
    )


def test_the_shipped_conversation_uses_every_way_of_asking() -> None:
    steps = conversation.read(SHIPPED)
    telegram = [each for each in steps if each.on == "telegram"]
    discord = [each for each in steps if each.on == "discord"]
    commands = {each.say.split()[0] for each in telegram if each.say and each.say.startswith("/")}
    assert commands == {
        "/imagine", "/edit", "/start", "/help", "/models", "/usage", "/queue", "/cancel",
        "/blend", "/describe", "/lineart", "/inpaint", "/animate",
    }  # fmt: skip
    assert {each.command for each in discord if each.command} == {
        "imagine", "edit", "help", "models", "usage", "queue", "cancel",
        "blend", "describe", "cutout", "restyle", "faceswap", "inpaint", "animate",
    }  # fmt: skip
    pressed = {"again", "edit", "delete", "cancel", "imagine", "follow", "details"}
    assert {each.press for each in telegram if each.press} == pressed | {"upscale", "vary"}
    assert {each.press for each in discord if each.press} == pressed
    assert any(each.fault for each in steps)
    assert {each.chat for each in telegram} == {"group", "forum", "private"}
    assert any(each.menu for each in discord)
    assert any(each.autocomplete for each in discord)
    assert any(each.as_file for each in telegram)
    assert any(len(each.attach) > 1 for each in telegram)
    assert {each.on for each in steps if each.who == "chen"} == {"telegram", "discord"}
