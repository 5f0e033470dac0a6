"""What a new sweep looks up of its prior runs: made in steps, as they may have half a million values."""

from collections.abc import Sequence
from itertools import islice

from sweepd_scheduler.domain.early_termination.judging import Rung, cost
from sweepd_scheduler.domain.prior.prior_run import PriorRun, digests_of
from sweepd_scheduler.domain.state import SweepIndex, index_of
from sweepd_scheduler.domain.steps import Steps
from sweepd_scheduler.domain.sweeps.sweep import Sweep

VALUES_A_STEP = 500
"""So many take half a millisecond; a call that is answered meanwhile waits for several steps."""


def index_with(sweep: Sweep, priors: Sequence[PriorRun]) -> Steps[SweepIndex]:
    """Return the index of a sweep that has no runs yet, but begins with prior ones."""
    index, goal = index_of(sweep), sweep.goal
    index.digests = digests_of(priors)
    values = ((prior.number, each) for prior in priors for each in prior.rungs)
    while some := list(islice(values, VALUES_A_STEP)):
        for run, (rule, iteration, value) in some:
            index.rungs.setdefault((rule, iteration), Rung()).by_run[run] = cost(value, goal)
        yield
    done = 0
    for rung in index.rungs.values():
        rung.costs, rung.prior = sorted(rung.by_run.values()), len(rung.by_run)
        done += rung.prior
        if done > VALUES_A_STEP:
            done = 0
            yield
    return index
