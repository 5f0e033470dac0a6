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


def _progress(value: Json) -> str:
    """Return ended of planned runs."""
    if not isinstance(value, dict):
        return "-"
    planned = value.get("planned")
    return f"{cell(value.get('ended'))}/{'∞' if planned is None else cell(planned)}"


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
    Column("method", "method"),
    Column("runs", "progress", _progress, composed=True),
    Column("best", "best.value", shown_value),
    Column("agents", "connectedAgents"),
    Column("created", "createTime", shown_time),
    Column("title", "displayName", long=True),
    Column("tags", "tags", shown_words),
    Column("metric", "metric.name", wide=True),
    Column("ending", "ending", wide=True),
    Column("ended", "endTime", shown_time, wide=True),
    Column("reason", "reason", wide=True),
)

AGENTS = (
    Column("agent", "agent"),
    Column("state", "state"),
    Column("host", "host"),
    Column("slots", "slots"),
    Column("runs", "runs", _names),
    Column("sweeps", "sweeps", _names),
    Column("quarantined", "quarantines", _quarantined),
    Column("seen", "lastSeenTime", shown_age),
    Column("pid", "pid", wide=True),
    Column("version", "version", wide=True),
    Column("labels", "labels", wide=True),
    Column("why quarantined", "quarantines", _why_quarantined, wide=True),
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
    Column("iterations", "iterations"),
    Column("attempt", "attempt"),
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
        Column("iterations", "iterations"),
        *param_columns(row["params"] for row in rows),
        Column("run", "run"),
        Column("best", "bestValue", shown_value, wide=True),
        Column("last", "lastValue", shown_value, wide=True),
    )


def with_progress(sweep: Row) -> Row:
    """Return a sweep's row with what its column of runs shows."""
    counts = sweep["runs"]
    assert isinstance(counts, dict)
    ended = sum(count for state in FINAL_RUN if isinstance(count := counts[state], int))
    return {**sweep, "progress": {"ended": ended, "planned": sweep["plannedRuns"]}}


def param_columns(points: Iterable[Json]) -> list[Column]:
    """Return the columns for the parameters of points, those in groups one by one."""
    return [Column(name, f"params.{name}", shown_param, null=True, long=True) for name in param_paths(points)]


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
