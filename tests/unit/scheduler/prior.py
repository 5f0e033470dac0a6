"""Prior runs for tests."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sweepd.spec.point import Json, Point, point_digest
from sweepd_scheduler.domain.runs.run import Attempt, PointSource, Provenance, Run
from sweepd_scheduler.domain.runs.values import Values
from sweepd_scheduler.domain.search.prior_runs import PriorRun, candidate, result_in
from sweepd_scheduler.domain.transitions import AttemptState, RunState
from unit.scheduler.world import a_spec

DONE = Attempt(number=1, agent="ann", host="host", state=AttemptState.ENDED, assign_time=1)


def an_old_run(
    point: Mapping[str, Json],
    number: int = 1,
    *,
    state: RunState = RunState.FINISHED,
    values: Values | None = None,
    tried: bool = True,
) -> Run:
    """Return a run of another sweep."""
    return Run(
        sweep=9,
        number=number,
        name=f"local/demo/old-{number}",
        point=dict(point),
        digest=point_digest(point),
        occurrence=0,
        provenance=Provenance(source=PointSource.GRID, seed=0),
        create_time=1,
        state=state,
        attempts=(DONE,) if tried else (),
        values=values or Values(),
    )


def prior_runs(
    document: Mapping[str, object],
    tried: Sequence[tuple[Point, Sequence[float]]],
    state: RunState = RunState.FINISHED,
) -> list[PriorRun]:
    """Return the prior runs of a sweep that have a point and a curve."""
    spec = a_spec(document)
    kept: list[PriorRun] = []
    for index, (point, curve) in enumerate(tried, 1):
        found = candidate(spec, an_old_run(point, index, state=state), None)
        kept.append(replace(result_in(spec, found, curve), index=index))
    return kept
