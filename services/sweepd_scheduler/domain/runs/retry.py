"""Who gets another attempt: runs whose agent was lost, and as far as the sweep says so those that failed."""

from sweepd_scheduler.domain.handing_out.hand_out import serve_sweep
from sweepd_scheduler.domain.runs.run import Attempt, Run, RunState
from sweepd_scheduler.domain.runs.run_end import end, give_back
from sweepd_scheduler.domain.sweeps import guard
from sweepd_scheduler.domain.sweeps.sweep import FINAL, Ending, SweepState
from sweepd_scheduler.domain.turn import Turn


def lost(turn: Turn, run: Run, attempt: Attempt, reason: str) -> None:
    """Hand a run out again after its agent or machine was lost; crash it when that has happened too often."""
    sweep = turn.state.sweeps[run.sweep]
    allowed = sweep.spec.retry.infrastructure
    cancelled = sweep.state is SweepState.CANCELLED
    if attempt.preempting:  # it had said so: nobody is charged
        give_back(turn, run, attempt, f"{reason}; its script had said that its machine goes away")
        serve_sweep(turn, run.sweep)
    elif run.requeues >= allowed and not cancelled and run.stop is None:
        before = f"; it was requeued {_times(allowed)} before" if allowed else ""
        end(turn, run, RunState.CRASHED, f"{reason}{before}", attempt=attempt)
    else:
        give_back(turn, run, attempt, reason, requeues=1)
        serve_sweep(turn, run.sweep)


def failed(turn: Turn, run: Run, attempt: Attempt, reason: str) -> None:
    """Hand a run out again after it has failed, if the sweep allows it; else it has failed for good."""
    sweep = turn.state.sweeps[run.sweep]
    if run.stands_alone:
        end(turn, run, RunState.FAILED, reason, attempt=attempt)
        return
    allowed = sweep.spec.retry.failure
    goes_on = sweep.state not in FINAL and sweep.ending is not Ending.STOP and run.stop is None
    if run.failures < allowed and goes_on:
        guard.attempt_failed(turn, run, reason)
        told = f"{reason}; retry {run.failures + 1} of {allowed}"
        give_back(turn, run, attempt, told, failures=1)
        serve_sweep(turn, run.sweep)
        return
    before = f"; it was retried {_times(run.failures)} before" if run.failures else ""
    end(turn, run, RunState.FAILED, f"{reason}{before}", attempt=attempt)
    guard.attempt_failed(turn, run, reason)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
