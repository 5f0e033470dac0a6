"""Output of `decide`: changes to store, commands to agents, other effects, and decisions in steps."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias, TypeVar

from sweepd_kernel.errors import DomainError
from sweepd_scheduler.domain.agents.agent import AttemptRef, Guarded, Ineligible
from sweepd_scheduler.domain.events import Timer
from sweepd_scheduler.domain.requests.remembered import Remembered
from sweepd_scheduler.domain.requests.requests import Answer
from sweepd_scheduler.domain.runs.run import Attempt, Run, RunKey, StopMode
from sweepd_scheduler.domain.search.prior_runs import PriorRun
from sweepd_scheduler.domain.search.study import StudyObservation
from sweepd_scheduler.domain.sweep import Sweep
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


T = TypeVar("T")
Steps: TypeAlias = Generator[None, None, T]
"""Decision about many runs: each `yield` ends a step, and the return value is the decision.

Between steps the owner lets other tasks run. They see what was staged so far, as they do while it is being
stored. Nothing else is decided meanwhile, so a decision is whole: all of it is stored in one commit, or none.
"""

RUNS_A_STEP = 100
"""So many take a few milliseconds."""


def whole(steps: Steps[T]) -> T:
    """Take all steps at once and return what the decision is."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            decided: T = end.value
            return decided


# Changes.


@dataclass(frozen=True, slots=True)
class SweepChanged:
    """A sweep is new or different; the whole of it."""

    sweep: Sweep
    new: bool = False


@dataclass(frozen=True, slots=True)
class PriorRunsTaken:
    """A new sweep begins with prior runs: their observations and values at rungs go with them."""

    sweep: Sweep
    runs: tuple[PriorRun, ...]


@dataclass(frozen=True, slots=True)
class SweepEdited:
    """The specification of a sweep was edited."""

    sweep: Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChanged:
    """A run is new or different; the whole of it, but for its attempts. `value`: that for the search."""

    run: Run
    value: float | None
    new: bool = False


@dataclass(frozen=True, slots=True)
class AttemptChanged:
    """An attempt is new or different."""

    key: RunKey
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class RungReached:
    """The value of a run at a rung of one rule, counted from 0; None: its new attempt has not got there."""

    sweep: int
    rule: int
    rung: int
    run: int
    value: float | None


@dataclass(frozen=True, slots=True)
class GuardChanged:
    """An agent stands differently with the guard of a sweep; None: there is nothing against it."""

    sweep: int
    agent: str
    guarded: Guarded | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsChanged:
    """Details of a run have changed; they are stored unless newer ones are: (attempt, sequence) decides.

    `body` is a serialised `RunDetails`; nothing here looks into it. `display_name` and `tags` are what lists
    show of it.
    """

    key: RunKey
    attempt: int
    sequence: int
    body: bytes
    display_name: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """Entry of the history of a sweep or run. `detail`: plain JSON."""

    number: int
    time: int
    sweep: int
    kind: str
    run: int = 0
    attempt: int = 0
    detail: Mapping[str, str | int | float] = field(default_factory=dict)


Change = (
    SweepChanged
    | PriorRunsTaken
    | SweepEdited
    | RunChanged
    | AttemptChanged
    | RungReached
    | GuardChanged
    | DetailsChanged
    | StudyObservation
    | HistoryEntry
    | Remembered
)


@dataclass(frozen=True, slots=True)
class SendCommand:
    """Send a command on a session."""

    session: str
    command: Command


@dataclass(frozen=True, slots=True)
class CloseSession:
    """End the stream of a session; no process ends by it."""

    session: str
    error: DomainError


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Deliver the event at its time, in monotonic seconds."""

    at: float
    event: Timer


@dataclass(frozen=True, slots=True)
class AskStudy:
    """Send the engine the new observations of a sweep, and ask it for points."""

    sweep: int
    count: int


@dataclass(frozen=True, slots=True)
class LogLine:
    """Log a line for the operators of the server."""

    message: str


Effect = SendCommand | CloseSession | SetTimer | AskStudy | LogLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Changes to store, effects that follow, and the answer to a request."""

    changes: tuple[Change, ...] = ()
    effects: tuple[Effect, ...] = ()
    answer: Answer | None = None
