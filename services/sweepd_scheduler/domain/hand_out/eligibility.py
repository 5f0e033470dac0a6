"""Why an agent gets no runs of a sweep: labels, quarantine, or what keeps them from all; it is told so."""

import shlex
from collections.abc import Mapping

from sweepd_scheduler.domain.agents.agent import Session, Withheld, WithheldReason
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.domain.states import LIVE_RUN, SweepState
from sweepd_scheduler.domain.sweep_index import SweepIndex
from sweepd_scheduler.domain.sweeps.sweep import ENDING_REASONS, PauseCause, Sweep

OWN_REASONS = frozenset({WithheldReason.LABELS, WithheldReason.GUARD})
"""Those that concern one agent alone."""


def has_labels(sweep: Sweep, session: Session) -> bool:
    """Tell whether an agent has the labels that a sweep requires."""
    return all(session.labels.get(label) == value for label, value in sweep.spec.requires.items())


def withheld(sweep: Sweep, session: Session, index: SweepIndex) -> Withheld | None:
    """Return why an agent gets no runs of a sweep; None if it does."""
    lacking = _lacking(sweep.spec.requires, session.labels)
    if lacking:
        name = str(sweep.name)
        message = f"{name} requires {lacking}; start the agent with {_flags(sweep.spec.requires)}"
        return Withheld(sweep=name, reason=WithheldReason.LABELS, message=message)
    guarded = index.guards.get(session.agent)
    if guarded is not None and guarded.held:
        name = str(sweep.name)
        message = (
            f"{guarded.told('here')}; agent {session.agent} gets no more runs of {name} "
            f"until a person releases it: sweepctl agents release {session.agent}"
        )
        return Withheld(sweep=name, reason=WithheldReason.GUARD, message=message)
    return None


def wait_of(state: State, sweep: Sweep) -> WithheldReason:
    """Return what keeps the runs of a sweep from every agent right now; none if it hands out to who asks."""
    index = state.index[sweep.key]
    if sweep.state is SweepState.PAUSED:
        return WithheldReason.PAUSED
    if not sweep.hands_out:  # its agents are told that it has ended
        return WithheldReason.NONE
    if canary_under_way(sweep):
        return WithheldReason.CANARY
    if len(index.pending):
        return WithheldReason.NONE
    if not sweep.starts_new_runs:
        return WithheldReason.ENDING
    if index.searching or state.studies[sweep.key].ask is not None:
        return WithheldReason.SUGGESTION
    return WithheldReason.NONE


def standing(state: State, sweep: Sweep, session: Session) -> Withheld | None:
    """Return why an agent gets no run of a sweep right now, whatever the reason; None if it does."""
    own = withheld(sweep, session, state.index[sweep.key])
    reason = wait_of(state, sweep)
    if own is not None or reason is WithheldReason.NONE:
        return own
    return Withheld(sweep=str(sweep.name), reason=reason, message=wait_sentence(sweep, reason))


def wait_sentence(sweep: Sweep, reason: WithheldReason) -> str:
    """Say what keeps the runs of a sweep from every agent, and what to do where a person can do something."""
    match reason:
        case WithheldReason.PAUSED:
            why = f" ({sweep.reason})" if sweep.reason else ""
            remedy = f"let it go on: sweepctl resume {sweep.name}"
            if sweep.pause_cause is PauseCause.ALL_AGENTS_QUARANTINED:
                remedy = "it goes on by itself when an agent is released, or another one attaches"
            return f"it is paused{why}; {remedy}"
        case WithheldReason.CANARY:
            metric = sweep.spec.metric.name if sweep.spec.metric else "the objective"
            return f"the first run is the canary: the others wait until it has logged `{metric}`"
        case WithheldReason.ENDING if sweep.ending is not None:
            live = sweep.counts.unfinished
            which = "1 run is" if live == 1 else f"{live} runs are"
            return f"{ENDING_REASONS[sweep.ending]}; {which} live, and what is given up there comes here"
        case WithheldReason.SUGGESTION:
            return "a suggestion is being worked out; it takes seconds"
        case _:
            return ""


def tell_standing(turn: Draft, key: int, session_id: str) -> None:
    """Tell an agent whether it gets runs of a sweep, if that is not what it was told last.

    What keeps them from every agent is told to one that would take a run, to the others when they would.
    """
    state = turn.state
    session, told = state.sessions[session_id], state.holdings[session_id].withheld
    now = standing(state, state.sweeps[key], session)
    reason = now.reason if now else WithheldReason.NONE
    before = told.get(key, WithheldReason.NONE)
    waits = session.room or before is not WithheldReason.NONE or reason in OWN_REASONS
    if reason is before or not waits:
        return
    state.journal.put(told, key, reason)
    turn.tell(session_id, now or Withheld(sweep=str(state.sweeps[key].name), reason=reason))


def tell_agent(turn: Draft, key: int, agent: str) -> None:
    """Tell an agent whether it gets runs of a sweep, after its own standing has changed."""
    session_id = turn.state.streams.get(agent)
    if session_id is not None and session_id in turn.state.index[key].serving:
        tell_standing(turn, key, session_id)


def tell_session(turn: Draft, session_id: str) -> None:
    """Tell an agent that would take a run of which sweeps it gets none."""
    session = turn.state.sessions.get(session_id)
    if session is not None and session.room:
        for key in session.sweeps:
            if key in turn.state.sweeps:
                tell_standing(turn, key, session_id)


def tell_serving(turn: Draft, key: int) -> None:
    """Tell those who serve a sweep whether they get runs of it."""
    for session_id in turn.state.index[key].serving:
        tell_standing(turn, key, session_id)


def tell_waits(turn: Draft) -> None:
    """Tell agents of what keeps runs of sweeps from all of them, where this decision has changed it."""
    for key in turn.touched:
        sweep = turn.state.sweeps.get(key)
        if sweep is not None and not sweep.name.stands_for_none:
            wait = wait_of(turn.state, sweep)
            if wait is not turn.state.index[key].wait:
                turn.put_wait(key, wait)
                tell_serving(turn, key)
    for session_id in turn.given:
        tell_session(turn, session_id)


def _lacking(required: Mapping[str, str], labels: Mapping[str, str]) -> str:
    wrong = [label for label, value in required.items() if labels.get(label) != value]
    return ", ".join(
        f"{label}={required[label]} (it has {labels[label]})"
        if label in labels
        else f"{label}={required[label]}"
        for label in wrong
    )


def _flags(required: Mapping[str, str]) -> str:
    return shlex.join(f"--label={label}={value}" for label, value in sorted(required.items()))


def waits_for_canary(sweep: Sweep) -> bool:
    """Tell whether no run but one may be under way, as nobody has seen the objective yet."""
    return sweep.spec.canary and not sweep.objective_seen


def canary_under_way(sweep: Sweep) -> bool:
    """Tell whether a first run is out to show that runs can work; no other goes out beside it."""
    return waits_for_canary(sweep) and any(sweep.counts.of(state) for state in LIVE_RUN)
