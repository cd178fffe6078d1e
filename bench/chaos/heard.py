"""What the stand-ins have handed to the bots, and what the bots have said they have; read on from where it stopped."""

import re
from typing import Any

from sandbox.discord import DiscordSandbox
from sandbox.telegram import TelegramSandbox

#: The word by which a request is known again wherever its prompt goes.
MARKER = re.compile(r"\bc\d{5}\b")


class Heard:
    """``events``: how the bots name the updates that Telegram has handed out, by the marker or the button in them."""

    def __init__(self, telegram: TelegramSandbox, discord: DiscordSandbox) -> None:
        self._telegram, self._discord = telegram, discord
        self._bot = telegram.token.partition(":")[0]
        self._read = self._answered = 0
        self._numbers: dict[str, int] = {}
        self._confirmed = 0
        self._interactions: set[str] = set()
        self.events: dict[str, str] = {}

    def look(self) -> None:
        """Read what has come since."""
        calls = self._telegram.calls
        for call in calls[self._read :]:
            if call.method == "getUpdates" and call.answer is not None:
                self._confirmed = max(self._confirmed, int(call.params.get("offset", 0)))
                for update in call.answer.get("result", ()):
                    self._update(update)
        self._read = len(calls)
        # The last ones have perhaps no answer yet.
        recent = self._discord.calls[self._answered :]
        self._interactions |= {
            call.path.rsplit("/", 3)[1]
            for call in recent
            if call.path.endswith("/callback") and 200 <= call.status < 300
        }
        self._answered = max(self._answered, len(self._discord.calls) - 200)

    def has_acknowledged(self, key: str) -> bool:
        """Whether the bots have said that they have it: the interaction is answered, or the update confirmed."""
        return key in self._interactions or self._numbers.get(key, self._confirmed) < self._confirmed

    def _update(self, update: dict[str, Any]) -> None:
        message = update.get("message", {})
        found = MARKER.search(message.get("text") or message.get("caption") or "")
        key = found[0] if found else update.get("callback_query", {}).get("data")
        if key:
            self._numbers[key] = int(update["update_id"])
            self.events[key] = f"telegram:{self._bot}:{update['update_id']}"
