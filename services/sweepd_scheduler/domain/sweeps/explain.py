"""Explanation of what keeps the runs of a sweep, or one of them, from being handed out."""

import shlex
from dataclasses import dataclass
from enum import StrEnum

from sweepd_scheduler.domain.agents.agent import Ineligible, IneligibleReason, Session
from sweepd_scheduler.domain.eligibility import (
    OWN_REASONS,
    ineligible,
    reason_sentence,
    waits_for_canary,
)
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.domain.sweep_index import SweepIndex
from sweepd_scheduler.domain.sweeps.sweep import ENDING_REASONS, Ending, Sweep
from sweepd_scheduler.domain.transitions import FINAL_SWEEP, RunState, SweepState


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
    """Obstacle to the hand-out of runs. `message`: one sentence, with the remedy."""

    kind: ObstacleKind
    message: str


def obstacles_of_sweep(state: State, sweep: Sweep) -> tuple[Obstacle, ...]:
    """Return what keeps new runs of a sweep from being handed out, the most important first."""
    if sweep.state in FINAL_SWEEP or (not sweep.hands_out and sweep.state is not SweepState.PAUSED):
        return (_ended(sweep),)
    if sweep.key not in state.index:  # it has ended since it was read
        return (Obstacle(ObstacleKind.ENDED, "it has just ended"),)
    ended = () if sweep.ending is None else (_ended(sweep),)
    waiting = state.index[sweep.key].pending.first is not None
    if ended and not waiting:
        return ended
    return (*ended, *_in_the_way(state, sweep, waiting=waiting))


def obstacles_of_run(state: State, sweep: Sweep, run: Run) -> tuple[Obstacle, ...]:
    """Return what keeps a run that waits from being handed out, the most important first."""
    if run.state is not RunState.PENDING or sweep.key not in state.index:
        return ()
    before = sum(1 for _ in _before(state.index[sweep.key], run.number))
    queue: tuple[Obstacle, ...] = ()
    if before:
        runs = "1 run waits" if before == 1 else f"{before} runs wait"
        queue = (Obstacle(ObstacleKind.QUEUE, f"{runs} before it"),)
    return (*_in_the_way(state, sweep, waiting=True), *queue)


def _in_the_way(state: State, sweep: Sweep, *, waiting: bool) -> tuple[Obstacle, ...]:
    index = state.index[sweep.key]
    found: list[Obstacle] = []
    if sweep.state is SweepState.PAUSED:
        found.append(_paused(sweep))
    sessions = [state.sessions[session] for session in index.serving]
    found += _agents(sweep, index, sessions)
    if waits_for_canary(sweep) and sweep.counts.unfinished > len(index.pending):
        found.append(Obstacle(ObstacleKind.CANARY, reason_sentence(sweep, IneligibleReason.CANARY)))
    if not waiting and state.studies[sweep.key].ask is not None:
        found.append(Obstacle(ObstacleKind.SUGGESTION, reason_sentence(sweep, IneligibleReason.SUGGESTION)))
    return tuple(found)


def _agents(sweep: Sweep, index: SweepIndex, sessions: list[Session]) -> list[Obstacle]:
    if not sessions:
        labels = [f"--label={name}={value}" for name, value in sorted(sweep.spec.requires.items())]
        start = shlex.join(["sweep-agent", "--sweep", str(sweep.name), *labels])
        return [Obstacle(ObstacleKind.NO_AGENT, f"no agent serves it; start one: {start}")]
    standings = [ineligible(sweep, session, index) for session in sessions]
    if all(standings):
        held = [each for each in standings if each is not None]
        return [
            _withheld(held, reason)
            for reason in IneligibleReason
            if reason in OWN_REASONS and _of(held, reason)
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


def _withheld(held: list[Ineligible], reason: IneligibleReason) -> Obstacle:
    kind = ObstacleKind.LABELS if reason is IneligibleReason.LABELS else ObstacleKind.GUARD
    mine = _of(held, reason)
    others = len(mine) - 1
    more = f" (and so for {others} more agent{'s' if others > 1 else ''})" if others else ""
    return Obstacle(kind, f"{mine[0].message}{more}")


def _of(held: list[Ineligible], reason: IneligibleReason) -> list[Ineligible]:
    return [each for each in held if each.reason is reason]


_ENDS = {
    SweepState.FINISHED: "it is finished",
    SweepState.STOPPED: "it was stopped",
    SweepState.CANCELLED: "it was cancelled",
    SweepState.FAILED: "it has failed",
}


def _ended(sweep: Sweep) -> Obstacle:
    # The reason of a paused sweep is that of the pause.
    paused = sweep.state is SweepState.PAUSED
    reason = ENDING_REASONS[sweep.ending] if paused and sweep.ending else sweep.reason
    why = f": {reason}" if reason else ""
    what = _ENDS.get(sweep.state, "it starts no new runs")
    can_go_on = sweep.ending is Ending.CAP and sweep.state not in FINAL_SWEEP - {SweepState.FINISHED}
    remedy = f"; for more: sweepctl edit {sweep.name} --run-cap N" if can_go_on else ""
    return Obstacle(ObstacleKind.ENDED, f"{what}{why}{remedy}")


def _paused(sweep: Sweep) -> Obstacle:
    return Obstacle(ObstacleKind.PAUSED, reason_sentence(sweep, IneligibleReason.PAUSED))


def _before(index: SweepIndex, number: int) -> list[int]:
    order = list(index.pending)
    return order[: order.index(number)] if number in index.pending else []
