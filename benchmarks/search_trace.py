"""Progress of a searcher, run by run."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trace:
    """The least loss after each run, and the seconds that each suggestion took."""

    best: list[float]
    seconds: list[float]


def running_least(losses: Sequence[float]) -> list[float]:
    """Return the least of the first n, for each n."""
    best = math.inf
    return [best := min(best, loss) for loss in losses]


def median_regret(traces: Sequence[Trace]) -> float:
    """Return the median over seeds of the regret after all runs."""
    return statistics.median(trace.best[-1] for trace in traces)
