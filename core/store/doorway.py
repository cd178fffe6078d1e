"""The doorway from SQLAlchemy."""

import contextlib
import sqlite3
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from core.errors import StoreDown

#: SQLSTATEs of a server that is there and does not serve: read-only after a fail-over or when its disk is nearly full,
#: a transaction it has ended for idleness (PostgreSQL, "Error Codes").
_AWAY = {"25006", "25P03"}


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """The doorway: a database that does not answer is StoreDown; everything else is a bug and stays as it is."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
            raise  # SQLite's word for a statement it does not understand
        raise StoreDown(f"{type(error.orig).__name__}: {error.orig}") from error
    except sqlite3.OperationalError as error:  # from the driver itself
        raise StoreDown(f"OperationalError: {error}") from error
    except PoolTimeoutError as error:
        raise StoreDown("no free connection to the database") from error
    except DBAPIError as error:
        if error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _AWAY:
            raise StoreDown(f"{type(error.orig).__name__}: {error.orig}") from error
        raise
    except OSError as error:
        raise StoreDown(str(error)) from error
