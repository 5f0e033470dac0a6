"""Trace of one search: the best loss after each run, and the regret."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trace:
    """Best loss after each run, and duration of each suggestion in seconds."""

    best: list[float]
    seconds: list[float]


def running_least(losses: Sequence[float]) -> list[float]:
    """Return, for each run, the least loss up to and including that run."""
    best = math.inf
    return [best := min(best, loss) for loss in losses]


def median_regret(traces: Sequence[Trace]) -> float:
    """Return the median of the final regrets of several traces, one per seed."""
    return statistics.median(trace.best[-1] for trace in traces)
