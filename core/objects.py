"""Opening the store of objects that MEDIA_URL names: a folder, or a bucket of any S3-compatible store."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from core.errors import SettingsError
from core.settings import Settings

#: Seconds one request may take, the bytes included: 100 MB at 14 Mbit/s. A store that hangs holds nobody up for longer,
#: as no retry begins after that time.
REQUEST_SECONDS = 60.0
#: Seconds a connection may take to be made.
CONNECT_SECONDS = 5.0
#: Tries after the first that fails at once (no connection, 5xx); then the callers' own waits begin.
RETRIES = 2
#: Schemes that obstore serves over HTTP; their credentials are read from the environment, in each one's own names.
_REMOTE = ("s3", "s3a", "gs", "az")
#: Whose settings those names begin with.
_PREFIXES = ("AWS_", "GOOGLE_", "AZURE_")
#: What obstore reads from the environment on its own, but not beside options that are given to it.
_OPTIONS = ("allow_http", "allow_invalid_certificates", "proxy_url", "proxy_ca_certificate", "proxy_excludes")


def open_objects(url: str) -> tuple[ObjectStore, Path | None]:
    """The store, and the folder where it keeps its files, if it does. Raises SettingsError naming MEDIA_URL."""
    scheme = urlsplit(url).scheme
    try:
        if scheme == "file":
            folder = Path(url.removeprefix("file://")).absolute()
            if not url.removeprefix("file://").strip("/"):
                raise SettingsError("MEDIA_URL", "name a folder, such as file://data/media")
            return LocalStore(folder, mkdir=True), folder
        if scheme in _REMOTE:
            return _remote(url), None
        if scheme == "memory":
            return from_url(url), None
    except (BaseError, OSError, ValueError) as error:
        raise SettingsError("MEDIA_URL", f"{url} cannot be used: {in_short(error)}") from error
    raise SettingsError("MEDIA_URL", "use file://folder or s3://bucket/prefix")


def in_short(error: BaseException) -> str:
    """The first line of what obstore says; what follows it is for its developers."""
    return str(error).partition("\n")[0]


def _remote(url: str) -> ObjectStore:
    environment = _with_env_file()
    options: dict[str, Any] = {
        name: environment[f"AWS_{name.upper()}"] for name in _OPTIONS if environment.get(f"AWS_{name.upper()}")
    }
    options["timeout"] = timedelta(seconds=REQUEST_SECONDS)
    options["connect_timeout"] = timedelta(seconds=CONNECT_SECONDS)
    return from_url(  # type: ignore[call-overload,no-any-return]  # options by name, the same in every overload
        url,
        client_options=options,
        retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=REQUEST_SECONDS)},
    )


def _with_env_file() -> Mapping[str, str]:
    """The environment, where obstore looks; with what ``.env`` says of the store, as with every other setting."""
    path = Settings.model_config.get("env_file")
    for name, value in (dotenv_values(str(path)) if path else {}).items():
        if value and name.upper().startswith(_PREFIXES):
            os.environ.setdefault(name.upper(), value)
    return os.environ
