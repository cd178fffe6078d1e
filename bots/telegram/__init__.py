"""The Telegram front: what people write there becomes requests, and what comes of them goes back into their chat.

::

    polling ─▶ intake ─▶ meaning      what a message asks for (pure)
                 │   └─▶ requests     it becomes a stored task (albums: parts that belong together)
                 ├─────▶ commands     /usage, /models, /queue, /cancel, /help, /start
                 ├─────▶ admin        /admin
                 └─────▶ buttons      again, edit, next steps, details, delete, cancel
    front ─────▶ results              the pictures, videos and texts go into the chat
                 keyboards            which buttons there are, in which rows
                 sending, budgets     where a message may go and how many there may be
                 errors, secrecy      the doorway for telegram.error; the token stays out of the logs
"""

from bots.telegram.front import TelegramFront

__all__ = ["TelegramFront"]
