"""States of runs, attempts and sweeps, and which may follow each other."""

from enum import StrEnum


class RunState(StrEnum):
    """Where a run stands; the words that people see."""

    PENDING = "pending"
    ASSIGNED = "assigned"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CRASHED = "crashed"
    STOPPED = "stopped"
    KILLED = "killed"


class AttemptState(StrEnum):
    """Where one hand-out of a run stands."""

    ASSIGNED = "assigned"
    RUNNING = "running"
    SUSPECT = "suspect"
    LOST = "lost"
    ENDED = "ended"
    RETURNED = "returned"


FINAL_RUN = frozenset(
    {RunState.FINISHED, RunState.FAILED, RunState.CRASHED, RunState.STOPPED, RunState.KILLED}
)
LIVE_RUN = frozenset({RunState.ASSIGNED, RunState.RUNNING})
_ENDS = FINAL_RUN - {RunState.CRASHED}

# A run that was given up waits as pending; if its agent comes back before anyone took it, it goes on there.
# Final runs wait again, unless they finished well, when a person retries them; nothing else moves them.
RUN_TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    RunState.PENDING: _ENDS | LIVE_RUN,
    RunState.ASSIGNED: FINAL_RUN | {RunState.PENDING, RunState.RUNNING},
    RunState.RUNNING: FINAL_RUN | {RunState.PENDING},
    RunState.FINISHED: frozenset(),
} | dict.fromkeys(FINAL_RUN - {RunState.FINISHED}, frozenset({RunState.PENDING}))

# A standalone run is never handed out. It is running from its first claim on, and again after any end when
# its agent claims it: the script was started again, or it crashed only because its agent was silent.
STANDALONE_TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    RunState.PENDING: frozenset({RunState.RUNNING}),
    RunState.ASSIGNED: frozenset(),
    RunState.RUNNING: FINAL_RUN,
} | dict.fromkeys(FINAL_RUN, frozenset({RunState.RUNNING}))

# The end of an attempt is final. One that was given up goes on if its agent comes back before another has it.
ATTEMPT_TRANSITIONS: dict[AttemptState, frozenset[AttemptState]] = {
    AttemptState.ASSIGNED: frozenset(AttemptState) - {AttemptState.ASSIGNED},
    AttemptState.RUNNING: frozenset({AttemptState.SUSPECT, AttemptState.LOST, AttemptState.ENDED}),
    AttemptState.SUSPECT: frozenset(AttemptState) - {AttemptState.SUSPECT},
    AttemptState.LOST: frozenset({AttemptState.RUNNING}),
    AttemptState.RETURNED: frozenset({AttemptState.RUNNING}),
    AttemptState.ENDED: frozenset(),
}

# States in which an attempt still belongs to its agent.
HELD_ATTEMPT = frozenset({AttemptState.ASSIGNED, AttemptState.RUNNING, AttemptState.SUSPECT})


class IllegalTransitionError(AssertionError):
    """The core tried to bring a run, an attempt or a sweep into a state that cannot follow; a defect."""


class SweepState(StrEnum):
    """Where a sweep stands; the words that people see."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    FAILED = "failed"


FINAL_SWEEP = frozenset({SweepState.FINISHED, SweepState.STOPPED, SweepState.CANCELLED, SweepState.FAILED})

SWEEP_TRANSITIONS: dict[SweepState, frozenset[SweepState]] = {
    SweepState.PENDING: FINAL_SWEEP | {SweepState.RUNNING, SweepState.PAUSED},
    SweepState.RUNNING: FINAL_SWEEP | {SweepState.PAUSED},
    SweepState.PAUSED: FINAL_SWEEP | {SweepState.RUNNING, SweepState.PENDING},
    SweepState.CANCELLED: frozenset(),
} | dict.fromkeys(FINAL_SWEEP - {SweepState.CANCELLED}, frozenset({SweepState.RUNNING, SweepState.PENDING}))
