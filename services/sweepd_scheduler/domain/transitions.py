"""States of runs, attempts and sweeps, and the tables of their transitions.

A table maps a state to those that may follow it, and None to the first states of what does not exist yet.
`Draft` is the only gate: it checks each change of a state against its table before the change is staged.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

S = TypeVar("S", bound=StrEnum)


class RunState(StrEnum):
    """State of a run, in the words that people see."""

    PENDING = "pending"
    ASSIGNED = "assigned"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CRASHED = "crashed"
    STOPPED = "stopped"
    KILLED = "killed"


class AttemptState(StrEnum):
    """State of one hand-out of a run."""

    ASSIGNED = "assigned"
    RUNNING = "running"
    SUSPECT = "suspect"
    LOST = "lost"
    ENDED = "ended"
    RETURNED = "returned"


class SweepState(StrEnum):
    """State of a sweep, in the words that people see."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    FAILED = "failed"


FINAL_RUN = frozenset(
    {RunState.FINISHED, RunState.FAILED, RunState.CRASHED, RunState.STOPPED, RunState.KILLED}
)
LIVE_RUN = frozenset({RunState.ASSIGNED, RunState.RUNNING})
HELD_ATTEMPT = frozenset({AttemptState.ASSIGNED, AttemptState.RUNNING, AttemptState.SUSPECT})
"""States in which an attempt still belongs to its agent."""

FINAL_SWEEP = frozenset({SweepState.FINISHED, SweepState.STOPPED, SweepState.CANCELLED, SweepState.FAILED})

# A run is stored as pending where it has to wait, else as assigned with its first hand-out.
# A run that was given up is pending; if its agent comes back before anyone took it, it is running again.
# A final run is pending again when a person retries it, unless it has finished; nothing else moves it.
RUN_TRANSITIONS: Mapping[RunState | None, frozenset[RunState]] = {
    None: frozenset({RunState.PENDING, RunState.ASSIGNED}),
    RunState.PENDING: LIVE_RUN | (FINAL_RUN - {RunState.CRASHED}),
    RunState.ASSIGNED: FINAL_RUN | {RunState.PENDING, RunState.RUNNING},
    RunState.RUNNING: FINAL_RUN | {RunState.PENDING},
    RunState.FINISHED: frozenset(),
    **dict.fromkeys(FINAL_RUN - {RunState.FINISHED}, frozenset({RunState.PENDING})),
}

# A standalone run is never handed out. It is running from its first claim on, and again after any end when
# its agent claims it: the script was started again, or it crashed only because its agent was silent.
STANDALONE_TRANSITIONS: Mapping[RunState | None, frozenset[RunState]] = {
    None: frozenset({RunState.RUNNING}),
    RunState.PENDING: frozenset(),
    RunState.ASSIGNED: frozenset(),
    RunState.RUNNING: FINAL_RUN,
    **dict.fromkeys(FINAL_RUN, frozenset({RunState.RUNNING})),
}

# The end of an attempt is final. One that was given up resumes if its agent comes back before another has it.
ATTEMPT_TRANSITIONS: Mapping[AttemptState | None, frozenset[AttemptState]] = {
    None: frozenset({AttemptState.ASSIGNED}),
    AttemptState.ASSIGNED: frozenset(AttemptState) - {AttemptState.ASSIGNED},
    AttemptState.RUNNING: frozenset({AttemptState.SUSPECT, AttemptState.LOST, AttemptState.ENDED}),
    AttemptState.SUSPECT: frozenset(AttemptState) - {AttemptState.SUSPECT},
    AttemptState.LOST: frozenset({AttemptState.RUNNING}),
    AttemptState.RETURNED: frozenset({AttemptState.RUNNING}),
    AttemptState.ENDED: frozenset(),
}

# The attempts of a standalone run begin with its claims; one that was never reported is returned at once.
STANDALONE_ATTEMPT_TRANSITIONS: Mapping[AttemptState | None, frozenset[AttemptState]] = {
    **ATTEMPT_TRANSITIONS,
    None: frozenset({AttemptState.RUNNING, AttemptState.RETURNED}),
}

SWEEP_TRANSITIONS: Mapping[SweepState | None, frozenset[SweepState]] = {
    None: frozenset({SweepState.PENDING}),
    SweepState.PENDING: FINAL_SWEEP | {SweepState.RUNNING, SweepState.PAUSED},
    SweepState.RUNNING: FINAL_SWEEP | {SweepState.PAUSED},
    SweepState.PAUSED: FINAL_SWEEP | {SweepState.RUNNING, SweepState.PENDING},
    SweepState.CANCELLED: frozenset(),
    **dict.fromkeys(
        FINAL_SWEEP - {SweepState.CANCELLED}, frozenset({SweepState.RUNNING, SweepState.PENDING})
    ),
}

# What holds the standalone runs of a project never hands out and never ends.
STANDING_SWEEP_TRANSITIONS: Mapping[SweepState | None, frozenset[SweepState]] = {
    None: frozenset({SweepState.RUNNING}),
    **dict.fromkeys(SweepState, frozenset[SweepState]()),
}


class IllegalTransitionError(AssertionError):
    """A state that cannot follow the one before it; a defect of the core."""


def check(table: Mapping[S | None, frozenset[S]], before: S | None, after: S, name: object) -> None:
    """Refuse a state that may not follow the one before.

    Args:
        table: the transitions.
        before: None for what does not exist yet.
        after: the state that is to follow.
        name: of what is to change.

    Raises:
        IllegalTransitionError: the table does not have it.
    """
    if after not in table[before]:
        raise IllegalTransitionError(f"{name}: {before} -> {after}")
