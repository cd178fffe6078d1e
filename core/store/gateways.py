"""What is known of gateways and models beyond their orders, and the secrets this database keeps for itself."""

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.ports import Rest
from core.store.tables import RestRow, SecretRow, VerifiedRow

_RESTS = select(RestRow).where(col(RestRow.until) > bindparam("now"))


def rests(connection: Connection, now: datetime) -> dict[str, Rest]:
    rows = connection.execute(_RESTS, {"now": now})
    return {row.gateway: Rest(row.until, row.why, row.times) for row in rows}


def rest(connection: Connection, gateway: str, rest: Rest | None) -> None:
    if rest is None:
        connection.execute(delete(RestRow).where(col(RestRow.gateway) == gateway))
        return
    values = {"until": rest.until, "why": rest.why, "times": rest.times}
    _insert(connection, RestRow, {"gateway": gateway, **values}, key="gateway", otherwise=values)


def verified(connection: Connection) -> frozenset[str]:
    return frozenset(connection.scalars(select(col(VerifiedRow.model))))


def verify(connection: Connection, model: str, now: datetime) -> None:
    _insert(connection, VerifiedRow, {"model": model, "at": now}, key="model")


def secret(connection: Connection, name: str) -> str:
    """See :meth:`core.ports.Store.secret`."""
    # Two processes at their first start: the first one's counts for both.
    _insert(connection, SecretRow, {"name": name, "value": secrets.token_hex(32)}, key="name")
    value: str = (connection.scalars(select(col(SecretRow.value)).where(col(SecretRow.name) == name))).one()
    return value


def _insert(
    connection: Connection, table: Any, values: dict[str, Any], *, key: str, otherwise: dict[str, Any] | None = None
) -> None:
    """Insert; where the key is there already, change the row to ``otherwise`` (None: leave it)."""
    # The two dialects have the same clause under two names.
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    inserting = dialect.insert(table).values(values)
    if otherwise is None:
        connection.execute(inserting.on_conflict_do_nothing(index_elements=[key]))
    else:
        connection.execute(inserting.on_conflict_do_update(index_elements=[key], set_=otherwise))
