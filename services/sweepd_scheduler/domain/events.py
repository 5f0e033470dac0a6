"""Input of the core: events, clock readings, and the timeouts that apply."""

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
        wall: microseconds since 1970, UTC; for people, and for times that have to survive a restart.
        entropy: 16 to 64 random bytes known only to this process; secrets are derived from them.
    """

    monotonic: float
    wall: int
    entropy: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Timeouts in seconds.

    Args:
        lease: time since the agent's last message after which an attempt is suspect.
        lost_after: time since the agent's last message after which an attempt is lost.
        confirm: time after which a hand-out that its agent has not confirmed returns to the queue.
        stop_grace: time between SIGTERM and SIGKILL for a process that is stopped.
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
class _OfSession:
    """Event on the stream of a session."""

    session: str


@dataclass(frozen=True, slots=True)
class _OfAttempt(_OfSession):
    """Report on an attempt."""

    ref: AttemptRef


@dataclass(frozen=True, slots=True)
class _OfSweep:
    """Event of the sweep with this key."""

    sweep: int


@dataclass(frozen=True, slots=True)
class Announced(_OfSession):
    """Start of an agent's stream, which replaces any older stream of the same agent."""

    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """Hello on an announced stream: the new session, the sweeps that it serves, and the agent's attempts."""

    session: Session
    sweeps: tuple[SweepName, ...]
    attempts: tuple[ReportedAttempt, ...]


@dataclass(frozen=True, slots=True)
class Detached(_OfSession):
    """End of a stream, for any reason."""

    agent: str


@dataclass(frozen=True, slots=True)
class Heartbeat(_OfSession):
    """Report that an agent and the named attempts are alive."""

    alive: tuple[AttemptRef, ...]


@dataclass(frozen=True, slots=True)
class Offered(_OfSession):
    """Offer of an agent: the number of runs that it would take now, replacing earlier offers."""

    wanted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(_OfAttempt):
    """Report that the process of an attempt has started."""

    argv: tuple[str, ...]
    resumed_from_step: int | None


@dataclass(frozen=True, slots=True)
class Observation:
    """Objective value in a row; if `checkpoint` is set, a saved checkpoint up to that step instead."""

    row: int
    value: float
    checkpoint: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed(_OfAttempt):
    """Report on a range of rows of an attempt, with the observations in them, ascending by row."""

    first_row: int
    last_row: int
    observations: tuple[Observation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited(_OfAttempt):
    """Report that the process of an attempt has ended.

    `time`: time of the end by the agent's clock, in microseconds since 1970; 0: unknown. `log_bytes`: size of
    its log; None: unknown. `summary_value`: value of the objective in the script's summary; None: not set.
    """

    last_row: int
    exit: Exit
    logged_keys: tuple[str, ...]
    log_tail: str
    summary_value: float | None = None
    time: int = 0
    log_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Described(_OfAttempt):
    """Report of all details of a run besides metrics; `body` is a serialised `RunDetails`."""

    sequence: int
    body: bytes
    preempting: bool = False
    display_name: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StaleDelivery(_OfAttempt):
    """Arrival of points or a log of an attempt that is probably not the newest of its run."""


@dataclass(frozen=True, slots=True)
class Answered(_OfSession):
    """Result of a command; `error`: why it was not carried out, or ""."""

    command: int
    error: str


@dataclass(frozen=True, slots=True)
class ConfirmDue:
    """Deadline for an agent to confirm a hand-out."""

    key: RunKey
    attempt: int


@dataclass(frozen=True, slots=True)
class LeaseDue:
    """Possible expiry of an attempt's lease."""

    key: RunKey
    attempt: int


@dataclass(frozen=True, slots=True)
class SearchDue(_OfSweep):
    """Resumption of the search for a sweep's next point, interrupted so that no batch takes long."""


@dataclass(frozen=True, slots=True)
class TimeoutDue(_OfSweep):
    """Expiry of a sweep's timeout, if it still counts from `timed_from` (microseconds since 1970)."""

    timed_from: int


@dataclass(frozen=True, slots=True)
class QuarantineDue(_OfSweep):
    """Deadline after which a sweep is paused if all attached agents are quarantined."""


@dataclass(frozen=True, slots=True)
class AskDue(_OfSweep):
    """End of the wait for a fresh suggestion."""

    ask: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionsArrived(_OfSweep):
    """Answer of the search engine. `exhausted`: the space has no more points to suggest."""

    suggestions: tuple[Suggestion, ...]
    exhausted: bool


@dataclass(frozen=True, slots=True)
class SuggestionsFailed(_OfSweep):
    """Failure of the search engine to answer, or its refusal to search for this sweep."""

    why: str


@dataclass(frozen=True, slots=True)
class Recalled:
    """Look-up of the stored response to a call that may be a duplicate; it changes nothing."""


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
