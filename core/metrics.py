"""What the loops tell of their work to whoever counts it."""

from collections.abc import Awaitable, Mapping

from core.types import Outcome, Ticket


class Meter:
    """This one forgets all it is told; a process that is watched is given another (:mod:`bots.web.metrics`).

    Nothing in it may fail or wait: it is told from the middle of the work.
    """

    async def call(self, gateway: str, answer: Awaitable[Outcome]) -> Outcome:
        """Wait for the answer to a call that orders something."""
        return await answer

    async def question(self, gateway: str, answers: Awaitable[Mapping[Ticket, Outcome]]) -> Mapping[Ticket, Outcome]:
        """Wait for the answer to a question. Raises what it raises."""
        return await answers

    def delivery(self, front: str, outcome: str) -> None:
        """A try to say a task's last word ended: ``posted``, ``told`` (words instead of pictures), ``put_off`` or
        ``given_up``."""

    def limited(self, by: str) -> None:
        """``by`` (a gateway or a chat program) has answered that there was too much at once."""


#: For whoever is not watched.
UNWATCHED = Meter()
