"""States of runs, attempts and sweeps, and the tables of their transitions.

A table maps each state to the states that may follow it, and None to the initial states. `Draft`
checks each transition against its table before it stages the change.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

S = TypeVar("S", bound=StrEnum)


class RunState(StrEnum):
    """State of a run, as users see it."""

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
    """State of a sweep, as users see it."""

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

# A new run is stored as pending if it has to wait, else as assigned, with its first hand-out. A run whose
# attempt was given up is pending; if its agent reattaches before the run is handed out again, it is running
# again. A final run, unless finished, is pending after a person has retried it; no other event changes it.
RUN_TRANSITIONS: Mapping[RunState | None, frozenset[RunState]] = {
    None: frozenset({RunState.PENDING, RunState.ASSIGNED}),
    RunState.PENDING: LIVE_RUN | (FINAL_RUN - {RunState.CRASHED}),
    RunState.ASSIGNED: FINAL_RUN | {RunState.PENDING, RunState.RUNNING},
    RunState.RUNNING: FINAL_RUN | {RunState.PENDING},
    RunState.FINISHED: frozenset(),
    **dict.fromkeys(FINAL_RUN - {RunState.FINISHED}, frozenset({RunState.PENDING})),
}

# A standalone run is never handed out. It is running from its first claim. If its agent claims it after its
# end, it is running again: the script was restarted, or the run counted as crashed because its agent was
# silent.
STANDALONE_TRANSITIONS: Mapping[RunState | None, frozenset[RunState]] = {
    None: frozenset({RunState.RUNNING}),
    RunState.PENDING: frozenset(),
    RunState.ASSIGNED: frozenset(),
    RunState.RUNNING: FINAL_RUN,
    **dict.fromkeys(FINAL_RUN, frozenset({RunState.RUNNING})),
}

# ENDED is final. An attempt that was given up is running again if its agent reattaches before the run is
# handed out again.
ATTEMPT_TRANSITIONS: Mapping[AttemptState | None, frozenset[AttemptState]] = {
    None: frozenset({AttemptState.ASSIGNED}),
    AttemptState.ASSIGNED: frozenset(AttemptState) - {AttemptState.ASSIGNED},
    AttemptState.RUNNING: frozenset({AttemptState.SUSPECT, AttemptState.LOST, AttemptState.ENDED}),
    AttemptState.SUSPECT: frozenset(AttemptState) - {AttemptState.SUSPECT},
    AttemptState.LOST: frozenset({AttemptState.RUNNING}),
    AttemptState.RETURNED: frozenset({AttemptState.RUNNING}),
    AttemptState.ENDED: frozenset(),
}

# Each attempt of a standalone run begins with a claim. An attempt that the agent has skipped is stored as
# returned.
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

# The sweep that holds a project's standalone runs never hands out runs and never ends.
STANDING_SWEEP_TRANSITIONS: Mapping[SweepState | None, frozenset[SweepState]] = {
    None: frozenset({SweepState.RUNNING}),
    **dict.fromkeys(SweepState, frozenset[SweepState]()),
}


class IllegalTransitionError(AssertionError):
    """A state may not follow the previous state; this is a bug in the core."""


def check(table: Mapping[S | None, frozenset[S]], before: S | None, after: S, name: object) -> None:
    """Check that a table allows a transition.

    Args:
        table: the transitions.
        before: the current state; None for a new entity.
        after: the new state.
        name: name of the entity.

    Raises:
        IllegalTransitionError: the table does not allow it.
    """
    if after not in table[before]:
        raise IllegalTransitionError(f"{name}: {before} -> {after}")
