"""Views of sweeps, and of the obstacles that keep them from handing out runs."""

from __future__ import annotations

from datetime import datetime

from sweepd import v1
from sweepd.codec.values import point_from_message
from sweepd.spec.point import Json
from sweepd.states import BAD_ENDS, FINAL_RUN, FINAL_SWEEP, RUN_STATES, state_of
from sweepd.views.rows import Column, Row, lookup
from sweepd.views.text import cell, shown_counts, shown_time, shown_value, shown_words
from sweepd.views.view import Field, Record, View, inner, shaper

_run_counts_shape = shaper(v1.RunCounts)
_missing_shape = shaper(v1.ObjectiveMissing)
obstacle_shape = shaper(v1.Obstacle)


def _read_id(sweep: v1.Sweep) -> str:
    return sweep.name.rpartition("/")[2]


def _read_specification(sweep: v1.Sweep) -> Row:
    from sweepd.views.spec_shapes import spec_shape  # imported here, because it imports `spec`

    return spec_shape(sweep.spec)


def _read_counts(sweep: v1.Sweep) -> dict[str, Json]:
    return _run_counts_shape(sweep.run_counts)


def _read_best(sweep: v1.Sweep) -> Json:
    if not sweep.best_run or not sweep.HasField("best_value"):
        return None
    return {"run": sweep.best_run, "value": sweep.best_value}


def _shown_progress(sweep: Row) -> str:
    """Return the numbers of ended and planned runs: `3/20`."""
    counts, planned = sweep["runs"], sweep["plannedRuns"]
    assert isinstance(counts, dict)
    ended = sum(count for state in FINAL_RUN if isinstance(count := counts[state], int))
    return f"{ended}/{'∞' if planned is None else cell(planned)}"


def _shown_best(sweep: Row) -> str:
    """Return the best value, or `all failed` if all runs have failed."""
    return "all failed" if every_run_failed(sweep) else shown_value(lookup(sweep, "best.value"))


def every_run_failed(sweep: Row) -> bool:
    """Return True if a sweep has runs, and all of them have failed or crashed."""
    counts = sweep["runs"]
    assert isinstance(counts, dict)
    states = {state for state, count in counts.items() if count}
    return bool(states) and states <= {*BAD_ENDS}


class SweepRecord(Record[v1.Sweep]):
    """Last known state of a sweep; reading an attribute makes no call to the server."""

    _name = Field[str](columns=Column("name", at=1))
    _id = Field(_read_id)
    display_name = Field[str | None]("spec.name?", "Display name.", columns=Column("title", at=8, long=True))
    description = Field[str | None]("spec.description?", "Description.")
    state = Field[str](
        state_of,
        "`pending`, `running`, `paused`, then `finished`, `stopped`, `cancelled` or `failed`.",
        columns=Column("state", at=2),
    )
    _ending = Field[str | None]("ending?", columns=Column("ending", at=12, wide=True))
    reason = Field[str | None](
        "reason?",
        "Reason for the state, in one sentence; None if the state needs no explanation.",
        columns=Column("reason", at=14, wide=True),
    )
    _paused_by_itself = Field[bool]()
    _pause_cause = Field[str | None]("pause_cause?")
    revision = Field[int](doc="Revision of the sweep: 1 at first, incremented by each edit.")
    _specification = Field(
        _read_specification,
        spread=True,
        columns=(
            Column("method", "method", at=3, spare=2),
            Column("tags", "tags", shown_words, at=9, long=True),
            Column("metric", "metric.name", at=11, wide=True),
        ),
    )
    planned_runs = Field[int | None](
        doc="Number of runs planned in total; None: unbounded or unknown.",
        columns=Column("planned", at=10, wide=True),
    )
    _runs = Field(_read_counts, columns=Column("runs", at=4, whole=_shown_progress, plain=shown_counts))
    _best = Field(_read_best, columns=Column("best", "best.value", at=5, whole=_shown_best))
    _objective_missing = Field(inner("objective_missing", _missing_shape))
    connected_agents = Field[int](
        doc="Number of connected agents that serve the sweep.", columns=Column("agents", at=6, spare=3)
    )
    _guarded_agents = Field[list[str]]()
    _prior_runs = Field[int]()
    create_time = Field[datetime | None](
        doc="Creation time, in UTC.", columns=Column("created", show=shown_time, at=7, spare=1)
    )
    start_time = Field[datetime | None](doc="Time of the first hand-out, in UTC.")
    end_time = Field[datetime | None](
        doc="End time, in UTC.", columns=Column("ended", show=shown_time, at=13, wide=True)
    )

    @property
    def is_over(self) -> bool:
        """True once the sweep has ended."""
        return self.state in FINAL_SWEEP

    @property
    def config(self) -> dict[str, object]:
        """Configuration as in a sweep file, including the seed, even if the server chose it."""
        from sweepd.codec.spec import spec_document

        return spec_document(self._message.spec)

    @property
    def tags(self) -> list[str]:
        """Tags of the sweep."""
        return list(self._message.spec.tags)

    @property
    def metadata(self) -> dict[str, Json]:
        """Metadata of the sweep."""
        return dict(point_from_message(self._message.spec.metadata))

    @property
    def metric(self) -> str | None:
        """Name of the objective; None if the sweep has none."""
        return self._message.spec.metric.name or None

    @property
    def goal(self) -> str:
        """Goal: `minimize` or `maximize`."""
        return "maximize" if self._message.spec.metric.goal == v1.GOAL_MAXIMIZE else "minimize"

    @property
    def run_counts(self) -> dict[str, int]:
        """Number of runs in each state."""
        counts = self._message.run_counts
        return {state: int(getattr(counts, state)) for state in RUN_STATES}

    @property
    def best_value(self) -> float | None:
        """Best value so far; None if no run has a value."""
        return self._message.best_value if self._message.HasField("best_value") else None

    @property
    def best_run(self) -> str | None:
        """Full name of the run with the best value; with repeats, of the first run of the best point."""
        return self._message.best_run or None

    def to_dict(self) -> dict[str, Json]:
        """Return the sweep, as in the JSON of `sweepctl get -o json`."""
        return sweep_shape(self._message)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {state}" for state, count in self.run_counts.items() if count)
        best = "" if self.best_value is None else f"; best {self.metric} {self.best_value:.6g}"
        return f"<{type(self).__name__} {self.name} {self.state}: {counts or 'no runs'}{best}>"


_VIEW = View(SweepRecord, v1.Sweep)
sweep_shape, SWEEPS = _VIEW.shape, _VIEW.columns
