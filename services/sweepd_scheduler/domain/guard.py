"""Guards that keep a sweep from wasting runs: quarantine of agents and automatic pauses."""

from collections.abc import Iterable, Mapping

from sweepd_scheduler.domain.agents.agent import GuardRecord, QuarantineCause
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.effects import LogLine
from sweepd_scheduler.domain.eligibility import has_labels, notify_agent
from sweepd_scheduler.domain.events import QuarantineDue
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.state import RECENT_RUNS
from sweepd_scheduler.domain.sweep import PauseCause, Sweep
from sweepd_scheduler.domain.sweep import moved as sweep_moved
from sweepd_scheduler.domain.transitions import FINAL_SWEEP, LIVE_RUN, RunState, SweepState

FIRST_RUNS = 5
"""A sweep is paused if at least this many runs have ended and all failed, unless one agent is to blame."""
MAX_NAMED = 10
MAX_REASON = 500


def attempt_failed(draft: Draft, run: Run, reason: str) -> None:
    """Count a failure against the agent of a run, and quarantine the agent after too many in a row.

    Do neither while the sweep is paused automatically, as its agents are probably not to blame then.
    """
    sweep, agent = draft.state.sweeps.get(run.sweep), run.newest.agent
    if sweep is None or sweep.state in FINAL_SWEEP or sweep.paused_by_itself:
        return
    before = draft.state.index[run.sweep].guards.get(agent, GuardRecord())
    failures = before.failures + 1
    if before.is_quarantined or failures < sweep.spec.guard.agent:
        draft.put_guard(run.sweep, agent, replace(before, failures=failures))
        return
    guarded = GuardRecord(failures=failures, quarantine=QuarantineCause.FAILURES, reason=reason[:MAX_REASON])
    last = "because" if failures == 1 else "the last one because"
    _quarantine(draft, run, guarded, f"{guarded.description('there')}, {last}: {reason}")
    pause_if_all_quarantined(draft, run.sweep)


def cannot_start(draft: Draft, run: Run, reason: str) -> None:
    """Quarantine an agent that cannot start a run; the failure does not count against run or sweep."""
    sweep, agent = draft.state.sweeps.get(run.sweep), run.newest.agent
    if sweep is None or sweep.state in FINAL_SWEEP:
        return
    before = draft.state.index[run.sweep].guards.get(agent, GuardRecord())
    if not before.is_quarantined:
        guarded = replace(before, quarantine=QuarantineCause.START_FAILED, reason=reason[:MAX_REASON])
        _quarantine(draft, run, guarded, guarded.description("there"))


def _quarantine(draft: Draft, run: Run, guarded: GuardRecord, sentence: str) -> None:
    """Quarantine an agent: record it in the history, the log and the sweep's reason, and notify the agent."""
    sweep, agent = draft.state.sweeps[run.sweep], run.newest.agent
    draft.put_guard(run.sweep, agent, guarded)
    draft.record("agent-quarantined", run, agent=agent, cause=str(guarded.quarantine), reason=sentence)
    draft.effects.append(LogLine(f"{sweep.name}: agent {agent} is quarantined: {sentence}"))
    notify_agent(draft, run.sweep, agent)
    name_quarantined(draft, run.sweep)


def all_quarantined(draft: Draft, key: int) -> bool:
    """Return True if agents that could take runs of a sweep are attached, and all are quarantined."""
    held = {agent for agent, each in draft.state.index[key].guards.items() if each.is_quarantined}
    if not held:
        return False
    attached = attached_agents(draft, key)
    return bool(attached) and attached <= held


def attached_agents(draft: Draft, key: int) -> set[str]:
    """Return the attached agents with the labels that a sweep requires, and those with a live run of it.

    An agent with a live run counts until the attempt is lost, even while its stream is down.
    """
    state, sweep, index = draft.state, draft.state.sweeps[key], draft.state.index[key]
    sessions = (state.sessions[each] for each in index.serving)
    labelled = {session.agent for session in sessions if has_labels(sweep, session)}
    unfinished = (state.runs[(key, number)] for number in index.unfinished)
    return labelled | {run.newest.agent for run in unfinished if run.state in LIVE_RUN}


def pause_if_all_quarantined(draft: Draft, key: int) -> None:
    """Pause a sweep that has runs to hand out, if all attached agents are quarantined."""
    sweep = draft.state.sweeps.get(key)
    if sweep is None or not sweep.hands_out or sweep.name.is_standing:
        return
    index = draft.state.index[key]
    if (sweep.starts_new_runs or len(index.pending)) and all_quarantined(draft, key):
        reason = f"every attached agent is quarantined: {quarantine_sentence(index.guards)}"
        pause(draft, sweep, PauseCause.ALL_AGENTS_QUARANTINED, reason)


def quarantine_due(draft: Draft, event: QuarantineDue) -> None:
    """Pause a sweep if all attached agents are still quarantined."""
    pause_if_all_quarantined(draft, event.sweep)


def watch_attached(draft: Draft, keys: Iterable[int]) -> None:
    """Set a timer that pauses each sweep whose attached agents are all quarantined, unless this changes."""
    for key in keys:
        if key in draft.state.sweeps and all_quarantined(draft, key):
            draft.later(draft.state.timeouts.lost_after, QuarantineDue(key))


