"""Output of the core: changes to store, commands to agents, other effects, and decisions in steps."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias, TypeVar

from sweepd_kernel.errors import DomainError
from sweepd_scheduler.domain.agents.agent import AttemptRef, GuardRecord, Ineligible
from sweepd_scheduler.domain.events import Timer
from sweepd_scheduler.domain.requests.remembered import Remembered
from sweepd_scheduler.domain.requests.requests import Answer
from sweepd_scheduler.domain.runs.run import Attempt, Run, RunKey, StopMode
from sweepd_scheduler.domain.search.prior_runs import PriorRun
from sweepd_scheduler.domain.search.study import StudyObservation
from sweepd_scheduler.domain.sweep import Sweep
from sweepd_scheduler.domain.transitions import RunState, SweepState


class Fate(StrEnum):
    """Fate of an attempt that an agent lists in Hello.

    KEEP: it continues. STOP: it has to end, as it no longer counts. UNKNOWN: the scheduler knows no such
    attempt of this agent. DELIVER: its end is stored, and the agent delivers its remaining data.
    """

    KEEP = "keep"
    STOP = "stop"
    UNKNOWN = "unknown"
    DELIVER = "deliver"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptVerdict:
    """Verdict on an attempt that an agent lists in Hello.

    Args:
        ref: the attempt.
        fate: whether it continues (see `Fate`).
        observation_row: the last stored row of its observations.
        exited: True if its end is stored.
        run_state: state of the run, if the end of the attempt is stored or the attempt no longer counts.
        reason: why the attempt no longer counts.
        details_sequence: sequence number of its last stored details.
    """

    ref: AttemptRef
    fate: Fate
    observation_row: int | None = None
    exited: bool = False
    run_state: RunState | None = None
    reason: str = ""
    details_sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Welcome:
    """Answer to Hello."""

    verdicts: tuple[AttemptVerdict, ...]
    ineligible: tuple[Ineligible, ...] = ()


# Effects.


@dataclass(frozen=True, slots=True)
class StartRun:
    """Command to start the newest attempt of a run.

    `secret`: proves later that the agent owns the attempt; only the digest of the secret is stored.
    """

    command: int
    ref: AttemptRef
    run: Run
    sweep: Sweep
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StopRun:
    """Command to end the process of an attempt."""

    command: int
    ref: AttemptRef
    mode: StopMode
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """Acknowledgement that reports of an attempt are stored."""

    ref: AttemptRef
    observation_row: int | None = None
    run_state: RunState | None = None  # set once the end of the attempt is stored
    notice: str = ""
    details_sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Fenced:
    """Notice that an attempt is no longer the run's newest."""

    ref: AttemptRef


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Answer to a report that cannot be decoded, is invalid or is about an unknown attempt."""

    what: str


@dataclass(frozen=True, slots=True)
class SweepEnded:
    """Notice that a sweep hands out no more runs."""

    name: str
    state: SweepState
    reason: str


Instruction = Welcome | StartRun | StopRun | Fenced | Unsupported | SweepEnded | Ineligible
"""Command that is sent in order. Acknowledgements are merged instead, as only the newest one matters."""

Command = Instruction | Ack


T = TypeVar("T")
Steps: TypeAlias = Generator[None, None, T]
"""Decision made in steps: each `yield` ends a step, and the return value is the decision.

Between steps, the owner lets other tasks run. They see the writes staged so far, as they do during a commit.
No other decision is made in between, so a decision is atomic: one commit stores all of it, or nothing.
"""

RUNS_PER_STEP = 100
"""Number of runs that one step processes, a few milliseconds of work."""


# Changes.


@dataclass(frozen=True, slots=True)
class SweepChanged:
    """New or changed sweep, in full."""

    sweep: Sweep
    new: bool = False


@dataclass(frozen=True, slots=True)
class PriorRunsTaken:
    """Prior runs of a new sweep, to be stored with their observations and values at rungs."""

    sweep: Sweep
    runs: tuple[PriorRun, ...]


@dataclass(frozen=True, slots=True)
class SweepEdited:
    """Sweep whose specification was edited."""

    sweep: Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChanged:
    """New or changed run, without its attempts. `value`: its value for the search."""

    run: Run
    value: float | None
    new: bool = False


@dataclass(frozen=True, slots=True)
class AttemptChanged:
    """New or changed attempt."""

    key: RunKey
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class RungReached:
    """New value of a run at a rung. None: the newest attempt has not reached the rung.

    `rule`: index of the early-termination rule, from 0.
    """

    sweep: int
    rule: int
    rung: int
    run: int
    value: float | None


@dataclass(frozen=True, slots=True)
class GuardChanged:
    """Changed record of an agent in the guard of a sweep; None: the record is removed."""

    sweep: int
    agent: str
    guarded: GuardRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsChanged:
    """Changed details of a run; the store ignores them unless their (attempt, sequence) is the highest.

    `body` is a serialised `RunDetails`; `display_name` and `tags` are copies from it, for lists of runs.
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
    """Effect: send a command on a session."""

    session: str
    command: Command


@dataclass(frozen=True, slots=True)
class CloseSession:
    """Effect: end the stream of a session; the agent's processes continue."""

    session: str
    error: DomainError


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Effect: submit an event at the time `at`, in monotonic seconds."""

    at: float
    event: Timer


@dataclass(frozen=True, slots=True)
class AskStudy:
    """Effect: send the engine the new observations of a sweep, and ask it for `count` points."""

    sweep: int
    count: int


@dataclass(frozen=True, slots=True)
class LogLine:
    """Effect: log a line for the operators of the server."""

    message: str


Effect = SendCommand | CloseSession | SetTimer | AskStudy | LogLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Changes to store, effects to execute once they are stored, and the answer if the event is a request."""

    changes: tuple[Change, ...] = ()
    effects: tuple[Effect, ...] = ()
    answer: Answer | None = None
