"""A prior run: what a sweep keeps of a run of elsewhere.

It is no run: it has no state that could change. Its place among the others, negative, is its number wherever
numbers of runs stand: in observations and at rungs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sweepd.spec import Method, Point
from sweepd_scheduler.domain.runs.values import Values
from sweepd_scheduler.domain.search.study import OUTCOMES, StudyEvent, StudyNoted
from sweepd_scheduler.domain.states import RunState
from sweepd_scheduler.domain.sweeps.sweep import Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorRun:
    """A run as it was when the sweep was created.

    Args:
        index: its place among the prior runs of the sweep, from 1.
        source: full name of the run.
        point: its point in the space of the sweep.
        digest: of that point.
        state: how it had ended.
        values: of the sweep's objective, over its iterations, by the goal of the sweep.
        value: that for the search; None if there is none.
        rungs: (rule, iteration, value) at the rungs of each rule of early termination of the sweep.
    """

    index: int
    source: str
    point: Point
    digest: bytes
    state: RunState
    values: Values
    value: float | None = None
    rungs: tuple[tuple[int, int, float], ...] = ()

    @property
    def number(self) -> int:
        """What stands for it where numbers of runs stand."""
        return -self.index


NOTES_A_RUN = 2


def observations_of(method: Method, count: int) -> int:
    """Return how many numbered observations a study is told of so many prior runs."""
    return NOTES_A_RUN * count if method is Method.BAYES else 0


def digests_of(priors: Iterable[PriorRun]) -> dict[bytes, int]:
    """Return how often each point was tried."""
    digests: dict[bytes, int] = {}
    for prior in priors:
        digests[prior.digest] = digests.get(prior.digest, 0) + 1
    return digests


def notes_of(sweep: Sweep, priors: Iterable[PriorRun]) -> Iterator[StudyNoted]:
    """Yield the observations: each run was handed out, and has ended."""
    if sweep.spec.method is not Method.BAYES:
        return
    for prior in priors:
        first = NOTES_A_RUN * (prior.index - 1) + 1
        yield StudyNoted(sweep=sweep.key, number=first, run=prior.number, event=StudyEvent.HANDED_OUT)
        yield StudyNoted(
            sweep=sweep.key,
            number=first + 1,
            run=prior.number,
            event=StudyEvent.ENDED,
            iterations=prior.values.iterations,
            value=prior.value,
            best=prior.values.best,
            worst=prior.values.worst,
            last=prior.values.last,
            outcome=OUTCOMES[prior.state],
        )
