"""One row a run: what `to_dicts`, the frames and `sweepctl export -o csv` have in common. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sweepd import v1
from sweepd.cli.point_text import param_paths
from sweepd.cli.rows import lookup
from sweepd.cli.shapes import params_shape, run_state
from sweepd.objects.values import Value, logged_value, time_of
from sweepd.spec.point import Json

FRONT: Mapping[str, str] = {
    "run": "text",
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


def run_rows(runs: Sequence[v1.Run], summaries: Iterable[v1.KeySummary]) -> list[Row]:
    """Return a row for each run, all with the same columns: `params.*` and `metrics.*`, the last values.

    A group of parameters has a column for each member. What a run does not have is None.
    """
    logged: dict[str, dict[str, Value]] = {}
    keys: set[str] = set()
    for summary in summaries:
        logged.setdefault(summary.run, {})[summary.key] = logged_value(summary.last)
        keys.add(summary.key)
    points: list[Json] = [params_shape(run) for run in runs]
    params, metrics = param_paths(points), sorted(keys)
    return [
        {
            **_front(run),
            **{f"params.{name}": lookup(point, name) for name in params},
            **{f"metrics.{key}": logged.get(run.name, {}).get(key) for key in metrics},
        }
        for run, point in zip(runs, points, strict=True)
    ]


def _front(run: v1.Run) -> Row:
    return {
        "run": run.name,
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
