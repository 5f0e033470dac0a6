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
    """A point in time on both clocks, and what is random in the decisions that are made then.

    Args:
        monotonic: seconds; everything that expires is measured with it.
        wall: microseconds since 1970, UTC; for people, never compared.
        entropy: random bytes, 16 to 64, known to this process alone; secrets are made from them.
    """

    monotonic: float
    wall: int
    entropy: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Intervals in seconds.

    Args:
        lease: after this silence an attempt is suspect.
        lost_after: after this silence, counted from the last message, it is lost.
        confirm: a hand-out that its agent does not confirm for this long returns.
        stop_grace: how long a process may live after SIGTERM.
    """

    lease: float = 30.0
    lost_after: float = 120.0
    confirm: float = 5.0
    stop_grace: float = 30.0


SECOND = 1_000_000
"""Microseconds, in which the core counts times of the wall clock."""


def microseconds(time: datetime) -> int:
    """Return a time as the core counts it."""
    return int((time - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * SECOND)


@dataclass(frozen=True, slots=True)
class Announced:
    """A stream of an agent begins: older streams of the same agent are void from here on."""

    session: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """Hello of an announced stream: its session, still without keys of sweeps, and what its agent holds."""

    session: Session
    sweeps: tuple[SweepName, ...]
    attempts: tuple[ReportedAttempt, ...]


@dataclass(frozen=True, slots=True)
class Detached:
    """A stream is gone, for whatever reason."""

    session: str
    agent: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """An agent lives, and so do the named attempts."""

    session: str
    alive: tuple[AttemptRef, ...]


@dataclass(frozen=True, slots=True)
class Offered:
    """Offer of an agent: the number of runs that it would take, as a level."""

    session: str
    wanted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The process of an attempt runs."""

    session: str
    ref: AttemptRef
    argv: tuple[str, ...]
    resumed_from_step: int | None


@dataclass(frozen=True, slots=True)
class Observation:
    """The value of the objective in one row; or that a checkpoint was saved there, with its last step."""

    row: int
    value: float
    checkpoint: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Rows first to last of an attempt, and what is observed in them, ascending by row."""

    session: str
    ref: AttemptRef
    first_row: int
    last_row: int
    observations: tuple[Observation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """The process of an attempt has ended.

    `time`: when, by the clock there; 0 for unknown. `log_bytes`: how long its log is; None: likewise.
    `summary_value`: what the script has put into its summary as the objective; None: nothing.
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
    """Details of a run besides metrics, all of them; `body` is a serialised `RunDetails`."""

    session: str
    ref: AttemptRef
    sequence: int
    body: bytes
    preempting: bool = False
    display_name: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StaleDelivery:
    """Points or a log came from an attempt that seems not to be the newest."""

    session: str
    ref: AttemptRef


@dataclass(frozen=True, slots=True)
class Answered:
    """A command was carried out, or not: `error` has the reason."""

    session: str
    command: int
    error: str


@dataclass(frozen=True, slots=True)
class ConfirmDue:
    """A hand-out should have been confirmed by now."""

    key: RunKey
    attempt: int


@dataclass(frozen=True, slots=True)
class LeaseDue:
    """The lease of an attempt may have run out."""

    key: RunKey
    attempt: int


@dataclass(frozen=True, slots=True)
class SearchDue:
    """The search for the next point of a sweep resumes; it was interrupted so that no batch takes long."""

    sweep: int


@dataclass(frozen=True, slots=True)
class TimeoutDue:
    """The timeout of a sweep has passed, if it still counts from then (microseconds since 1970)."""

    sweep: int
    timed_from: int


@dataclass(frozen=True, slots=True)
class QuarantineDue:
    """Only quarantined agents may have been attached to a sweep for a while."""

    sweep: int


@dataclass(frozen=True, slots=True)
class AskDue:
    """A hand-out has waited long enough for a fresh suggestion."""

    sweep: int
    ask: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionsArrived:
    """The suggestion service has answered."""

    sweep: int
    suggestions: tuple[Suggestion, ...]
    exhausted: bool


@dataclass(frozen=True, slots=True)
class SuggestionsFailed:
    """The suggestion service has not answered, or cannot search this sweep."""

    sweep: int
    why: str


@dataclass(frozen=True, slots=True)
class Recalled:
    """A person makes a call that may have been made before; nothing follows from it."""


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
