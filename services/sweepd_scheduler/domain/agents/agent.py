"""Agents and their sessions: slots, offers, attempts, and reasons why an agent gets no runs."""

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
    """Notice that an agent gets no runs of a sweep that it serves; reason NONE: it gets runs again."""

    sweep: str
    reason: IneligibleReason
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Session of an agent: one stream of one of its processes; kept in memory only.

    Args:
        id: identifies the session in logs and in the events and effects of the core.
        storage: name of its checkpoint storage; agents with the same name see the same files. Empty: only
            this agent sees them.
        wanted: number of runs that the agent's latest offer asks for, less those taken since; 0 if refused.
        offers: number of offers received; shows whether one has arrived since a hand-out.
        unconfirmed: number of hand-outs that the agent has not confirmed.
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
        """Number of runs that may be handed out to the session now."""
        return max(0, self.wanted - self.unconfirmed)


class QuarantineCause(StrEnum):
    """Cause of a quarantine: too many failures in a row, or a run that could not be started."""

    FAILURES = "failures"
    START_FAILED = "start-failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRecord:
    """Record that the guard of a sweep keeps about an agent.

    Args:
        failures: number of consecutive failed attempts on the agent at runs of the sweep.
        quarantine: cause of the quarantine, which a person has to lift; None: not quarantined.
        reason: why the last attempt before the quarantine failed, or why no run can be started; else empty.
    """

    failures: int = 0
    quarantine: QuarantineCause | None = None
    reason: str = ""

    @property
    def is_quarantined(self) -> bool:
        """True if the agent is quarantined."""
        return self.quarantine is not None

    def description(self, where: str) -> str:
        """Return a clause that describes the failures, for messages; `where`: `here` or `there`."""
        if self.quarantine is QuarantineCause.START_FAILED:
            return f"no run can be started {where}: {self.reason}"
        if self.failures == 1:
            return f"1 attempt failed {where}"
        return f"{self.failures} attempts failed {where} in a row"


@dataclass(frozen=True, slots=True)
class AttemptRef:
    """Reference to an attempt within a session: the handle of the run, and the attempt number."""

    handle: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnconfirmedHandOut:
    """Hand-out that its agent has not confirmed. `offers`: number of offers received before it."""

    attempt: int
    offers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Placement of an attempt: the session that reports on it, and that session's reference to it."""

    session: str
    ref: AttemptRef


@dataclass(frozen=True, slots=True, kw_only=True)
class HandleEntry:
    """Attempt that a session refers to by a handle.

    Args:
        key: key of the run.
        attempt: number of the attempt.
        run: full name of the run.
        sweep: full name of its sweep; for a standalone run, of its project.
        exited: state of the run after the attempt, once the end of the attempt is stored; None before.
    """

    key: RunKey
    attempt: int
    run: str
    sweep: str
    exited: RunState | None = None


@dataclass(slots=True)
class Holdings:
    """Attempts of a session, commands sent to it, and reasons last sent to its agent.

    Args:
        by_handle: the attempts that the session may report on, by handle.
        live: keys of the runs whose live attempt is placed on this session.
        commands: commands whose result has not arrived, by number.
        ineligible: the reason last sent to the agent, by sweep.
        next_handle: handle for the next attempt.
        next_command: number of the next command.
    """

    by_handle: dict[int, HandleEntry] = field(default_factory=dict)
    live: dict[RunKey, None] = field(default_factory=dict)
    commands: dict[int, "PendingCommand"] = field(default_factory=dict)
    ineligible: dict[int, IneligibleReason] = field(default_factory=dict)
    next_handle: int = 1
    next_command: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingCommand:
    """Command whose result has not arrived. `starts`: True for a start command, False for a stop command."""

    key: RunKey
    attempt: int
    starts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAttempt:
    """Attempt as stored in the database; `run` and `sweep` are full names."""

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
    """Attempt that an agent lists in Hello.

    `known`: its stored record, if there is one; `secret`: the agent's proof that it owns the attempt.
    """

    ref: AttemptRef
    known: StoredAttempt | None
    secret: bytes = field(default=b"", repr=False)

    @property
    def owned(self) -> StoredAttempt | None:
        """Stored record of the attempt, if the agent has proved that it owns the attempt; else None."""
        known = self.known
        return known if known is not None and proves(self.secret, known.secret_digest) else None


def new_secret(entropy: bytes, key: RunKey, attempt: int) -> bytes:
    """Derive the secret of an attempt; attempts that the same decision hands out get different secrets.

    Args:
        entropy: fresh randomness of the decision, at most 64 bytes.
        key: key of the run.
        attempt: number of the attempt.
    """
    sweep, number = key
    return blake2b(f"{sweep}:{number}:{attempt}".encode(), key=entropy, digest_size=32).digest()


def digest_of(secret: bytes) -> bytes:
    """Return the digest of a secret; a fast hash is safe, as the secret is random and too long to guess."""
    return sha256(secret).digest()


def proves(secret: bytes, digest: bytes) -> bool:
    """Return True if a secret has this digest; the comparison takes constant time."""
    return hmac.compare_digest(digest_of(secret), digest)


def check_identity(agent: str, secret: bytes, field: str) -> None:
    """Check that a caller has the secret of the agent that it claims to be.

    Raises:
        InvalidFieldError: the secret, sent in `field`, is not that of the agent.
    """
    if not SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET:
        raise InvalidFieldError(field, f"it must have {SHORTEST_SECRET} to {LONGEST_SECRET} bytes")
    if not hmac.compare_digest(agent_id(secret).encode(), agent.encode()):
        raise InvalidFieldError(field, "it is not the secret of this agent_id")
