"""Commands to agents."""

from dataclasses import dataclass, field
from enum import StrEnum

from sweepd_scheduler.domain.agents.agent import AttemptRef, Ineligible
from sweepd_scheduler.domain.runs.run import Run, StopMode
from sweepd_scheduler.domain.sweeps.sweep import Sweep
from sweepd_scheduler.domain.transitions import RunState, SweepState


class Fate(StrEnum):
    """Fate of an attempt that an agent reports."""

    KEEP = "keep"
    STOP = "stop"
    UNKNOWN = "unknown"
    DELIVER = "deliver"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptVerdict:
    """Verdict on one attempt of Hello."""

    ref: AttemptRef
    fate: Fate
    observation_row: int | None = None
    exited: bool = False
    # Of the run, where the end of the attempt is stored.
    run_state: RunState | None = None
    # Why an attempt counts no more.
    reason: str = ""
    details_sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Welcome:
    """The answer to Hello."""

    verdicts: tuple[AttemptVerdict, ...]
    ineligible: tuple[Ineligible, ...] = ()


# Effects.


@dataclass(frozen=True, slots=True)
class StartRun:
    """Start the newest attempt of a run. `secret` proves that it is the agent's; it is kept nowhere else."""

    command: int
    ref: AttemptRef
    run: Run
    sweep: Sweep
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StopRun:
    """End the process of an attempt."""

    command: int
    ref: AttemptRef
    mode: StopMode
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """Acknowledge the reports of an attempt as far as they are stored."""

    ref: AttemptRef
    observation_row: int | None = None
    run_state: RunState | None = None  # set once the end is stored
    notice: str = ""
    details_sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Fenced:
    """The attempt is no longer the run's newest."""

    ref: AttemptRef


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A report made no sense."""

    what: str


@dataclass(frozen=True, slots=True)
class SweepEnded:
    """A sweep hands out no more runs."""

    name: str
    state: SweepState
    reason: str


Instruction = Welcome | StartRun | StopRun | Fenced | Unsupported | SweepEnded | Ineligible
"""Command that keeps its place among the others; acknowledgements merge."""

Command = Instruction | Ack
