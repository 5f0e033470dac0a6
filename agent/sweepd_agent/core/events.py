"""Input events and output effects of `decide`; each effect is safe to repeat."""

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
    """Reason why this agent cannot attach, other than an unavailable server."""

    AMBIGUOUS = "ambiguous name"
    NO_SUCH_SWEEP = "no such sweep"
    SWEEP_ENDED = "sweep ended"
    BAD_TOKEN = "bad token"  # noqa: S105 -- no token
    REPLACED = "replaced"
    NO_RUN = "run refused"
    NO_CONTEXT = "no such context"


class EndRequest(StrEnum):
    """Request by a person or the system to end the agent."""

    INTERRUPT = "Ctrl-C"
    TERMINATE = "SIGTERM"


class Reason(StrEnum):
    """Reason why an agent gets no runs of a sweep; all but LABELS, GUARD and OTHER concern every agent."""

    LABELS = "labels"
    GUARD = "guard"
    PAUSED = "paused"
    CANARY = "canary"
    ENDING = "ending"
    SUGGESTION = "suggestion"
    # A reason of a later version.
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Ineligibility:
    """Reason why an agent gets no runs of a sweep."""

    reason: Reason
    # Message for people, with the remedy.
    message: str


@dataclass(frozen=True, slots=True)
class _OfAttempt:
    key: AttemptKey


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOpened:
    """The scheduler's Welcome arrived: the stream is open."""

    lease: float
    verdicts: Mapping[AttemptKey, Verdict]
    # Attempts whose end the scheduler has stored.
    exited: frozenset[AttemptKey] = frozenset()
    # Reasons for STOP verdicts, if given by the scheduler.
    reasons: Mapping[AttemptKey, str] = field(default_factory=dict)
    # Sweeps that give this agent no runs, with the reason.
    ineligible: Mapping[str, Ineligibility] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SweepsNamed:
    """The full names of the sweeps that the agent serves are known."""

    sweeps: frozenset[str]


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """The stream has closed, for any cause."""

    # Monotonic time of the scheduler's last message; None: now.
    last_received: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The server refused the stream or a look-up before it, or the selected context does not exist."""

    refusal: Refusal
    message: str


@dataclass(frozen=True, slots=True)
class StartReceived:
    """A run was handed out to this agent."""

    command_id: int
    assignment: Assignment


@dataclass(frozen=True, slots=True)
class Journalled(_OfAttempt):
    """An assignment was written to disk, or the write failed."""

    command_id: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class StopReceived:
    """The scheduler ordered the agent to end a process."""

    command_id: int
    key: AttemptKey
    mode: StopMode
    reason: str


@dataclass(frozen=True, slots=True)
class DrainReceived:
    """The scheduler ordered the agent to take no new runs."""

    command_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Fenced(_OfAttempt):
    """The scheduler no longer accepts this attempt, for `reason`: its process and data are obsolete."""

    reason: str = "another attempt took over"


@dataclass(frozen=True, slots=True)
class EligibilityChanged:
    """The agent became eligible or ineligible for the runs of a sweep, or the reason changed."""

    sweep: str
    ineligibility: Ineligibility | None


@dataclass(frozen=True, slots=True)
class SweepEnded:
    """A sweep hands out no more runs."""

    sweep: str
    state: str
    reason: str


class ExitReported(_OfAttempt):
    """The end of an attempt was sent on the current stream."""


class ExitAcked(_OfAttempt):
    """The scheduler has stored the end of an attempt."""


class Delivered(_OfAttempt):
    """All data of an ended attempt is stored by the server."""


@dataclass(frozen=True, slots=True)
class ProcessStarted(_OfAttempt):
    """The process of an attempt has started."""

    pid: int


@dataclass(frozen=True, slots=True)
class ProcessEnded(_OfAttempt):
    """The process of an attempt and all its descendants have ended, or it never started."""

    outcome: Outcome
    # Last lines of its log; empty if it succeeded.
    log_tail: str = ""


@dataclass(frozen=True, slots=True)
class EndRequested:
    """A person or the system requested the end of the agent; each repetition is more urgent."""

    request: EndRequest


@dataclass(frozen=True, slots=True)
class DiskSpaceChecked:
    """Free disk space was checked; `enough`: it suffices for another run."""

    enough: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A deadline was reached."""


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
    | EndRequested
    | DiskSpaceChecked
    | Tick
)


@dataclass(frozen=True, slots=True)
class Journal:
    """Write an assignment to disk, then report `Journalled`."""

    assignment: Assignment
    command_id: int


@dataclass(frozen=True, slots=True)
class Confirm:
    """Confirm to the scheduler that a command was carried out, or report why not."""

    command_id: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Launch(_OfAttempt):
    """Record the place of a journalled attempt, then start its process there."""

    place: Place


@dataclass(frozen=True, slots=True)
class Stop(_OfAttempt):
    """Store the order in the attempt's folder, then signal its supervisor."""

    order: StopOrder


@dataclass(frozen=True, slots=True)
class Offer:
    """Report to the scheduler the number of runs that the agent would take now."""

    wanted: int


class ReportStart(_OfAttempt):
    """Report to the scheduler that the process of an attempt has started."""


@dataclass(frozen=True, slots=True)
class ReportExit(_OfAttempt):
    """Report the exit of an attempt to the scheduler, after its observations."""

    exit: Exit


class Forget(_OfAttempt):
    """Drop an attempt and its folder, which are no longer needed."""


@dataclass(frozen=True, slots=True)
class LogEvent:
    """Log an event."""

    event: str
    key: AttemptKey | None = None
    fields: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leave:
    """End the agent; live processes continue under their supervisors until another agent adopts them."""

    code: int
    cause: str
    # Message for people, with the remedy; empty if all is well.
    error: str = ""


Effect = Journal | Confirm | Launch | Stop | Offer | ReportStart | ReportExit | Forget | LogEvent | Leave
