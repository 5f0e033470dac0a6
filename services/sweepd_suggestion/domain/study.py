"""What is known of one sweep: its runs, folded from numbered observations. Repeats change nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from sweepd.spec import Json, Point, SweepSpec, point_digest
from sweepd_suggestion.domain.observation import Ended, HandedOut, Observation, RungReached, ValueSoFar

_COUNTED = 20_000
"""Combinations gone through to count a space with conditions; a larger one is never said to be exhausted."""


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
        """How many runs were of points outside the space: they teach nothing."""
        self._drawn: set[bytes] = set()
        self._texts: dict[str, str] = {}
        self._observations: list[Observation] = []

    @property
    def known(self) -> int:
        """The number of the last observation."""
        return len(self._observations)

    @property
    def exhausted(self) -> bool:
        """Whether every point of a finite space was handed out; never said on the strength of an estimate."""
        return self._size is not None and len(self._drawn) >= self._size

    def points_before(self, number: int) -> int:
        """Return how many points inside the space the runs below a number have."""
        return sum(run.in_space for run in self.runs.values() if run.number < number)

    def agrees(self, first: int, observations: Sequence[Observation]) -> bool:
        """Whether the observations whose numbers are known already are the same as those known."""
        overlap = self._observations[first - 1 : first - 1 + len(observations)]
        return overlap == list(observations[: len(overlap)])

    def observe(self, first: int, observations: Sequence[Observation]) -> None:
        """Take in observations numbered from `first`, known + 1 at most; those known are passed over.

        Raises:
            UnknownRunError: one is of a run that was never handed out; those before it are taken in.
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
        """Whether drawing can give a point of the space: it never gives a value of probability zero."""
        space = self.spec.search_space
        if space.finite_combinations is None:
            return False  # nobody counts them
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
