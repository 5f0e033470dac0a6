"""The canary: one run goes first, and when it ends without the objective the sweep has failed."""

from sweepd.spec import Metric
from sweepd_scheduler.domain.runs.run import LIVE, Run, RunState
from sweepd_scheduler.domain.sweeps.objective import missing_sentence
from sweepd_scheduler.domain.sweeps.sweep import FINAL, Ending, Sweep


def waits_for_canary(sweep: Sweep) -> bool:
    """Tell whether no run but one may be under way, as nobody has seen the objective yet."""
    return sweep.spec.canary and not sweep.objective_seen


def canary_under_way(sweep: Sweep) -> bool:
    """Tell whether a first run is out to show that runs can work; no other goes out beside it."""
    return waits_for_canary(sweep) and any(sweep.counts.of(state) for state in LIVE)


def canary_failed(sweep: Sweep, run: Run) -> bool:
    """Tell whether a run that has just ended was the canary, in vain. One that was never started is none."""
    goes_on = sweep.state not in FINAL and sweep.ending is not Ending.STOP
    return waits_for_canary(sweep) and goes_on and bool(run.attempts)


def canary_sentence(metric: Metric, run: Run, reason: str) -> str:
    """Say why a sweep has failed with its first run.

    Args:
        metric: the objective.
        run: the canary, in its final state.
        reason: why it ended, may be empty.
    """
    if run.state is not RunState.FINISHED:
        why = f": {reason}" if reason else ""
        return f"the canary run {run.number} {_WORDS[run.state]} before it logged `{metric.name}`{why}"
    if run.values.logged or metric.name in run.logged_keys:
        return f"the canary run {run.number} logged `{metric.name}`, but never as a finite number"
    return f"the canary run {run.number} has ended: {missing_sentence(metric, run.logged_keys)}"


_WORDS = {
    RunState.FAILED: "failed",
    RunState.CRASHED: "crashed",
    RunState.STOPPED: "was stopped",
    RunState.KILLED: "was killed",
}
