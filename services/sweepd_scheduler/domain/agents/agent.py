"""Agents and their sessions: slots, offers, what they hold, and why they get no runs."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b, sha256

from sweepd.agent_identity import LONGEST_SECRET, SHORTEST_SECRET, agent_id
from sweepd_kernel.errors import InvalidFieldError
from sweepd_scheduler.domain.runs.run import RunKey
from sweepd_scheduler.domain.transitions import AttemptState, RunState


class IneligibleReason(StrEnum):
    """Reason why an agent gets no runs of a sweep that it serves."""

    NONE = "none"
    LABELS = "labels"
    GUARD = "guard"
    PAUSED = "paused"
    CANARY = "canary"
    ENDING = "ending"
    SUGGESTION = "suggestion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ineligible:
    """An agent gets no runs of a sweep that it serves, or, without a reason, gets them again."""

    sweep: str
    reason: IneligibleReason
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One stream of one process of an agent; nothing of it is stored.

    Args:
        id: names it in logs and in the messages of the core.
        storage: where it keeps checkpoints, as agents name it that see the same files; empty: with itself.
        wanted: the offer: how many runs the agent would take, by its latest word.
        offers: how many offers have come: those before a hand-out differ from those after it.
        unconfirmed: hand-outs on their way that the agent has not confirmed.
    """

    id: str
    agent: str
    host: str
    pid: int
    version: str
    labels: Mapping[str, str]
    slots: int
    sweeps: tuple[int, ...] = ()
    storage: str = ""
    wanted: int = 0
    offers: int = 0
    unconfirmed: int = 0

    @property
    def room(self) -> int:
        """Number of runs that may be handed to it now."""
        return max(0, self.wanted - self.unconfirmed)


class QuarantineCause(StrEnum):
    """Cause of a quarantine."""

    FAILURES = "failures"
    START_FAILED = "start-failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """Record of an agent with the guard of a sweep.

    Args:
        failures: attempts at runs of the sweep that failed there in a row.
        quarantine: why it gets no more of them until a person releases it; None: it is not quarantined.
        reason: how the last one failed, or why it cannot start them: one sentence for people.
    """

    failures: int = 0
    quarantine: QuarantineCause | None = None
    reason: str = ""

    @property
    def is_quarantined(self) -> bool:
        """True if it is quarantined."""
        return self.quarantine is not None

    def description(self, where: str) -> str:
        """Return what failed, as the beginning of a sentence."""
        if self.quarantine is QuarantineCause.START_FAILED:
            return f"no run can be started {where}: {self.reason}"
        if self.failures == 1:
            return f"1 attempt failed {where}"
        return f"{self.failures} attempts failed {where} in a row"


@dataclass(frozen=True, slots=True)
class AttemptRef:
    """An attempt in the words of a session: the handle of the run there, and its number."""

    handle: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnconfirmedHandOut:
    """A hand-out that its agent has not confirmed. `offers`: how many had come when it was made."""

    attempt: int
    offers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Session that reports on an attempt, and the handle that it does so under."""

    session: str
    ref: AttemptRef


@dataclass(frozen=True, slots=True, kw_only=True)
class HandleEntry:
    """Attempt that a session knows under one handle.

    Args:
        key: the run.
        attempt: its number.
        run: full name of the run.
        sweep: full name of its sweep, of a standalone run of its project.
        exited: the run's state once the attempt's end is stored.
    """

    key: RunKey
    attempt: int
    run: str
    sweep: str
    exited: RunState | None = None


@dataclass(slots=True)
class Holdings:
    """Attempts of a session, by handle, the live ones, and commands under way.

    `ineligible`: reasons that its agent was last sent, by sweep.
    """

    by_handle: dict[int, HandleEntry] = field(default_factory=dict)
    live: dict[RunKey, None] = field(default_factory=dict)
    commands: dict[int, "PendingCommand"] = field(default_factory=dict)
    ineligible: dict[int, IneligibleReason] = field(default_factory=dict)
    next_handle: int = 1
    next_command: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingCommand:
    """A command whose result has not arrived: the attempt, and whether it is started or stopped."""

    key: RunKey
    attempt: int
    starts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAttempt:
    """Attempt as the database has it; `run` and `sweep` are full names."""

    key: RunKey
    run: str
    sweep: str
    run_state: RunState
    state: AttemptState
    observation_row: int
    resumed_from_step: int | None = None
    details_sequence: int = 0
    secret_digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedAttempt:
    """Attempt that an agent reports in Hello, and what is stored of it.

    `secret`: what the agent shows to prove that the attempt is its own.
    """

    ref: AttemptRef
    known: StoredAttempt | None
    secret: bytes = field(default=b"", repr=False)

    @property
    def owned(self) -> StoredAttempt | None:
        """Record of the attempt, if the agent has proved that it is its own."""
        known = self.known
        return known if known is not None and proves(self.secret, known.secret_digest) else None


def new_secret(entropy: bytes, key: RunKey, attempt: int) -> bytes:
    """Return the secret of an attempt; one decision may hand out several, each with its own.

    Args:
        entropy: fresh randomness of the decision, at most 64 bytes.
        key: the run.
        attempt: its number.
    """
    sweep, number = key
    return blake2b(f"{sweep}:{number}:{attempt}".encode(), key=entropy, digest_size=32).digest()


def digest_of(secret: bytes) -> bytes:
    """Return what is stored of a secret; a fast hash will do, as it is too random to be guessed."""
    return sha256(secret).digest()


def proves(secret: bytes, digest: bytes) -> bool:
    """Return True if a secret is the one of a digest; the time that it takes depends on neither."""
    return hmac.compare_digest(digest_of(secret), digest)


def check_identity(agent: str, secret: bytes, field: str) -> None:
    """Refuse a caller that names an agent without having its secret.

    Raises:
        InvalidFieldError: `field`, which has the secret, does not fit.
    """
    if not SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET:
        raise InvalidFieldError(field, f"it has to have {SHORTEST_SECRET} to {LONGEST_SECRET} bytes")
    if not hmac.compare_digest(agent_id(secret).encode(), agent.encode()):
        raise InvalidFieldError(field, "it is not the secret of this agent_id")
