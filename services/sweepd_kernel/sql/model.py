"""Base of the SQLModel classes that describe tables; loaded only by the build, migrations and tests.

See docs/decisions/0036. In every dialect, integers have 64 bits and texts have no limit.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger, Integer, Table, Text, event
from sqlmodel import AutoString, Field, SQLModel

_LONG = BigInteger().with_variant(Integer(), "sqlite")  # 64 bits in SQLite, and may be the rowid


@event.listens_for(Table, "after_parent_attach")
def _widen(table: Table, _parent: object) -> None:
    """Give the integer columns of a table 64 bits, and its text columns unlimited length."""
    for each in table.columns:
        if type(each.type) is Integer:
            each.type = _LONG
        elif type(each.type) is AutoString:
            each.type = Text()


def column(
    *,
    key: bool = False,
    at: str = "",
    extra: bool = False,
    fixed: bool = False,
    unique: bool = False,
    index: bool = False,
    references: str = "",
    encode: Callable[..., object] | None = None,
    decode: Callable[..., object] | None = None,
) -> Any:  # noqa: ANN401 (a field of any type, like sqlmodel.Field)
    """Describe a column beyond its name and type.

    Args:
        key: part of the primary key; keys are assigned by the writer, not by the database.
        at: path in the entity, such as `values.best` or `key[0]`, if the name does not imply it.
        extra: not part of the entity; writers pass it and readers select it separately.
        fixed: written only with a new row; updates leave it unchanged.
        unique: unique among all rows.
        index: has an index.
        references: column of another table; deleting the referenced row deletes this one.
        encode: function that returns the value to store; its module must not import SQLModel.
        decode: inverse of `encode`.
    """
    info = {"at": at, "extra": extra, "fixed": fixed, "encode": encode, "decode": decode}
    kwargs: dict[str, object] = {"info": info}
    if key:
        kwargs["autoincrement"] = False
    if references:
        return Field(
            primary_key=key,
            unique=unique,
            index=index,
            foreign_key=references,
            ondelete="CASCADE",
            sa_column_kwargs=kwargs,
        )
    return Field(primary_key=key, unique=unique, index=index, sa_column_kwargs=kwargs)


class IdentityColumns(SQLModel):
    """Identity of a paired database, in one row. `number`: number of its newest commit."""

    id: int = column(key=True)
    database_id: str
    number: int
    peer_id: str | None
    peer_generation: str | None
    peer_number: int | None


class GenerationColumns(SQLModel):
    """Generation: the commits of one start of a service. `first_number`: number of the first commit."""

    id: int = column(key=True)
    token: str
    first_number: int
