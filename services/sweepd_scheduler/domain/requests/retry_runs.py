"""Ended runs that are handed out again because a person says so: the same runs, each with a new attempt."""

from collections.abc import Iterable

from sweepd_kernel.errors import WrongStateError
from sweepd_scheduler.domain.decision import RUNS_A_STEP, Steps
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.hand_out.hand_out import serve_sweep
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.requests.reopening import (
    goes_on,
    in_memory,
    open_again,
    reopen,
    state_of,
    take_back,
)
from sweepd_scheduler.domain.requests.requests import NotInMemoryError, Retried, RetryRuns
from sweepd_scheduler.domain.runs.results import counts_at_once, forget_best_of, remains
from sweepd_scheduler.domain.runs.run import Run, moved
from sweepd_scheduler.domain.runs.values import reaches_target
from sweepd_scheduler.domain.search.by_index import end_if_over
from sweepd_scheduler.domain.states import FINAL_RUN, RunState, SweepState
from sweepd_scheduler.domain.sweeps.guard import count_anew
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep


def retry_runs(turn: Draft, event: RetryRuns) -> Steps[Retried]:
    """Let ended runs wait in front of the queue; a sweep that is over goes on with them.

    Raises:
        DomainError: a run cannot be retried; then none is.
    """
    if state_of(turn, event.sweep) is SweepState.CANCELLED:
        raise WrongStateError(str(event.sweep), SweepState.CANCELLED, "retry runs of")
    runs = [run for run in event.runs if _may_be_retried(turn, run, named=event.named)]
    if not runs:
        return Retried(names=())
    sweep = in_memory(turn, event.sweep, event.stored)
    reopen(turn, sweep.key, "retry", _ending_after(turn, sweep, runs))
    runs.sort(key=lambda run: run.number)
    blocks = _by_block([*event.siblings, *runs])
    for done, run in enumerate(runs, 1):
        take_back(turn, run)
        _uncount(turn, run, blocks[run.block])
        _wait_again(turn, run)
        if done % RUNS_A_STEP == 0:
            yield
    best = turn.state.sweeps[sweep.key].best
    if best is not None and best.run in blocks:
        forget_best_of(turn, blocks[best.run][0])
    count_anew(turn, sweep.key)
    end_if_over(turn, sweep.key)  # where the target counts no more, something else may leave no new runs
    serve_sweep(turn, sweep.key)
    return Retried(names=tuple(run.name for run in runs))


def _may_be_retried(turn: Draft, run: Run, *, named: bool) -> bool:
    live = turn.state.runs.get(run.key)
    state = live.state if live is not None else run.state
    if live is None and state not in FINAL_RUN:
        raise NotInMemoryError(run.name)  # it has ended since it was read
    if state in FINAL_RUN and state is not RunState.FINISHED:
        return True
    if named:
        raise WrongStateError(run.name, state, "retry")
    return False


def _ending_after(turn: Draft, sweep: Sweep, runs: Iterable[Run]) -> Ending | None:
    """Say why a sweep starts no new runs once these are retried."""
    if sweep.ending is Ending.STOP or sweep.state is SweepState.STOPPED:
        return Ending.RETRIED
    metric = sweep.spec.metric
    if sweep.ending is Ending.TARGET and metric is not None:
        retried = {run.block for run in runs}
        index = turn.state.index[sweep.key]
        live = (turn.state.runs[(sweep.key, number)] for number in index.unfinished)
        values = [value for number, value in index.ended.values() if number not in retried]
        if counts_at_once(sweep):
            values += [run.values.best for run in live if run.values.best is not None]
        return Ending.TARGET if any(reaches_target(metric, value) for value in values) else None
    return sweep.ending


def _uncount(turn: Draft, run: Run, block: Iterable[Run]) -> None:
    """Take the end of a run back: it is as open as before for the best, for its point and for the search."""
    if not goes_on(turn, run):
        others = {other.number: other for other in block if other.number != run.number}
        open_again(turn, run, list(others.values()))
        return
    sweep, index = turn.state.sweeps[run.sweep], turn.state.index[run.sweep]
    left = index.blocks[run.block]
    turn.state.journal.remove(left, remains(sweep, run, run.state))
    if not left:
        turn.state.journal.drop(index.blocks, run.block)


def _wait_again(turn: Draft, run: Run) -> None:
    waiting = replace(
        moved(run, RunState.PENDING, reason="retried by a person"),
        place=0,
        requeues=0,
        failures=0,
        verdicts=(),
        stop=None,
    )
    turn.note("run-retried", waiting, before=run.state)
    turn.put_run(waiting)


def _by_block(runs: Iterable[Run]) -> dict[int, list[Run]]:
    found: dict[int, list[Run]] = {}
    for run in runs:
        found.setdefault(run.block, []).append(run)
    return found
