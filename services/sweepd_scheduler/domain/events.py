"""Input of `decide`: events, clock readings, and the timeouts that apply."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sweepd_scheduler.domain.agents.agent import AttemptRef, ReportedAttempt, Session
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.requests import Request
from sweepd_scheduler.domain.runs.run import Exit, RunKey
from sweepd_scheduler.domain.search.study import Suggestion


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Reading of both clocks, with the entropy for the decisions made at that time.

    Args:
        monotonic: seconds; leases and timers use this clock.
        wall: microseconds since 1970, UTC; shown to people, never compared.
        entropy: 16 to 64 random bytes known only to this process; secrets are derived from them.
    """

    monotonic: float
    wall: int
    entropy: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Intervals in seconds.

    Args:
        lease: silence after which an attempt is suspect.
        lost_after: silence after which it is lost, also counted from the last message.
        confirm: time after which a hand-out that its agent has not confirmed is returned.
        stop_grace: time that a process may live after SIGTERM.
    """

    lease: float = 30.0
    lost_after: float = 120.0
    confirm: float = 5.0
    stop_grace: float = 30.0


SECOND = 1_000_000
"""One second in microseconds, the core's unit of wall-clock times."""


def microseconds(time: datetime) -> int:
    """Return a time in microseconds since 1970."""
    return int((time - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * SECOND)


@dataclass(frozen=True, slots=True)
class Announced:
    """Start of an agent's stream, which voids older streams of the same agent."""

    session: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """Hello of an announced stream: its session, still without sweep keys, and the agent's attempts."""

    session: Session
    sweeps: tuple[SweepName, ...]
    attempts: tuple[ReportedAttempt, ...]


@dataclass(frozen=True, slots=True)
class Detached:
    """End of a stream, for any reason."""

    session: str
    agent: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Report that an agent and the named attempts are alive."""

    session: str
    alive: tuple[AttemptRef, ...]


@dataclass(frozen=True, slots=True)
class Offered:
    """Offer of an agent: the number of runs that it would take now, replacing earlier offers."""

    session: str
    wanted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Report that the process of an attempt has started."""

    session: str
    ref: AttemptRef
    argv: tuple[str, ...]
    resumed_from_step: int | None


@dataclass(frozen=True, slots=True)
class Observation:
    """Objective value in one row, or a checkpoint saved there, with its last step."""

    row: int
    value: float
    checkpoint: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Range of rows of an attempt and the observations in them, ascending by row."""

    session: str
    ref: AttemptRef
    first_row: int
    last_row: int
    observations: tuple[Observation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """Report that the process of an attempt has ended.

    `time`: when, by the agent's clock; 0: unknown. `log_bytes`: size of its log; None: unknown.
    `summary_value`: the objective in the script's summary; None: not set.
    """

    session: str
    ref: AttemptRef
    last_row: int
    exit: Exit
    logged_keys: tuple[str, ...]
    log_tail: str
    summary_value: float | None = None
    time: int = 0
    log_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """All details of a run besides metrics; `body` is a serialised `RunDetails`."""

    session: str
    ref: AttemptRef
    sequence: int
    body: bytes
    preempting: bool = False
    display_name: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StaleDelivery:
    """Points or a log received from an attempt that seems not to be the newest."""

    session: str
    ref: AttemptRef


@dataclass(frozen=True, slots=True)
class Answered:
    """Result of a command; `error` is the reason if it was not carried out."""

    session: str
    command: int
    error: str


@dataclass(frozen=True, slots=True)
class ConfirmDue:
    """Deadline for the confirmation of a hand-out."""

    key: RunKey
    attempt: int


@dataclass(frozen=True, slots=True)
class LeaseDue:
    """Possible expiry of an attempt's lease."""

    key: RunKey
    attempt: int


@dataclass(frozen=True, slots=True)
class SearchDue:
    """Resumption of the search for a sweep's next point, interrupted so that no batch takes long."""

    sweep: int


@dataclass(frozen=True, slots=True)
class TimeoutDue:
    """Expiry of a sweep's timeout, if it still counts from `timed_from` (microseconds since 1970)."""

    sweep: int
    timed_from: int


@dataclass(frozen=True, slots=True)
class QuarantineDue:
    """Deadline after which a sweep with only quarantined agents attached is paused."""

    sweep: int


@dataclass(frozen=True, slots=True)
class AskDue:
    """Deadline of the wait for a fresh suggestion."""

    sweep: int
    ask: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionsArrived:
    """Answer of the suggestion service."""

    sweep: int
    suggestions: tuple[Suggestion, ...]
    exhausted: bool


@dataclass(frozen=True, slots=True)
class SuggestionsFailed:
    """Failure of the suggestion service to answer, or to search this sweep."""

    sweep: int
    why: str


@dataclass(frozen=True, slots=True)
class Recalled:
    """Look-up of the answer to a call that may have been made before; it has no effects."""


Report = Heartbeat | Offered | Started | Observed | Exited | Described | StaleDelivery | Answered
Timer = ConfirmDue | LeaseDue | AskDue | SearchDue | TimeoutDue | QuarantineDue
Event = (
    Request
    | Recalled
    | Announced
    | Attached
    | Detached
    | Report
    | Timer
    | SuggestionsArrived
    | SuggestionsFailed
)
