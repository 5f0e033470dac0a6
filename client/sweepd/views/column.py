"""Column of a table: its heading, the value that it shows, and its claim to a narrow terminal."""

from collections.abc import Callable
from dataclasses import dataclass

from sweepd.spec.point import Json
from sweepd.views.rows import Row, has, lookup
from sweepd.views.text import cell


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        heading: its heading, in lower case.
        path: the dotted path of its value in the JSON; of a field's column empty for the field itself.
        show: returns the text of a value.
        at: its place among the columns of an entity, from the left.
        wide: shown only where width does not matter.
        composed: made for the eye from several values: no value of the JSON, so not for programs.
        null: null is a value here: a row has it, or has nothing at the path, which is a dash.
        long: of any length, as what people write and scripts log.
        spare: order in which columns are left out of a narrow terminal: the greatest first; 0 stays.
        whole: shows several values of a row, in place of `show`.
        plain: returns what CSV has of the value at the path.
    """

    heading: str
    path: str = ""
    show: Callable[[Json], str] = cell
    at: int = 0
    wide: bool = False
    composed: bool = False
    null: bool = False
    long: bool = False
    spare: int = 0
    whole: Callable[[Row], str] | None = None
    plain: Callable[[Json], Json] | None = None

    def text(self, row: Row) -> str:
        """Return how a row looks in this column."""
        if self.whole is not None:
            return self.whole(row)
        value = lookup(row, self.path)
        if value is None and not (self.null and has(row, self.path)):
            return cell(None)
        return self.show(value)

    def csv_value(self, row: Row) -> Json:
        """Return what CSV has of a row in this column."""
        value = lookup(row, self.path)
        return value if self.plain is None or value is None else self.plain(value)
