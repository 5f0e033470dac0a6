"""Figures over the runs of a sweep: how its best value came about, and even shares of its runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from sweepd_scheduler.domain.runs.results import counts_at_once
from sweepd_scheduler.domain.runs.values import NO_VALUES, EndedTrial, better, block_value
from sweepd_scheduler.domain.sweeps.sweep import Sweep
from sweepd_scheduler.domain.transitions import FINAL_RUN, RunState

_NEVER = 2**63


@dataclass(frozen=True, slots=True)
class RunValue:
    """Value of one run.

    Args:
        number: of the run.
        block: number of the first run of its point.
        state: how it stands.
        end_time: in microseconds; 0 while it has not ended.
        value: by which the sweep compares it, if it has one.
    """

    number: int
    block: int
    state: RunState
    end_time: int
    value: float | None


@dataclass(frozen=True, slots=True)
class Advance:
    """A value that counts, when its run or its point ended (0: it has not), and the best of all up to it."""

    run: int
    end_time: int
    value: float
    best: float


def progress(sweep: Sweep, runs: Iterable[RunValue]) -> list[Advance]:
    """Return the values of a sweep that count, in the order in which they came about; live runs last.

    Args:
        sweep: whose runs they are.
        runs: all of them, by number.
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
"""2^32 divided by the golden ratio: its multiples, modulo 2^32, lie evenly, those of every n-th number, too.

Knuth, "The art of computer programming", volume 3 (1998), 6.4. Every n-th number itself would not do: in a
grid those may all have the same value of a parameter.
"""

_WHOLE = 2**32


@dataclass(frozen=True, slots=True)
class Share:
    """The runs whose number times FACTOR, modulo 2^32, is below `below`."""

    below: int

    @classmethod
    def of(cls, most: int, total: int) -> "Share":
        """Return the share that has about `most` of so many runs; all, if they are not more."""
        return cls(_WHOLE if total <= most else most * _WHOLE // total)

    def has(self, number: int) -> bool:
        """Return True if a run is in it; prior runs count by the absolute value of their number."""
        return abs(number) * FACTOR % _WHOLE < self.below


def evenly_ordered(count: int) -> list[int]:
    """Return the places from 0 to `count - 1` in such an order that those up to any are an even share."""
    return sorted(range(count), key=lambda place: place * FACTOR % _WHOLE)
