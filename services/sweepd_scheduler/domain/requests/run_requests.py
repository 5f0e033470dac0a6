"""Requests about runs: enqueue a point, retry ended runs, stop a run."""

from collections.abc import Iterable, Mapping

from sweepd.spec.methods.sequence import completion
from sweepd.spec.point import InfeasibleError, Json, Point, point_digest
from sweepd_kernel.errors import (
    DomainError,
    InvalidFieldError,
    NotFoundError,
    Reason,
    Status,
    WrongStateError,
)
from sweepd_scheduler.domain.agents.commands import stop
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.effects import RUNS_PER_STEP, Steps
from sweepd_scheduler.domain.guard import reset_counts
from sweepd_scheduler.domain.hand_out import new_block, room, serve_sweep
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.requests import requests
from sweepd_scheduler.domain.requests.reopening import (
    has_unfinished,
    load_sweep,
    reopen,
    reopen_point,
    sweep_state,
    take_ended,
)
from sweepd_scheduler.domain.runs.results import counts_at_once, forget_best_of, result_of
from sweepd_scheduler.domain.runs.run import PointSource, Provenance, Run, StopMode, moved
from sweepd_scheduler.domain.runs.run_end import end
from sweepd_scheduler.domain.runs.values import reaches_target
from sweepd_scheduler.domain.search.by_index import ChosenPoint, end_if_exhausted
from sweepd_scheduler.domain.sweep import Ending, Sweep
from sweepd_scheduler.domain.transitions import FINAL_RUN, FINAL_SWEEP, RunState, SweepState

VERB = "enqueue a run in"
_DRAWS = 100
_STRIDE = 1_000_003  # large, so that the draws for this point differ from those for others


class CapReachedError(DomainError, status=Status.FAILED_PRECONDITION, reason=Reason.CAP_REACHED):
    """The cap leaves no room for another run."""

    def __init__(self, name: str, run_cap: int) -> None:
        super().__init__(
            f"{name} has reached its run_cap of {run_cap} runs; raise it first",
            metadata={"name": name, "run_cap": str(run_cap)},
        )


