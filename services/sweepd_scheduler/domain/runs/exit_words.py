"""How the end of a process is told to people."""

import re
from signal import Signals

from sweepd_scheduler.domain.runs.run import Exit, ExitCause, Run

_ERROR_LINE = re.compile(
    r"^\s*(?:[\w.]*(?:Error|Exception|Interrupt|Exit)\b.*|.*\b(?:error|fatal|panic)\b.*)$", re.IGNORECASE
)
_NOTICE = "sweepd: "
"""What the SDK says begins so: of arguments without effect, and the like. Nothing ends because of it."""

LONGEST_LINE = 300


def exit_sentence(run: Run, ended: Exit, log_tail: str) -> str:
    """Say why a process ended, with the log's last error line where that helps; empty for a plain exit 0."""
    match ended.cause:
        case ExitCause.EXITED:
            told = ended.message or f"exited with code {ended.code}"
            return "" if ended.code == 0 else _with_line(told, log_tail)
        case ExitCause.SIGNALED:
            return _with_line(f"ended by {signal_name(ended.signal)}", log_tail)
        case ExitCause.OUT_OF_MEMORY:
            return "the kernel ended it for want of memory"
        case ExitCause.COMMANDED:
            return run.stop.reason if run.stop else "ended on command"
        case ExitCause.START_FAILED:
            return f"could not be started: {ended.message or 'the agent does not say why'}"
        case ExitCause.INVALID_COMMAND:
            return f"its command cannot be run: {ended.message or 'the agent does not say why'}"
        case ExitCause.TIMEOUT:
            return "ran longer than it may"
        case ExitCause.HANDED_BACK:
            return "its agent was told to end and handed it back"
        case ExitCause.ORPHANED:
            return ended.message or "its process vanished, or ended because no agent came back for it"


def signal_name(number: int | None) -> str:
    """Return the name of a signal, as `SIGKILL`."""
    try:
        return Signals(number or 0).name
    except ValueError:
        return f"signal {number}"


def _with_line(told: str, log_tail: str) -> str:
    lines = [line.strip() for line in log_tail.splitlines() if line.strip() and not line.startswith(_NOTICE)]
    telling = next((line for line in reversed(lines) if _ERROR_LINE.match(line)), lines[-1] if lines else "")
    return f"{told}: {telling[:LONGEST_LINE]}" if telling else told
