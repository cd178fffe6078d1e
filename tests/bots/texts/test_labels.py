"""Labels: within what Telegram and Discord take, in every language."""

import pytest

from bots.texts import COMMANDS, OPTIONS, button_label, command_description, option_description
from bots.words import Words
from core.types import Action

WORDS = Words()


@pytest.mark.parametrize("locale", WORDS.languages)
def test_descriptions_fit_discords_100_characters(locale: str) -> None:
    described = [command_description(WORDS, locale, command) for command in COMMANDS]
    described += [option_description(WORDS, locale, option) for option in OPTIONS]
    assert all(0 < len(text) <= 100 for text in described)


@pytest.mark.parametrize("locale", WORDS.languages)
def test_button_labels_fit_discords_80_characters_and_differ(locale: str) -> None:
    labels = [button_label(WORDS, locale, action) for action in Action]
    assert all(0 < len(label) <= 80 for label in labels)
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("locale", WORDS.languages)
@pytest.mark.parametrize(
    ("key", "limit"),
    [
        ("modal.title", 45), ("modal.prompt", 45), ("modal.model", 45), ("modal.ratio", 45),
        ("modal.prompt_placeholder", 100), ("modal.model_placeholder", 150), ("modal.ratio_placeholder", 100),
        ("modal.region_title", 45), ("modal.region_prompt", 45), ("modal.region_placeholder", 100), ("modal.mask", 45),
        ("modal.mask_description", 100), ("menu.edit_image", 32), ("edit.placeholder", 64),
    ],
)  # fmt: skip
def test_forms_fit_what_the_platforms_take(locale: str, key: str, limit: int) -> None:
    assert 0 < len(WORDS.say(locale, key)) <= limit


@pytest.mark.parametrize("locale", WORDS.languages)
def test_short_notices_fit_telegrams_200_characters(locale: str) -> None:
    keys = ("notice.started", "notice.deleted", "notice.cancelled", "notice.old_button", "notice.delete_failed")
    assert all(len(WORDS.say(locale, key, imagine="/imagine")) <= 200 for key in keys)


def test_every_further_picture_has_a_description() -> None:
    assert option_description(WORDS, "en", "image8") == option_description(WORDS, "en", "image2")
    assert option_description(WORDS, "en", "image") != option_description(WORDS, "en", "image2")
