"""Eligibility of agents for runs of a sweep, and obstacles to the hand-out of runs."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sweepd_scheduler.domain.agents.agent import Ineligible, IneligibleReason, Session
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.state import State, SweepIndex
from sweepd_scheduler.domain.sweep import ENDING_REASONS, Ending, PauseCause, Sweep
from sweepd_scheduler.domain.transitions import FINAL_SWEEP, LIVE_RUN, RunState, SweepState

OWN_REASONS = frozenset({IneligibleReason.LABELS, IneligibleReason.GUARD})
"""Reasons that concern one agent alone; all others concern all agents of a sweep."""


def has_labels(sweep: Sweep, session: Session) -> bool:
    """Return True if an agent has the labels that a sweep requires."""
    return all(session.labels.get(label) == value for label, value in sweep.spec.requires.items())


def ineligible(sweep: Sweep, session: Session, index: SweepIndex) -> Ineligible | None:
    """Return a notice if labels or a quarantine keep an agent from getting runs of a sweep, else None."""
    lacking = _lacking(sweep.spec.requires, session.labels)
    if lacking:
        name = str(sweep.name)
        message = f"{name} requires {lacking}; start the agent with {_flags(sweep.spec.requires)}"
        return Ineligible(sweep=name, reason=IneligibleReason.LABELS, message=message)
    guarded = index.guards.get(session.agent)
    if guarded is not None and guarded.is_quarantined:
        name = str(sweep.name)
        message = (
            f"{guarded.description('here')}; agent {session.agent} gets no more runs of {name} "
            f"until a person releases it: sweepctl agents release {session.agent}"
        )
        return Ineligible(sweep=name, reason=IneligibleReason.GUARD, message=message)
    return None


def common_reason(state: State, sweep: Sweep) -> IneligibleReason:
    """Return the current reason why no agent gets runs of a sweep; NONE if there is none."""
    index = state.index[sweep.key]
    if sweep.state is SweepState.PAUSED:
        return IneligibleReason.PAUSED
    if not sweep.hands_out:  # its agents are notified of its end instead
        return IneligibleReason.NONE
    if canary_under_way(sweep):
        return IneligibleReason.CANARY
    if len(index.pending):
        return IneligibleReason.NONE
    if not sweep.starts_new_runs:
        return IneligibleReason.ENDING
    if index.searching or state.studies[sweep.key].ask is not None:
        return IneligibleReason.SUGGESTION
    return IneligibleReason.NONE


def ineligibility(state: State, sweep: Sweep, session: Session) -> Ineligible | None:
    """Return a notice if an agent gets no runs of a sweep now, for any reason; else None."""
    own = ineligible(sweep, session, state.index[sweep.key])
    reason = common_reason(state, sweep)
    if own is not None or reason is IneligibleReason.NONE:
        return own
    return Ineligible(sweep=str(sweep.name), reason=reason, message=reason_sentence(sweep, reason))


def reason_sentence(sweep: Sweep, reason: IneligibleReason) -> str:
    """Return a sentence on why no agent gets runs of a sweep, with the remedy, if any."""
    match reason:
        case IneligibleReason.PAUSED:
            why = f" ({sweep.reason})" if sweep.reason else ""
            remedy = f"resume it: sweepctl resume {sweep.name}"
            if sweep.pause_cause is PauseCause.ALL_AGENTS_QUARANTINED:
                remedy = "it resumes automatically when an agent is released or another one attaches"
            return f"it is paused{why}; {remedy}"
        case IneligibleReason.CANARY:
            metric = sweep.spec.metric.name if sweep.spec.metric else "the objective"
            return f"the first run is the canary: the others wait until it has logged `{metric}`"
        case IneligibleReason.ENDING if sweep.ending is not None:
            live = sweep.counts.unfinished
            live_runs = "1 run is live" if live == 1 else f"{live} runs are live"
            return f"{ENDING_REASONS[sweep.ending]}; {live_runs}; a run that is given up is handed out again"
        case IneligibleReason.SUGGESTION:
            return "a suggestion is being computed; this takes a few seconds"
        case _:
            return ""


def notify_session_of(draft: Draft, key: int, session_id: str) -> None:
    """Inform an agent why it gets no runs of a sweep, if the reason differs from the one last sent.

    A reason common to all agents is sent only to those that would take a run or were sent another reason.
    """
    state = draft.state
    session, sent = state.sessions[session_id], state.holdings[session_id].ineligible
    now = ineligibility(state, state.sweeps[key], session)
    reason = now.reason if now else IneligibleReason.NONE
    before = sent.get(key, IneligibleReason.NONE)
    waits = session.room or before is not IneligibleReason.NONE or reason in OWN_REASONS
    if reason is before or not waits:
        return
    state.undo_log.put(sent, key, reason)
    draft.send(session_id, now or Ineligible(sweep=str(state.sweeps[key].name), reason=reason))


def notify_agent(draft: Draft, key: int, agent: str) -> None:
    """Inform an agent whether it gets runs of a sweep, after a reason that concerns it alone has changed."""
    session_id = draft.state.streams.get(agent)
    if session_id is not None and session_id in draft.state.index[key].serving:
        notify_session_of(draft, key, session_id)


def notify_session(draft: Draft, session_id: str) -> None:
    """Inform an agent with free capacity whether it gets runs of the sweeps that it serves."""
    session = draft.state.sessions.get(session_id)
    if session is not None and session.room:
        for key in session.sweeps:
            if key in draft.state.sweeps:
                notify_session_of(draft, key, session_id)


def notify_serving(draft: Draft, key: int) -> None:
    """Inform the agents that serve a sweep whether they get runs of it."""
    for session_id in draft.state.index[key].serving:
        notify_session_of(draft, key, session_id)


def notify_changes(draft: Draft) -> None:
    """Notify agents of sweeps whose common reason has changed, and agents that got or confirmed a run."""
    for key in draft.touched:
        sweep = draft.state.sweeps.get(key)
        if sweep is not None and not sweep.name.is_standing:
            wait = common_reason(draft.state, sweep)
            if wait is not draft.state.index[key].wait:
                draft.put_wait(key, wait)
                notify_serving(draft, key)
    for session_id in draft.sessions_to_notify:
        notify_session(draft, session_id)


def _lacking(required: Mapping[str, str], labels: Mapping[str, str]) -> str:
    wrong = [label for label, value in required.items() if labels.get(label) != value]
    return ", ".join(
        f"{label}={required[label]} (the agent has {labels[label]})"
        if label in labels
        else f"{label}={required[label]}"
        for label in wrong
    )


def _flags(required: Mapping[str, str]) -> str:
    return shlex.join(f"--label={label}={value}" for label, value in sorted(required.items()))


def waits_for_canary(sweep: Sweep) -> bool:
    """Return True if a sweep with a canary allows only one live run, as no run has logged the objective."""
    return sweep.spec.canary and not sweep.objective_seen


def canary_under_way(sweep: Sweep) -> bool:
    """Return True if the canary is live; no other run is handed out meanwhile."""
    return waits_for_canary(sweep) and any(sweep.counts.of(state) for state in LIVE_RUN)


class ObstacleKind(StrEnum):
    """Kind of obstacle to a hand-out."""

    ENDED = "ended"
    PAUSED = "paused"
    NO_AGENT = "no-agent"
    LABELS = "labels"
    GUARD = "guard"
    NO_ROOM = "no-room"
    CANARY = "canary"
    SUGGESTION = "suggestion"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Obstacle to the hand-out of runs. `message`: one sentence, with the remedy, if any."""

    kind: ObstacleKind
    message: str


