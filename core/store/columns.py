"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ColumnElement, Dialect, Enum, String, bindparam
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
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


class _Strings(FunctionElement[str]):
    """The strings of a JSON list, a row each."""

    inherit_cache = True


@compiles(_Strings, "sqlite")
def _strings_on_sqlite(element: _Strings, compiler: SQLCompiler, **given: Any) -> str:
    listed = compiler.process(element.clauses, **given)
    return f"(SELECT value FROM json_each({listed}))"  # noqa: S608 - a bound parameter


@compiles(_Strings, "postgresql")
def _strings_on_postgres(element: _Strings, compiler: SQLCompiler, **given: Any) -> str:
    listed = compiler.process(element.clauses, **given)
    return f"(SELECT jsonb_array_elements_text(CAST({listed} AS jsonb)))"


def among(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Whether ``column`` is one of the strings of the JSON list that is bound as ``name``.

    Unlike an IN with a parameter for each string it is one statement however many there are, prepared once.
    """
    return column.op("IN", is_comparison=True)(_Strings(bindparam(name, type_=String)))


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
