"""Which agents get runs of a sweep: those with the labels that it requires, unless its guard holds them."""

import shlex
from collections.abc import Mapping

from sweepd_scheduler.domain.agents.agent import Session
from sweepd_scheduler.domain.agents.welcome import Withheld, WithheldReason
from sweepd_scheduler.domain.state import SweepIndex
from sweepd_scheduler.domain.sweeps.sweep import Sweep
from sweepd_scheduler.domain.turn import Turn


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


def tell_standing(turn: Turn, key: int, agent: str) -> None:
    """Tell an agent whether it gets runs of a sweep, after that has changed."""
    session_id = turn.state.streams.get(agent)
    sweep, index = turn.state.sweeps[key], turn.state.index[key]
    if session_id is None or session_id not in index.serving:
        return
    standing = withheld(sweep, turn.state.sessions[session_id], index)
    turn.tell(session_id, standing or Withheld(sweep=str(sweep.name), reason=WithheldReason.NONE))


def tell_withheld(turn: Turn, key: int) -> None:
    """Tell those who serve a sweep that goes on again, and get nothing of it, why."""
    sweep, index = turn.state.sweeps[key], turn.state.index[key]
    for session_id in index.serving:
        standing = withheld(sweep, turn.state.sessions[session_id], index)
        if standing is not None:
            turn.tell(session_id, standing)


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
