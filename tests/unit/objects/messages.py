"""Messages for the tests of the objects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sweepd import v1
from sweepd.codec.values import point_message
from sweepd.spec.point import Json

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_run(
    number: int,
    value: float | None = None,
    *,
    state: v1.RunState.ValueType = v1.RUN_STATE_FINISHED,
    minute: int | None = None,
    repeat: int = 0,
    params: dict[str, Json] | None = None,
    reason: str = "",
) -> v1.Run:
    """Return a run that ended `minute` minutes after noon."""
    run = v1.Run(
        name=f"a/b/c-{number}",
        sweep="a/b/c",
        number=number,
        state=state,
        value=value,
        repeat=repeat,
        reason=reason,
    )
    run.parameters.CopyFrom(point_message(params or {}))
    if minute is not None:
        run.end_time.FromDatetime(NOON + timedelta(minutes=minute))
    return run


def a_sweep(**fields: object) -> v1.Sweep:
    """Return a sweep."""
    sweep = v1.Sweep(name="a/b/c", state=v1.SWEEP_STATE_RUNNING, **fields)  # type: ignore[arg-type]
    if not sweep.spec.metric.name:
        sweep.spec.metric.name = "loss"
    return sweep


def a_series(
    key: str,
    *values: float | str | bool,
    attempt: int = 1,
    first_row: int = 1,
    steps: Sequence[int] | None = None,
) -> v1.Series:
    """Return the history of one key: one row per value, by default with one step per row."""
    chunk = v1.SeriesChunk(
        rows=range(first_row, first_row + len(values)),
        steps=range(first_row - 1, first_row - 1 + len(values)) if steps is None else steps,
        times=[NOON.timestamp() + index for index in range(len(values))],
    )
    match values[0]:
        case bool():
            chunk.bools.values.extend(map(bool, values))
        case int():
            chunk.ints.values.extend(map(int, values))
        case float():
            chunk.doubles.values.extend(map(float, values))
        case _:
            chunk.strings.values.extend(map(str, values))
    return v1.Series(run="a/b/c-1", attempt=attempt, key=key, chunks=[chunk])
