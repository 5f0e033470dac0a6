"""One row a run: what `to_dicts`, the frames and `sweepctl export -o csv` have in common. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import cast

from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd.calls.states import run_state
from sweepd.cli.metric_shapes import real
from sweepd.cli.point_text import param_paths
from sweepd.cli.rows import lookup
from sweepd.cli.shapes import params_shape
from sweepd.codec import point_from_message
from sweepd.objects.values import Value, logged_value, time_of
from sweepd.spec.point import Json

FRONT: Mapping[str, str] = {
    "run": "text",
    "displayName": "text",
    "number": "int",
    "repeat": "int",
    "state": "text",
    "reason": "text",
    "attempt": "int",
    "value": "float",
    "bestValue": "float",
    "lastValue": "float",
    "iterations": "int",
    "createTime": "time",
    "startTime": "time",
    "endTime": "time",
}
"""The columns that every row begins with, each with the kind of its values."""

Row = dict[str, object]


def run_rows(
    runs: Sequence[v1.Run], summaries: Iterable[v1.KeySummary], prior: Sequence[v1.PriorRun] = ()
) -> list[Row]:
    """Return a row for each run, all with the same columns: `params.*` and `metrics.*`, the last values.

    A group of parameters has a column for each member. What a run does not have is None. Those that the sweep
    began with come last, with the state `prior`.
    """
    logged: dict[str, dict[str, Value]] = {}
    for summary in summaries:
        logged.setdefault(summary.run, {})[summary.key] = logged_value(summary.last)
    fronts = [(_front(run), params_shape(run)) for run in runs]
    fronts += [(_prior_front(each), dict(point_from_message(each.parameters))) for each in prior]
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


def row_shape(row: Row) -> dict[str, Json]:
    """Return a row in the JSON of `sweepctl`: times as texts, numbers that are not finite as words."""
    return {name: _json(value) for name, value in row.items()}


def history_shape(row: Row) -> dict[str, Json]:
    """Return a row of a history in the JSON of `sweepctl`."""
    values = row["values"]
    assert isinstance(values, dict)
    return {**row_shape(row), "values": row_shape(values)}


def _json(value: object) -> Json:
    if isinstance(value, datetime):
        stamp = Timestamp()
        stamp.FromDatetime(value)
        return stamp.ToJsonString()
    return real(value) if isinstance(value, float) else cast("Json", value)


def _front(run: v1.Run) -> Row:
    return {
        "run": run.name,
        "displayName": run.display_name or None,
        "number": run.number,
        "repeat": run.repeat,
        "state": run_state(run),
        "reason": run.reason or None,
        "attempt": run.attempt,
        "value": run.value if run.HasField("value") else None,
        "bestValue": run.best_value if run.HasField("best_value") else None,
        "lastValue": run.last_value if run.HasField("last_value") else None,
        "iterations": run.iterations,
        "createTime": time_of(run.create_time),
        "startTime": time_of(run.start_time),
        "endTime": time_of(run.end_time),
    }


def _prior_front(prior: v1.PriorRun) -> Row:
    return {
        **dict.fromkeys(FRONT),
        "run": prior.run,
        "state": "prior",
        "value": prior.value if prior.HasField("value") else None,
        "bestValue": prior.best_value if prior.HasField("best_value") else None,
        "lastValue": prior.last_value if prior.HasField("last_value") else None,
        "iterations": prior.iterations,
    }
