"""Many writers, one commit: what stands in line together is written to the disk together."""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine

from core.errors import StoreDown
from core.store.doorway import translated

T = TypeVar("T")

#: Writers whose work is committed together, at most: the first one waits for the last.
TOGETHER = 50


@dataclass
class _Piece:
    """One writer's work, and what came of it."""

    work: Callable[[Connection], Any]
    future: Future[Any] = field(default_factory=Future)
    result: Any = None
    error: Exception | None = None


class Commits:
    """The line before SQLite's one writer.

    A commit is on the disk when it returns, which takes longer than most of our writing. So whoever came while one was
    under way is written in one transaction with the others who wait, each behind a savepoint of its own: its failure
    undoes its own work only, and nobody is answered before the commit.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._line: deque[_Piece] = deque()
        self._lock = threading.Lock()
        #: Why the last ones could not be written; empty: they were.
        self.trouble = ""

    def add(self, work: Callable[[Connection], T]) -> Future[T]:
        """Stand in line. The future fails with what ``work`` raises, or with StoreDown."""
        piece = _Piece(work)
        with self._lock:
            self._line.append(piece)
        return piece.future

    def work(self) -> None:
        """In the writer's thread: the next pieces together. If the database fails at them, each has a second try of
        its own: what is too much for one (a full disk) need not be for the others."""
        with self._lock:
            pieces = [self._line.popleft() for _ in range(min(len(self._line), TOGETHER))]
        pieces = [piece for piece in pieces if piece.future.set_running_or_notify_cancel()]
        if not pieces:
            return
        try:
            self._together(pieces)
        except Exception as error:  # noqa: BLE001 - it is the writers', who wait for it
            for piece in pieces:
                if len(pieces) == 1 or _is_locked(error):
                    piece.error = error
                else:
                    self._alone(piece)
        self.trouble = next((str(piece.error) for piece in pieces if isinstance(piece.error, StoreDown)), "")
        for piece in pieces:
            _answer(piece)

    def _alone(self, piece: _Piece) -> None:
        piece.error = None
        try:
            self._together([piece])
        except Exception as error:  # noqa: BLE001 - the same
            piece.error = error

    def _together(self, pieces: list[_Piece]) -> None:
        with translated(), self._engine.begin() as connection:
            if len(pieces) == 1:
                pieces[0].result = pieces[0].work(connection)
                return
            # By the driver itself: SQLAlchemy's own savepoints cost as much as a small piece's whole work.
            plainly = _driver(connection).execute
            for piece in pieces:
                try:
                    with translated():
                        plainly("SAVEPOINT piece")
                        piece.result = piece.work(connection)
                        plainly("RELEASE piece")
                except StoreDown:
                    raise  # the database's failure, not this one's
                except Exception as error:
                    if not _driver(connection).in_transaction:
                        raise  # a full disk, for one, undoes the work of all
                    plainly("ROLLBACK TO piece")
                    plainly("RELEASE piece")
                    piece.error = error


def _is_locked(error: BaseException) -> bool:
    """Another process has the file: a second try would only wait as long again, for each of them."""
    cause = getattr(error.__cause__, "orig", None)
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.dbapi_connection)


def _answer(piece: _Piece) -> None:
    if piece.error is None:
        piece.future.set_result(piece.result)
    else:
        piece.future.set_exception(piece.error)
