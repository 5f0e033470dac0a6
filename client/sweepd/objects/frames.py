"""Rows as frames of pandas, polars and arrow, each an extra of its own."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sweepd.errors import MissingExtraError
from sweepd.objects.columns import Column, as_text

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


def to_pandas(columns: Sequence[Column]) -> pd.DataFrame:
    """Return columns as a frame; what is missing is NA, among floats NaN.

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
    """Return columns as a frame; what is missing is null, NaN is NaN.

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
    """Return columns as a table; what is missing is null, NaN is NaN.

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
    """Return values of one type each: these frames have no columns of any value."""
    return [as_text(value) for value in column.values] if column.kind == "mixed" else column.values


def _library(name: str) -> Any:  # noqa: ANN401 - its types are those of the library
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"{name} is not installed: pip install {name}", reason="missing-extra"
        ) from error
