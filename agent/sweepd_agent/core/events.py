"""Events that go into `decide`, and effects that come out of it; any effect may be repeated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sweepd_agent.core.attempt import Assignment, AttemptKey, Exit, Json, Outcome, Place, StopMode, StopOrder


class Verdict(StrEnum):
    """Verdict of the scheduler on an attempt that Hello named."""

    KEEP = "keep"
    STOP = "stop"
    UNKNOWN = "unknown"
    DELIVER = "deliver"


class Refusal(StrEnum):
    """Reason why the scheduler refuses this agent."""

    AMBIGUOUS = "ambiguous name"
    NO_SUCH_SWEEP = "no such sweep"
    SWEEP_ENDED = "sweep ended"
    BAD_TOKEN = "bad token"  # noqa: S105 -- no token
    REPLACED = "replaced"
    NO_RUN = "run refused"
    NO_CONTEXT = "no such context"


class Wish(StrEnum):
    """Request of a person or the system that the agent ends."""

    INTERRUPT = "Ctrl-C"
    TERMINATE = "SIGTERM"


class Reason(StrEnum):
    """Reason why an agent gets no runs of a sweep; all but the first two concern every agent."""

    LABELS = "labels"
    GUARD = "guard"
    PAUSED = "paused"
    CANARY = "canary"
    ENDING = "ending"
    SUGGESTION = "suggestion"
    # One of a later version.
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Ineligibility:
    """That an agent gets no runs of a sweep, and why."""

    reason: Reason
    # For people, with the remedy.
    message: str


@dataclass(frozen=True, slots=True)
class _OfAttempt:
    key: AttemptKey


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOpened:
    """Welcome arrived."""

    lease: float
    verdicts: Mapping[AttemptKey, Verdict]
    # Attempts whose end is stored already.
    exited: frozenset[AttemptKey] = frozenset()
    # Reasons why stopped attempts count no more, where the scheduler has named one.
    reasons: Mapping[AttemptKey, str] = field(default_factory=dict)
    # Sweeps of which this agent gets no runs.
    ineligible: Mapping[str, Ineligibility] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SweepsNamed:
    """The full names of the sweeps that the agent serves are known."""

    sweeps: frozenset[str]


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """The stream is gone, whatever the cause."""

    # Monotonic time of the last message of the scheduler; None: now.
    last_received: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The scheduler refused the stream."""

    refusal: Refusal
    message: str


@dataclass(frozen=True, slots=True)
class StartReceived:
    """A run was handed out to this agent."""

    command_id: int
    assignment: Assignment


@dataclass(frozen=True, slots=True)
class Journalled(_OfAttempt):
    """An assignment is on disk, or could not be brought there."""

    command_id: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class StopReceived:
    """A process is to be ended."""

    command_id: int
    key: AttemptKey
    mode: StopMode
    reason: str


@dataclass(frozen=True, slots=True)
class DrainReceived:
    """The agent is to take nothing new."""

    command_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Fenced(_OfAttempt):
    """The attempt counts no more; `reason` says why."""

    reason: str = "another attempt took over"


@dataclass(frozen=True, slots=True)
class EligibilityChanged:
    """This agent gets no runs of a sweep from now on, for another reason than before, or gets them again."""

    sweep: str
    ineligibility: Ineligibility | None


@dataclass(frozen=True, slots=True)
class SweepEnded:
    """A sweep hands out no more runs."""

    sweep: str
    state: str
    reason: str


class ExitReported(_OfAttempt):
    """The end of an attempt went out on the stream of the moment."""


class ExitAcked(_OfAttempt):
    """The end of an attempt is stored."""


class Delivered(_OfAttempt):
    """Everything of an ended attempt is safe elsewhere."""


@dataclass(frozen=True, slots=True)
class ProcessStarted(_OfAttempt):
    """The process of an attempt runs."""

    pid: int


@dataclass(frozen=True, slots=True)
class ProcessEnded(_OfAttempt):
    """The process of an attempt is gone, with all its descendants, or never was."""

    outcome: Outcome
    # The end of its log, unless it ended well.
    log_tail: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody asks the agent to end; more often is more urgent."""

    wish: Wish


@dataclass(frozen=True, slots=True)
class RoomSeen:
    """True if there is disk enough for another run."""

    enough: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Event = (
    SweepsNamed
    | StreamOpened
    | StreamClosed
    | Refused
    | StartReceived
    | Journalled
    | StopReceived
    | DrainReceived
    | Fenced
    | EligibilityChanged
    | SweepEnded
    | ExitReported
    | ExitAcked
    | Delivered
    | ProcessStarted
    | ProcessEnded
    | Asked
    | RoomSeen
    | Tick
)


@dataclass(frozen=True, slots=True)
class Journal:
    """Bring an assignment to disk, then say so by `Journalled`."""

    assignment: Assignment
    command_id: int


@dataclass(frozen=True, slots=True)
class Confirm:
    """Confirm to the scheduler that a command was carried out, or report why not."""

    command_id: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Launch(_OfAttempt):
    """Start the process of a journalled attempt, at a place that is noted first."""

    place: Place


@dataclass(frozen=True, slots=True)
class Stop(_OfAttempt):
    """Keep the order in the attempt's folder, then signal its supervisor."""

    order: StopOrder


@dataclass(frozen=True, slots=True)
class Offer:
    """Report to the scheduler how many runs would be taken now."""

    wanted: int


class ReportStart(_OfAttempt):
    """Report to the scheduler that a process runs."""


@dataclass(frozen=True, slots=True)
class ReportExit(_OfAttempt):
    """Report to the scheduler how an attempt ended, after its observations."""

    exit: Exit


class Forget(_OfAttempt):
    """Drop an attempt and its folder: nothing of it is wanted any more."""


@dataclass(frozen=True, slots=True)
class Say:
    """Log an event."""

    event: str
    key: AttemptKey | None = None
    fields: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leave:
    """End the agent; processes that still live are their supervisors' and the next agent's."""

    code: int
    cause: str
    # What a person should read and do, if all is not well.
    error: str = ""


Effect = Journal | Confirm | Launch | Stop | Offer | ReportStart | ReportExit | Forget | Say | Leave
