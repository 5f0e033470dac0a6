"""Objective values of runs and of points with repeats, and their ranking in a sweep."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median_high, median_low
from sys import float_info

from sweepd.spec.sweep_spec import Aggregate, Goal, Metric, ObjectiveValue
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.early_termination import cost
from sweepd_scheduler.domain.transitions import RunState

# Sums are clamped to this, so that only finite numbers are stored.
_LARGEST = float_info.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """Summary of the objective values that a run has logged, one per iteration."""

    iterations: int = 0
    best: float | None = None
    worst: float | None = None
    last: float | None = None
    total: float = 0.0
    logged: bool = False  # the objective was logged, perhaps only as NaN or infinity

    def with_value(self, value: float, goal: Goal) -> "Values":
        """Return the values after one more finite value."""
        low = value if self.best is None or self.worst is None else min(value, self.best, self.worst)
        high = value if self.best is None or self.worst is None else max(value, self.best, self.worst)
        best, worst = (low, high) if goal is Goal.MINIMIZE else (high, low)
        return Values(
            iterations=self.iterations + 1,
            best=best,
            worst=worst,
            last=value,
            total=max(-_LARGEST, min(_LARGEST, self.total + value)),
            logged=True,
        )

    def with_summary(self, value: float, goal: Goal) -> "Values":
        """Return the values after one finite value from the script's summary, which is not an iteration."""
        after = self.with_value(value, goal)
        return replace(after, iterations=self.iterations, total=self.total)

    def of_kind(self, kind: ObjectiveValue) -> float | None:
        """Return the value that counts for the search; None if there is none yet."""
        match kind:
            case ObjectiveValue.BEST:
                return self.best
            case ObjectiveValue.LAST:
                return self.last
            case ObjectiveValue.MEAN:  # without iterations, `last` is the value from the summary
                return self.total / self.iterations if self.iterations else self.last


NO_VALUES = Values()
"""Values of a run that has logged none."""

COUNTED = frozenset({RunState.FINISHED, RunState.STOPPED})
"""Final states in which a run's value counts for its point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedTrial:
    """Result of a run, or of a point, that has ended.

    Args:
        state: its final state.
        tried: whether it was ever handed out.
        value: its value for the search, if it has one.
        best: best value over all its iterations.
        worst: worst value over all its iterations.
        last: its last value.
        iterations: number of its iterations.
    """

    state: RunState
    tried: bool = True
    value: float | None
    best: float | None
    worst: float | None
    last: float | None
    iterations: int

    @classmethod
    def of(cls, state: RunState, values: Values, value: float | None, *, tried: bool = True) -> "EndedTrial":
        """Return the result of a run with these values."""
        return cls(
            state=state,
            tried=tried,
            value=value,
            best=values.best,
            worst=values.worst,
            last=values.last,
            iterations=values.iterations,
        )


def point_ended(ended: Sequence[EndedTrial], how: Aggregate, goal: Goal) -> EndedTrial:
    """Return the result of a point whose runs have all ended.

    A point with a failed run has failed; else a point with a stopped run was stopped. Crashed and killed
    runs count only if there are no others. Only a finished or stopped point can have a value; for any other,
    `best` and `last` cover all its runs, as the search may use them instead.
    """
    state = _state_of_point({each.state for each in ended})
    counted = [each for each in ended if each.state in COUNTED or state not in COUNTED]
    values = [each.value for each in counted if each.value is not None]
    bests = [each.best for each in counted if each.best is not None]
    lasts = [each.last for each in counted if each.last is not None]
    worsts = [each.worst for each in ended if each.worst is not None]
    return EndedTrial(
        state=state,
        tried=any(each.tried for each in ended),
        value=aggregated(values, how, goal) if state in COUNTED else None,
        best=aggregated(bests, how, goal),
        worst=aggregated(worsts, Aggregate.WORST, goal),
        last=aggregated(lasts, how, goal),
        iterations=max((each.iterations for each in ended), default=0),
    )


def block_value(ended: Sequence[EndedTrial], how: Aggregate, goal: Goal) -> float | None:
    """Return the value of a point whose runs have all ended; None if it has none."""
    return point_ended(ended, how, goal).value


def aggregated(values: Sequence[float], how: Aggregate, goal: Goal) -> float | None:
    """Return the aggregate of the values of a point's runs; None if there are no values."""
    if not values:
        return None
    match how:
        case Aggregate.MEAN:
            return mean(values)  # exact, so that no sum overflows
        case Aggregate.MEDIAN:
            return mean((median_low(values), median_high(values)))
        case Aggregate.WORST:
            return max(values) if goal is Goal.MINIMIZE else min(values)


