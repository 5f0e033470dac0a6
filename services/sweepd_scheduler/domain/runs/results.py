"""What the values and the end of a run mean for its sweep: its best, its target, and what the search learns.

Without `repeats` a run stands for its point. With them the point counts once, when all its runs have ended,
under the number of the first. With `metric.value` best a value counts when it is logged, else at the end.
"""

from math import isfinite

from sweepd.spec import ObjectiveValue
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.runs.values import Best, Ended, better, point_ended, reaches_target
from sweepd_scheduler.domain.search.study import StudyEvent
from sweepd_scheduler.domain.states import FINAL_SWEEP, RunState
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep, ending


def counts_at_once(sweep: Sweep) -> bool:
    """Tell whether each value counts when it is logged, not first when a run or a point has ended."""
    return sweep.value_kind is ObjectiveValue.BEST and sweep.spec.repeats == 1


def has_reached_target(sweep: Sweep) -> bool:
    """Tell whether any value that counts is as good as the target."""
    metric, best = sweep.spec.metric, sweep.best
    return metric is not None and best is not None and reaches_target(metric, best.value)


def remains(sweep: Sweep, run: Run, state: RunState) -> Ended:
    """Return what remains of a run that ends in a state."""
    return Ended(
        state=state,
        tried=bool(run.attempts),
        value=run.value(sweep.value_kind),
        best=run.values.best,
        worst=run.values.worst,
        last=run.values.last,
        iterations=run.values.iterations,
    )


def value_logged(turn: Draft, run: Run, value: float) -> None:
    """Take note that a run has logged a finite value of the objective."""
    sweep = turn.state.sweeps[run.sweep]
    if not sweep.objective_seen or sweep.objective_missing is not None:
        turn.put_sweep(replace(sweep, objective_seen=True, objective_missing=None))
    if counts_at_once(sweep):
        _offer(turn, run, run.number, value)


def summary_reported(turn: Draft, run: Run, value: float) -> Run:
    """Count the objective that the script of a run has put into its summary; return the run with it.

    It is a value beside those of the iterations, as W&B's search has it: by `metric.value` the best of all
    counts, or this one as the last, or the mean of the iterations where there are any.
    """
    sweep = turn.state.sweeps[run.sweep]
    if sweep.spec.metric is None:
        return run
    if not isfinite(value):
        return replace(run, values=replace(run.values, logged=True))
    run = replace(run, values=run.values.with_summary(value, sweep.goal))
    value_logged(turn, run, value)
    return run


def run_ending(turn: Draft, run: Run, state: RunState) -> None:
    """Count a run that is about to reach a final state, and with it its point if it is the last one of it."""
    sweep = turn.state.sweeps[run.sweep]
    ended = remains(sweep, run, state)
    if sweep.spec.repeats > 1:
        _repeat_ended(turn, sweep, run, ended)
        return
    turn.observe(sweep.key, run.number, StudyEvent.ENDED, ended=ended)
    if not counts_at_once(sweep) and ended.value is not None:
        _offer(turn, run, run.number, ended.value)


def forget_best_of(turn: Draft, run: Run) -> None:
    """Find the best value of a sweep anew if this run or its point had it, as it starts over."""
    sweep = turn.state.sweeps[run.sweep]
    if sweep.best is None or sweep.best.run != run.block:
        return
    index = turn.state.index[run.sweep]
    best = index.ended.best
    for number in sorted(index.unfinished) if counts_at_once(sweep) else ():
        value = turn.state.runs[(run.sweep, number)].values.best
        if value is not None and better(value, best.value if best else None, sweep.goal):
            best = Best(run=number, value=value)
    turn.put_sweep(replace(sweep, best=best))


def _repeat_ended(turn: Draft, sweep: Sweep, run: Run, ended: Ended) -> None:
    blocks, journal = turn.state.index[sweep.key].blocks, turn.state.journal
    if run.block not in blocks:
        journal.put(blocks, run.block, [])
    block = blocks[run.block]
    journal.append(block, ended)
    if _others_go_on(turn, sweep, run):
        return
    journal.drop(blocks, run.block)
    point = point_ended(block, sweep.spec.aggregate, sweep.goal)
    turn.observe(sweep.key, run.block, StudyEvent.ENDED, ended=point)
    turn.rank(sweep.key, run.block, point.value)
    if point.value is not None:
        _offer(turn, run, run.block, point.value)


def _others_go_on(turn: Draft, sweep: Sweep, run: Run) -> bool:
    # The last ones first, as it is mostly the first ones that have ended.
    numbers = reversed(range(run.block, run.block + sweep.spec.repeats))
    others = (turn.state.runs.get((sweep.key, number)) for number in numbers if number != run.number)
    return any(other is not None and other.block == run.block for other in others)


def _offer(turn: Draft, run: Run, number: int, value: float) -> None:
    """Let a value count for the best and for the target."""
    before = sweep = turn.state.sweeps[run.sweep]
    metric = sweep.spec.metric
    if metric is None:
        return
    if better(value, sweep.best.value if sweep.best else None, metric.goal):
        sweep = replace(sweep, best=Best(run=number, value=value))
    if sweep.ending is None and sweep.state not in FINAL_SWEEP and reaches_target(metric, value):
        sweep = ending(sweep, Ending.TARGET)
        turn.note("sweep-ending", run, ending=Ending.TARGET)
    if sweep is not before:
        turn.put_sweep(sweep)
