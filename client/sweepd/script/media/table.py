"""Tables."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from sweepd.script.document import written
from sweepd.script.errors import UsageError
from sweepd.script.kept import Place, Storable
from sweepd.script.media.arrays import is_array, listed


@runtime_checkable
class _Frame(Protocol):
    """A frame of pandas, as far as it is needed."""

    @property
    def columns(self) -> Iterable[object]:
        """Names of its columns."""

    def itertuples(self, *, index: bool, name: None) -> Iterator[Sequence[object]]:
        """Yield its rows."""


class Table:
    """Rows under named columns; cells are numbers, texts, lists, or media, which become files beside it."""

    def __init__(
        self,
        columns: Sequence[str] | None = None,
        data: object = None,
        rows: object = None,
        dataframe: object = None,
        dtype: object = None,
        optional: object = True,
        allow_mixed_types: bool = False,
        log_mode: str | None = "IMMUTABLE",
    ) -> None:
        """Take columns and rows; `dtype`, `optional`, `allow_mixed_types` and `log_mode` have no effect.

        Raises:
            UsageError: a row has another length than there are columns.
        """
        content = next((given for given in (dataframe, data, rows) if given is not None), [])
        if isinstance(content, _Frame):
            columns = [str(name) for name in content.columns]
            content = [list(row) for row in content.itertuples(index=False, name=None)]
        elif is_array(content):
            content = listed(content)
        if not isinstance(content, Iterable) or isinstance(content, str | bytes | Mapping):
            raise UsageError(f"Table: rows, an array or a frame, not {type(content).__name__}")
        found: list[object] = list(content)
        width = len(found[0]) if found and isinstance(found[0], Sequence) else 3
        default = ["Input", "Output", "Expected"] if width == 3 else [str(at) for at in range(width)]
        self.columns = list(columns) if columns is not None else default
        self.data: list[list[object]] = []
        for row in found:
            self.add_data(*(row if isinstance(row, Iterable) else [row]))

    def add_data(self, *data: object) -> None:
        """Add a row.

        Raises:
            UsageError: it has another length than there are columns.
        """
        if len(data) != len(self.columns):
            raise UsageError(f"Table: a row of {len(data)} cells under {len(self.columns)} columns")
        self.data.append(list(data))

    def add_row(self, *row: object) -> None:
        """Add a row."""
        self.add_data(*row)

    def add_column(self, name: str, data: Iterable[object], optional: bool = False) -> None:
        """Add a column.

        Raises:
            UsageError: it has another length than there are rows.
        """
        cells = list(data)
        if self.data and len(cells) != len(self.data):
            raise UsageError(f"Table: a column of {len(cells)} cells beside {len(self.data)} rows")
        self.columns.append(name)
        self.data = (
            [[*row, cell] for row, cell in zip(self.data, cells, strict=True)]
            if self.data
            else [[cell] for cell in cells]
        )

    def get_column(self, name: str, convert_to: str | None = None) -> list[object]:
        """Return the cells of a column.

        Raises:
            UsageError: there is none of this name.
        """
        if name not in self.columns:
            raise UsageError(f"Table: no column {name!r}, only {', '.join(map(str, self.columns))}")
        at = self.columns.index(name)
        return [row[at] for row in self.data]

    def iterrows(self) -> Iterator[tuple[int, list[object]]]:
        """Yield each row with its number, from 0."""
        yield from enumerate(self.data)

    def store(self, place: Place) -> Path:
        """Write the file, media of its cells beside it, and return its path."""
        with place.fresh("media/table", ".table.json") as path:
            rows = [
                [self._cell(place, cell, number, at) for at, cell in enumerate(row)]
                for number, row in enumerate(self.data)
            ]
            document = {"columns": written(self.columns), "data": rows}
            path.write_text(json.dumps(document) + "\n", encoding="utf-8")
        return path

    def _cell(self, place: Place, cell: object, number: int, column: int) -> object:
        if not isinstance(cell, Storable):
            return written(cell)
        beside = Place(place.files, f"{place.key}.{self.columns[column]}", place.step, number)
        return str(cell.store(beside).relative_to(place.files))
