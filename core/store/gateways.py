"""What is known of gateways and models beyond their orders, and the secrets this database keeps for itself."""

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from core.ports import Rest
from core.store.tables import RestRow, SecretRow, VerifiedRow


async def rests(session: AsyncSession, now: datetime) -> dict[str, Rest]:
    rows = await session.scalars(select(RestRow).where(col(RestRow.until) > now))
    return {row.gateway: Rest(row.until, row.why, row.times) for row in rows}


async def rest(session: AsyncSession, gateway: str, rest: Rest | None) -> None:
    if rest is None:
        await session.execute(delete(RestRow).where(col(RestRow.gateway) == gateway))
        return
    values = {"until": rest.until, "why": rest.why, "times": rest.times}
    await _insert(session, RestRow, {"gateway": gateway, **values}, key="gateway", otherwise=values)


async def verified(session: AsyncSession) -> frozenset[str]:
    return frozenset(await session.scalars(select(col(VerifiedRow.model))))


async def verify(session: AsyncSession, model: str, now: datetime) -> None:
    await _insert(session, VerifiedRow, {"model": model, "at": now}, key="model")


async def secret(session: AsyncSession, name: str) -> str:
    """See :meth:`core.ports.Store.secret`."""
    # Two processes at their first start: the first one's counts for both.
    await _insert(session, SecretRow, {"name": name, "value": secrets.token_hex(32)}, key="name")
    value: str = (await session.scalars(select(col(SecretRow.value)).where(col(SecretRow.name) == name))).one()
    return value


async def _insert(
    session: AsyncSession, table: Any, values: dict[str, Any], *, key: str, otherwise: dict[str, Any] | None = None
) -> None:
    """Insert; where the key is there already, change the row to ``otherwise`` (None: leave it)."""
    # The two dialects have the same clause under two names.
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    inserting = dialect.insert(table).values(values)
    if otherwise is None:
        await session.execute(inserting.on_conflict_do_nothing(index_elements=[key]))
    else:
        await session.execute(inserting.on_conflict_do_update(index_elements=[key], set_=otherwise))
