"""What a model may learn from, kept in columns: a question costs no walk through all runs in Python."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from sweepd.spec import Metric, Point
from sweepd.spec.space.draw import draw
from sweepd_suggestion.domain.objective import Role, standing
from sweepd_suggestion.domain.selection import selected
from sweepd_suggestion.domain.trial_run import TrialRun

_COLUMNS = np.dtype(
    [
        ("number", np.int64),
        ("in_space", np.bool_),
        ("role", np.int8),
        ("loss", np.float64),
        ("worst", np.float64),
        ("finished", np.float64),
        ("lot", np.float64),
    ]
)
_FIRST_ROWS = 64


@dataclass(frozen=True, slots=True)
class Valued:
    """A point and its value; lower is better, whatever the goal."""

    run_number: int
    point: Point
    loss: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a model may learn from: points with values, and points whose values are still awaited."""

    valued: tuple[Valued, ...]
    pending: tuple[Point, ...]


class Ledger:
    """One row for each run, in the order of first hand-outs, written anew with each observation of it."""

    def __init__(self, metric: Metric, seed: int) -> None:
        self._metric = metric
        self._seed = seed
        self._row_of: dict[int, int] = {}
        self._runs: list[TrialRun] = []
        self._table = np.empty(_FIRST_ROWS, dtype=_COLUMNS)

    def put(self, run: TrialRun) -> None:
        """Take note of how a run stands now."""
        row = self._row_of.setdefault(run.number, len(self._runs))
        if row == len(self._runs):
            self._runs.append(run)
            if row == len(self._table):
                self._table = np.concatenate([self._table, np.empty_like(self._table)])
            self._table[row]["lot"] = draw(self._seed, run.number, ("selection",))
        self._runs[row] = run
        now, lot = standing(run, self._metric), self._table[row]["lot"]
        self._table[row] = (run.number, run.in_space, now.role, now.loss, now.worst, now.finished, lot)

    @property
    def newest(self) -> int | None:
        """The highest number of a run; None while there is none."""
        return int(self._known["number"].max()) if self._runs else None

    def points_before(self, number: int) -> int:
        """Return how many points inside the space the runs below a number have."""
        known = self._known
        return int(np.count_nonzero(known["in_space"] & (known["number"] < number)))

    def evidence(self, most_valued: int | None = None, most_pending: int | None = None) -> Evidence:
        """Return what the runs teach, all of it or at most so much: see `selected`; of pending ones the last.

        A missing value is imputed as the metric says, and never invented.
        """
        known = self._known
        role, losses = known["role"], known["loss"].copy()
        worst, worst_finished = (float(known[name].max(initial=-inf)) for name in ("worst", "finished"))
        if worst_finished > -inf:
            losses[role == Role.STOPPED] = np.minimum(losses[role == Role.STOPPED], worst_finished)
        losses[role >= Role.WORST] = worst
        has_value = (role == Role.VALUED) | (role == Role.STOPPED) | ((role >= Role.WORST) & (worst > -inf))
        pending = np.flatnonzero((role == Role.PENDING) | ((role == Role.WORST_OR_PENDING) & (worst == -inf)))
        rows = np.flatnonzero(has_value)
        if most_valued is not None and len(rows) > most_valued:
            rows = rows[selected(known["number"][rows], losses[rows], known["lot"][rows], most_valued)]
        valued = ((self._runs[row], float(losses[row])) for row in rows)
        last = pending if most_pending is None else pending[-most_pending:]
        return Evidence(
            tuple(Valued(run.number, run.point, loss) for run, loss in valued),
            tuple(self._runs[row].point for row in last),
        )

    @property
    def _known(self) -> NDArray[np.void]:
        return self._table[: len(self._runs)]


def evidence(runs: Iterable[TrialRun], metric: Metric) -> Evidence:
    """Return what some runs teach."""
    ledger = Ledger(metric, 0)
    for run in runs:
        ledger.put(run)
    return ledger.evidence()
