"""What became of the first answer to each interaction: progress may be shown only after it.

Storing wakes the other loops at once, so a task can be taken up before its interaction is acknowledged.
"""

import asyncio

from bots.discord.recent import Recent

#: Seconds within which Discord takes the first answer (receiving-and-responding, "Interaction Callback").
ANSWER_WITHIN = 3.0


class Acks:
    """Of this process only: after a restart every earlier interaction counts as answered."""

    def __init__(self) -> None:
        self._answers: Recent[str, asyncio.Future[int | None]] = Recent(5_000)

    def expect(self, token: str) -> None:
        """An answer is on its way."""
        self._answers.put(token, asyncio.get_running_loop().create_future())

    def out(self, token: str, message: int | None) -> None:
        """The answer is out (``message``: the id of the message it made), or never will be."""
        answer = self._answers.get(token)
        if answer is not None and not answer.done():
            answer.set_result(message)

    def may_come(self, token: str, age: float) -> bool:
        """Whether another process may still be about to answer an interaction of ``age`` seconds ago."""
        return token not in self._answers and age < ANSWER_WITHIN

    async def message_of(self, token: str) -> int | None:
        """Wait until the answer is out; the id of its message, where known."""
        answer = self._answers.get(token)
        if answer is None:
            return None
        done, _ = await asyncio.wait({answer}, timeout=ANSWER_WITHIN)
        return answer.result() if done else None
