"""Views and styles as the fronts make them."""

from datetime import UTC, datetime
from typing import Any

import discord
from hypothesis import strategies as st

from bots.texts import Style
from core.types import Operation, Request, Stage, View

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

#: Telegram without a parse mode: everything is plain.
PLAIN = Style(quote=str, when=lambda moment: f"at {moment:.0f}", bold=str, command=lambda name: f"/{name}")
#: Discord's Markdown: escaping makes a text longer.
MARKDOWN = Style(
    quote=lambda text: discord.utils.escape_mentions(discord.utils.escape_markdown(text)),
    when=lambda moment: f"<t:{moment:.0f}:R>",
    bold=lambda text: f"**{text}**",
    command=lambda name: f"</{name}:1>",
)


def view(stage: Stage, prompt: str = "a red fox", *, operation: Operation = Operation.IMAGINE, **more: Any) -> View:
    request = more.pop("request", None) or Request(operation, prompt, model="flux-2-pro")
    locale = more.pop("locale", "en")
    return View("7h2k9qz0m4xa", 1, stage, locale, "telegram:1", request, **more)


#: What people write, and what they write to break things.
PIECES = st.sampled_from(
    [
        "👨‍👩‍👧‍👦",
        "👍🏽",
        "🇩🇪",
        "e\u0301",
        "❤\ufe0f",
        "مرحبا ",
        "שלום",
        "\u202e",
        "𝔘",
        "**",
        "\\",
        "`",
        "\n",
        "@everyone",
        "<@1>",
    ]
)
PROMPTS = st.lists(st.characters() | PIECES, max_size=40).map("".join)
LONG_PROMPTS = st.builds(lambda prompt, times: prompt * times, PROMPTS, st.integers(1, 200))
