"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Dialect, Enum, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """An aware UTC time as whole microseconds since 1970: SQLite would drop the zone. Refuses naive times."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND


class Plain(TypeDecorator[str]):
    """Text from the outside: whatever PostgreSQL cannot hold becomes U+FFFD."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else plain(value)


class Document(TypeDecorator[Any]):
    """A JSON value (JSONB on PostgreSQL); None is SQL's NULL."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind = JSONB if dialect.name == "postgresql" else JSON
        return dialect.type_descriptor(kind(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return _plain_inside(value)


def plain(text: str) -> str:
    """``text`` without NULs and lone surrogates, which PostgreSQL's text and JSONB refuse."""
    return text.replace("\x00", "\ufffd").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _plain_inside(value: Any) -> Any:
    match value:
        case str():
            return plain(str(value))
        case dict():
            return {plain(key): _plain_inside(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain_inside(inner) for inner in value]
        case _:
            return value


def one_of(kind: type[StrEnum], name: str) -> Enum:
    """A state column: stored by value (SQLAlchemy's own choice is the member's name), with a CHECK."""
    return Enum(
        kind,
        values_callable=lambda members: [member.value for member in members],
        native_enum=False,
        create_constraint=True,
        name=name,
        length=16,
    )
