"""A strict stand-in for the Telegram Bot API: real limits, real refusals, real rules of who sees what."""

from sandbox.telegram.rates import Rates
from sandbox.telegram.sandbox import TelegramSandbox
from sandbox.telegram.server import Call, SentFile

__all__ = ["Call", "Rates", "SentFile", "TelegramSandbox"]
