"""Prior runs: earlier runs whose results seed a new sweep, and checks that they suit it.

Prior runs never change. In observations and at rungs, the number of a prior run is its negated index.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import isfinite

from sweepd.spec.point import Json, Point, point_digest
from sweepd.spec.stop_rules import Asha, Hyperband, Median, StopRule, rungs
from sweepd.spec.sweep_spec import Goal, SearchMethod, SweepSpec
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import Run, RunKey
from sweepd_scheduler.domain.runs.values import COUNTED, NO_VALUES, EndedTrial, Values
from sweepd_scheduler.domain.search.study import StudyEvent, StudyObservation
from sweepd_scheduler.domain.sweep import Sweep
from sweepd_scheduler.domain.transitions import FINAL_RUN, RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorRun:
    """An earlier run as it was when the sweep was created.

    Args:
        index: its index among the prior runs of the sweep, from 1; 0: not assigned yet.
        source: full name of the run.
        point: its point in the space of the sweep.
        digest: digest of that point.
        state: its final state.
        values: its values of the sweep's objective, best and worst by the goal of the sweep.
        value: its value for the search; None if there is none.
        rungs: (rule, iteration, value) at the rungs of each early-termination rule of the sweep.
    """

    index: int = 0
    source: str
    point: Point
    digest: bytes
    state: RunState
    values: Values = NO_VALUES
    value: float | None = None
    rungs: tuple[tuple[int, int, float], ...] = ()

    @property
    def number(self) -> int:
        """Number of the prior run in observations and at rungs, negative."""
        return -self.index


OBSERVATIONS_PER_RUN = 2


def observation_count(method: SearchMethod, count: int) -> int:
    """Return the number of observations that `count` prior runs add to a study."""
    return OBSERVATIONS_PER_RUN * count if method.learns else 0


def digests_of(priors: Iterable[PriorRun]) -> dict[bytes, int]:
    """Return how often prior runs tried each point, by digest."""
    digests: dict[bytes, int] = {}
    for prior in priors:
        digests[prior.digest] = digests.get(prior.digest, 0) + 1
    return digests


def prior_observations(sweep: Sweep, priors: Iterable[PriorRun]) -> Iterator[StudyObservation]:
    """Yield the observations of prior runs: for each, its hand-out and its end."""
    if not sweep.learns:
        return
    for prior in priors:
        first = OBSERVATIONS_PER_RUN * (prior.index - 1) + 1
        ended = EndedTrial.of(prior.state, prior.values, prior.value)
        observation = StudyObservation(
            sweep=sweep.key, number=first, run=prior.number, event=StudyEvent.HANDED_OUT
        )
        yield observation
        yield replace(observation, number=first + 1, event=StudyEvent.ENDED).of_end(ended)


MAX_ERROR_LENGTH = 500


class UnsuitableError(Exception):
    """A run does not suit a sweep; the message says why."""


class PointError(UnsuitableError):
    """The parameters of a run are not a point of the sweep; its script's configuration may complete them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Run whose point lies in the space of a new sweep.

    Args:
        key: key of the run.
        run: the run without its result, which `result_in` adds.
        counted: the values that the scheduler has counted for the run, best and worst by the goal of the new
            sweep; `NO_VALUES` if its own sweep did not have this objective.
    """

    key: RunKey
    run: PriorRun
    counted: Values


def candidate(
    spec: SweepSpec, run: Run, before: SweepSpec | None, config: Mapping[str, Json] | None = None
) -> Candidate:
    """Return a run as a candidate for the new sweep, with its point converted to the space of that sweep.

    Args:
        spec: specification of the new sweep.
        run: the run.
        before: specification of its own sweep; None: it has none.
        config: the configuration that its script has logged; the parameters of its point take precedence.

    Raises:
        PointError: the point does not lie in the space.
        UnsuitableError: the run has not ended, or was never started.
    """
    if run.state not in FINAL_RUN:
        raise UnsuitableError(f"it has not ended: it is {run.state}")
    if not run.attempts:
        raise UnsuitableError("it was never started")
    point = point_in_space(spec, _merged(config or {}, run.point))
    prior = PriorRun(source=run.name, point=point, digest=point_digest(point), state=run.state)
    return Candidate(key=run.key, run=prior, counted=_counted(spec, run, before))


def point_in_space(spec: SweepSpec, point: Point) -> Point:
    """Convert the point of another sweep to the space of this sweep.

    Raises:
        PointError: the point does not lie in the space.
    """
    if not spec.parameters:
        return point  # a list that declares no parameters accepts any point
    taken = spec.search_space.adopted(point)
    violations = spec.search_space.violations(taken)
    if violations:
        raise PointError("; ".join(violations)[:MAX_ERROR_LENGTH])
    return taken


def result_in(
    spec: SweepSpec, found: Candidate, curve: Sequence[float], summary: float | None = None
) -> PriorRun:
    """Return the prior run of a candidate with its result; its index is still 0.

    Args:
        spec: specification of the new sweep.
        found: the candidate.
        curve: its finite values of the sweep's objective, in row order.
        summary: finite objective value in its script's summary; any `counted` values include it.

    Raises:
        UnsuitableError: the run has no result that the sweep can use.
    """
    ended_well = found.run.state in COUNTED
    metric = spec.metric
    if metric is None:
        if not ended_well:
            raise UnsuitableError(
                f"it is {found.run.state}, and without an objective the search cannot learn from it"
            )
        return found.run
    values = values_of(curve, metric.goal)
    if found.counted.best is not None and found.counted.iterations >= values.iterations:
        # The last points may not have reached the metric store yet. `counted` includes the summary value.
        values = found.counted
    elif summary is not None:
        values = values.with_summary(summary, metric.goal)
    value = values.of_kind(metric.value)
    if value is None and (ended_well or not spec.method.learns):
        raise UnsuitableError(f"it never logged `{metric.name}` as a finite number")
    if value is not None and not isfinite(value):
        raise UnsuitableError(f"its values of `{metric.name}` are too large to compute their mean")
    reached = rung_values(spec.early_terminate, metric.goal, curve)
    return replace(found.run, values=values, value=value, rungs=reached)


def _merged(outer: Mapping[str, Json], inner: Mapping[str, Json]) -> Point:
    merged = dict(outer)
    for name, value in inner.items():
        before = merged.get(name)
        both = isinstance(before, dict) and isinstance(value, dict)
        merged[name] = _merged(before, value) if both else value  # type: ignore[arg-type]  # both are mappings
    return merged


def _counted(spec: SweepSpec, run: Run, before: SweepSpec | None) -> Values:
    metric, other = spec.metric, before.metric if before else None
    if metric is None or other is None or metric.name != other.name:
        return NO_VALUES
    return run.values if metric.goal is other.goal else with_opposite_goal(run.values)


def values_of(curve: Sequence[float], goal: Goal) -> Values:
    """Return `Values` for a curve of finite values, one per iteration."""
    if not curve:
        return Values()
    low, high = min(curve), max(curve)
    best, worst = (low, high) if goal is Goal.MINIMIZE else (high, low)
    total = sum(curve)
    if not isfinite(total):
        values = Values()
        for value in curve:
            values = values.with_value(value, goal)
        return values
    return Values(iterations=len(curve), best=best, worst=worst, last=curve[-1], total=total, logged=True)


def with_opposite_goal(values: Values) -> Values:
    """Return the values for the opposite goal, with best and worst swapped."""
    return replace(values, best=values.worst, worst=values.best)


def rung_values(
    rules: Sequence[StopRule], goal: Goal, curve: Sequence[float]
) -> tuple[tuple[int, int, float], ...]:
    """Return (rule, iteration, value) for every rung of every rule that the curve has reached."""
    return tuple(
        (number, rung, value)
        for number, rule in enumerate(rules)
        for rung, value in _of_rule(rule, goal, curve)
    )


def _of_rule(rule: StopRule, goal: Goal, curve: Sequence[float]) -> Iterator[tuple[int, float]]:
    match rule:
        case Hyperband() | Asha():
            for rung in rungs(rule):
                if rung > len(curve):
                    return
                yield rung, curve[rung - 1]
        case Median(min_iter=first, interval=interval):
            best = list(accumulate(curve, min if goal is Goal.MINIMIZE else max))
            for iteration in range(first, len(curve) + 1, interval):
                yield iteration, best[iteration - 1]
        case _:
            return
