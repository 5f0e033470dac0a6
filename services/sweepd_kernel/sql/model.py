"""Description of tables as SQLModel classes; only the build, migrations and tests load this.

See docs/decisions/0036. An integer has 64 bits, and a text no limit, in every dialect.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger, Integer, Table, Text, event
from sqlmodel import AutoString, Field, SQLModel

_LONG = BigInteger().with_variant(Integer(), "sqlite")  # there it has 64 bits, and may be the rowid


@event.listens_for(Table, "after_parent_attach")
def _widen(table: Table, _parent: object) -> None:
    """Give the columns of a model, or of a migration, the types that this module promises."""
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
) -> Any:  # noqa: ANN401 (stands for a field of any type, as sqlmodel.Field does)
    """Describe a column of which its name and type do not say everything.

    Args:
        key: a part of the primary key. The writer gives out keys, the database does not.
        at: path in the entity, as `values.best`, `key[0]`, where the name does not lead there.
        extra: no part of the entity; writers pass it beside the entity, readers select it beside.
        fixed: written with a new row only, so that an update leaves it alone.
        unique: no two rows have the same.
        index: rows are found by it.
        references: column of another table, with whose row this one goes.
        encode: function of a plain module that returns the value to store.
        decode: its inverse.
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
    """Identity of a database that is paired, in one row. `number`: of its newest commit."""

    id: int = column(key=True)
    database_id: str
    number: int
    peer_id: str | None
    peer_generation: str | None
    peer_number: int | None


class GenerationColumns(SQLModel):
    """Start of a service that has committed something, and the number of its first commit."""

    id: int = column(key=True)
    token: str
    first_number: int
