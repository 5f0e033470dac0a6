"""Results of runs for their sweep: its best value, its target, and what the search learns.

Without `repeats` a run stands for its point. With them the point counts once, when all its runs have ended,
under the number of the first. With `metric.value` best a value counts when it is logged, else at the end.
"""

from math import isfinite

from sweepd.spec.sweep_spec import ObjectiveValue
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.runs.values import Best, EndedTrial, better, point_ended, reaches_target
from sweepd_scheduler.domain.search.study import StudyEvent
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep, ending
from sweepd_scheduler.domain.transitions import FINAL_SWEEP, RunState


def counts_at_once(sweep: Sweep) -> bool:
    """Return True if each value counts when it is logged, not first when a run or a point has ended."""
    return sweep.value_kind is ObjectiveValue.BEST and sweep.spec.repeats == 1


def has_reached_target(sweep: Sweep) -> bool:
    """Return True if any value that counts is as good as the target."""
    metric, best = sweep.spec.metric, sweep.best
    return metric is not None and best is not None and reaches_target(metric, best.value)


def remains(sweep: Sweep, run: Run, state: RunState) -> EndedTrial:
    """Return what remains of a run that ends in a state."""
    return EndedTrial.of(state, run.values, run.value(sweep.value_kind), tried=bool(run.attempts))


def value_logged(draft: Draft, run: Run, value: float) -> None:
    """Count a finite value of the objective that a run has logged."""
    sweep = draft.state.sweeps[run.sweep]
    if not sweep.objective_seen or sweep.objective_missing is not None:
        draft.put_sweep(replace(sweep, objective_seen=True, objective_missing=None))
    if counts_at_once(sweep):
        _offer(draft, run, run.number, value)


def summary_reported(draft: Draft, run: Run, value: float) -> Run:
    """Count the objective that the script of a run has put into its summary; return the run with it.

    It is a value beside those of the iterations, as W&B's search has it: by `metric.value` the best of all
    counts, or this one as the last, or the mean of the iterations where there are any.
    """
    sweep = draft.state.sweeps[run.sweep]
    if sweep.spec.metric is None:
        return run
    if not isfinite(value):
        return replace(run, values=replace(run.values, logged=True))
    run = replace(run, values=run.values.with_summary(value, sweep.goal))
    value_logged(draft, run, value)
    return run


def run_ending(draft: Draft, run: Run, state: RunState) -> None:
    """Count a run that is about to reach a final state, and with it its point if it is the last one of it."""
    sweep = draft.state.sweeps[run.sweep]
    ended = remains(sweep, run, state)
    if sweep.spec.repeats > 1:
        _repeat_ended(draft, sweep, run, ended)
        return
    draft.observe(sweep.key, run.number, StudyEvent.ENDED, ended=ended)
    if not counts_at_once(sweep) and ended.value is not None:
        _offer(draft, run, run.number, ended.value)


def forget_best_of(draft: Draft, run: Run) -> None:
    """Find the best value of a sweep anew if this run or its point had it, as it starts over."""
    sweep = draft.state.sweeps[run.sweep]
    if sweep.best is None or sweep.best.run != run.block:
        return
    index = draft.state.index[run.sweep]
    best = index.ended.best
    for number in sorted(index.unfinished) if counts_at_once(sweep) else ():
        value = draft.state.runs[(run.sweep, number)].values.best
        if value is not None and better(value, best.value if best else None, sweep.goal):
            best = Best(run=number, value=value)
    draft.put_sweep(replace(sweep, best=best))


def _repeat_ended(draft: Draft, sweep: Sweep, run: Run, ended: EndedTrial) -> None:
    blocks, undo_log = draft.state.index[sweep.key].blocks, draft.state.undo_log
    if run.block not in blocks:
        undo_log.put(blocks, run.block, [])
    block = blocks[run.block]
    undo_log.append(block, ended)
    if _others_go_on(draft, sweep, run):
        return
    undo_log.drop(blocks, run.block)
    point = point_ended(block, sweep.spec.aggregate, sweep.goal)
    draft.observe(sweep.key, run.block, StudyEvent.ENDED, ended=point)
    draft.rank(sweep.key, run.block, point.value)
    if point.value is not None:
        _offer(draft, run, run.block, point.value)


def _others_go_on(draft: Draft, sweep: Sweep, run: Run) -> bool:
    # The last ones first, as it is mostly the first ones that have ended.
    numbers = reversed(range(run.block, run.block + sweep.spec.repeats))
    others = (draft.state.runs.get((sweep.key, number)) for number in numbers if number != run.number)
    return any(other is not None and other.block == run.block for other in others)


def _offer(draft: Draft, run: Run, number: int, value: float) -> None:
    """Compare a value with the best and the target of the sweep."""
    before = sweep = draft.state.sweeps[run.sweep]
    metric = sweep.spec.metric
    if metric is None:
        return
    if better(value, sweep.best.value if sweep.best else None, metric.goal):
        sweep = replace(sweep, best=Best(run=number, value=value))
    if sweep.ending is None and sweep.state not in FINAL_SWEEP and reaches_target(metric, value):
        sweep = ending(sweep, Ending.TARGET)
        draft.record("sweep-ending", run, ending=Ending.TARGET)
    if sweep is not before:
        draft.put_sweep(sweep)
