"""Effects of run results on their sweep: best value, target, observations of the search, and progress.

Without `repeats` each run counts: if `metric.value` is best, each value when it is logged, else one value
when the run ends. With `repeats` a point counts once, when all its runs have ended, under the number of its
first run.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from math import isfinite

from sweepd.spec.sweep_spec import ObjectiveValue
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.runs.values import (
    NO_VALUES,
    Best,
    EndedTrial,
    better,
    block_value,
    point_ended,
    reaches_target,
)
from sweepd_scheduler.domain.search.study import StudyEvent
from sweepd_scheduler.domain.sweep import Ending, Sweep, ending
from sweepd_scheduler.domain.transitions import FINAL_RUN, FINAL_SWEEP, RunState


def counts_at_once(sweep: Sweep) -> bool:
    """Return True if each value counts when it is logged, instead of when its run or point has ended."""
    return sweep.value_kind is ObjectiveValue.BEST and sweep.spec.repeats == 1


def has_reached_target(sweep: Sweep) -> bool:
    """Return True if any value that counts is at least as good as the target."""
    metric, best = sweep.spec.metric, sweep.best
    return metric is not None and best is not None and reaches_target(metric, best.value)


def result_of(sweep: Sweep, run: Run, state: RunState) -> EndedTrial:
    """Return the result of a run that ends in this state."""
    return EndedTrial.of(state, run.values, run.value(sweep.value_kind), tried=bool(run.attempts))


def value_logged(draft: Draft, run: Run, value: float) -> None:
    """Update the sweep after a run has logged a finite value of the objective."""
    sweep = draft.state.sweeps[run.sweep]
    if not sweep.objective_seen or sweep.objective_missing is not None:
        draft.put_sweep(replace(sweep, objective_seen=True, objective_missing=None))
    if counts_at_once(sweep):
        _update_best(draft, run, run.number, value)


def summary_reported(draft: Draft, run: Run, value: float) -> Run:
    """Count the objective value from the summary of a run's script; return the run with it.

    As in W&B's search, it is one more value beside those of the iterations. If `metric.value` is best, the
    best of all these values counts; if it is last, the value from the summary; if it is mean, the mean of the
    iterations, or without iterations the value from the summary.
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
    """Count the result of a run that is about to end, and of its point if its other runs have ended."""
    sweep = draft.state.sweeps[run.sweep]
    ended = result_of(sweep, run, state)
    if sweep.spec.repeats > 1:
        _repeat_ended(draft, sweep, run, ended)
        return
    draft.observe(sweep.key, run.number, StudyEvent.ENDED, ended=ended)
    if not counts_at_once(sweep) and ended.value is not None:
        _update_best(draft, run, run.number, ended.value)


def forget_best_of(draft: Draft, run: Run) -> None:
    """Recompute the best value of a sweep if it came from this run, which starts over, or from its point."""
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
    if _others_unfinished(draft, sweep, run):
        return
    undo_log.drop(blocks, run.block)
    point = point_ended(block, sweep.spec.aggregate, sweep.goal)
    draft.observe(sweep.key, run.block, StudyEvent.ENDED, ended=point)
    draft.rank(sweep.key, run.block, point.value)
    if point.value is not None:
        _update_best(draft, run, run.block, point.value)


def _others_unfinished(draft: Draft, sweep: Sweep, run: Run) -> bool:
    # In reverse, as the first runs of a point have usually ended before the last.
    numbers = reversed(range(run.block, run.block + sweep.spec.repeats))
    others = (draft.state.runs.get((sweep.key, number)) for number in numbers if number != run.number)
    return any(other is not None and other.block == run.block for other in others)


def _update_best(draft: Draft, run: Run, number: int, value: float) -> None:
    """Update the best value of the sweep, and end its search if the value reaches the target."""
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


_NEVER = 2**63


@dataclass(frozen=True, slots=True)
class RunValue:
    """Value of one run.

    Args:
        number: number of the run.
        block: number of the first of the runs that repeat the same point.
        state: its state.
        end_time: in microseconds; 0 if it has not ended.
        value: its value for the search, if it has one.
    """

    number: int
    block: int
    state: RunState
    end_time: int
    value: float | None


@dataclass(frozen=True, slots=True)
class Advance:
    """Value of a run or point, its end time (0: not ended) and the best value so far."""

    run: int
    end_time: int
    value: float
    best: float


def progress(sweep: Sweep, runs: Iterable[RunValue]) -> list[Advance]:
    """Return the values of a sweep that count, ordered by end time; those of unfinished runs come last.

    Args:
        sweep: the sweep of the runs.
        runs: all of its runs, ordered by number.
    """
    values = _of_points(sweep, runs) if sweep.spec.repeats > 1 else _of_runs(sweep, runs)
    best: float | None = None
    found: list[Advance] = []
    for end_time, run, value in sorted(values, key=lambda each: (each[0] or _NEVER, each[1])):
        if best is None or better(value, best, sweep.goal):
            best = value
        found.append(Advance(run, end_time, value, best))
    return found


def _of_runs(sweep: Sweep, runs: Iterable[RunValue]) -> Iterable[tuple[int, int, float]]:
    at_once = counts_at_once(sweep)
    return (
        (run.end_time, run.number, run.value)
        for run in runs
        if run.value is not None and (at_once or run.state in FINAL_RUN)
    )


def _of_points(sweep: Sweep, runs: Iterable[RunValue]) -> Iterable[tuple[int, int, float]]:
    for number, block in groupby(runs, key=lambda run: run.block):
        of_point = list(block)
        if any(run.state not in FINAL_RUN for run in of_point):
            continue
        ended = [EndedTrial.of(run.state, NO_VALUES, run.value) for run in of_point]
        value = block_value(ended, sweep.spec.aggregate, sweep.goal)
        if value is not None:
            yield max(run.end_time for run in of_point), number, value


FACTOR = 2_654_435_761
"""About 2^32 divided by the golden ratio: multiples of such a number modulo 2^32 are evenly spread.

Source: Knuth, "The Art of Computer Programming", volume 3 (1998), section 6.4. A sample of every n-th run
could be biased: in a grid, all of these runs may have the same value of a parameter.
"""

_MODULUS = 2**32


@dataclass(frozen=True, slots=True)
class RunSample:
    """Evenly spread sample of runs: those whose number times FACTOR, modulo 2^32, is less than `below`."""

    below: int

    @classmethod
    def of(cls, most: int, total: int) -> "RunSample":
        """Return a sample of about `most` of `total` runs, or of all runs if there are at most `most`."""
        return cls(_MODULUS if total <= most else most * _MODULUS // total)

    def has(self, number: int) -> bool:
        """Return True if the run with this number is in the sample; the sign of the number is ignored."""
        return abs(number) * FACTOR % _MODULUS < self.below


def evenly_ordered(count: int) -> list[int]:
    """Return the positions 0 to `count - 1`, ordered so that every prefix is spread evenly over them."""
    return sorted(range(count), key=lambda place: place * FACTOR % _MODULUS)
