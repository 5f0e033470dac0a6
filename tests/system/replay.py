"""Replay of recorded suggestions from the recorded observations alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sweepd import v1
from system.wire import Wire


def study_of(
    database: Path, runs: list[v1.Run], prior: Sequence[v1.PriorRun] = ()
) -> list[v1.StudyObservation]:
    """Return the observations stored by the scheduler, in order.

    Args:
        database: of the scheduler.
        runs: the runs of the sweep, the only one with a model.
        prior: the prior runs of the sweep.
    """
    points = {run.number: run.parameters for run in runs}
    points |= {-each.index: each.parameters for each in prior}
    lines = []
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "select run, event, value, best, worst, last, outcome, iterations from observation"
            " order by number"
        )
        for number, event, value, best, worst, last, outcome, iterations in rows:
            line = v1.StudyObservation(run_number=max(0, number), prior_index=max(0, -number))
            if event == "handed-out":
                line.handed_out.CopyFrom(v1.RunHandedOut(point=points[number]))
            elif event == "value-so-far":
                line.value_so_far.CopyFrom(v1.ValueSoFar(value=value))
            else:
                line.ended.CopyFrom(
                    v1.RunEnded(
                        outcome=v1.RunOutcome.Value(f"RUN_OUTCOME_{outcome.upper()}"),
                        value=value,
                        best_value=best,
                        worst_value=worst,
                        last_value=last,
                        iterations=iterations,
                    )
                )
            lines.append(line)
    return lines


async def replayed(
    inner: Wire, spec: v1.SweepSpec, lines: list[v1.StudyObservation], run: v1.Run
) -> v1.ParameterMap:
    """Compute a recorded suggestion again, in a study with exactly its observations."""
    request = v1.SuggestRequest(
        sweep=f"local/replay/{run.number}",
        revision=1,
        spec=spec,
        first_observation=1,
        observations=lines[: run.provenance.study_length],
        run_number=run.provenance.index,
        count=1,
    )
    # A service that was killed may still be starting.
    answer = await inner.suggestions.Suggest(request, wait_for_ready=True, timeout=30)
    point: v1.ParameterMap = answer.suggestions.suggestions[0].point
    return point
