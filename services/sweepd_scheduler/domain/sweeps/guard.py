"""What keeps a sweep from wasting runs: agents that are held, and pauses by itself."""

from collections.abc import Iterable

from sweepd_scheduler.domain.agents.agent import Guarded
from sweepd_scheduler.domain.decision import LogLine
from sweepd_scheduler.domain.handing_out.eligibility import tell_standing
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import Run, RunState
from sweepd_scheduler.domain.state import RECENT_RUNS
from sweepd_scheduler.domain.sweeps.sweep import FINAL, PauseCause, Sweep, SweepState
from sweepd_scheduler.domain.sweeps.sweep import moved as sweep_moved
from sweepd_scheduler.domain.turn import Turn

FIRST_RUNS = 5
"""When so many runs are the first ones and have all failed, the sweep pauses."""
MAX_NAMED = 10


def attempt_failed(turn: Turn, run: Run, reason: str) -> None:
    """Count a failure against the agent of a run, and hold the agent when there are too many in a row.

    While a sweep is paused by itself, its runs are to blame and not the agents; when it is over, nobody is.
    """
    sweep, agent = turn.state.sweeps.get(run.sweep), run.newest.agent
    if sweep is None or sweep.state in FINAL or sweep.paused_by_itself:
        return
    before = turn.state.index[run.sweep].guards.get(agent, Guarded(failures=0))
    failures = before.failures + 1
    held = before.held or failures >= sweep.spec.guard.agent
    guarded = Guarded(failures=failures, held=held)
    turn.put_guard(run.sweep, agent, guarded)
    if held and not before.held:
        last = "because" if failures == 1 else "the last one because"
        told = f"{guarded.told('there')}, {last}: {reason}"
        turn.note("agent-held", run, agent=agent, reason=told)
        turn.effects.append(LogLine(f"{sweep.name}: agent {agent} gets no more runs of it: {told}"))
        tell_standing(turn, run.sweep, agent)
        name_held(turn, run.sweep)


def attempt_worked(turn: Turn, run: Run) -> None:
    """Forget the failures of an agent, as a run ended well there, or was stopped; a held one stays held."""
    index = turn.state.index.get(run.sweep)
    guarded = index.guards.get(run.newest.agent) if index else None
    if guarded is not None and not guarded.held:
        turn.put_guard(run.sweep, run.newest.agent, None)


def name_held(turn: Turn, key: int) -> None:
    """Let the reason of a sweep name the agents that are held, while it has nothing else to say."""
    sweep = turn.state.sweeps.get(key)
    if (
        sweep is None
        or sweep.state not in (SweepState.PENDING, SweepState.RUNNING)
        or sweep.ending is not None
    ):
        return
    reason = held_sentence(agent for agent, each in turn.state.index[key].guards.items() if each.held)
    if reason != sweep.reason:
        turn.put_sweep(replace(sweep, reason=reason))


def held_sentence(agents: Iterable[str]) -> str:
    """Say which agents get no more runs, and what to do; nothing for none."""
    held = sorted(agents)
    if not held:
        return ""
    if len(held) == 1:
        return (
            f"agent {held[0]} gets no more runs, as too many attempts failed there in a row; "
            f"mend the cause, then release it: sweepctl agents release {held[0]}"
        )
    named = ", ".join(held[:MAX_NAMED]) + (", …" if len(held) > MAX_NAMED else "")
    return (
        f"agents {named} get no more runs, as too many attempts failed on each in a row; "
        "mend the cause, then release each: sweepctl agents release AGENT"
    )


def run_failed(turn: Turn, key: int, reason: str) -> None:
    """Pause a sweep whose first runs have all failed, or too many of its last: the next would fail too."""
    sweep = turn.state.sweeps[key]
    if not sweep.starts_new_runs:
        return
    ended, failed = sweep.counts.ended, sweep.counts.of(RunState.FAILED)
    if not sweep.guarded_from and ended == failed == FIRST_RUNS:
        told = f"the first {FIRST_RUNS} runs have all failed, the last one because: {reason}"
        _pause_for_failures(turn, sweep, PauseCause.FIRST_RUNS_FAILED, told)
        return
    recent = turn.state.index[key].recent
    share = sweep.spec.guard.sweep
    if share is not None and len(recent) == RECENT_RUNS and sum(recent) / RECENT_RUNS >= share:
        told = f"{sum(recent)} of the last {RECENT_RUNS} runs have failed, the last one because: {reason}"
        _pause_for_failures(turn, sweep, PauseCause.FAILED_SHARE, told)


def count_anew(turn: Turn, key: int) -> None:
    """Count the runs that end from here on alone: a person has mended what was wrong, and lets it go on."""
    sweep = turn.state.sweeps[key]
    turn.put_sweep(replace(sweep, guarded_from=sweep.counts.ended))
    turn.forget_recent(key)
    name_held(turn, key)


def pause(turn: Turn, sweep: Sweep, cause: PauseCause, reason: str) -> None:
    """Let a sweep hand out nothing more until a person resumes it."""
    paused = sweep_moved(sweep, SweepState.PAUSED, reason=reason, pause_cause=cause)
    turn.note("sweep-paused", sweep=paused, cause=cause, reason=reason)
    turn.effects.append(LogLine(f"{sweep.name} is paused: {reason}"))
    turn.put_sweep(paused)


def _pause_for_failures(turn: Turn, sweep: Sweep, cause: PauseCause, told: str) -> None:
    """Pause. The runs are to blame and not the agents: what counts against those not held is forgotten."""
    pause(turn, sweep, cause, f"{told}; fix it, then resume")
    guards = turn.state.index[sweep.key].guards
    for agent in [agent for agent, each in guards.items() if not each.held]:
        turn.put_guard(sweep.key, agent, None)
