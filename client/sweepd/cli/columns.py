"""Which columns the tables of sweeps, runs and agents have, and how their values are shown."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sweepd.cli.point_text import param_paths, shown_param
from sweepd.cli.rows import Row, lookup
from sweepd.cli.table import Column
from sweepd.cli.text import cell, duration, local_time, number, seconds_between
from sweepd.spec.point import Json, is_number
from sweepd.states import FINAL_RUN


def shown_time(value: Json) -> str:
    """Return a time as the wall clock here shows it."""
    return local_time(value) if isinstance(value, str) else "-"


def shown_value(value: Json) -> str:
    """Return a value of the objective."""
    return number(value) if is_number(value) else cell(value)


def shown_age(value: Json) -> str:
    """Return how long ago a time was."""
    if not isinstance(value, str):
        return "-"
    return duration((datetime.now(UTC) - datetime.fromisoformat(value)).total_seconds())


def took(start: Json, end: Json) -> str:
    """Return the time between two times; one that has no end yet goes on until now."""
    if not isinstance(start, str):
        return "-"
    return duration(seconds_between(start, end)) if isinstance(end, str) else shown_age(start)


def _progress(sweep: Row) -> str:
    """Return ended of planned runs."""
    counts, planned = sweep["runs"], sweep["plannedRuns"]
    assert isinstance(counts, dict)
    ended = sum(count for state in FINAL_RUN if isinstance(count := counts[state], int))
    return f"{ended}/{'∞' if planned is None else cell(planned)}"


def every_run_failed(sweep: Row) -> bool:
    """Tell whether a sweep has runs, and each of them has failed or crashed."""
    counts = sweep["runs"]
    assert isinstance(counts, dict)
    states = {state for state, count in counts.items() if count}
    return bool(states) and states <= {"failed", "crashed"}


def _best(sweep: Row) -> str:
    """Return the best value, unless all runs have failed: then none of them is the best."""
    return "all failed" if every_run_failed(sweep) else shown_value(lookup(sweep, "best.value"))


def shown_counts(counts: Json) -> str:
    """Return how many runs there are in each state that occurs, in words; empty where there is none."""
    assert isinstance(counts, dict)
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count)


def _names(value: Json) -> str:
    return (
        ", ".join(cell(name).rpartition("/")[2] for name in value)
        if isinstance(value, list) and value
        else "-"
    )


def _quarantined(value: Json) -> str:
    return _names([lookup(each, "sweep") for each in value]) if isinstance(value, list) else "-"


def _why_quarantined(value: Json) -> str:
    rows = value if isinstance(value, list) else []
    return "; ".join(cell(lookup(each, "reason")) for each in rows) or "-"


def shown_words(value: Json) -> str:
    """Return a list of words on one line, as tags."""
    return ", ".join(cell(word) for word in value) if isinstance(value, list) and value else "-"


SWEEPS = (
    Column("name", "name"),
    Column("state", "state"),
    Column("method", "method", spare=2),
    Column("runs", "runs", whole=_progress, plain=shown_counts),
    Column("best", "best.value", whole=_best),
    Column("agents", "connectedAgents", spare=3),
    Column("created", "createTime", shown_time, spare=1),
    Column("title", "displayName", long=True),
    Column("tags", "tags", shown_words, long=True),
    Column("planned", "plannedRuns", wide=True),
    Column("metric", "metric.name", wide=True),
    Column("ending", "ending", wide=True),
    Column("ended", "endTime", shown_time, wide=True),
    Column("reason", "reason", wide=True),
)

AGENTS = (
    Column("agent", "agent"),
    Column("state", "state"),
    Column("host", "host", long=True),
    Column("slots", "slots", spare=1),
    Column("runs", "runs", _names, long=True),
    Column("sweeps", "sweeps", _names, long=True),
    Column("quarantined", "quarantines", _quarantined, long=True),
    Column("seen", "lastSeenTime", shown_age, spare=2),
    Column("pid", "pid", wide=True),
    Column("version", "version", wide=True),
    Column("labels", "labels", wide=True),
    Column("why quarantined", "quarantines", _why_quarantined, wide=True, composed=True),
)

PROJECTS = (
    Column("project", "project"),
    Column("sweeps", "sweeps"),
    Column("runs", "runs"),
    Column("created", "createTime", shown_time),
)

_RUNS_FRONT = (
    Column("state", "state"),
    Column("value", "value", shown_value),
    Column("iterations", "iterations", spare=2),
    Column("attempt", "attempt", spare=3),
)
_RUNS_BACK = (
    Column("tags", "tags", shown_words, wide=True, long=True),
    Column("run", "run", wide=True),
    Column("repeat", "repeat", wide=True),
    Column("best", "bestValue", shown_value, wide=True),
    Column("last", "lastValue", shown_value, wide=True),
    Column("source", "provenance.source", wide=True),
    Column("started", "startTime", shown_time, wide=True),
    Column("ended", "endTime", shown_time, wide=True),
)


def prior_columns(rows: Iterable[Row]) -> Sequence[Column]:
    """Return the columns for runs that a sweep began with."""
    return (
        Column("prior", "prior"),
        Column("state", "state"),
        Column("value", "value", shown_value),
        Column("iterations", "iterations", spare=2),
        *param_columns(row["params"] for row in rows),
        Column("run", "run"),
        Column("best", "bestValue", shown_value, wide=True),
        Column("last", "lastValue", shown_value, wide=True),
    )


def param_columns(points: Iterable[Json]) -> list[Column]:
    """Return the columns for the parameters of points, those in groups one by one."""
    return [
        Column(name, f"params.{name}", shown_param, null=True, long=True, spare=1)
        for name in param_paths(points)
    ]


def runs_columns(rows: Iterable[Row]) -> Sequence[Column]:
    """Return the columns for runs: their parameters in the order of the names.

    Names are shown where a script has given one, reasons where runs failed.
    """
    rows = list(rows)
    parameters = param_columns(row["params"] for row in rows)
    failed = any(row["state"] in ("failed", "crashed") for row in rows)
    named = any(row["displayName"] for row in rows)
    return (
        Column("number", "number"),
        Column("name", "displayName", wide=not named, long=True),
        *_RUNS_FRONT,
        *parameters,
        *_RUNS_BACK,
        Column("reason", "reason", wide=not failed, long=True),
    )
