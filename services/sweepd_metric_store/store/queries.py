"""Parts that all reads share: the selection of runs and keys, figures of series, and damage found."""

from __future__ import annotations

import json
from typing import TypeAlias

from sweepd_metric_store.domain.batch import Kind
from sweepd_metric_store.domain.checksum import Damage, DamagedBodyError, intact
from sweepd_metric_store.ports import SYSTEM, Selection
from sweepd_metric_store.store.chunks import OnDamage
from sweepd_metric_store.store.pages import SeriesName

# Runs come in the order of their ids, so that a page can continue behind the last one.
RUNS_OF_SWEEP = "r.sweep_id = (select id from sweep where name = :sweep) and r.id >= :run_id"
RUNS_NAMED = "r.name in (select value from json_each(:runs)) and r.id >= :run_id"
KEYS = "(:keys is null or k.name in (select value from json_each(:keys)))"


def runs_clause(selection: Selection) -> str:
    """Return the condition on `run r`."""
    return RUNS_OF_SWEEP if selection.sweep else RUNS_NAMED


def parameters(selection: Selection, *, run_id: int = 0) -> dict[str, str | int | None]:
    """Return the parameters of the conditions."""
    return {
        "sweep": selection.sweep,
        "runs": json.dumps(sorted(selection.runs)),
        "keys": json.dumps(sorted(selection.keys)) if selection.keys else None,
        "run_id": run_id,
    }


FIGURES = "s.id, s.attempt_id, s.key_id, s.points, s.numbers, s.kinds, s.checksum, s.summary"
ONE = f"select {FIGURES} from series s where s.id = ?"
Figures: TypeAlias = tuple[int, int, int, int, int, int, int, bytes]
"""Columns that `FIGURES` selects."""
UNKNOWN = (0, sum(1 << kind for kind in Kind))
"""Points and kinds of a damaged series: none, so that nothing is thinned by a wrong number, and all."""


def summary(figures: Figures) -> bytes | None:
    """Return the summary; None if it is damaged."""
    *numbers, stored, body = figures
    return body if intact(stored, body, *numbers) else None


def points_and_kinds(figures: Figures) -> tuple[int, int]:
    """Return the number of points, and the types of their values as bits."""
    return UNKNOWN if summary(figures) is None else (figures[3], figures[5])


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
