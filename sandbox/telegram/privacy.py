"""Privacy mode: which messages of a group reach the bot.

https://core.telegram.org/bots/features#privacy-mode. A mention alone does not reach it (it is not on that list, and
reports agree); commands without the bot's name do, because this world has no other bot.
"""

from sandbox.telegram.entities import leading_command
from sandbox.telegram.world import Message


def reaches_bot(message: Message, username: str) -> bool:
    """Whether Telegram hands this message of a person to the bot called ``username``."""
    chat = message.chat
    if not chat.bot_inside:
        return False
    if chat.type == "private" or chat.bot_admin or not chat.privacy or message.is_service:
        return True
    command = leading_command(message.text)
    if command is not None:
        return command[1] in (None, username.lower())
    if message.reply_to is None:
        return False
    target = chat.live(message.reply_to)
    return target is not None and target.author is None
