"""Keeps the bot's token out of the log lines of the libraries, whatever their level.

Every URL of the Bot API has the token in its path (so do the links of files), and httpx logs each URL at INFO.
"""

import logging
import re

#: core.telegram.org/bots/api#authorizing-your-bot: the bot's id, a colon, 35 letters; shorter ones are test servers'.
TOKEN = re.compile(r"(?<!\d)\d{5,}(?::|%3A)[A-Za-z0-9_-]{20,}")

_LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "hpack.hpack",
    "hpack.table",
    "telegram.Bot",
    "telegram.ext.ExtBot",
    "telegram.request.BaseRequest",
    "telegram.request.HTTPXRequest",
)


def without_tokens(text: str) -> str:
    return TOKEN.sub("<token>", text)


class _Redact(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        # Rendered now: the library writes a file's link into the very dict it has logged.
        record.msg, record.args = without_tokens(record.getMessage()), ()
        return True


_REDACT = _Redact()


def keep_tokens_out_of_logs() -> None:
    """Idempotent. A filter of a logger does not see what its children log, so each is named."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_REDACT)
