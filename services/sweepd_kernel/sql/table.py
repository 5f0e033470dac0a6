"""Tables and schemas as generated modules describe them; nothing here knows SQLAlchemy."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from json import JSONEncoder

from sweepd_kernel.sql.engine import Dialect

json_text = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Returns a value as JSON in the form in which columns hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Names and statements of one table; the values of each statement come from generated functions.

    Args:
        name: its name.
        columns: its columns, in the order in which generated readers take them.
        insert: takes what `NAME_values` returns.
        upsert: likewise; where the key is there, all columns change but those that are fixed.
        update: takes what `NAME_changes` returns: the columns that may change, and the key.
        delete: takes the key.
    """

    name: str
    columns: tuple[str, ...]
    insert: str
    upsert: str
    update: str
    delete: str

    def __str__(self) -> str:
        return ", ".join(self.columns)

    def of(self, alias: str) -> str:
        """Return its columns for a select in which it is called `alias`."""
        return ", ".join(f"{alias}.{column}" for column in self.columns)

    def without(self, columns: Collection[str]) -> str:
        """Return its columns with null in place of some, which are large or secret and not to be read."""
        return ", ".join("null" if column in columns else column for column in self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The newest tables of a database.

    Args:
        package: the one that has its migrations.
        revision: of its newest migration.
        tables: all of them.
        statements: what makes them, by dialect.
    """

    package: str
    revision: str
    tables: tuple[Table, ...]
    statements: Mapping[Dialect, tuple[str, ...]]

    @property
    def columns(self) -> set[str]:
        """All columns, as `run.number`."""
        return {f"{table.name}.{column}" for table in self.tables for column in table.columns}
