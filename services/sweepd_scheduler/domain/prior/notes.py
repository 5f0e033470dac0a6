"""What a study is told of prior runs: numbered from 1, before anything of the sweep's own."""

from collections.abc import Iterable, Iterator

from sweepd.spec import Method
from sweepd_scheduler.domain.decision import StudyEvent, StudyNoted
from sweepd_scheduler.domain.prior.prior_run import NOTES_A_RUN, PriorRun
from sweepd_scheduler.domain.runs.results import OUTCOMES
from sweepd_scheduler.domain.sweeps.sweep import Sweep


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