def obstacles_of_sweep(state: State, sweep: Sweep) -> tuple[Obstacle, ...]:
    """Return the obstacles to the hand-out of a sweep's runs, the most important first."""
    if sweep.state in FINAL_SWEEP or (not sweep.hands_out and sweep.state is not SweepState.PAUSED):
        return (_ended(sweep),)
    if sweep.key not in state.index:  # it has ended since it was read from the database
        return (Obstacle(ObstacleKind.ENDED, "it has just ended"),)
    ended = () if sweep.ending is None else (_ended(sweep),)
    waiting = state.index[sweep.key].pending.first is not None
    if ended and not waiting:
        return ended
    return (*ended, *_hand_out_obstacles(state, sweep, waiting=waiting))


def obstacles_of_run(state: State, sweep: Sweep, run: Run) -> tuple[Obstacle, ...]:
    """Return the obstacles to handing out a pending run, the most important first."""
    if run.state is not RunState.PENDING or sweep.key not in state.index:
        return ()
    before = sum(1 for _ in _before(state.index[sweep.key], run.number))
    queue: tuple[Obstacle, ...] = ()
    if before:
        runs = "1 run waits" if before == 1 else f"{before} runs wait"
        queue = (Obstacle(ObstacleKind.QUEUE, f"{runs} before it"),)
    return (*_hand_out_obstacles(state, sweep, waiting=True), *queue)


