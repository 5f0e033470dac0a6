"""Views of runs, attempts and prior runs, and rows of data frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sweepd import v1
from sweepd.codec.details import context_document, plain_map
from sweepd.codec.values import point_from_message
from sweepd.spec.point import Json
from sweepd.states import BAD_ENDS, FINAL_RUN, state_of
from sweepd.views.rows import Column, Row, lookup, param_columns, param_paths
from sweepd.views.text import shown_time, shown_value, shown_words
from sweepd.views.values import Value, logged_value
from sweepd.views.view import Field, Record, View, inner, shaper

_PARAMS_AT = 50
"""Position of the parameter columns in tables of runs."""
_exit_shape = shaper(v1.Exit, message="message?")
attempt_shape = shaper(
    v1.Attempt,
    attempt="number",
    host="host?",
    reason="reason?",
    exit=inner("exit", _exit_shape),
    storage="storage?",
)
_provenance_shape = shaper(v1.Provenance, engine="engine?")
_verdict_shape = shaper(v1.Verdict)
event_shape = shaper(v1.RunEvent, attempt="attempt?", detail="detail?")


def _config(details: v1.RunDetails) -> Json:
    return plain_map(details.config)


def _summary(details: v1.RunDetails) -> Json:
    return plain_map(details.summary)


_definition_shape = shaper(v1.MetricDefinition, stepMetric="step_metric?", goal="goal?")
details_shape = shaper(
    v1.RunDetails,
    name="display_name?",
    notes="notes?",
    group="group?",
    jobType="job_type?",
    config=_config,
    summary=_summary,
    definitions=inner("definitions", _definition_shape),
    context=inner("context", context_document),
)
prior_report_shape = shaper(
    v1.PriorRunReport, unsuitableRuns=inner("unsuitable_runs", shaper(v1.UnsuitableRun))
)


def params_shape(run: v1.Run | v1.PriorRun) -> dict[str, Json]:
    """Return the point of a run as plain JSON."""
    return dict(point_from_message(run.parameters)) if run.HasField("parameters") else {}


class RunRecord(Record[v1.Run]):
    """Last known state of a run; reading an attribute makes no call to the server.

    Runs from lists and from `watch` lack the notes and the configuration set by the script; `refresh` fetches
    them.
    """

    _run = Field[str]("name", columns=Column("run", at=63, wide=True), frame=True)
    sweep_name = Field[str | None](
        "sweep?", "Full name of the sweep; None for a standalone run.", json="sweep"
    )
    display_name = Field[str | None](
        "display_name?",
        "Display name set by the script; at most 1,000 characters.",
        columns=Column("name", at=11, long=True),
        frame=True,
    )
    _tags = Field[list[str]](columns=Column("tags", show=shown_words, at=62, wide=True, long=True))
    number = Field[int](
        doc="Number of the run in its sweep, from 1; of a standalone run, in its project.",
        columns=Column("number", at=10),
        frame=True,
    )
    repeat = Field[int](
        doc="With repeats: index of the run among those of its point, from 0.",
        columns=Column("repeat", at=64, wide=True),
        frame=True,
    )
    state = Field[str](
        state_of,
        "`pending`, `assigned`, `running`, then `finished`, `failed`, `crashed`, `stopped` or `killed`.",
        columns=Column("state", at=12),
        frame=True,
    )
    reason = Field[str | None](
        "reason?",
        "Reason for the state, in one sentence; None if the state needs no explanation.",
        columns=Column("reason", at=70, long=True),
        frame=True,
    )
    attempt = Field[int](
        doc="Number of the newest attempt; 0 before the first.",
        columns=Column("attempt", at=15, spare=3),
        frame=True,
    )
    params = Field[dict[str, Json]](params_shape, "Values of the parameters, as passed to the program.")
    value = Field[float | None](
        doc="Value for the search: best, last or mean of the objective, as set by `metric.value`.",
        columns=Column("value", show=shown_value, at=13),
        frame=True,
    )
    best_value = Field[float | None](
        doc="Best finite value of the objective.",
        columns=Column("best", show=shown_value, at=65, wide=True),
        frame=True,
    )
    last_value = Field[float | None](
        doc="Last finite value of the objective.",
        columns=Column("last", show=shown_value, at=66, wide=True),
        frame=True,
    )
    iterations = Field[int](
        doc="Number of rows with a finite value of the objective.",
        columns=Column("iterations", at=14, spare=2),
        frame=True,
    )
    _attempts = Field(inner("attempts", attempt_shape))
    _provenance = Field(
        inner("provenance", _provenance_shape),
        columns=Column("source", "provenance.source", at=67, wide=True),
    )
    _verdicts = Field(inner("verdicts", _verdict_shape))
    _logged_keys = Field[list[str]]()
    _details = Field(inner("details", details_shape))
    create_time = Field[datetime | None](doc="Creation time, in UTC.", frame=True)
    start_time = Field[datetime | None](
        doc="Start time of the first process, in UTC.",
        columns=Column("started", show=shown_time, at=68, wide=True),
        frame=True,
    )
    end_time = Field[datetime | None](
        doc="End time, in UTC.", columns=Column("ended", show=shown_time, at=69, wide=True), frame=True
    )

    @property
    def tags(self) -> list[str]:
        """Tags set by the script; runs from lists have only the first ones, up to about 1,000 characters."""
        return list(self._message.details.tags or self._message.tags)

    @property
    def notes(self) -> str | None:
        """Notes set by the script."""
        return self._message.details.notes or None

    @property
    def config(self) -> dict[str, Json]:
        """Configuration: the point, and the values that the script added, if known."""
        if not self._message.details.HasField("config"):
            return self.params
        return plain_map(self._message.details.config)

    @property
    def is_over(self) -> bool:
        """True once the run has ended."""
        return self.state in FINAL_RUN

    @property
    def command(self) -> list[str]:
        """Arguments of the newest process; empty before the first process."""
        return recorded_arguments(self._message)

    def to_dict(self) -> dict[str, Json]:
        """Return the run with its attempts, as in the JSON of `sweepctl get -o json`."""
        return run_shape(self._message)

    def __repr__(self) -> str:
        value = "" if self.value is None else f" {self.value:.6g}"
        point = self.params
        params = ", ".join(f"{name}={_brief(lookup(point, name))}" for name in param_paths([point]))
        if len(params) > 200:
            params = f"{params[:199]}…"
        return f"<{type(self).__name__} {self.name} {self.state}{value}: {params or 'no parameters'}>"


_RUN = View(RunRecord, v1.Run)
run_shape = _RUN.shape
FRAME_KINDS = _RUN.frame_kinds
"""First columns of data frames of runs, each with the kind of its values."""


class PriorRunFields:
    """Fields of a prior run of a sweep."""

    index = Field[int](json="prior", columns=Column("prior", at=10))
    run = Field[str](columns=Column("run", at=61), frame=True)
    state = Field[str](state_of, columns=Column("state", at=12))
    params = Field[dict[str, Json]](params_shape)
    value = Field[float | None](columns=Column("value", show=shown_value, at=13), frame=True)
    best_value = Field[float | None](columns=Column("best", show=shown_value, at=65, wide=True), frame=True)
    last_value = Field[float | None](columns=Column("last", show=shown_value, at=66, wide=True), frame=True)
    iterations = Field[int](columns=Column("iterations", at=14, spare=2), frame=True)


_PRIOR = View(PriorRunFields, v1.PriorRun)
prior_run_shape = _PRIOR.shape


def recorded_arguments(run: v1.Run) -> list[str]:
    """Return the arguments of the newest process of a run, as its agent recorded them; empty if unknown."""
    return next((list(attempt.argv) for attempt in reversed(run.attempts) if attempt.argv), [])


def runs_columns(rows: Iterable[Row]) -> Sequence[Column]:
    """Return the columns for runs, with their parameters sorted by name.

    Include display names if any run has one, and reasons if any run failed or crashed.
    """
    rows = list(rows)
    shown = {
        "displayName": any(row["displayName"] for row in rows),
        "reason": any(row["state"] in BAD_ENDS for row in rows),
    }
    columns = _with_params(_RUN.columns, rows)
    return [replace(each, wide=not shown[each.path]) if each.path in shown else each for each in columns]


def prior_columns(rows: Iterable[Row]) -> Sequence[Column]:
    """Return the columns for prior runs of a sweep."""
    return _with_params(_PRIOR.columns, rows)


def run_rows(
    runs: Sequence[v1.Run], summaries: Iterable[v1.KeySummary], prior: Sequence[v1.PriorRun] = ()
) -> list[dict[str, object]]:
    """Return a data frame row for each run: its fields, `params.*`, and last values as `metrics.*`.

    A group of parameters has a column for each member. Missing values are None. Prior runs come last, with
    the state `prior`.
    """
    logged: dict[str, dict[str, Value]] = {}
    for summary in summaries:
        logged.setdefault(summary.run, {})[summary.key] = logged_value(summary.last)
    nothing = dict.fromkeys(FRAME_KINDS)
    fronts = [(_RUN.frame(run), params_shape(run)) for run in runs]
    fronts += [({**nothing, **_PRIOR.frame(each), "state": "prior"}, params_shape(each)) for each in prior]
    params = param_paths(point for _, point in fronts)
    metrics = sorted({key for values in logged.values() for key in values})
    return [
        {
            **front,
            **{f"params.{name}": lookup(point, name) for name in params},
            **{f"metrics.{key}": logged.get(str(front["run"]), {}).get(key) for key in metrics},
        }
        for front, point in fronts
    ]


def _with_params(columns: Sequence[Column], rows: Iterable[Row]) -> list[Column]:
    params = param_columns(row["params"] for row in rows)
    before = [column for column in columns if column.at < _PARAMS_AT]
    return [*before, *params, *columns[len(before) :]]


def _brief(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else repr(value)
