"""Conversion of rows to typed columns, and to frames of pandas and polars or Arrow tables (if installed)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sweepd.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

_PANDAS = {
    "int": "Int64",
    "float": "float64",
    "bool": "boolean",
    "text": "string",
    "time": "datetime64[us, UTC]",
}


_KINDS = {bool: "bool", int: "int", float: "float", str: "text", datetime: "time"}
Row = dict[str, object]
_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Column:
    """Named column; `kind` is text, int, float, bool, time, mixed (anything else) or null (no values)."""

    name: str
    kind: str
    values: list[object]


def columns_of(rows: Sequence[Row], known: Mapping[str, str]) -> list[Column]:
    """Return the columns of rows; `known` gives the kinds of columns that are always present."""
    names = dict.fromkeys([*known, *(rows[0] if rows else ())])
    return [column(name, [row[name] for row in rows], known.get(name)) for name in names]


def column(name: str, values: list[object], kind: str | None = None) -> Column:
    """Return a column whose kind is `kind`, by default the common kind of the values.

    Integers in a float column become floats.
    """
    kind = kind or kind_of(values)
    if kind == "float":
        values = [float(value) if isinstance(value, int) else value for value in values]
    return Column(name, kind, values)


def kind_of(values: Iterable[object]) -> str:
    """Return the common kind of the values except None; a mix of floats and exact integers is float."""
    known = [value for value in values if value is not None]
    kinds = {_KINDS.get(type(value), "mixed") for value in known}
    if not kinds:
        return "null"
    if kinds == {"int", "float"} and all(abs(value) <= _EXACT for value in known if isinstance(value, int)):
        return "float"
    return kinds.pop() if len(kinds) == 1 else "mixed"


def as_text(value: object) -> str | None:
    """Return a value of a mixed column as text: text unchanged, other values as JSON, None as None."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def to_pandas(columns: Sequence[Column]) -> pd.DataFrame:
    """Return the columns as a pandas frame; missing values are NA, in float columns NaN.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    pandas = _library("pandas")
    return pandas.DataFrame(
        {
            column.name: pandas.Series(column.values, dtype=_PANDAS.get(column.kind, "object"))
            for column in columns
        }
    )


def to_polars(columns: Sequence[Column]) -> pl.DataFrame:
    """Return the columns as a polars frame; missing values are null, NaN stays NaN.

    Raises:
        MissingExtraError: polars is not installed.
    """
    polars = _library("polars")
    kinds = {
        "int": polars.Int64,
        "float": polars.Float64,
        "bool": polars.Boolean,
        "time": polars.Datetime("us", "UTC"),
        "null": polars.Null,
    }
    frame: pl.DataFrame = polars.DataFrame(
        [
            polars.Series(column.name, _plain(column), dtype=kinds.get(column.kind, polars.String))
            for column in columns
        ]
    )
    return frame


def to_arrow(columns: Sequence[Column]) -> pa.Table:
    """Return the columns as an Arrow table; missing values are null, NaN stays NaN.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    arrow = _library("pyarrow")
    kinds = {
        "int": arrow.int64(),
        "float": arrow.float64(),
        "bool": arrow.bool_(),
        "time": arrow.timestamp("us", "UTC"),
        "null": arrow.null(),
    }
    return arrow.table(
        {
            column.name: arrow.array(_plain(column), type=kinds.get(column.kind, arrow.string()))
            for column in columns
        }
    )


def _plain(column: Column) -> list[object]:
    """Return the values; convert a mixed column to text, as polars and arrow have no mixed columns."""
    return [as_text(value) for value in column.values] if column.kind == "mixed" else column.values


def _library(name: str) -> Any:  # noqa: ANN401 - its types are those of the library
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"{name} is not installed: pip install {name}", reason="missing-extra"
        ) from error
