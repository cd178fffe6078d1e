"""The Telegram front: what people write there becomes requests, and what comes of them goes back into their chat.

::

    polling ─▶ intake ─▶ meaning      what a message asks for (pure)
    webhook ─▶   │   └─▶ requests     it becomes a stored task (albums: parts that belong together)
                 ├─────▶ commands     /usage, /models, /queue, /cancel, /help, /start
                 ├─────▶ admin        /admin
                 └─────▶ buttons      again, edit, next steps, details, delete, cancel
    front ─────▶ statuses             progress; in the end it becomes the result, or is removed
          └────▶ results              the pictures, videos and texts go into the chat
                 keyboards            which buttons there are, in which rows
                 sending              where a message may go
                 limiter              the doorway of all calls, by the ``budgets`` and the ``open_tasks`` of each chat
                 errors, secrecy      the doorway for telegram.error; the token stays out of the logs
"""

from bots.telegram.front import TelegramFront

__all__ = ["TelegramFront"]
