"""Study: the runs of a sweep, built from numbered observations; repeated observations are ignored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from sweepd.spec.point import Json, Point, point_digest
from sweepd.spec.sweep_spec import SweepSpec


class Outcome(StrEnum):
    """Meaning of a run's end for the search."""

    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOut:
    """A run was handed out to an agent: its point is pending.

    If the run was handed out before, this is a retry, which discards the run's earlier values and end.
    """

    run_number: int
    point: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class RungReached:
    """A run in progress reported a finite value at a rung."""

    run_number: int
    iteration: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSoFar:
    """Provisional value of a run in progress, replacing any earlier one; None if the run has no value."""

    run_number: int
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run ended. Values are finite, or None if the run reported none.

    Args:
        value: objective value, by the metric's `value`; with `repeats`, aggregated over the point's runs.
        best: best value of all iterations; None: `value` is used. `worst` and `last` have no such default.
    """

    run_number: int
    outcome: Outcome
    value: float | None = None
    best: float | None = None
    worst: float | None = None
    last: float | None = None


Observation = HandedOut | RungReached | ValueSoFar | Ended


MAX_DIMENSIONS = 1_024
"""Maximum number of free parameters: fit time is proportional to it, and 150 runs support far fewer."""


def objections(spec: SweepSpec) -> Iterator[tuple[str, str]]:
    """Yield the dotted path and a message for each reason why the sweep cannot be searched."""
    if spec.metric is None:
        yield "metric", "model-based search needs a metric to optimise"
    count = len(spec.search_space.dimensions)
    if count == 0:
        yield "parameters", "model-based search needs at least one parameter that is not constant"
    if count > MAX_DIMENSIONS:
        yield "parameters", f"{count} free parameters; at most {MAX_DIMENSIONS} can be searched"
    # This is the same check as for the sweep file, so a valid file also passes here.
    if spec.search_space.feasibility(enough=1).hits == 0:
        yield "constraints", "no point was found that satisfies them; loosen one of them"


_MAX_COUNTED = 20_000
"""Maximum number of steps to count a finite space; one that takes more never counts as exhausted."""


class UnknownRunError(ValueError):
    """An observation names a run that was never handed out; `index` is its position in the call."""

    def __init__(self, run_number: int, index: int) -> None:
        super().__init__(f"run {run_number} was never handed out")
        self.index = index


@dataclass(slots=True, kw_only=True)
class TrialRun:
    """One run: its point, the values at its rungs in order, its provisional value, and its end, if any.

    Prior runs have negative numbers.
    """

    number: int
    point: Point
    in_space: bool
    rung_values: list[float] = field(default_factory=list)
    so_far: ValueSoFar | None = None
    end: Ended | None = None


class Study:
    """A sweep's specification and all observations so far, numbered from 1."""

    def __init__(self, spec: SweepSpec) -> None:
        self.spec = spec
        self.runs: dict[int, TrialRun] = {}
        self.seen: set[bytes] = set()
        """Digests of all points ever handed out."""
        self.outside = 0
        """Number of runs with points outside the space, which do not enter the model."""
        self._drawn: set[bytes] = set()
        self._texts: dict[str, str] = {}
        self._observations: list[Observation] = []

    @property
    def known(self) -> int:
        """Number of the last observation."""
        return len(self._observations)

    @property
    def exhausted(self) -> bool:
        """True if every point of a finite space of exactly known size was handed out."""
        return self._size is not None and len(self._drawn) >= self._size

    def points_before(self, number: int) -> int:
        """Return how many runs before run `number` have points inside the space."""
        return sum(run.in_space for run in self.runs.values() if run.number < number)

    def agrees(self, first: int, observations: Sequence[Observation]) -> bool:
        """Return True if repeated observations equal the known ones."""
        overlap = self._observations[first - 1 : first - 1 + len(observations)]
        return overlap == list(observations[: len(overlap)])

    def observe(self, first: int, observations: Sequence[Observation]) -> None:
        """Add observations numbered from `first` (at most known + 1), skipping known ones.

        Raises:
            UnknownRunError: an observation names a run never handed out; earlier ones are added.
        """
        overlap = self.known - (first - 1)
        for index, each in enumerate(observations[overlap:], start=overlap):
            observation = self._interned(each) if isinstance(each, HandedOut) else each
            self._apply(observation, index)
            self._observations.append(observation)

    def _apply(self, observation: Observation, index: int) -> None:
        match observation:
            case HandedOut(run_number=number, point=point):
                self._hand_out(number, point)
            case RungReached(run_number=number, value=value):
                self._run(number, index).rung_values.append(value)
            case ValueSoFar(run_number=number):
                self._run(number, index).so_far = observation
            case Ended(run_number=number):
                self._run(number, index).end = observation

    @cached_property
    def _size(self) -> int | None:
        count = self.spec.search_space.support.count(_MAX_COUNTED)
        return None if count.is_estimate else count.value

    def _hand_out(self, number: int, point: Point) -> None:
        in_space = not self.spec.search_space.violations(point)
        if number not in self.runs:
            self.outside += not in_space
        self.runs[number] = TrialRun(number=number, point=point, in_space=in_space)
        digest = point_digest(point)
        self.seen.add(digest)
        if in_space and self._is_drawn(point, digest):
            self._drawn.add(digest)

    def _interned(self, observation: HandedOut) -> HandedOut:
        """Return the observation with its texts interned, to save memory."""
        point = {name: _interned_value(value, self._texts) for name, value in observation.point.items()}
        return replace(observation, point=point)

    def _is_drawn(self, point: Point, digest: bytes) -> bool:
        """Return True if the space is finite and the point has no value of probability zero."""
        space = self.spec.search_space
        if space.support.size is None:
            return False  # points of an infinite space are not counted
        shares = (0.5 if share is None else share for share in space.to_unit(point))
        return digest == point_digest(space.from_unit(list(shares)))

    def _run(self, number: int, index: int) -> TrialRun:
        run = self.runs.get(number)
        if run is None:
            raise UnknownRunError(number, index)
        return run


def _interned_value(value: Json, texts: dict[str, str]) -> Json:
    match value:
        case str():
            return texts.setdefault(value, value)
        case list():
            return [_interned_value(item, texts) for item in value]
        case dict():
            return {name: _interned_value(item, texts) for name, item in value.items()}
        case _:
            return value
