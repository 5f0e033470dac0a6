"""Studies: the runs of a sweep, folded from numbered observations; repeats change nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from sweepd.spec.point import Json, Point, point_digest
from sweepd.spec.sweep_spec import SweepSpec


class Outcome(StrEnum):
    """Conclusion that the search may draw from a run's end."""

    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOut:
    """A run was given to an agent: its point is under trial.

    Once more of the same run: it is tried again, and what was known of an earlier end is void.
    """

    run_number: int
    point: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class RungReached:
    """A run under way showed a finite value at a rung."""

    run_number: int
    iteration: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSoFar:
    """Provisional value of a run under way, in place of an earlier one; None: it has none."""

    run_number: int
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run ended. The values are finite; None where it never showed one.

    Args:
        value: what counts, as the metric's `value` says; with `repeats` over the runs of the point.
        best: of all its iterations, as are `worst` and `last`; by default the value.
    """

    run_number: int
    outcome: Outcome
    value: float | None = None
    best: float | None = None
    worst: float | None = None
    last: float | None = None


Observation = HandedOut | RungReached | ValueSoFar | Ended


MOST_DIMENSIONS = 1_024
"""Fits take time in proportion; far below this many, a model of 150 runs knows nothing better than chance."""


def objections(spec: SweepSpec) -> Iterator[tuple[str, str]]:
    """Return dotted paths, each with a sentence about it; nothing if the sweep can be searched."""
    if spec.metric is None:
        yield "metric", "model-based search needs a metric to optimise"
    count = len(spec.search_space.dimensions)
    if count == 0:
        yield "parameters", "model-based search needs at least one parameter that is not constant"
    if count > MOST_DIMENSIONS:
        yield "parameters", f"{count} free parameters; at most {MOST_DIMENSIONS} can be searched"
    # The same check as when the file was read: what passed there passes here.
    if spec.search_space.feasibility(enough=1).hits == 0:
        yield "constraints", "no point was found that satisfies them; loosen one of them"


_COUNTED = 20_000
"""Combinations gone through to count a space with conditions; a larger one never counts as exhausted."""


class UnknownRunError(ValueError):
    """An observation is of a run that was never handed out; `index` is its place among those given."""

    def __init__(self, run_number: int, index: int) -> None:
        super().__init__(f"run {run_number} was never handed out")
        self.index = index


@dataclass(slots=True, kw_only=True)
class TrialRun:
    """One run: its point, the values at its rungs in order, what it shows so far, its end once it has one.

    Runs that the sweep began with have negative numbers.
    """

    number: int
    point: Point
    in_space: bool
    rung_values: list[float] = field(default_factory=list)
    so_far: ValueSoFar | None = None
    end: Ended | None = None


class Study:
    """A sweep's specification and everything observed so far, numbered from 1."""

    def __init__(self, spec: SweepSpec) -> None:
        self.spec = spec
        self.runs: dict[int, TrialRun] = {}
        self.seen: set[bytes] = set()
        """Digests of all points that were ever handed out."""
        self.outside = 0
        """Number of runs of points outside the space: nothing is learnt from them."""
        self._drawn: set[bytes] = set()
        self._texts: dict[str, str] = {}
        self._observations: list[Observation] = []

    @property
    def known(self) -> int:
        """The number of the last observation."""
        return len(self._observations)

    @property
    def exhausted(self) -> bool:
        """True if every point of a finite space was handed out; an estimate of its size is not enough."""
        return self._size is not None and len(self._drawn) >= self._size

    def points_before(self, number: int) -> int:
        """Return how many points inside the space the runs below a number have."""
        return sum(run.in_space for run in self.runs.values() if run.number < number)

    def agrees(self, first: int, observations: Sequence[Observation]) -> bool:
        """Return True if the observations whose numbers are known are the same as those known."""
        overlap = self._observations[first - 1 : first - 1 + len(observations)]
        return overlap == list(observations[: len(overlap)])

    def observe(self, first: int, observations: Sequence[Observation]) -> None:
        """Add observations numbered from `first`, known + 1 at most; those known are skipped.

        Raises:
            UnknownRunError: one is of a run that was never handed out; those before it are added.
        """
        overlap = self.known - (first - 1)
        for index, each in enumerate(observations[overlap:], start=overlap):
            observation = self._shared(each) if isinstance(each, HandedOut) else each
            self._take(observation, index)
            self._observations.append(observation)

    def _take(self, observation: Observation, index: int) -> None:
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
        if self.spec.search_space.finite_combinations is None:
            return None
        count = self.spec.search_space.count_points(_COUNTED)
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

    def _shared(self, observation: HandedOut) -> HandedOut:
        """Return the same with texts that other points have, too: some are long, and runs are many."""
        point = {name: _with_shared(value, self._texts) for name, value in observation.point.items()}
        return replace(observation, point=point)

    def _is_drawn(self, point: Point, digest: bytes) -> bool:
        """Return True if draws can give a point of the space: they never give a value of probability zero."""
        space = self.spec.search_space
        if space.finite_combinations is None:
            return False  # they are not counted
        shares = (0.5 if share is None else share for share in space.to_unit(point))
        return digest == point_digest(space.from_unit(list(shares)))

    def _run(self, number: int, index: int) -> TrialRun:
        run = self.runs.get(number)
        if run is None:
            raise UnknownRunError(number, index)
        return run


def _with_shared(value: Json, texts: dict[str, str]) -> Json:
    match value:
        case str():
            return texts.setdefault(value, value)
        case list():
            return [_with_shared(item, texts) for item in value]
        case dict():
            return {name: _with_shared(item, texts) for name, item in value.items()}
        case _:
            return value
