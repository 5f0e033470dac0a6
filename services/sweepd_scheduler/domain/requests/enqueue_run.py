"""Enqueued points: they are handed out before those of the method, and count for the cap."""

from collections.abc import Mapping

from sweepd.spec import Json, Point, point_digest
from sweepd.spec.methods.sequence import completion
from sweepd.spec.point import InfeasibleError
from sweepd_kernel.errors import DomainError, InvalidFieldError, Reason, Status, WrongStateError
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.hand_out import create_block, room, serve_sweep
from sweepd_scheduler.domain.requests.reopening import load_sweep, reopen, sweep_state
from sweepd_scheduler.domain.requests.requests import EnqueueRun, Runs
from sweepd_scheduler.domain.runs.run import PointSource, Provenance
from sweepd_scheduler.domain.search.by_index import ChosenPoint, end_if_exhausted
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep
from sweepd_scheduler.domain.transitions import FINAL_SWEEP, SweepState

VERB = "enqueue a run in"
_DRAWS = 100
_STRIDE = 1_000_003  # so that no other point of the sweep has the draws of the later tries


class CapReachedError(DomainError):
    """The cap leaves no room for another run."""

    def __init__(self, name: str, run_cap: int) -> None:
        super().__init__(
            f"{name} has its run_cap of {run_cap} runs; raise it first",
            status=Status.FAILED_PRECONDITION,
            reason=Reason.CAP_REACHED,
            metadata={"name": name, "run_cap": str(run_cap)},
        )


def enqueue(draft: Draft, event: EnqueueRun) -> Runs:
    """Add the runs of a point to a sweep; a finished one is reopened.

    Raises:
        DomainError: the point does not lie in the space, or the sweep takes no more runs.
    """
    state = sweep_state(draft, event.sweep)
    if state in FINAL_SWEEP - {SweepState.FINISHED}:
        raise WrongStateError(str(event.sweep), state, VERB)
    sweep = load_sweep(draft, event.sweep, event.stored)
    if sweep.ending in (Ending.STOP, Ending.RETRIED):
        raise WrongStateError(str(event.sweep), SweepState.STOPPED, VERB)
    if room(sweep) == 0:
        raise CapReachedError(str(sweep.name), sweep.spec.run_cap or 0)
    drawn = _drawn(sweep, event.point, draft.state.index[sweep.key].digests)
    if sweep.state in FINAL_SWEEP:
        reopen(draft, sweep.key, "enqueue", sweep.ending)
    waiting = draft.state.index[sweep.key].pending
    place = min(waiting.lowest_place, 0) - 1 if event.first else None
    runs = create_block(draft, sweep.key, drawn, place)
    for run in runs:
        draft.record("run-enqueued", run)
    end_if_exhausted(draft, sweep.key)
    serve_sweep(draft, sweep.key)
    stand = tuple(draft.state.runs[run.key] for run in runs)
    return Runs(runs=stand, kind=sweep.value_kind)


def _drawn(sweep: Sweep, partial: Point, seen: Mapping[bytes, int]) -> ChosenPoint:
    number = sweep.counts.total + 1
    point = _completed(sweep, partial, number, seen) if sweep.spec.parameters else _as_listed(sweep, partial)
    provenance = Provenance(source=PointSource.ENQUEUED, seed=sweep.seed, index=number)
    return ChosenPoint(point=point, digest=point_digest(point), provenance=provenance)


def _as_listed(sweep: Sweep, point: Point) -> dict[str, Json]:
    """Return a point of a list without a space: as it is, of the names that its points have."""
    names = {name for listed in sweep.spec.runs for name in listed}
    _refuse(tuple(f"{name} is in no point of `runs`" for name in point if name not in names))
    return dict(point)


def _completed(sweep: Sweep, partial: Point, number: int, seen: Mapping[bytes, int]) -> dict[str, Json]:
    """Return a point that was not handed out if there is one, else one of those that agree."""
    spec, space = sweep.spec, sweep.spec.search_space
    _refuse(space.partial_violations(partial))
    draws = [number + _STRIDE * attempt for attempt in range(_DRAWS)]
    point = completion(spec, partial, draws, seen) or completion(spec, partial, draws, {})
    if point is None:
        try:
            point = space.complete(partial, sweep.seed, number)
        except InfeasibleError as error:
            raise InvalidFieldError("parameters", str(error)) from None
    _refuse(space.violations(point))
    return point


def _refuse(violations: tuple[str, ...]) -> None:
    if violations:
        raise InvalidFieldError("parameters", "; ".join(violations[:10]))
