"""What comes out of `decide`: changes to be stored, and effects that follow once they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sweepd_kernel.errors import DomainError
from sweepd_scheduler.domain.agents.agent import AttemptRef, Guarded
from sweepd_scheduler.domain.agents.welcome import Welcome
from sweepd_scheduler.domain.agents.withheld import Withheld
from sweepd_scheduler.domain.answers import Answer
from sweepd_scheduler.domain.events import Timer
from sweepd_scheduler.domain.prior.prior_run import PriorRun
from sweepd_scheduler.domain.runs.run import Attempt, Run, RunKey, RunState, StopMode
from sweepd_scheduler.domain.sweeps.sweep import Sweep, SweepState

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
    """What is told of a run besides metrics; stored unless something newer is: (attempt, sequence) decides.

    `body` is a serialised `RunDetails`; nothing here looks into it. `display_name` and `tags` are what lists
    show of it.
    """

    key: RunKey
    attempt: int
    sequence: int
    body: bytes
    display_name: str = ""
    tags: tuple[str, ...] = ()


_REQUEST_BYTES = 150
"""Of a stored request besides its names and its response."""


class StudyEvent(StrEnum):
    """What a study is told."""

    HANDED_OUT = "handed-out"
    RUNG_REACHED = "rung-reached"
    VALUE_SO_FAR = "value-so-far"
    ENDED = "ended"


class Outcome(StrEnum):
    """What the search may conclude from a run's end."""

    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyNoted:
    """One numbered observation of a study."""

    sweep: int
    number: int
    run: int
    event: StudyEvent
    iterations: int = 0
    value: float | None = None
    best: float | None = None
    worst: float | None = None
    last: float | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One line of the record: what happened to whom. `detail`: plain JSON."""

    number: int
    time: int
    sweep: int
    kind: str
    run: int = 0
    attempt: int = 0
    detail: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A request: ids are known within one account and project only.

    `project` is empty, or stands for the projects of the caller's token, where a call concerns none by name.
    """

    account: str
    project: str
    request_id: str

    @property
    def owner(self) -> tuple[str, str]:
        """Account and project."""
        return (self.account, self.project)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A request and its response in the form in which that is kept, for the case that it is repeated.

    `time` is microseconds on the clock by which requests age.
    """

    key: RequestKey
    fingerprint: bytes
    response: bytes
    time: int

    @property
    def size_bytes(self) -> int:
        """Size that counts for quotas: on disk, rows and their indexes included."""
        names = (self.key.account, self.key.project, self.key.request_id)
        return _REQUEST_BYTES + 3 * sum(len(name.encode()) for name in names) + len(self.response)


Change = (
    SweepChanged
    | PriorRunsTaken
    | SweepEdited
    | RunChanged
    | AttemptChanged
    | RungReached
    | GuardChanged
    | DetailsChanged
    | StudyNoted
    | Happened
    | Remembered
)

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
    """How far the reports of an attempt are stored."""

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
class NotUnderstood:
    """A report made no sense."""

    what: str


@dataclass(frozen=True, slots=True)
class SweepEnded:
    """A sweep hands out no more runs."""

    name: str
    state: SweepState
    reason: str


Command = Welcome | StartRun | StopRun | Ack | Fenced | NotUnderstood | SweepEnded | Withheld


@dataclass(frozen=True, slots=True)
class Tell:
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
    """Tell the event when its time (monotonic seconds) has come."""

    at: float
    event: Timer


@dataclass(frozen=True, slots=True)
class AskStudy:
    """Tell the study of a sweep what is new, and ask it for points."""

    sweep: int
    count: int


@dataclass(frozen=True, slots=True)
class LogLine:
    """Something that the people who run the server should know."""

    message: str


Effect = Tell | CloseSession | SetTimer | AskStudy | LogLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to store, then what to do, and what the caller of a request is answered."""

    changes: tuple[Change, ...] = ()
    effects: tuple[Effect, ...] = ()
    answer: Answer | None = None
