"""Logging: structlog over the standard library, one line an event, every known secret masked."""

import logging
import sys
from typing import Any

import stamina
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from core.masking import Masker

#: Libraries whose INFO lines name every request (Telegram's carry the token in the path).
CHATTY = (
    "httpx",
    "httpcore",
    "hpack",
    "telegram",
    "discord",
    "uvicorn",
    "asyncio",
    "PIL",
    "alembic",
    "pgqueuer",
)


class _Mask:
    """The last processor before rendering: no value leaves with a secret in it."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._masker.mask(value)
        if isinstance(value, dict):
            return {key: self._clean(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._clean(item) for item in value]
        if isinstance(value, BaseException):
            return self._masker.mask(repr(value))
        return value


class _MaskingFormatter(structlog.stdlib.ProcessorFormatter):
    """Masks the rendered line too: a traceback is only text once it is rendered."""

    def __init__(self, masker: Masker, **options: Any) -> None:
        super().__init__(**options)
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        return self._masker.mask(super().format(record))


def configure(*, level: str, style: str, masker: Masker) -> None:
    """Set up both logging worlds. ``level``: debug, info, warning, error; ``style``: text or json; to stderr."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    ending: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if style == "json":
        ending += [structlog.processors.format_exc_info, _Mask(masker), structlog.processors.JSONRenderer()]
    else:
        ending += [
            _Mask(masker),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
            ),
        ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    # Who tries again says so in words of its own.
    stamina.instrumentation.set_on_retry_hooks([])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_MaskingFormatter(masker, foreign_pre_chain=shared, processors=ending))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