def _hand_out_obstacles(state: State, sweep: Sweep, *, waiting: bool) -> tuple[Obstacle, ...]:
    index = state.index[sweep.key]
    found: list[Obstacle] = []
    if sweep.state is SweepState.PAUSED:
        found.append(_paused(sweep))
    sessions = [state.sessions[session] for session in index.serving]
    found += _agent_obstacles(sweep, index, sessions)
    if waits_for_canary(sweep) and sweep.counts.unfinished > len(index.pending):
        found.append(Obstacle(ObstacleKind.CANARY, reason_sentence(sweep, IneligibleReason.CANARY)))
    if not waiting and state.studies[sweep.key].ask is not None:
        found.append(Obstacle(ObstacleKind.SUGGESTION, reason_sentence(sweep, IneligibleReason.SUGGESTION)))
    return tuple(found)


def _agent_obstacles(sweep: Sweep, index: SweepIndex, sessions: list[Session]) -> list[Obstacle]:
    if not sessions:
        labels = [f"--label={name}={value}" for name, value in sorted(sweep.spec.requires.items())]
        start = shlex.join(["sweep-agent", "--sweep", str(sweep.name), *labels])
        return [Obstacle(ObstacleKind.NO_AGENT, f"no agent serves it; start one: {start}")]
    standings = [ineligible(sweep, session, index) for session in sessions]
    if all(standings):
        held = [each for each in standings if each is not None]
        return [
            _own_obstacle(held, reason)
            for reason in IneligibleReason
            if reason in OWN_REASONS and _with_reason(held, reason)
        ]
    able = [
        session for session, ineligibility in zip(sessions, standings, strict=True) if ineligibility is None
    ]
    if any(session.room for session in able):
        return []
    slots = sum(session.slots for session in able)
    agents = "the only agent has its slot" if slots == 1 else f"all {slots} slots of the agents are"
    taken = f"{agents} taken" if slots != 1 else f"{agents} taken by a run"
    return [Obstacle(ObstacleKind.NO_ROOM, f"{taken}; wait, or start another agent")]


def _own_obstacle(held: list[Ineligible], reason: IneligibleReason) -> Obstacle:
    kind = ObstacleKind.LABELS if reason is IneligibleReason.LABELS else ObstacleKind.GUARD
    mine = _with_reason(held, reason)
    others = len(mine) - 1
    more = f" (the same holds for {others} more agent{'s' if others > 1 else ''})" if others else ""
    return Obstacle(kind, f"{mine[0].message}{more}")


def _with_reason(held: list[Ineligible], reason: IneligibleReason) -> list[Ineligible]:
    return [each for each in held if each.reason is reason]


_ENDS = {
    SweepState.FINISHED: "it is finished",
    SweepState.STOPPED: "it was stopped",
    SweepState.CANCELLED: "it was cancelled",
    SweepState.FAILED: "it has failed",
}


def _ended(sweep: Sweep) -> Obstacle:
    # While a sweep is paused, its reason is that of the pause.
    paused = sweep.state is SweepState.PAUSED
    reason = ENDING_REASONS[sweep.ending] if paused and sweep.ending else sweep.reason
    why = f": {reason}" if reason else ""
    what = _ENDS.get(sweep.state, "it starts no new runs")
    can_continue = sweep.ending is Ending.CAP and sweep.state not in FINAL_SWEEP - {SweepState.FINISHED}
    remedy = f"; for more runs: sweepctl edit {sweep.name} --run-cap N" if can_continue else ""
    return Obstacle(ObstacleKind.ENDED, f"{what}{why}{remedy}")


def _paused(sweep: Sweep) -> Obstacle:
    return Obstacle(ObstacleKind.PAUSED, reason_sentence(sweep, IneligibleReason.PAUSED))


def _before(index: SweepIndex, number: int) -> list[int]:
    order = list(index.pending)
    return order[: order.index(number)] if number in index.pending else []
