"""What is stored as a time of day, when the clock is set."""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, type_coerce, update
from sqlmodel import col

from core.store.changing import LEASE
from core.store.columns import MICROSECOND, Moment
from core.store.tables import ORDERS, TASK, RestRow
from core.types import OrderState

#: No lease lasts so long: what is due later was put off, or is of a clock that was ahead.
LATE = 2 * LEASE


def clock_was_set(connection: Connection, now: datetime, by: float | None) -> None:
    """See :meth:`core.ports.Store.clock_was_set`. An album's wait ends, too."""
    if by is not None and by > 0:
        _give_time(connection, timedelta(seconds=by))
        return
    late, not_out = now + LATE, (OrderState.QUEUED, OrderState.WAITING)
    connection.execute(update(ORDERS).where(ORDERS.c.state.in_(not_out), ORDERS.c.due > late).values(due=now))
    connection.execute(update(TASK).where(TASK.c.intake_due > late).values(intake_due=now, not_before=None))
    connection.execute(update(TASK).where(TASK.c.delivery_due > late).values(delivery_due=now, held_until=None))
    if by is not None:
        connection.execute(update(RestRow).where(col(RestRow.until) > late).values(until=now))


def _give_time(connection: Connection, more: timedelta) -> None:
    """A call that is out keeps its revision: its answer, which may be paid, is stored under it."""
    later = type_coerce(type_coerce(ORDERS.c.deadline, BigInteger) + more // MICROSECOND, Moment)
    waited_for = update(ORDERS).where(ORDERS.c.state == OrderState.WAITING, ORDERS.c.deadline.is_not(None))
    connection.execute(waited_for.values(deadline=later, revision=ORDERS.c.revision + 1))
