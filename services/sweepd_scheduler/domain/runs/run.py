"""Runs and their attempts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sweepd.spec.point import Point
from sweepd.spec.sweep_spec import ObjectiveValue
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.early_termination import PatienceState, Verdict
from sweepd_scheduler.domain.runs.values import NO_VALUES, Values
from sweepd_scheduler.domain.transitions import (
    ATTEMPT_TRANSITIONS,
    FINAL_RUN,
    RUN_TRANSITIONS,
    STANDALONE_ATTEMPT_TRANSITIONS,
    STANDALONE_TRANSITIONS,
    AttemptState,
    RunState,
)

RunKey = tuple[int, int]
"""Integer key of the sweep, number of the run."""


class ExitCause(StrEnum):
    """Cause of the end of an attempt's process."""

    EXITED = "exited"
    SIGNALED = "signaled"
    OUT_OF_MEMORY = "out-of-memory"
    COMMANDED = "commanded"
    START_FAILED = "start-failed"
    TIMEOUT = "timeout"
    HANDED_BACK = "handed-back"
    ORPHANED = "orphaned"
    INVALID_COMMAND = "invalid-command"


class StopMode(StrEnum):
    """Way to end a process."""

    TERMINATE = "terminate"
    KILL = "kill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """End of an attempt's process: the cause, its exit code or signal, and the agent's message, if any."""

    cause: ExitCause
    code: int | None = None
    signal: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Request to end a run; sent to its agent on every new session until it is carried out."""

    mode: StopMode
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Checkpoint of a run, with its objective values at that time.

    Args:
        step: the last step that it covers.
        values: objective values over the iterations up to that step.
        stopping: state of each early-termination rule, as in `Run`.
    """

    step: int
    values: Values
    stopping: tuple[PatienceState | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One hand-out of a run to one agent. Times are microseconds since 1970, 0 for never.

    Args:
        resumed_from_step: last step of the checkpoint that it resumed from; None: it started over.
        checkpoints: the newest checkpoints that it has saved.
        storage: name of the storage of its checkpoints; agents with the same name see the same files. Empty:
            only its agent sees them.
        preempting: its script has reported that its machine is about to be preempted.
        log_bytes: final size of its log; None: it has not ended, or its agent did not report the size.
        secret_digest: digest of the secret that proves ownership; empty: no agent can prove it.
    """

    number: int
    agent: str
    host: str
    state: AttemptState
    assign_time: int
    start_time: int = 0
    end_time: int = 0
    exit: Exit | None = None
    reason: str = ""
    argv: tuple[str, ...] = ()
    resumed_from_step: int | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    storage: str = ""
    preempting: bool = False
    log_bytes: int | None = None
    secret_digest: bytes = field(default=b"", repr=False)


class PointSource(StrEnum):
    """Source of a point: a search method, a list in the sweep file, or a person.

    A model-based search has the sources FRESH and PREFETCHED (suggestions) and FALLBACK (a random point).
    """

    GRID = "grid"
    RANDOM = "random"
    FRESH = "fresh"
    PREFETCHED = "prefetched"
    FALLBACK = "fallback"
    LIST = "list"
    SOBOL = "sobol"
    INITIAL = "initial"
    ENQUEUED = "enqueued"
    STANDALONE = "standalone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Origin of a point, with the data needed to reproduce it.

    A suggestion is based on `study_length` observations, of which `observations_seen` have values.
    """

    source: PointSource
    seed: int
    index: int = 0
    observations_seen: int = 0
    study_length: int = 0
    engine: str = ""
    predicted_value: float | None = None
    predicted_deviation: float | None = None
    expected_improvement: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One trial of a point. Times are microseconds since 1970, 0 for never.

    Args:
        repeat: index among the runs of its point, from 0; the runs of a point have consecutive numbers.
        digest: digest of its point; for a standalone run, its id.
        occurrence: how often its point was handed out before, or tried by prior runs.
        place: its position in the queue: lower positions come first, at equal positions lower run numbers.
        requeues: number of times that it was requeued because its agent was lost.
        failures: number of times that it was requeued because it failed.
        stopping: state of each early-termination rule, None for rules without state; empty: none yet.
        display_name: name set by its script, truncated for lists; empty: none.
    """

    sweep: int
    number: int
    name: str
    point: Point
    digest: bytes
    occurrence: int
    provenance: Provenance
    create_time: int
    repeat: int = 0
    place: int = 0
    state: RunState = RunState.PENDING
    reason: str = ""
    attempts: tuple[Attempt, ...] = ()
    requeues: int = 0
    failures: int = 0
    observation_row: int = 0
    values: Values = NO_VALUES
    stopping: tuple[PatienceState | None, ...] = ()
    stop: Stop | None = None
    verdicts: tuple[Verdict, ...] = ()
    logged_keys: tuple[str, ...] = ()
    display_name: str = ""
    tags: tuple[str, ...] = ()
    start_time: int = 0
    end_time: int = 0

    @property
    def key(self) -> RunKey:
        """Key of the run."""
        return (self.sweep, self.number)

    @property
    def is_standalone(self) -> bool:
        """True if its script was started by a person, not by an agent for a sweep."""
        return self.provenance.source is PointSource.STANDALONE

    @property
    def block(self) -> int:
        """Number of the first run of its point; without repeats, its own number."""
        return self.number - self.repeat

    def value(self, kind: ObjectiveValue) -> float | None:
        """Return its value for the search; None if it has none yet."""
        return self.values.of_kind(kind)

    @property
    def attempt(self) -> int:
        """Number of the newest attempt, the fencing token; 0 before the first hand-out."""
        return len(self.attempts)

    @property
    def newest(self) -> Attempt:
        """The newest attempt; the run must have one."""
        return self.attempts[-1]


def moved(
    run: Run, state: RunState, *, attempt: Attempt | None = None, reason: str = "", now: int = 0
) -> Run:
    """Return the run in another state; `attempt`, if given, replaces its newest attempt."""
    end_time = now if state in FINAL_RUN else 0
    attempts = run.attempts if attempt is None else (*run.attempts[:-1], attempt)
    return replace(run, state=state, attempts=attempts, reason=reason, end_time=end_time)


def attempt_moved(attempt: Attempt, state: AttemptState, *, reason: str = "", end_time: int = 0) -> Attempt:
    """Return the attempt in another state; unchanged if it is already in that state."""
    if state is attempt.state:
        return attempt
    return replace(attempt, state=state, reason=reason, end_time=end_time)


def run_table(run: Run) -> Mapping[RunState | None, frozenset[RunState]]:
    """Return the transition table of a run."""
    return STANDALONE_TRANSITIONS if run.is_standalone else RUN_TRANSITIONS


def attempt_table(run: Run) -> Mapping[AttemptState | None, frozenset[AttemptState]]:
    """Return the transition table of the attempts of a run."""
    return STANDALONE_ATTEMPT_TRANSITIONS if run.is_standalone else ATTEMPT_TRANSITIONS


def with_attempt(run: Run, attempt: Attempt) -> Run:
    """Return the run with its newest attempt replaced."""
    return replace(run, attempts=(*run.attempts[:-1], attempt))