def attempt_worked(draft: Draft, run: Run) -> None:
    """Clear the failures counted against an agent after a run finished or was stopped; keep a quarantine."""
    index = draft.state.index.get(run.sweep)
    guarded = index.guards.get(run.newest.agent) if index else None
    if guarded is not None and not guarded.is_quarantined:
        draft.put_guard(run.sweep, run.newest.agent, None)


def name_quarantined(draft: Draft, key: int) -> None:
    """Name the quarantined agents in the reason that a sweep shows, unless it has another reason."""
    sweep = draft.state.sweeps.get(key)
    if (
        sweep is None
        or sweep.state not in (SweepState.PENDING, SweepState.RUNNING)
        or sweep.ending is not None
    ):
        return
    reason = quarantine_sentence(draft.state.index[key].guards)
    if reason != sweep.reason:
        draft.put_sweep(replace(sweep, reason=reason))


def quarantine_sentence(guards: Mapping[str, GuardRecord]) -> str:
    """Return a sentence that names quarantined agents, the cause and the remedy; empty if there are none."""
    held = {agent: guards[agent] for agent in sorted(guards) if guards[agent].is_quarantined}
    if not held:
        return ""
    if len(held) == 1:
        ((agent, guarded),) = held.items()
        last = f", the last one because: {guarded.reason}" if guarded.failures > 1 else f": {guarded.reason}"
        why = (
            f"it cannot start runs: {guarded.reason}"
            if guarded.quarantine is QuarantineCause.START_FAILED
            else f"too many attempts failed there in a row{last}"
        )
        release = f"fix the cause, then release it: sweepctl agents release {agent}"
        return f"agent {agent} gets no more runs, as {why}; {release}"
    named = ", ".join([*held][:MAX_NAMED]) + (", …" if len(held) > MAX_NAMED else "")
    why = " or ".join(_WHY[cause] for cause in QuarantineCause if cause in _causes(held.values()))
    return (
        f"agents {named} get no more runs, as {why}; "
        "fix the cause, then release each: sweepctl agents release AGENT"
    )


_WHY = {
    QuarantineCause.FAILURES: "too many attempts failed on each in a row",
    QuarantineCause.START_FAILED: "they cannot start runs",
}


def _causes(held: Iterable[GuardRecord]) -> set[QuarantineCause | None]:
    return {each.quarantine for each in held}


def run_failed(draft: Draft, run: Run, reason: str) -> None:
    """Pause a sweep after a run has failed, if all of its first runs or too many of its last runs failed."""
    key = run.sweep
    sweep = draft.state.sweeps[key]
    if not sweep.starts_new_runs:
        return
    if _first_runs_failed(draft, run):
        failed = sweep.counts.ended
        sentence = f"the first {failed} runs have all failed, the last one because: {reason}"
        _pause_for_failures(draft, sweep, PauseCause.FIRST_RUNS_FAILED, sentence)
        return
    recent = draft.state.index[key].recent
    share = sweep.spec.guard.sweep
    if share is not None and len(recent) == RECENT_RUNS and sum(recent) / RECENT_RUNS >= share:
        sentence = f"{sum(recent)} of the last {RECENT_RUNS} runs have failed, the last one because: {reason}"
        _pause_for_failures(draft, sweep, PauseCause.FAILED_SHARE, sentence)


def _first_runs_failed(draft: Draft, run: Run) -> bool:
    """Return True if all of the first runs failed, and not just because of one agent.

    The runs are to blame if they failed on several agents, or if no other agent is attached and no run is
    live. An agent counts as failing until an attempt on it succeeds.
    """
    sweep, guards = draft.state.sweeps[run.sweep], draft.state.index[run.sweep].guards
    ended, failed = sweep.counts.ended, sweep.counts.of(RunState.FAILED)
    if sweep.guarded_from or ended != failed or failed < FIRST_RUNS:
        return False
    failing = {run.newest.agent} | {agent for agent, each in guards.items() if each.failures}
    if len(failing) > 1:
        return True
    held = {agent for agent, each in guards.items() if each.is_quarantined}
    others = attached_agents(draft, run.sweep) - failing - held
    return not others and not any(sweep.counts.of(state) for state in LIVE_RUN)


def reset_counts(draft: Draft, key: int) -> None:
    """Reset the failure counts of a sweep, as a person has resumed it or retried runs."""
    sweep = draft.state.sweeps[key]
    draft.put_sweep(replace(sweep, guarded_from=sweep.counts.ended))
    draft.forget_recent(key)
    name_quarantined(draft, key)


def pause(draft: Draft, sweep: Sweep, cause: PauseCause, reason: str) -> None:
    """Pause a sweep automatically, and record the cause in the history and the log."""
    paused = sweep_moved(sweep, SweepState.PAUSED, reason=reason, pause_cause=cause)
    draft.record("sweep-paused", sweep=paused, cause=cause, reason=reason)
    draft.effects.append(LogLine(f"{sweep.name} is paused: {reason}"))
    draft.put_sweep(paused)


def _pause_for_failures(draft: Draft, sweep: Sweep, cause: PauseCause, sentence: str) -> None:
    """Pause a sweep because its runs fail; clear the failures counted against agents, keep quarantines."""
    pause(draft, sweep, cause, f"{sentence}; fix the cause, then resume")
    guards = draft.state.index[sweep.key].guards
    for agent in [agent for agent, each in guards.items() if not each.is_quarantined]:
        draft.put_guard(sweep.key, agent, None)
