"""Parts that all reads share: the selection of runs and keys, figures of series, and damage found."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from sweepd_kernel.sql.engine import Connection, Row, Values
from sweepd_metric_store.domain.batch import Kind
from sweepd_metric_store.domain.checksum import Damage, DamagedBodyError, is_intact
from sweepd_metric_store.ports import SYSTEM, Selection
from sweepd_metric_store.store.pages import SeriesName
from sweepd_metric_store.store.tables_sql import SERIES

OnDamage: TypeAlias = Callable[[], None]
"""Called for each damaged row; raises to end the reading."""

# Runs come in the order of their ids, so that a page can continue behind the last one.
RUNS_OF_SWEEP = "r.sweep_id = (select id from sweep where name = :sweep) and r.id >= :run_id"
RUNS_NAMED = "r.name in (select value from json_each(:runs)) and r.id >= :run_id"
KEYS = "(cast(:keys as text) is null or k.name in (select value from json_each(:keys)))"


def runs_clause(selection: Selection) -> str:
    """Return the condition on `run r`."""
    return RUNS_OF_SWEEP if selection.sweep else RUNS_NAMED


def parameters(selection: Selection, *, run_id: int = 0) -> dict[str, str | int | None]:
    """Return the parameters of the conditions."""
    return {
        "sweep": selection.sweep,
        "runs": _listed(selection.runs),
        "keys": _listed(selection.keys) if selection.keys else None,
        "run_id": run_id,
    }


def _listed(names: AbstractSet[str]) -> str:
    """Return names as JSON, but those with a NUL, which are never stored and not legal in every dialect."""
    return json.dumps(sorted(name for name in names if "\0" not in name))


def number(connection: Connection, statement: str, values: Values = ()) -> int:
    """Return the number that a statement always finds."""
    row = connection.execute(statement, values).first()
    assert row is not None
    return int(row[0])


_COLUMNS = SERIES.columns[: SERIES.columns.index("checksum") + 1]
_SUMMARY, _POINTS, _KINDS = (_COLUMNS.index(name) for name in ("summary", "points", "kinds"))
FIGURES = ", ".join(f"s.{name}" for name in _COLUMNS)
"""Columns of `series s` up to its checksum."""
ONE = f"select {FIGURES} from series s where s.id = ?"
UNKNOWN = (0, sum(1 << kind for kind in Kind))
"""Points and kinds of a damaged series: none, so that nothing is thinned by a wrong number, and all."""


def summary(figures: Row) -> bytes | None:
    """Return the summary; None if it is damaged."""
    body: bytes = figures[_SUMMARY]
    return body if is_intact(figures[:-1], figures[-1]) else None


def points_and_kinds(figures: Row) -> tuple[int, int]:
    """Return the number of points, and the types of their values as bits."""
    return UNKNOWN if summary(figures) is None else (figures[_POINTS], figures[_KINDS])


class Damages:
    """Damage found by a read; without `skip` the first of it ends the read."""

    def __init__(self, *, skip: bool = True) -> None:
        self._skip = skip
        self.all: list[Damage] = []

    def of(self, name: SeriesName) -> OnDamage:
        """Return the callback for damaged chunks of a series; it raises DamagedBodyError without `skip`."""
        run = name.run.removesuffix(SYSTEM)
        return lambda: self.add(Damage(run=run, attempt=name.attempt, what="points", name=name.key))

    def add(self, damage: Damage) -> None:
        """Record damage, once.

        Raises:
            DamagedBodyError: damage is not skipped.
        """
        if not self._skip:
            raise DamagedBodyError(damage)
        if damage not in self.all:
            self.all.append(damage)
