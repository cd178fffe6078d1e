"""How texts are written on Telegram: plainly, without a parse mode, so that nothing in a prompt can format."""

import re

from bots import texts
from bots.words import Words

#: core.telegram.org/bots/api#sendmessage and #sendphoto, in characters after entities parsing; counted in UTF-16 units.
TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
#: core.telegram.org/bots/api#answercallbackquery, in characters.
NOTICE_LIMIT = 200

#: A word joiner, which nobody sees: with it behind the @, Telegram makes no mention and rings nobody.
_NO_MENTION = "@\u2060"


def quote(text: str) -> str:
    """A person's words, pinging nobody."""
    return re.sub(r"@(?=\w)", _NO_MENTION, text)


def style(words: Words, locale: str) -> texts.Style:
    """Telegram's way of writing, in one person's language."""
    return texts.Style(
        quote=quote,
        when=lambda unix_time: words.when(locale, unix_time),
        bold=lambda text: text,
        command=lambda name: f"/{name}",
    )
