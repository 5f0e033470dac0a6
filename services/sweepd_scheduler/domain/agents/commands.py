"""Commands to agents: the stop of a run, and the numbers by which results refer to commands."""

from sweepd_scheduler.domain.agents.agent import PendingCommand
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.effects import StopRun
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import Run, RunKey, Stop, StopMode


def new_command(draft: Draft, session: str, key: RunKey, attempt: int, *, starts: bool) -> int:
    """Register a command until its result arrives, and return its number."""
    holdings = draft.state.holdings[session]
    number = holdings.next_command
    holdings.next_command += 1
    draft.state.undo_log.put(
        holdings.commands, number, PendingCommand(key=key, attempt=attempt, starts=starts)
    )
    return number


def stop(draft: Draft, run: Run, mode: StopMode, reason: str) -> Run:
    """Record that a live run has to stop, and send its agent the command to end it; return the run."""
    stopping = replace(run, stop=Stop(mode=mode, reason=reason))
    draft.put_run(stopping)
    send_stop(draft, stopping)
    return stopping


def send_stop(draft: Draft, run: Run) -> None:
    """If a run has to stop, send its agent the command; a disconnected agent gets it on attaching again."""
    placement = draft.state.placements.get(run.key)
    if placement is None or run.stop is None:
        return
    command = new_command(draft, placement.session, run.key, run.attempt, starts=False)
    draft.send(placement.session, StopRun(command, placement.ref, run.stop.mode, run.stop.reason))
