"""When an agent has failed too often: its own guard, that of the scheduler, and the line that says so."""

from sweepd_agent.core.events import Reason
from sweepd_agent.core.lines import how_ended, last_lines, printable, short_name
from sweepd_agent.core.state import FIRST_MINUTE, Failure, State

GUARDED = 9
"""The exit code of an agent whose guard has tripped."""

_FLAPPING = 3
_SHOWN_LINES = 3
_LONGEST_LINE = 200


def own_guard(state: State) -> str | None:
    """Return what a guard of the agent's own has to say; None while none has tripped."""
    settings = state.settings
    most = settings.max_failed_in_a_row
    if most is not None and state.failed_in_a_row >= most:
        runs = "1 run has failed" if most == 1 else f"{most} runs have failed in a row"
        return f"{runs} (--max-consecutive-failed-runs {most})"
    if settings.fail_fast and state.guarded_early >= _FLAPPING:
        return f"{_FLAPPING} runs have failed in the first {FIRST_MINUTE:g} s (--fail-fast)"
    least = settings.max_initial_failures
    # The one that has just ended is no argument for itself.
    if least is not None and state.guarded >= max(least, state.ended - 1):
        return f"{state.guarded} of {state.ended} runs have failed (--fail-fast)"
    return None


def scheduler_guard(state: State) -> str | None:
    """Return what holds this agent back from all that it serves; None unless that is guards alone."""
    sweeps = sorted(state.sweeps or state.served)
    said = [state.withheld.get(sweep) for sweep in sweeps]
    if not said or any(one is None or one.reason is not Reason.GUARD for one in said):
        return None
    names = ", ".join(sweep.rpartition("/")[2] for sweep in sweeps)
    return f"the guard of {'sweep' if len(sweeps) == 1 else 'sweeps'} {names} holds this agent"


def guard_line(guard: str, failure: Failure | None) -> str:
    """Return one line that names the guard, how the last run failed, and what it said last."""
    if failure is None:
        return guard
    how = failure.exit
    line = f"{guard}; run {short_name(failure.key)} {how_ended(how.cause, how.code, how.signal)}"
    if how.message:
        line += f": {printable(how.message)[:_LONGEST_LINE]}"
    last = last_lines(failure.log_tail, _SHOWN_LINES)
    return f"{line}; its last lines: {' | '.join(last)}" if last else line
