"""Retry of ended runs at a person's request: the same runs, each with a new attempt."""

from collections.abc import Iterable

from sweepd_kernel.errors import WrongStateError
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.effects import RUNS_A_STEP, Steps
from sweepd_scheduler.domain.hand_out import serve_sweep
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.requests.reopening import (
    has_unfinished,
    load_sweep,
    reopen,
    reopen_point,
    sweep_state,
    take_ended,
)
from sweepd_scheduler.domain.requests.requests import NotInMemoryError, Retried, RetryRuns
from sweepd_scheduler.domain.runs.results import counts_at_once, forget_best_of, remains
from sweepd_scheduler.domain.runs.run import Run, moved
from sweepd_scheduler.domain.runs.values import reaches_target
from sweepd_scheduler.domain.search.by_index import end_if_exhausted
from sweepd_scheduler.domain.sweeps.guard import reset_counts
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep
from sweepd_scheduler.domain.transitions import FINAL_RUN, RunState, SweepState


def retry_runs(draft: Draft, event: RetryRuns) -> Steps[Retried]:
    """Put ended runs in front of the queue; a sweep that has ended is reopened with them.

    Raises:
        DomainError: a run cannot be retried; then none is.
    """
    if sweep_state(draft, event.sweep) is SweepState.CANCELLED:
        raise WrongStateError(str(event.sweep), SweepState.CANCELLED, "retry runs of")
    runs = [run for run in event.runs if _may_be_retried(draft, run, named=event.named)]
    if not runs:
        return Retried(names=())
    sweep = load_sweep(draft, event.sweep, event.stored)
    reopen(draft, sweep.key, "retry", _ending_after(draft, sweep, runs))
    runs.sort(key=lambda run: run.number)
    blocks = _by_block([*event.siblings, *runs])
    for done, run in enumerate(runs, 1):
        take_ended(draft, run)
        _uncount(draft, run, blocks[run.block])
        _wait_again(draft, run)
        if done % RUNS_A_STEP == 0:
            yield
    best = draft.state.sweeps[sweep.key].best
    if best is not None and best.run in blocks:
        forget_best_of(draft, blocks[best.run][0])
    reset_counts(draft, sweep.key)
    end_if_exhausted(
        draft, sweep.key
    )  # where the target counts no more, something else may leave no new runs
    serve_sweep(draft, sweep.key)
    return Retried(names=tuple(run.name for run in runs))


def _may_be_retried(draft: Draft, run: Run, *, named: bool) -> bool:
    live = draft.state.runs.get(run.key)
    state = live.state if live is not None else run.state
    if live is None and state not in FINAL_RUN:
        raise NotInMemoryError(run.name)  # it has ended since it was read
    if state in FINAL_RUN and state is not RunState.FINISHED:
        return True
    if named:
        raise WrongStateError(run.name, state, "retry")
    return False


def _ending_after(draft: Draft, sweep: Sweep, runs: Iterable[Run]) -> Ending | None:
    """Return why a sweep starts no new runs once these are retried."""
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
    """Undo the end of a run for the best value, for its point and for the search."""
    if not has_unfinished(draft, run):
        others = {other.number: other for other in block if other.number != run.number}
        reopen_point(draft, run, list(others.values()))
        return
    sweep, index = draft.state.sweeps[run.sweep], draft.state.index[run.sweep]
    left = index.blocks[run.block]
    draft.state.undo_log.remove(left, remains(sweep, run, run.state))
    if not left:
        draft.state.undo_log.drop(index.blocks, run.block)


def _wait_again(draft: Draft, run: Run) -> None:
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