def enqueue(draft: Draft, event: requests.EnqueueRun) -> requests.Runs:
    """Add the runs of a point to a sweep; reopen a finished sweep.

    Raises:
        DomainError: the sweep is unknown, takes no more runs or has to be loaded, or the point is invalid.
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
    runs = new_block(draft, sweep.key, drawn, place)
    for run in runs:
        draft.put_run(run)
        draft.record("run-enqueued", run)
    end_if_exhausted(draft, sweep.key)
    serve_sweep(draft, sweep.key)
    current = tuple(draft.state.runs[run.key] for run in runs)
    return requests.Runs(runs=current, kind=sweep.value_kind)


def _drawn(sweep: Sweep, partial: Point, seen: Mapping[bytes, int]) -> ChosenPoint:
    number = sweep.counts.total + 1
    point = _completed(sweep, partial, number, seen) if sweep.spec.parameters else _as_listed(sweep, partial)
    provenance = Provenance(source=PointSource.ENQUEUED, seed=sweep.seed, index=number)
    return ChosenPoint(point=point, digest=point_digest(point), provenance=provenance)


def _as_listed(sweep: Sweep, point: Point) -> dict[str, Json]:
    """Return the point unchanged, for a sweep that lists its points and declares no parameters.

    Its parameter names have to occur in the list.
    """
    names = {name for listed in sweep.spec.runs for name in listed}
    _refuse(tuple(f"{name} does not occur in `runs`" for name in point if name not in names))
    return dict(point)


def _completed(sweep: Sweep, partial: Point, number: int, seen: Mapping[bytes, int]) -> dict[str, Json]:
    """Complete a partial point, if possible to one that was not handed out before."""
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


def retry_runs(draft: Draft, event: requests.RetryRuns) -> Steps[requests.Retried]:
    """Put ended runs at the front of the queue; reopen a sweep that has ended.

    Raises:
        DomainError: the sweep is unknown, cancelled or has to be loaded, or a named run cannot be retried.
    """
    if sweep_state(draft, event.sweep) is SweepState.CANCELLED:
        raise WrongStateError(str(event.sweep), SweepState.CANCELLED, "retry runs of")
    runs = [run for run in event.runs if _may_be_retried(draft, run, named=event.named)]
    if not runs:
        return requests.Retried(names=())
    sweep = load_sweep(draft, event.sweep, event.stored)
    reopen(draft, sweep.key, "retry", _ending_after(draft, sweep, runs))
    runs.sort(key=lambda run: run.number)
    blocks = _by_block([*event.siblings, *runs])
    for done, run in enumerate(runs, 1):
        take_ended(draft, run)
        _uncount(draft, run, blocks[run.block])
        _queue_for_retry(draft, run)
        if done % RUNS_PER_STEP == 0:
            yield
    best = draft.state.sweeps[sweep.key].best
    if best is not None and best.run in blocks:
        forget_best_of(draft, blocks[best.run][0])
    reset_counts(draft, sweep.key)
    end_if_exhausted(draft, sweep.key)  # if the target no longer ends the sweep, another limit may do so
    serve_sweep(draft, sweep.key)
    return requests.Retried(names=tuple(run.name for run in runs))


def _may_be_retried(draft: Draft, run: Run, *, named: bool) -> bool:
    live = draft.state.runs.get(run.key)
    state = live.state if live is not None else run.state
    if live is None and state not in FINAL_RUN:
        raise requests.NotInMemoryError(run.name)  # it has ended since it was read
    if state in FINAL_RUN and state is not RunState.FINISHED:
        return True
    if named:
        raise WrongStateError(run.name, state, "retry")
    return False


def _ending_after(draft: Draft, sweep: Sweep, runs: Iterable[Run]) -> Ending | None:
    """Return the reason why a sweep starts no new runs after these retries; None if it starts new runs."""
    if sweep.ending is Ending.STOP or sweep.state is SweepState.STOPPED:
        return Ending.RETRIED
    metric = sweep.spec.metric
    if sweep.ending is Ending.TARGET and metric is not None:
        retried = {run.block for run in runs}
        index = draft.state.index[sweep.key]
        live = (draft.state.runs[(sweep.key, number)] for number in index.unfinished)
        values = [value for number, value in index.ended.values() if number not in retried]
        if counts_at_once(sweep):
            values += [run.values.best for run in live if run.values.best is not None]
        return Ending.TARGET if any(reaches_target(metric, value) for value in values) else None
    return sweep.ending


def _uncount(draft: Draft, run: Run, block: Iterable[Run]) -> None:
    """Undo the effect of a run's end on the ranking, on its point and on the search."""
    if not has_unfinished(draft, run):
        others = {other.number: other for other in block if other.number != run.number}
        reopen_point(draft, run, list(others.values()))
        return
    sweep, index = draft.state.sweeps[run.sweep], draft.state.index[run.sweep]
    left = index.blocks[run.block]
    draft.state.undo_log.remove(left, result_of(sweep, run, run.state))
    if not left:
        draft.state.undo_log.drop(index.blocks, run.block)


def _queue_for_retry(draft: Draft, run: Run) -> None:
    waiting = replace(
        moved(run, RunState.PENDING, reason="retried by a person"),
        place=0,
        requeues=0,
        failures=0,
        verdicts=(),
        stop=None,
    )
    draft.record("run-retried", waiting, before=run.state)
    draft.put_run(waiting)


def _by_block(runs: Iterable[Run]) -> dict[int, list[Run]]:
    found: dict[int, list[Run]] = {}
    for run in runs:
        found.setdefault(run.block, []).append(run)
    return found


REASON = "stopped by a person"


def end_run(draft: Draft, event: requests.EndRun) -> requests.Runs:
    """Stop a run: a pending run ends at once, a live one when its agent has ended the process.

    Raises:
        DomainError: there is no such run, it is final, or it has to be looked up first.
    """
    run = _find(draft, event)
    sweep = draft.state.sweeps[run.sweep]
    if run.state is RunState.PENDING:
        end(draft, run, RunState.STOPPED, REASON)
        serve_sweep(draft, run.sweep)
    elif run.stop is None:
        draft.record("run-stop-decided", run, reason=REASON)
        stop(draft, run, StopMode.TERMINATE, REASON)
    return requests.Runs(runs=(draft.run(run.key),), kind=sweep.value_kind)


def _find(draft: Draft, event: requests.EndRun) -> Run:
    key = draft.state.names.get(event.name.sweep)
    if key is None:
        raise NotFoundError(str(event.name))
    run = draft.state.runs.get((key, event.name.number))
    if run is not None:
        return run
    if event.looked_up and event.found is None:
        raise NotFoundError(str(event.name))
    if event.found is None or event.found.state not in FINAL_RUN:
        raise requests.NotInMemoryError(str(event.name))
    raise WrongStateError(str(event.name), event.found.state, "stop")
