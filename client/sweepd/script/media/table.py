"""Tables and histograms."""

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, runtime_checkable

from sweepd.private_files import make_folder
from sweepd.script.errors import MissingAttributes, UsageError
from sweepd.script.folder.state_file import written
from sweepd.script.media.arrays import array_of, counted, flat, is_array, listed
from sweepd.script.media.store import MediaFile, Storable


@runtime_checkable
class _Frame(Protocol):
    """Data frame of pandas, with the attributes that this module uses."""

    @property
    def columns(self) -> Iterable[object]:
        """Names of the columns."""

    def itertuples(self, *, index: bool, name: None) -> Iterator[Sequence[object]]:
        """Yield the rows."""


class Table(MissingAttributes):
    """Table of numbers, texts, lists and media; each media cell becomes a separate file."""

    # Scripts written for W&B increase these limits; sweepd has no such limits.
    MAX_ROWS = 10_000
    MAX_ARTIFACT_ROWS = 200_000

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
        """Read columns and rows; `dtype`, `optional`, `allow_mixed_types` and `log_mode` have no effect.

        Raises:
            UsageError: `data` does not consist of rows, or a row does not have one cell per column.
        """
        content = next((given for given in (dataframe, data, rows) if given is not None), [])
        if isinstance(content, _Frame):
            columns = [str(name) for name in content.columns]
            content = [list(row) for row in content.itertuples(index=False, name=None)]
        elif is_array(content):
            content = listed(content)
        if not isinstance(content, Iterable) or isinstance(content, str | bytes | Mapping):
            raise UsageError(f"Table: expected rows, an array or a data frame, not {type(content).__name__}")
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
            UsageError: the row does not have one cell per column.
        """
        if len(data) != len(self.columns):
            raise UsageError(f"Table: the row has {len(data)} cells for {len(self.columns)} columns")
        self.data.append(list(data))

    def add_row(self, *row: object) -> None:
        """Add a row; same as `add_data`."""
        self.add_data(*row)

    def add_column(self, name: str, data: Iterable[object], optional: bool = False) -> None:
        """Add a column.

        Raises:
            UsageError: the column does not have one cell per row.
        """
        cells = list(data)
        if self.data and len(cells) != len(self.data):
            raise UsageError(f"Table: the column has {len(cells)} cells for {len(self.data)} rows")
        self.columns.append(name)
        self.data = (
            [[*row, cell] for row, cell in zip(self.data, cells, strict=True)]
            if self.data
            else [[cell] for cell in cells]
        )

    def add_computed_columns(self, fn: Callable[[int, dict[str, object]], Mapping[str, object]]) -> None:
        """Add the columns that `fn(row_number, cells_by_column)` returns for each row."""
        computed = [fn(at, dict(zip(self.columns, row, strict=True))) for at, row in enumerate(self.data)]
        for name in computed[0] if computed else ():
            self.add_column(name, [cells[name] for cells in computed])

    def get_column(self, name: str, convert_to: str | None = None) -> Sequence[object]:
        """Return the cells of a column as a list, or as an array if `convert_to` is `numpy`.

        Raises:
            UsageError: the table has no such column.
        """
        if name not in self.columns:
            raise UsageError(f"Table: no column {name!r}; choose one of {', '.join(map(str, self.columns))}")
        at = self.columns.index(name)
        cells = [row[at] for row in self.data]
        if convert_to != "numpy":
            return cells
        array: Callable[[list[object]], Sequence[object]] = import_module("numpy").array
        return array(cells)

    def get_dataframe(self) -> object:
        """Return the table as a pandas data frame."""
        frame: Callable[..., object] = import_module("pandas").DataFrame
        return frame(self.data, columns=self.columns)

    def get_index(self) -> list[int]:
        """Return the row numbers."""
        return list(range(len(self.data)))

    def cast(self, /, *ignored: object, **more: object) -> None:
        """Do nothing: columns have no types."""

    set_pk = set_fk = cast

    def iterrows(self) -> Iterator[tuple[int, list[object]]]:
        """Yield each row with its number, from 0."""
        yield from enumerate(self.data)

    def store(self, target: MediaFile) -> Path:
        """Write the table and the media of its cells, and return the path of the table."""
        with target.new_file("media/table", ".table.json") as path:
            rows = [
                [self._cell(target, cell, number, at) for at, cell in enumerate(row)]
                for number, row in enumerate(self.data)
            ]
            document = {"columns": written(self.columns), "data": rows}
            path.write_text(json.dumps(document) + "\n", encoding="utf-8")
        return path

    def _cell(self, target: MediaFile, cell: object, number: int, column: int) -> object:
        if not isinstance(cell, Storable):
            return written(cell)
        cell_target = MediaFile(target.files, f"{target.key}.{self.columns[column]}", target.step, number)
        return str(cell.store(cell_target).relative_to(target.files))


_MAX_BINS = 512
_MAX_FLOAT = sys.float_info.max


class Histogram(MissingAttributes):
    """Distribution of values: `histogram` has the counts between consecutive `bins`."""

    def __init__(
        self, sequence: object = None, np_histogram: Sequence[object] | None = None, num_bins: int = 64
    ) -> None:
        """Count the values of `sequence`, or use `np_histogram`: (counts, edges) as numpy returns them.

        Raises:
            UsageError: no numbers are given, there are over 512 bins, or counts and edges do not match.
        """
        if np_histogram is not None:
            if len(np_histogram) != 2:
                raise UsageError("Histogram: np_histogram must be (counts, edges), see numpy.histogram")
            self.histogram, self.bins = (_numbers(part) for part in np_histogram)
        else:
            self.histogram, self.bins = _count(sequence, max(1, num_bins))
        if len(self.histogram) > _MAX_BINS or len(self.histogram) + 1 != len(self.bins):
            raise UsageError(
                f"Histogram: {len(self.histogram)} counts and {len(self.bins)} edges; "
                f"one edge more than counts is needed, and at most {_MAX_BINS} counts"
            )

    def store(self, target: MediaFile) -> Path:
        """Append the histogram to the file of its key, as a JSON line, and return the path of the file."""
        folder = target.files / "media" / "histograms"
        make_folder(folder)
        path = folder / f"{target.stem}.jsonl"
        line = {"key": target.key, "step": target.step, "counts": self.histogram, "edges": self.bins}
        with path.open("ab", buffering=0) as file:  # a single write, as other processes may append too
            file.write(f"{json.dumps(line)}\n".encode())
        return path


def _numbers(sequence: object) -> list[float]:
    if sequence is None:
        raise UsageError("Histogram: pass a sequence of values or np_histogram")
    if isinstance(sequence, list | tuple) or is_array(sequence):
        return [float(each) for each in flat(listed(sequence))]
    if isinstance(sequence, Sequence | set | frozenset):
        return [float(each) for each in sequence]
    raise UsageError(f"Histogram: expected a sequence of numbers, not {type(sequence).__name__}")


def _count(sequence: object, parts: int) -> tuple[list[float], list[float]]:
    """Return counts of the finite values in bins of equal width, and the bin edges."""
    array = array_of(sequence)
    if array is not None and (found := counted(array, parts)) is not None:
        return found
    finite = [value for value in _numbers(sequence) if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    # Halved values avoid an overflow of `high - low`; a margin avoids bins that are too narrow for floats.
    if high / 2 - low / 2 == 0.0:
        margin = max(0.5, abs(high) / 1e9)
        low, high = max(low - margin, -_MAX_FLOAT), min(high + margin, _MAX_FLOAT)
    edges = [low * (1 - part / parts) + high * (part / parts) for part in range(parts)] + [high]
    counts = [0.0] * parts
    half = high / 2 - low / 2
    for value in finite:
        counts[min(parts - 1, int((value / 2 - low / 2) / half * parts))] += 1
    return counts, edges
