"""Settings: one sentence for every mistake, and an example file that tells the truth."""

import itertools
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.errors import SettingsError
from core.settings import Settings, load

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def example() -> dict[str, str]:
    found = dict(re.findall(r"^#([A-Z0-9_]+)=(.*)$", EXAMPLE.read_text("utf-8"), re.MULTILINE))
    assert len(found) > 20
    return found


def test_the_example_lists_exactly_the_settings_there_are() -> None:
    assert set(example()) == {name.upper() for name in Settings.model_fields}


def test_the_example_shows_the_defaults() -> None:
    defaults = Settings()
    for name, shown in example().items():
        value = getattr(defaults, name.lower())
        if value is None:
            assert shown == "", name
        elif isinstance(value, float):
            assert float(shown) == value, name
        else:
            assert shown == str(value), name


def test_every_setting_of_the_example_has_a_comment_of_its_own() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    grouped = {"USER_MONTHLY_CREDITS"}
    for before, line in itertools.pairwise(lines):
        name = line[1:].partition("=")[0]
        if re.match(r"^#[A-Z0-9_]+=", line) and name not in grouped:
            assert before.startswith("# "), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("USER_DAILY_CREDITS", "many"),
        ("USER_RUNNING", "0"),
        ("TIMEZONE", "Mars/Olympus"),
        ("WEB_LISTEN", "8080"),
        ("LOG_LEVEL", "loud"),
        ("DISCORD_MESSAGE_CONTENT", "maybe"),
        ("GATEWAY_TIMEOUT", "0"),
        ("ADMINS", "telegram:123,ana"),
        ("ADMINS", "telegram:@ana"),
        ("ADMINS", "whatsapp:123"),
        ("ADMINS", "telegram:-100"),
    ],
)
def test_a_bad_value_is_one_sentence_naming_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load()


def test_a_blank_value_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", " ")
    monkeypatch.setenv("GATEWAY_TIMEOUT", "")
    settings = load()
    assert (settings.telegram_bot_token, settings.gateway_timeout) == (None, None)


def test_secrets_are_known_and_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APIYI_API_KEY", "sk-very-secret")
    settings = load()
    assert settings.secrets() == ("sk-very-secret",)
    assert "very-secret" not in repr(settings)
    assert isinstance(settings.apiyi_api_key, SecretStr)


@pytest.mark.parametrize(
    "value",
    [
        "bots.example.org",
        "ftp://bots.example.org",
        "https://",
        "https://bots.example.org?x=1",
        "https://bots.example.org/?",
        "https://bots.example.org/#here",
        "https://ana:password@bots.example.org",
        "https://bots.example.org/two words",
        "https://bots.example.org:99999",
        "https://[::1",
        "https://böts.example.org",
    ],
)
def test_a_public_address_that_is_none_is_one_sentence_with_an_example(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("PUBLIC_URL", value)
    with pytest.raises(SettingsError) as refused:
        load()
    assert str(refused.value).startswith("PUBLIC_URL: use the outside address of the web part, such as https://")


@pytest.mark.parametrize(
    "value", ["https://bots.example.org", " https://bots.example.org/ ", "", "http://127.0.0.1:8080/a"]
)
def test_a_public_address_is_kept_without_a_slash_at_its_end(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PUBLIC_URL", value)
    assert load().public_url == (value.strip().rstrip("/") or None)


def test_a_webhook_secret_needs_an_outside_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_WEBHOOK_SECRET", "abc")
    with pytest.raises(SettingsError, match="PUBLIC_URL"):
        load()


@pytest.mark.parametrize(
    ("value", "accounts"),
    [("", set()), (" , ", set()), ("Telegram:123, discord:456,", {"telegram:123", "discord:456"})],
)
def test_admins_are_named_by_platform_and_number(value: str, accounts: set[str]) -> None:
    assert load(admins=value).admin_accounts() == accounts
