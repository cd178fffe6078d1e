"""Settings: built once, passed in. Names are the environment's, lower-cased; ``.env.example`` lists them all."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import SettingsError
from core.quota import Limits

PACKAGED_MODELS = Path(__file__).with_name("models.toml")


def _blank_is_unset(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


Secret = Annotated[SecretStr | None, BeforeValidator(_blank_is_unset)]
Text = Annotated[str | None, BeforeValidator(_blank_is_unset)]
Number = Annotated[int | None, BeforeValidator(_blank_is_unset)]


class Settings(BaseSettings):
    """Every setting with its default. Raises pydantic's ValidationError; use :func:`load` for one clear sentence."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True)

    # Chat programs
    telegram_bot_token: Secret = None
    telegram_api_url: str = "https://api.telegram.org"
    telegram_webhook_secret: Secret = None
    discord_bot_token: Secret = None
    discord_api_url: str = "https://discord.com/api/v10"
    discord_message_content: Literal["auto", "on", "off"] = "auto"
    discord_shards: Text = None

    # Storage
    database_url: str = "sqlite+aiosqlite:///data/imagine.db"
    media_url: str = "file://data/media"
    media_keep_days: int = Field(0, ge=0)
    media_max_gb: float = Field(0, ge=0)

    # The web part
    public_url: Text = None
    web_listen: str = "127.0.0.1:8080"
    web_password: Secret = None
    metrics_listen: Text = None

    admins: str = ""

    # Gateways
    aihubmix_api_key: Secret = None
    aihubmix_base_url: Text = None
    aihubmix_proxy: Text = None
    aihubmix_concurrency: int = Field(10, ge=1, le=100_000)
    apiyi_api_key: Secret = None
    apiyi_base_url: Text = None
    apiyi_proxy: Text = None
    apiyi_concurrency: int = Field(10, ge=1, le=100_000)
    apicore_api_key: Secret = None
    apicore_base_url: Text = None
    apicore_proxy: Text = None
    apicore_concurrency: int = Field(10, ge=1, le=100_000)
    openai_api_key: Secret = None
    openai_base_url: Text = None
    openai_proxy: Text = None
    openai_concurrency: int = Field(10, ge=1, le=100_000)
    midjourney_proxy_url: Text = None
    midjourney_proxy_secret: Secret = None
    midjourney_proxy_concurrency: int = Field(3, ge=1, le=100_000)
    aihuihua_api_key: Secret = None
    aihuihua_base_url: Text = None
    aihuihua_proxy: Text = None
    # Its own limit: unfinished tasks of one account.
    aihuihua_concurrency: int = Field(5, ge=1, le=100_000)

    # Models
    models_file: Text = None
    default_model: Text = None
    default_edit_model: Text = None

    # Limits
    user_daily_credits: int = Field(20, ge=0)
    user_monthly_credits: int = Field(300, ge=0)
    chat_daily_credits: int = Field(0, ge=0)
    global_daily_credits: int = Field(0, ge=0)
    user_running: int = Field(2, ge=1)
    user_queued: int = Field(5, ge=1)

    # Behaviour
    default_language: str = "en"
    gateway_timeout: Number = Field(None, ge=1, le=3600)
    stop_grace: float = Field(120.0, ge=0)
    timezone: str = "UTC"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    @field_validator("log_level", "log_format", "discord_message_content", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("no such time zone; use a name such as Europe/Berlin") from None
        return value

    @field_validator("web_listen", "metrics_listen")
    @classmethod
    def _listen(cls, value: str | None) -> str | None:
        if value is None:
            return None
        host, found, port = value.rpartition(":")
        if not found or not host or not port.isdigit() or not 0 <= int(port) <= 65535:
            raise ValueError("use address:port, such as 127.0.0.1:8080")
        return value

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str | None) -> str | None:
        if value is None:
            return None
        value = value.strip().rstrip("/")
        try:
            parts = urlsplit(value)
            whole = bool(parts.hostname) and parts.port != 0 and parts.scheme in ("http", "https")
        except ValueError:
            whole = False
        if not whole or not value.isascii() or re.search(r"[?#@\s]", value):
            raise ValueError("use the outside address of the web part, such as https://bots.example.org")
        return value

    @field_validator("discord_shards")
    @classmethod
    def _shards(cls, value: str | None) -> str | None:
        if value is None:
            return None
        found = re.fullmatch(r"(\d{1,5})-(\d{1,5})/(\d{1,5})", value.strip())
        if not found or not int(found[1]) <= int(found[2]) < int(found[3]):
            raise ValueError("use first-last/all, such as 0-3/8: of eight shards, this process runs the first four")
        return value.strip()

    @field_validator("admins")
    @classmethod
    def _accounts(cls, value: str) -> str:
        named = [entry.strip().lower() for entry in value.split(",")]
        wrong = next(
            (entry for entry in named if entry and not re.fullmatch(r"(telegram|discord):[1-9][0-9]{0,19}", entry)),
            None,
        )
        if wrong is not None:
            raise ValueError(f"{wrong!r} is nobody; name people by their numbers, such as telegram:123,discord:456")
        return ",".join(filter(None, named))

    @model_validator(mode="after")
    def _webhook(self) -> Self:
        if self.telegram_webhook_secret is not None and self.public_url is None:
            raise ValueError("TELEGRAM_WEBHOOK_SECRET needs PUBLIC_URL, the outside address Telegram calls")
        return self

    def limits(self) -> Limits:
        return Limits(
            user_day=self.user_daily_credits,
            user_month=self.user_monthly_credits,
            chat_day=self.chat_daily_credits,
            global_day=self.global_daily_credits,
            unfinished=self.user_queued,
            timezone=self.timezone,
        )

    def shards(self) -> tuple[range, int] | None:
        """Which of how many shards this process runs; None: all that Discord recommends."""
        if self.discord_shards is None:
            return None
        first, last, count = map(int, re.split("[-/]", self.discord_shards))
        return range(first, last + 1), count

    def admin_accounts(self) -> frozenset[str]:
        """Who may use ``/admin``, such as ``"telegram:123"``."""
        return frozenset(filter(None, self.admins.split(",")))

    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for the log's mask."""
        found: list[str] = []
        for value in self.__dict__.values():
            if isinstance(value, SecretStr) and value.get_secret_value():
                found.append(value.get_secret_value())
        return tuple(found)


def load(**overrides: object) -> Settings:
    """Read the environment and ``.env``. Raises SettingsError naming the variable and the fix."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]).upper() if first["loc"] else "settings"
        raise SettingsError(name, str(first["msg"]).removeprefix("Value error, ")) from None
