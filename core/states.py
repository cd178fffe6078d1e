"""The one table of moves.

::

    QUEUED ─claim▶ STARTING ─accept▶ WAITING ─finish▶ FINISHED      STARTING ─finish▶ FINISHED
       ├cancel▶ CANCELLED   ├retry▶ QUEUED      ├accept▶ WAITING    (progress, or made and still to be fetched)
       └fail▶ FAILED        └fail▶ FAILED       └fail▶ FAILED

A move that is not in the table is a bug: :func:`moved` raises, and the database refuses it too.
"""

from enum import StrEnum

from core.types import OrderState as S


class Move(StrEnum):
    """What can happen to an order."""

    CLAIM = "claim"  #: a worker takes it up; the call is about to leave
    ACCEPT = "accept"  #: the gateway has it, or has made it and the pictures are still to be fetched
    RETRY = "retry"  #: certainly not taken; back into the queue
    FINISH = "finish"  #: the pictures are kept
    FAIL = "fail"  #: it will not come
    CANCEL = "cancel"  #: the person took it back


TABLE: dict[tuple[S, Move], S] = {
    (S.QUEUED, Move.CLAIM): S.STARTING,
    (S.QUEUED, Move.CANCEL): S.CANCELLED,
    (S.QUEUED, Move.FAIL): S.FAILED,
    (S.STARTING, Move.ACCEPT): S.WAITING,
    (S.STARTING, Move.RETRY): S.QUEUED,
    (S.STARTING, Move.FINISH): S.FINISHED,
    (S.STARTING, Move.FAIL): S.FAILED,
    (S.WAITING, Move.ACCEPT): S.WAITING,
    (S.WAITING, Move.FINISH): S.FINISHED,
    (S.WAITING, Move.FAIL): S.FAILED,
}

#: The states nothing leads out of.
ENDED = frozenset({S.FINISHED, S.FAILED, S.CANCELLED})
#: The states in which a gateway is busy with it.
RUNNING = frozenset({S.STARTING, S.WAITING})


class IllegalMove(AssertionError):
    """A move the table does not have: a bug, never a person's fault."""


def moved(state: S, move: Move) -> S:
    """Where ``move`` leads from ``state``. Raises :class:`IllegalMove`."""
    try:
        return TABLE[state, move]
    except KeyError:
        raise IllegalMove(f"{state} has no move {move}") from None
