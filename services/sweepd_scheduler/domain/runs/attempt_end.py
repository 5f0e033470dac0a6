"""Ends of attempts: the cause decides whether the run ends or is handed out again."""

import re
from signal import Signals

from sweepd_scheduler.domain import guard
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.hand_out import serve_sweep
from sweepd_scheduler.domain.runs.run import Attempt, Exit, ExitCause, Run
from sweepd_scheduler.domain.runs.run_end import check_objective, end, requeue
from sweepd_scheduler.domain.sweep import Ending
from sweepd_scheduler.domain.transitions import FINAL_SWEEP, RunState, SweepState


def conclude(draft: Draft, run: Run, attempt: Attempt, exit_: Exit, reason: str) -> str:
    """End or requeue a run according to the exit of its attempt; return a notice for the agent, or ""."""
    sweep = draft.state.sweeps[run.sweep]
    match exit_:
        case Exit(cause=ExitCause.EXITED, code=0):
            notice = check_objective(draft, run)
            guard.attempt_worked(draft, run)
            end(draft, run, RunState.FINISHED, notice, attempt=attempt)
            return notice
        case Exit(cause=ExitCause.COMMANDED):
            guard.attempt_worked(draft, run)
            state = RunState.KILLED if sweep.state is SweepState.CANCELLED else RunState.STOPPED
            end(draft, run, state, reason, attempt=attempt)
        case Exit(cause=ExitCause.HANDED_BACK):
            requeue(draft, run, attempt, reason)
            serve_sweep(draft, run.sweep)
        case Exit(cause=ExitCause.ORPHANED):
            lose_attempt(draft, run, attempt, reason)
        case Exit(cause=ExitCause.START_FAILED) if not run.is_standalone:
            guard.cannot_start(draft, run, exit_.message)
            requeue(draft, run, attempt, f"agent {attempt.agent} could not start it: {exit_.message}")
            guard.pause_if_all_quarantined(draft, run.sweep)
            serve_sweep(draft, run.sweep)
        case _:
            fail_attempt(draft, run, attempt, reason)
    return ""


def lose_attempt(draft: Draft, run: Run, attempt: Attempt, reason: str) -> None:
    """Requeue a run whose agent or machine was lost; end it as crashed if it was requeued too often."""
    sweep = draft.state.sweeps[run.sweep]
    allowed = sweep.spec.retry.infrastructure
    cancelled = sweep.state is SweepState.CANCELLED
    if attempt.preempting:  # this requeue does not count against the run
        requeue(draft, run, attempt, f"{reason}; its script had announced the preemption")
        serve_sweep(draft, run.sweep)
    elif run.requeues >= allowed and not cancelled and run.stop is None:
        before = f"; it was requeued {_times(allowed)} before" if allowed else ""
        end(draft, run, RunState.CRASHED, f"{reason}{before}", attempt=attempt)
    else:
        requeue(draft, run, attempt, reason, requeues=1)
        serve_sweep(draft, run.sweep)


def fail_attempt(draft: Draft, run: Run, attempt: Attempt, reason: str) -> None:
    """Requeue a run that has failed, if the sweep allows another retry; else end it as failed."""
    sweep = draft.state.sweeps[run.sweep]
    if run.is_standalone:
        end(draft, run, RunState.FAILED, reason, attempt=attempt)
        return
    allowed = sweep.spec.retry.failure
    may_retry = sweep.state not in FINAL_SWEEP and sweep.ending is not Ending.STOP and run.stop is None
    if run.failures < allowed and may_retry:
        guard.attempt_failed(draft, run, reason)
        sentence = f"{reason}; retry {run.failures + 1} of {allowed}"
        requeue(draft, run, attempt, sentence, failures=1)
        serve_sweep(draft, run.sweep)
        return
    before = f"; it was retried {_times(run.failures)} before" if run.failures else ""
    end(draft, run, RunState.FAILED, f"{reason}{before}", attempt=attempt)
    guard.attempt_failed(draft, run, reason)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


_ERROR_LINE = re.compile(
    r"^\s*(?:[\w.]*(?:Error|Exception|Interrupt|Exit)\b.*|.*\b(?:error|fatal|panic)\b.*)$", re.IGNORECASE
)
_NOTICE = "sweepd: "
"""Prefix of the SDK's warnings, which do not explain an exit."""

LONGEST_LINE = 300


def exit_sentence(run: Run, ended: Exit, log_tail: str) -> str:
    """Return a sentence on why a process ended; empty for exit code 0.

    For another exit code or a signal, the sentence quotes the last line of the log that mentions an error, or
    else the last line.
    """
    match ended.cause:
        case ExitCause.EXITED:
            sentence = ended.message or f"exited with code {ended.code}"
            return "" if ended.code == 0 else _with_line(sentence, log_tail)
        case ExitCause.SIGNALED:
            return _with_line(f"ended by {signal_name(ended.signal)}", log_tail)
        case ExitCause.OUT_OF_MEMORY:
            return "the kernel killed it because memory ran out"
        case ExitCause.COMMANDED:
            return run.stop.reason if run.stop else "ended on command"
        case ExitCause.START_FAILED:
            return f"could not be started: {ended.message or 'the agent gave no reason'}"
        case ExitCause.INVALID_COMMAND:
            return f"its command cannot be run: {ended.message or 'the agent gave no reason'}"
        case ExitCause.TIMEOUT:
            return "exceeded its time limit"
        case ExitCause.HANDED_BACK:
            return "its agent shut down and handed it back"
        case ExitCause.ORPHANED:
            return ended.message or "its process was lost, or ended because no agent reconnected to it"


def signal_name(number: int | None) -> str:
    """Return the name of a signal, such as `SIGKILL`."""
    try:
        return Signals(number or 0).name
    except ValueError:
        return f"signal {number}"


def _with_line(sentence: str, log_tail: str) -> str:
    lines = [line.strip() for line in log_tail.splitlines() if line.strip() and not line.startswith(_NOTICE)]
    error_line = next(
        (line for line in reversed(lines) if _ERROR_LINE.match(line)), lines[-1] if lines else ""
    )
    return f"{sentence}: {error_line[:LONGEST_LINE]}" if error_line else sentence