def _state_of_point(states: Iterable[RunState]) -> RunState:
    by_weight = (
        RunState.FAILED,
        RunState.STOPPED,
        RunState.FINISHED,
        RunState.CRASHED,
        RunState.KILLED,
    )
    return next(state for state in by_weight if state in states)


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """Best value of a sweep, and the number of its run; with repeats, of the first run of its point."""

    run: int
    value: float


class Ranking:
    """Ranking of runs by value, best first; of runs with equal values, the lowest number comes first."""

    def __init__(self, goal: Goal) -> None:
        self._goal = goal
        self._values: dict[int, float] = {}
        self._order: list[tuple[float, int]] = []

    def put(self, number: int, value: float | None) -> float | None:
        """Set a value, or remove it with None; return the previous value."""
        before = self._values.pop(number, None)
        if before is not None:
            del self._order[bisect_left(self._order, (cost(before, self._goal), number))]
        if value is not None:
            self._values[number] = value
            insort(self._order, (cost(value, self._goal), number))
        return before

    def values(self) -> Iterator[tuple[int, float]]:
        """Return each run number with its value, in no particular order."""
        return iter(self._values.items())

    @property
    def best(self) -> Best | None:
        """The best value and its run; None if there are no values."""
        if not self._order:
            return None
        number = self._order[0][1]
        return Best(run=number, value=self._values[number])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranking) and self._order == other._order

    __hash__ = None  # type: ignore[assignment]  # mutable


MISSING_RUNS_BEFORE_PAUSE = 3
MAX_KEYS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveMissing:
    """Consecutive runs that finished without logging the objective, and the keys that they logged."""

    consecutive_runs: int
    logged_keys: tuple[str, ...]

    @property
    def pauses(self) -> bool:
        """True if so many runs in a row lack the objective that the sweep should be paused."""
        return self.consecutive_runs >= MISSING_RUNS_BEFORE_PAUSE


def better(value: float, than: float | None, goal: Goal) -> bool:
    """Return True if a value is strictly better than another, or if there is no other."""
    if than is None:
        return True
    return value < than if goal is Goal.MINIMIZE else value > than


def reaches_target(metric: Metric, value: float) -> bool:
    """Return True if a finite value is at least as good as the target."""
    if metric.target is None:
        return False
    return value <= metric.target if metric.goal is Goal.MINIMIZE else value >= metric.target


def with_one_more(missing: ObjectiveMissing | None, logged_keys: Sequence[str]) -> ObjectiveMissing:
    """Return the record after one more run that finished without logging the objective."""
    keys = set(logged_keys) | set(missing.logged_keys if missing else ())
    count = missing.consecutive_runs + 1 if missing else 1
    return ObjectiveMissing(consecutive_runs=count, logged_keys=tuple(sorted(keys)[:MAX_KEYS]))


def missing_sentence(metric: Metric, logged_keys: Sequence[str]) -> str:
    """Return a sentence that names the keys that were logged instead of the objective."""
    if not logged_keys:
        return f"your script logged nothing; the sweep optimises `{metric.name}`"
    shown = ", ".join(f"`{key}`" for key in logged_keys[:10]) + (", …" if len(logged_keys) > 10 else "")
    return f"your script logged {shown}; the sweep optimises `{metric.name}`"


def pause_sentence(metric: Metric, missing: ObjectiveMissing) -> str:
    """Return a sentence on why a sweep whose runs do not log the objective is paused, with the remedy."""
    sentence = missing_sentence(metric, missing.logged_keys)
    remedy = "fix the script and resume, or name the right metric in a new sweep"
    return f"{missing.consecutive_runs} runs in a row finished without the objective: {sentence}; {remedy}"
