"""What is known of one sweep: its runs, folded from numbered observations. Repeats change nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sweepd.spec import Point, SweepSpec, point_digest
from sweepd_suggestion.domain.observation import Ended, HandedOut, Observation, RungReached


class UnknownRunError(ValueError):
    """An observation is of a run that was never handed out; `index` is its place among those given."""

    def __init__(self, run_number: int, index: int) -> None:
        super().__init__(f"run {run_number} was never handed out")
        self.index = index


@dataclass(slots=True, kw_only=True)
class TrialRun:
    """One run: its point, the values at its rungs in order, and its end once it has one."""

    number: int
    point: Point
    in_space: bool
    rung_values: list[float] = field(default_factory=list)
    end: Ended | None = None


class Study:
    """A sweep's specification and everything observed so far, numbered from 1."""

    def __init__(self, spec: SweepSpec) -> None:
        self.spec = spec
        self.runs: dict[int, TrialRun] = {}
        self.seen: set[bytes] = set()
        """Digests of all points that were ever handed out."""
        self.outside = 0
        """How many hand-outs were of points outside the space: they teach nothing."""
        self._drawn: set[bytes] = set()
        self._observations: list[Observation] = []

    @property
    def known(self) -> int:
        """The number of the last observation."""
        return len(self._observations)

    @property
    def exhausted(self) -> bool:
        """Whether every point of a finite space was handed out."""
        size = self.spec.search_space.size
        return size is not None and len(self._drawn) >= size

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
        for index, observation in enumerate(observations[overlap:], start=overlap):
            self._take(observation, index)
            self._observations.append(observation)

    def _take(self, observation: Observation, index: int) -> None:
        match observation:
            case HandedOut(run_number=number, point=point):
                self._hand_out(number, point)
            case RungReached(run_number=number, value=value):
                self._run(number, index).rung_values.append(value)
            case Ended(run_number=number):
                self._run(number, index).end = observation

    def _hand_out(self, number: int, point: Point) -> None:
        space = self.spec.search_space
        in_space = not space.violations(point)
        self.runs[number] = TrialRun(number=number, point=point, in_space=in_space)
        self.outside += not in_space
        digest = point_digest(point)
        self.seen.add(digest)
        # A point may lie in the space although drawing never gives it, as a value of probability zero.
        if (
            in_space
            and space.size is not None
            and digest == point_digest(space.from_unit(space.to_unit(point)))
        ):
            self._drawn.add(digest)

    def _run(self, number: int, index: int) -> TrialRun:
        run = self.runs.get(number)
        if run is None:
            raise UnknownRunError(number, index)
        return run
